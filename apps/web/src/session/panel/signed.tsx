import { Button } from '../../parts/button.tsx'
import { Usd } from '../../parts/text.tsx'
import { isOpen } from '../deeds.ts'
import { useSession } from '../use.ts'
import type { Signed } from '../view.ts'
import { KeyActs } from './acts.tsx'
import { useWallet } from './wallet.tsx'

export function SignedDeposit({ signed }: { signed: Signed }) {
  const { view, session } = useSession()
  const wallet = useWallet(signed.giver)
  const sending = view.acts.find((each) => each.deed === 'deposit' && isOpen(each))
  return (
    <section aria-label="Signed deposit" className="space-y-3">
      <p>
        You signed a deposit of <Usd amount={signed.amount} /> that is not on the chain yet.{' '}
        {sending === undefined && <HowSent signed={signed} />}
      </p>
      {sending && <KeyActs of={sending.key} />}
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
function HowSent({ signed }: { signed: Signed }) {
  const { config } = useSession()
  if (!config.relay)
    return (
      <>Sent again, it is your wallet that is asked to send it, and pays the gas. The money is taken once.</>
    )
  return signed.byWallet ? (
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
