import { useSyncExternalStore } from 'react'
import type { Address } from 'viem'
import type { Call } from '../../../../sdk/chain/call.ts'
import { Button } from '../parts/button.tsx'
import { ActLine } from './line.tsx'
import { type Scene, useBeat, useScene, useWho } from './scene.ts'
import { type ActState, isBusy } from './view.ts'

interface Props {
  /** Which act: its state is kept under this name. */
  id: string
  /** What is done, for people: `Lock 100 HEU`. Stands on the button too. */
  title: string
  /** What has to be sent as the chain stands when it is clicked. @throws what refuses it. */
  plan(scene: Scene, account: Address): Promise<Call[]>
  disabled?: boolean
  tone?: 'main' | 'quiet'
  /** Why it cannot be done now. */
  why?: string
}

/** A transaction, or a few in a row, with all their states; they survive a reload. */
export function TxButton({ id, title, plan, disabled = false, tone = 'main', why }: Props) {
  const scene = useScene()
  const { account } = useWho()
  const { problem: down } = useBeat()
  const act = useAct(id)
  function start() {
    if (!account) return
    void scene.acts.start({
      id,
      from: account,
      title,
      plan: () => plan(scene, account),
      ask: scene.who.ask,
    })
  }
  return (
    <div className="space-y-2" data-act={id} data-tx={act.state}>
      <Button
        tone={tone}
        onClick={start}
        disabled={disabled || account === undefined || down !== undefined || isBusy(act)}
      >
        {title}
      </Button>
      {why !== undefined && <p className="label">{why}</p>}
      <div aria-live="polite">{account && <Line id={id} act={act} account={account} />}</div>
    </div>
  )
}

const IDLE: ActState = { state: 'idle' }

/** The state of an act of the account that is connected. */
export function useAct(id: string): ActState {
  const { acts } = useScene()
  const { account } = useWho()
  // A snapshot that stays the same while nothing changes.
  const text = useSyncExternalStore(acts.subscribe, () =>
    account ? JSON.stringify(acts.stateOf(account, id), asText) : '',
  )
  return account && text !== '' ? acts.stateOf(account, id) : IDLE
}
const asText = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

/** The line of an act, with its ways on by the wallet that is connected. */
function Line({ id, act, account }: { id: string; act: ActState; account: Address }) {
  const { acts, who } = useScene()
  const forget = () => acts.forget(account, id)
  async function switchNetwork() {
    await who.switchChain()
    if (act.state === 'refused') forget()
  }
  return (
    <ActLine
      act={act}
      onAgain={() => void acts.proceed(account, id, who.ask)}
      onForget={forget}
      onSwitch={() => void switchNetwork()}
    />
  )
}
