import { useState } from 'react'
import type { Address } from 'viem'
import { isLocalChain } from '../../../../sdk/chain/local.ts'
import { ActLine } from '../acts/line.tsx'
import type { State } from '../acts/view.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Short, Usd } from '../parts/text.tsx'
import { useWallets } from './choice.ts'
import { isOpen } from './deeds.ts'
import { useSession } from './use.ts'
import type { Former, Phase } from './view.ts'
import type { Wallet } from './wallets.ts'

const AMOUNTS = ['1', '5', '20']

/** Everything about the key: where its credit comes from, what is left, how it is taken back. */
export default function SessionPanel({ onClose }: { onClose: () => void }) {
  const { view } = useSession()
  const wallets = useWallets()
  const [chosen, setChosen] = useState<string>()
  const wallet = wallets.find(({ id }) => id === chosen) ?? wallets[0]
  return (
    <Dialog title="Credit" onClose={onClose}>
      {(view.phase === 'ready' || view.phase === 'revoking') && <Standing wallet={wallet} />}
      {view.phase === 'broken' && <Broken wallet={wallet} />}
      {view.signed !== undefined && view.doing === undefined && <Unfunded wallet={wallet} />}
      {view.phase === 'revoked' && <Formers wallet={wallet} />}
      {PAYABLE.has(view.phase) && view.signed === undefined && (
        <Deposit wallet={wallet} wallets={wallets} choose={setChosen} />
      )}
      {(view.phase === 'down' || view.phase === 'elsewhere') && (
        <p>
          {view.problem?.says} {view.problem?.fix}
        </p>
      )}
      <Doing wallet={wallet} />
      {view.phase !== 'revoked' && <Formers wallet={wallet} />}
    </Dialog>
  )
}

/** Phases in which a deposit may be begun; while a key is revoked it makes a new one. */
const PAYABLE = new Set<Phase>(['none', 'ready', 'revoked'])

/** The states that are told apart from what is being done just now. */
const TOLD = new Set<State>(['unsure', 'sent', 'missing', 'failed', 'ready'])

/** What was asked of the wallet about a key, or sent, and is not decided. */
function Acts({ of, wallet }: { of: Address; wallet: Wallet | undefined }) {
  const { view, session } = useSession()
  return view.acts
    .filter(({ key, act }) => key === of && TOLD.has(act.state))
    .map((each) => (
      <div key={each.deed} data-deed={each.deed} data-tx={each.act.state} className="space-y-1">
        <p className="label">{each.act.intent?.title}</p>
        <ActLine
          act={each.act}
          isOwn={each.from === each.key}
          onAgain={() => void session.askAgain(each, wallet)}
          onForget={() => session.forget(each)}
          onSwitch={() => wallet && void session.switchChain(wallet)}
        />
      </div>
    ))
}

const Formers = ({ wallet }: { wallet: Wallet | undefined }) => {
  const { former } = useSession().view
  return former.map((each) => <FormerKey key={each.key} former={each} wallet={wallet} />)
}

function Standing({ wallet }: { wallet: Wallet | undefined }) {
  const { view, session } = useSession()
  if (!view.account) return null
  const { key, owner, left, charged } = view.account
  return (
    <section aria-label="Your key" className="space-y-3">
      <p className="text-[1.9rem] leading-none font-[520] tracking-[-0.02em]" data-left={left.toString()}>
        <Usd amount={left} /> <span className="label">left</span>
      </p>
      <dl className="label grid grid-cols-[6rem_minmax(0,1fr)] gap-y-1">
        <dt>spent</dt>
        <dd>
          <Usd amount={charged} />
        </dd>
        <dt>key</dt>
        <dd>
          <Short hex={key} /> in this browser alone
        </dd>
        <dt>owner</dt>
        <dd>
          <Short hex={owner} /> {owner === key ? '(the key itself)' : 'your wallet: only it can withdraw'}
        </dd>
      </dl>
      {view.phase === 'ready' && (
        <p>
          <Button onClick={() => void session.revoke(wallet)} disabled={view.doing !== undefined}>
            Revoke and withdraw
          </Button>
        </p>
      )}
      {view.phase === 'revoking' && (
        <p>This key is being revoked: until that is decided, it signs nothing.</p>
      )}
      <Acts of={key} wallet={wallet} />
    </section>
  )
}

function Deposit({
  wallet,
  wallets,
  choose,
}: {
  wallet: Wallet | undefined
  wallets: readonly Wallet[]
  choose: (id: string) => void
}) {
  const { view, session, config } = useSession()
  const [dollars, setDollars] = useState('5')
  const busy = view.doing !== undefined
  const { account } = view
  const isOwn = account !== undefined && account.owner === account.key
  const valid = /^\d{1,6}(\.\d{1,6})?$/.test(dollars) && Number(dollars) > 0
  return (
    <form
      className={`space-y-3 ${account === undefined ? '' : 'border-t border-line pt-4'}`}
      onSubmit={(event) => {
        event.preventDefault()
        if (wallet) void session.fund(wallet, dollars)
      }}
    >
      <p className="text-muted">
        A deposit belongs to a {view.phase === 'revoked' && 'new '}key in this browser. You sign once; after
        that every answer is paid by the key, without asking you again, and never more than what you
        deposited.
      </p>
      <label className="flex flex-wrap items-center gap-2">
        Dollars
        <input
          value={dollars}
          onChange={(event) => setDollars(event.target.value.trim())}
          inputMode="decimal"
          className="w-24 rounded border border-edge bg-paper px-2 py-1"
        />
        {AMOUNTS.map((each) => (
          <Button key={each} tone="plain" onClick={() => setDollars(each)}>
            ${each}
          </Button>
        ))}
      </label>
      {wallets.length > 1 && (
        <label className="flex flex-wrap items-center gap-2">
          Wallet
          <select
            value={wallet?.id}
            onChange={(event) => choose(event.target.value)}
            className="rounded border border-edge bg-paper px-2 py-1"
          >
            {wallets.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <p className="flex flex-wrap gap-2">
        {wallet && !isOwn && (
          <Button tone="main" type="submit" disabled={busy || !valid} className="[overflow-wrap:anywhere]">
            Deposit with {wallet.name}
          </Button>
        )}
        {isLocalChain(config.chainId) && (account === undefined || isOwn) && (
          <Button
            tone={wallet ? 'quiet' : 'main'}
            disabled={busy || !valid}
            onClick={() => void session.tryOut(dollars)}
          >
            {isOwn ? 'Add play money' : 'Try without a wallet'}
          </Button>
        )}
      </p>
      {!wallet && !isOwn && (
        <p data-no-wallet>
          No wallet was found in this browser.{' '}
          {isLocalChain(config.chainId)
            ? 'This is a local chain: its play money needs none.'
            : 'Install one that announces itself (EIP-6963), then open this again. Reading needs none.'}
        </p>
      )}
    </form>
  )
}

function Unfunded({ wallet }: { wallet: Wallet | undefined }) {
  const { view, session } = useSession()
  const sending = view.acts.find((each) => each.deed === 'deposit' && isOpen(each))
  return (
    <section aria-label="Signed deposit" className="space-y-3">
      <p>
        You signed a deposit of <Usd amount={view.signed ?? 0n} /> that is not on the chain yet.{' '}
        {sending === undefined && <HowSent />}
      </p>
      {sending && <Acts of={sending.key} wallet={wallet} />}
      <p>
        Forgetting it does not undo it: whoever has the signature can send it for an hour after you signed,
        and the money would then be this session’s credit.
      </p>
      <p className="flex gap-2">
        {sending === undefined && (
          <Button
            tone="main"
            disabled={view.doing !== undefined}
            onClick={() => void session.sendAgain(wallet)}
          >
            Send it again
          </Button>
        )}
        <Button disabled={view.doing !== undefined} onClick={() => void session.dropSigned()}>
          Forget the deposit
        </Button>
      </p>
    </section>
  )
}

/** Who is asked when a deposit is sent again. The money is taken once, however often it is sent. */
function HowSent() {
  const { view, config } = useSession()
  if (!config.relay)
    return (
      <>Sent again, it is your wallet that is asked to send it, and pays the gas. The money is taken once.</>
    )
  return view.byWallet ? (
    <>
      The server of this page did not take it. Sent again, it is offered there once more, which asks you
      nothing; if it is not taken, your wallet is asked to send it, and pays the gas. The money is taken once.
    </>
  ) : (
    <>
      Sent again, it goes by the server of this page, which asks you nothing; only if that does not take it,
      your wallet is asked to send it. The money is taken once.
    </>
  )
}

function Broken({ wallet }: { wallet: Wallet | undefined }) {
  const { view, session } = useSession()
  return (
    <section aria-label="Your key" className="space-y-3">
      <p>This key signs nothing more. Take back what it holds, then begin with a new one.</p>
      <Button
        tone="main"
        disabled={view.doing !== undefined || view.acts.some((each) => each.deed === 'thaw' && isOpen(each))}
        onClick={() => void session.revoke(wallet)}
      >
        Revoke and withdraw
      </Button>
      {view.acts
        .filter(({ deed }) => deed === 'thaw')
        .map(({ key }) => (
          <Acts key={key} of={key} wallet={wallet} />
        ))}
    </section>
  )
}

/** What is being done, or why it was not. */
function Doing({ wallet }: { wallet: Wallet | undefined }) {
  const { view, session } = useSession()
  const { problem } = view
  const shown = view.phase !== 'down' && view.phase !== 'elsewhere' ? problem : undefined
  return (
    <div aria-live="polite">
      {view.doing !== undefined && <p className="text-muted">{view.doing}</p>}
      {shown && (
        <div className="space-y-2 rounded-md border border-edge px-3 py-2" data-problem={shown.code}>
          <p>
            {shown.says} <span className="text-muted">{shown.fix}</span>
          </p>
          {shown.code === 'wallet.wrong_chain' && wallet && (
            <Button tone="main" onClick={() => void session.switchChain(wallet)}>
              Switch the wallet’s network
            </Button>
          )}
        </div>
      )}
    </div>
  )
}

function FormerKey({ former, wallet }: { former: Former; wallet: Wallet | undefined }) {
  const { view, session } = useSession()
  const { key, left, thawing, thawedAt } = former
  const due = thawedAt > 0 && thawedAt * 1000 <= Date.now()
  const busy = view.doing !== undefined || view.acts.some((each) => each.key === key && isOpen(each))
  return (
    <section
      aria-label="Revoked key"
      className="space-y-2 border-t border-line pt-4"
      data-former={key}
      data-thawing={thawing.toString()}
    >
      <p>
        <Usd amount={thawing > 0n ? thawing : left} /> of the revoked key <Short hex={key} />{' '}
        {thawing > 0n ? 'is on its way back to ' : 'goes back to '}
        {former.own ? 'its own address' : <Short hex={former.owner} />}
        {thawedAt > 0 && !due && (
          <>
            , from <time>{new Date(thawedAt * 1000).toLocaleString('en')}</time> on
          </>
        )}
        . {thawedAt > 0 && 'No router serves the key meanwhile.'}
      </p>
      <Acts of={key} wallet={wallet} />
      <p className="flex flex-wrap gap-2">
        <Button disabled={busy || (thawedAt > 0 && !due)} onClick={() => void session.withdraw(key, wallet)}>
          {thawedAt === 0 ? 'Announce the withdrawal' : 'Withdraw'}
        </Button>
        {view.account === undefined && view.signed === undefined && (
          <Button tone="plain" disabled={busy} onClick={() => void session.cancel(key, wallet)}>
            {thawedAt === 0 ? 'Use this key again' : 'Cancel the withdrawal'}
          </Button>
        )}
      </p>
    </section>
  )
}
