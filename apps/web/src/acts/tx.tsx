import { useSyncExternalStore } from 'react'
import type { Address } from 'viem'
import type { Call } from '../../../../sdk/chain/call.ts'
import { Button } from '../parts/button.tsx'
import { Short } from '../parts/text.tsx'
import { ProblemText } from './problem.tsx'
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
      <div aria-live="polite">{account && <ActLine id={id} act={act} account={account} />}</div>
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

interface LineProps {
  id: string
  act: ActState
  account: Address
}

/** How far it has come, and what can be done about it. */
function ActLine(props: LineProps) {
  const { act } = props
  const { problem, intent, state } = act
  if (state === 'idle') return null
  return (
    <div className="space-y-2 rounded-md border border-edge px-3 py-2 text-[0.94rem]">
      {problem && (
        <p data-problem={problem.code}>
          <ProblemText problem={problem} />
        </p>
      )}
      {state !== 'refused' && <p>{wordsOf(act)}</p>}
      {intent && <Hashes act={act} />}
      <WaysOn {...props} />
    </div>
  )
}

const ASKABLE = new Set(['unsure', 'missing', 'ready'])
const OVER = new Set(['included', 'failed', 'refused'])

function WaysOn({ id, act: { state, problem }, account }: LineProps) {
  const { acts, who } = useScene()
  const again = () => void acts.proceed(account, id, who.ask)
  const forget = () => acts.forget(account, id)
  async function switchNetwork() {
    await who.switchChain()
    if (state === 'refused') forget()
  }
  return (
    <p className="flex flex-wrap gap-2">
      {problem?.code === 'wallet.wrong_chain' && (
        <Button onClick={() => void switchNetwork()}>Switch the wallet’s network</Button>
      )}
      {ASKABLE.has(state) && (
        <Button tone={state === 'ready' ? 'main' : 'quiet'} onClick={again}>
          {state === 'ready' ? 'Continue' : 'Ask again'}
        </Button>
      )}
      {(ASKABLE.has(state) || OVER.has(state)) && (
        <Button tone="plain" onClick={forget}>
          {OVER.has(state) ? 'Dismiss' : 'Forget it'}
        </Button>
      )}
    </p>
  )
}

function wordsOf({ state, intent }: ActState): string {
  const step =
    intent && intent.calls.length > 1
      ? ` (step ${Math.min(intent.at + 1, intent.calls.length)} of ${intent.calls.length})`
      : ''
  switch (state) {
    case 'checking':
      return 'Trying it on the chain, before your wallet is asked…'
    case 'asking':
      return `Confirm in your wallet${step}: ${intent?.title}.`
    case 'unsure':
      return `Your wallet was asked for this${step} and this page has no answer. If you confirmed, it shows up here by itself. Asked again, at most one of the two is carried out.`
    case 'sent':
      return `Sent${step}; a block will hold it soon. This page may be closed meanwhile.`
    case 'missing':
      return `It was sent${step}, but the chain knows nothing of it. It may still come; asked again, at most one of the two is carried out.`
    case 'ready':
      return `${intent?.title}: step ${(intent?.at ?? 0) + 1} of ${intent?.calls.length} waits for you.`
    case 'included':
      return `Done: ${intent?.title}.`
    case 'failed':
      return `Not done: ${intent?.title}.`
    default:
      return ''
  }
}

function Hashes({ act: { intent } }: { act: ActState }) {
  const hashes = [...(intent?.hashes ?? []), ...(intent?.asked?.hash ? [intent.asked.hash] : [])]
  if (hashes.length === 0) return null
  return (
    <p className="label">
      {hashes.length === 1 ? 'transaction' : 'transactions'}{' '}
      {hashes.map((hash) => (
        <span key={hash} data-hash={hash} className="mr-2">
          <Short hex={hash} />
        </span>
      ))}
    </p>
  )
}
