import { useNow, useView } from '../network/use.ts'
import { Empty, Section } from '../parts/section.tsx'
import { Ago, count, Short, Usd } from '../parts/text.tsx'
import { Unknown } from '../parts/unknown.tsx'

/** What payers have at this router: what is spent on chain, what is charged and not posted yet, what is left. */
export function Balances() {
  const { accounts, known } = useView()
  return (
    <Section title="Balances" note="recent payers">
      {!known.receipts ? (
        <Unknown />
      ) : accounts.length === 0 ? (
        <Empty>No payer has called yet.</Empty>
      ) : (
        <ul className="divide-y divide-line/70">
          {accounts.map((account) => {
            const unposted = account.charged > account.spent ? account.charged - account.spent : 0n
            return (
              <li key={account.payer} className="py-2.5">
                <div className="flex items-baseline justify-between gap-3">
                  <Short hex={account.payer} />
                  <Usd amount={account.available} />
                </div>
                <Bar deposited={account.deposited} spent={account.spent} unposted={unposted} />
                <p className="label figures flex flex-wrap justify-between gap-x-3">
                  <span>{count(account.count)} calls</span>
                  <span>
                    <Usd amount={account.spent} /> settled
                    {unposted > 0n && (
                      <>
                        , <Usd amount={unposted} /> to post
                      </>
                    )}
                  </span>
                </p>
              </li>
            )
          })}
        </ul>
      )}
    </Section>
  )
}

/** Spent, not yet posted, left: parts of the deposit. The words below say the same. */
function Bar({ deposited, spent, unposted }: { deposited: bigint; spent: bigint; unposted: bigint }) {
  const share = (part: bigint) => (deposited === 0n ? 0 : Number((part * 10_000n) / deposited) / 100)
  const used = share(spent)
  return (
    <svg
      aria-hidden="true"
      className="my-1.5 block h-1 w-full overflow-hidden rounded-full bg-line"
      preserveAspectRatio="none"
      viewBox="0 0 100 1"
    >
      <rect width={used} height="1" className="fill-accent" />
      <rect x={used} width={share(unposted)} height="1" className="fill-edge" />
    </svg>
  )
}

/** Settlement on chain: many receipts, one transaction. */
export function Batches() {
  const { batches, known } = useView()
  const now = useNow()
  return (
    <Section title="Batches" note="settled on chain">
      {!known.batches ? (
        <Unknown />
      ) : batches.length === 0 ? (
        <Empty>Nothing has been settled yet.</Empty>
      ) : (
        <ul className="divide-y divide-line/70">
          {batches.map((batch) => (
            <li key={String(batch.seq)} className="flex items-baseline justify-between gap-3 py-2">
              <p>
                <span className="figures">#{String(batch.seq)}</span>{' '}
                <span className="label">
                  {count(batch.leaves)} {batch.leaves === 1 ? 'receipt' : 'receipts'} ·{' '}
                  {batch.settledAt === undefined ? 'posting' : <Ago at={batch.settledAt} now={now} />}
                </span>
              </p>
              <p className="text-right">
                <Usd amount={batch.gross} />
                <span className="label ml-2 max-sm:hidden">
                  <Short hex={batch.txHash} />
                </span>
              </p>
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}
