import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Short, Usd } from '../../parts/text.tsx'
import { isOpen } from '../deeds.ts'
import { useSession } from '../use.ts'
import type { Phase } from '../view.ts'
import { KeyActs } from './acts.tsx'
import { Deposit } from './deposit.tsx'
import { Formers } from './former.tsx'
import { SignedDeposit } from './signed.tsx'
import { useWallet, WalletField, Wallets } from './wallet.tsx'

/** Everything about the key: where its credit comes from, what is left, how it is taken back. */
export default function SessionPanel({ onClose }: { onClose: () => void }) {
  const { phase, signed, doing, problem, former } = useSession().view
  const isClosed = CLOSED.has(phase)
  return (
    <Dialog title="Credit" onClose={onClose}>
      <Wallets>
        {(!isClosed || former.some(({ own }) => !own)) && <WalletField />}
        {(phase === 'ready' || phase === 'revoking') && <Standing />}
        {phase === 'broken' && <Broken />}
        {signed && doing === undefined && !isClosed && <SignedDeposit signed={signed} />}
        {phase === 'revoked' && <Formers />}
        {PAYABLE.has(phase) && signed === undefined && <Deposit />}
        {isClosed && (
          <p>
            {problem?.says} {problem?.fix}
          </p>
        )}
        <Doing />
        {phase !== 'revoked' && <Formers />}
      </Wallets>
    </Dialog>
  )
}

/** Phases in which a deposit may be begun; while a key is revoked it makes a new one. */
const PAYABLE = new Set<Phase>(['none', 'ready', 'revoked'])
/** Phases in which nothing can be asked. */
const CLOSED = new Set<Phase>(['opening', 'down', 'elsewhere'])

function Standing() {
  const { view, session } = useSession()
  const wallet = useWallet(view.account?.owner)
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
      <KeyActs of={key} />
    </section>
  )
}

function Broken() {
  const { view, session } = useSession()
  const wallet = useWallet(view.key?.owner)
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
      {view.key && <KeyActs of={view.key.address} />}
    </section>
  )
}

/** What is being done, or why it was not. */
function Doing() {
  const { view, session } = useSession()
  const wallet = useWallet()
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
