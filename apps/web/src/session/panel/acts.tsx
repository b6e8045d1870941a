import type { Address } from 'viem'
import { ActLine } from '../../acts/line.tsx'
import { isLate, type State } from '../../acts/view.ts'
import { useSession } from '../use.ts'
import type { KeyAct } from '../view.ts'
import { useWallet } from './wallet.tsx'

/** The states that are told apart from what is being done just now. */
const TOLD = new Set<State>(['unsure', 'sent', 'missing', 'failed', 'ready'])
const isTold = (each: KeyAct): boolean => TOLD.has(each.act.state) || mayBeTwice(each) || isLate(each.act)

/** Done, and asked for more than once of a wallet that may carry out both. */
const mayBeTwice = ({ deed, key, from, act }: KeyAct): boolean =>
  act.state === 'included' && act.intent?.repeats !== undefined && from !== key && deed !== 'deposit'

/** What was asked of the wallet about a key, or sent, and is not decided, or may be done twice. */
export function KeyActs({ of }: { of: Address }) {
  const { acts } = useSession().view
  return acts
    .filter((each) => each.key === of && isTold(each))
    .map((each) => <Act key={each.deed} of={each} />)
}

function Act({ of: each }: { of: KeyAct }) {
  const { session } = useSession()
  const wallet = useWallet(each.from)
  return (
    <div data-deed={each.deed} data-tx={each.act.state} className="space-y-1">
      {each.act.intent && <p className="label">{each.act.intent.title}</p>}
      <ActLine
        act={each.act}
        isOwn={each.from === each.key}
        isIdempotent={each.deed === 'deposit'}
        onAgain={() => void session.askAgain(each, wallet)}
        onForget={() => session.forget(each)}
        onSwitch={() => wallet && void session.switchChain(wallet)}
      />
    </div>
  )
}
