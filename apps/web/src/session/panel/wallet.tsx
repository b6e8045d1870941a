import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import type { Address } from 'viem'
import { useWallets } from '../choice.ts'
import { useSession } from '../use.ts'
import type { SessionView } from '../view.ts'
import { accountsOf, type Wallet } from '../wallets.ts'

/** Which of several wallets is asked: the one that the person chose, or the one that shows the account that it is about. */
interface Choice {
  wallets: readonly Wallet[]
  chosen: string | undefined
  choose(id: string): void
  /** Accounts that wallets show this page already, by the wallet's id. */
  shown: ReadonlyMap<string, readonly Address[]>
}

const ChoiceContext = createContext<Choice>({
  wallets: [],
  chosen: undefined,
  choose: () => undefined,
  shown: new Map(),
})

export function Wallets({ children }: { children: ReactNode }) {
  const wallets = useWallets()
  const [chosen, choose] = useState<string>()
  const shown = useShown(wallets)
  return <ChoiceContext value={{ wallets, chosen, choose, shown }}>{children}</ChoiceContext>
}

/** Asks nobody: wallets tell what they let this page see, also after something was done with one. */
function useShown(wallets: readonly Wallet[]): Choice['shown'] {
  const { doing } = useSession().view
  const [shown, setShown] = useState<Choice['shown']>(new Map())
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever was done may have let the page in.
  useEffect(() => {
    let current = true
    void Promise.all(wallets.map(async (wallet) => [wallet.id, await accountsOf(wallet)] as const)).then(
      (pairs) => current && setShown(new Map(pairs)),
    )
    return () => {
      current = false
    }
  }, [wallets, doing])
  return shown
}

/** @param account  Whose word is needed; absent where any will do. */
export function useWallet(account?: Address): Wallet | undefined {
  const { wallets, chosen, shown } = useContext(ChoiceContext)
  const { view } = useSession()
  const wanted = account ?? concerned(view)
  const holder = wallets.find(({ id }) => wanted !== undefined && shown.get(id)?.includes(wanted))
  return wallets.find(({ id }) => id === chosen) ?? holder ?? wallets[0]
}

/** The account that what is shown is about, first of all. */
const concerned = ({ signed, key, former }: SessionView): Address | undefined =>
  signed?.giver ?? key?.owner ?? former.find(({ own }) => !own)?.owner

/** Where there is more than one, the way to another. */
export function WalletField() {
  const { wallets, choose } = useContext(ChoiceContext)
  const { view } = useSession()
  const wallet = useWallet()
  if (wallets.length < 2 || asksNobody(view)) return null
  return (
    <label className="flex flex-wrap items-center gap-2">
      Wallet
      <select
        aria-label="Wallet"
        value={wallet?.id}
        onChange={(event) => choose(event.target.value)}
        className="max-w-full rounded border border-edge bg-paper px-2 py-1"
      >
        {wallets.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Whether all that is here belongs to keys of this browser, which need no wallet. */
const asksNobody = ({ signed, key, former }: SessionView): boolean =>
  signed === undefined && key !== undefined && key.owner === key.address && former.every(({ own }) => own)
