import { Button } from '../../parts/button.tsx'
import { Short, Usd } from '../../parts/text.tsx'
import { isOpen } from '../deeds.ts'
import { useSession } from '../use.ts'
import type { Former } from '../view.ts'
import { KeyActs } from './acts.tsx'
import { useWallet } from './wallet.tsx'

/** Keys beside the one that pays, and what they hold. */
export const Formers = () => {
  const { former } = useSession().view
  return former.map((each) => <FormerKey key={each.key} former={each} />)
}

function FormerKey({ former }: { former: Former }) {
  const { view, session } = useSession()
  const wallet = useWallet(former.owner)
  const { key, thawing, thawedAt, isDue } = former
  const busy = view.doing !== undefined || view.acts.some((each) => each.key === key && isOpen(each))
  return (
    <section
      aria-label={former.isRevoked ? 'Revoked key' : 'Another key'}
      className="space-y-2 border-t border-line pt-4"
      data-former={key}
      data-thawing={thawing.toString()}
    >
      <p>{former.isRevoked ? <WhereItGoes former={former} /> : <StillGood former={former} />}</p>
      <KeyActs of={key} />
      <p className="flex flex-wrap gap-2">
        <Button
          disabled={busy || (thawedAt > 0 && !isDue)}
          onClick={() => void session.withdraw(key, wallet)}
        >
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

function WhereItGoes({ former }: { former: Former }) {
  const { key, left, thawing, thawedAt } = former
  return (
    <>
      <Usd amount={thawing > 0n ? thawing : left} /> of the revoked key <Short hex={key} />{' '}
      {thawing > 0n ? 'is on its way back to ' : 'goes back to '}
      {former.own ? 'its own address' : <Short hex={former.owner} />}
      {thawedAt > 0 && !former.isDue && (
        <>
          , from <time>{new Date(thawedAt * 1000).toLocaleString('en')}</time> on
        </>
      )}
      . {thawedAt > 0 && 'No router serves the key meanwhile.'}
    </>
  )
}

/** Two deposits came to two keys; none of them is lost. */
const StillGood = ({ former: { key, left, own, owner } }: { former: Former }) => (
  <>
    <Usd amount={left} /> lie at <Short hex={key} />, another key of this browser: it pays once the present
    one has less than a cent left. They can be taken back to {own ? 'its own address' : <Short hex={owner} />}{' '}
    too.
  </>
)
