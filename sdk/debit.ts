import type { Address } from 'viem'
import type { ChainReader } from './chain/reader.ts'
import { type Check, no, noIfRefused, unchecked, yes } from './checks.ts'
import { provenLeafSchema, receiptDocumentSchema } from './documents.ts'
import { refused } from './errors.ts'
import { bookOf, checkJournal, type JournalReader } from './own-book.ts'
import { leafHash, verifyMerkle } from './protocol/merkle.ts'
import { same } from './recover.ts'
import type { Leaf, Place, SettledBatch } from './settlement.ts'
import { formatUsd } from './units.ts'

/** One settled call, and the batch that it stands in. */
interface Debited {
  leaf: Leaf
  /** Of this call, base units. */
  price: bigint
  batch: SettledBatch
}

/**
 * The payer paid for its calls and for nothing else. `debit`: its line in the batch is what its leaves there cost, each
 * call once and this call's price among it. `journal`: it made the calls that it was debited for.
 *
 * @param journal  Of the payer. A router can make leaves up; only their payer knows that it made no such call.
 * @throws `chain.unreachable`, `router.unreachable` (later); what `journal` throws, unless it is refused.
 */
export async function checkDebits(
  place: Place & { reader: ChainReader },
  call: Debited,
  journal: JournalReader | undefined,
): Promise<Check[]> {
  const { chain, ledger, router, reader } = place
  const { payer } = call.leaf
  // Read before the leaves and before the journal: what is settled meanwhile adds to all three.
  const { spent } = await reader.account(router, payer)
  const own = await bookOf({ chainId: chain.id, ledger, router, payer }, journal)
  const debit = await checkDebit(place, call, own.book ? undefined : spent)
  return [debit, checkJournal({ payer, spent, batch: call.batch, ...own })]
}

/** @param spent  All that the ledger ever debited, to be held to leaves; undefined where the payer's journal tells. */
async function checkDebit(
  place: Place & { reader: ChainReader },
  { leaf, price, batch }: Debited,
  spent: bigint | undefined,
): Promise<Check> {
  const { payer } = leaf
  const charges = batch.chargesOf(payer)
  if (!charges) return no('debit', `the batch debits no voucher of ${payer}`)
  const { debited, skipped } = charges
  const line = debited + skipped
  let open: string | undefined
  if (!batch.own) {
    const found = `the line of ${payer} is $${formatUsd(line)}, this call's price $${formatUsd(price)}`
    return line < price ? no('debit', found) : unchecked('debit', `${found}; not recomputed`)
  }
  if (batch.copies !== undefined && batch.copies > 1)
    return no('debit', `leaf.twice: this call stands as ${batch.copies} leaves of batch ${batch.seq}`)
  try {
    const { from, to, calls } = await intervalOf(place, { leaf, price, own: batch.own })
    if (line !== to - from) {
      const taken = skipped === 0n ? `debited $${formatUsd(debited)}` : `charged $${formatUsd(line)}`
      const cost = `its ${calls} of this batch cost $${formatUsd(to - from)}`
      return no('debit', `${payer} was ${taken}, and ${cost}`)
    }
    if (spent !== undefined) open = await beyond(place, { payer, spent, to })
  } catch (cause) {
    return noIfRefused('debit', cause)
  }
  const found =
    debited > 0n
      ? `${payer} paid $${formatUsd(debited)} in this batch, this call's $${formatUsd(price)} among it`
      : `paid by the router's float, not by ${payer}: its line was skipped (${charges.reason})`
  return open === undefined ? yes('debit', found) : unchecked('debit', `${found}; ${open}`)
}

/**
 * Holds all that was debited to what leaves charge, in this batch and in every other one.
 *
 * @param to  What the payer was charged in all when this batch was made, by its leaves.
 * @returns undefined if it does not exceed that; else what is not known of the rest.
 * @throws `debit.over` (refused) if it exceeds whatever is shown for it.
 */
async function beyond(
  place: Place & { reader: ChainReader },
  { payer, spent, to }: { payer: Address; spent: bigint; to: bigint },
): Promise<string | undefined> {
  const all = `${payer} was debited $${formatUsd(spent)} in all`
  if (spent <= to) return undefined
  const charged = await chargedInAll(place, payer)
  const newest = `its newest settled leaf charges $${formatUsd(charged)}`
  if (spent > charged) throw refused('debit.over', `${all}, and ${newest}`)
  return `${all} and ${newest}: whether it made those later calls, its own journal tells`
}

/** From where to where the payer's total goes in a batch, by its leaves, which must follow each other without a gap. */
async function intervalOf(
  place: Place,
  { leaf, price, own: all }: { leaf: Leaf; price: bigint; own: readonly Leaf[] },
): Promise<{ from: bigint; to: bigint; calls: string }> {
  const own = [...all].sort((a, b) => (a.count < b.count ? -1 : 1))
  if (new Set(own.map(({ request }) => request)).size < own.length)
    throw refused('leaf.twice', 'a call of this payer stands as more than one leaf of the batch')
  const first = own[0]
  const last = own.at(-1)
  const at = own.findIndex((each) => each.request === leaf.request)
  if (!first || !last || at < 0) throw refused('leaf.missing', 'the batch data has no leaf of this call')
  for (const [index, each] of own.entries()) {
    const before = own[index - 1]
    if (!before) continue
    const begins = index === at ? each.charged - price : before.charged
    if (each.count !== before.count + 1n || each.charged < before.charged || begins !== before.charged) {
      throw refused(
        'leaf.gap',
        `call ${each.count}, $${formatUsd(each.charged)} in all, follows call ${before.count}, ` +
          `$${formatUsd(before.charged)} in all`,
      )
    }
  }
  const from = first.charged - (at === 0 ? price : await priceOfFirst(place, first))
  if (from < 0n) throw refused('leaf.wrong', `call ${first.count} cost more than was ever charged`)
  return { from, to: last.charged, calls: own.length === 1 ? 'one call' : `${own.length} calls` }
}

/** What a payer's first call of a batch cost: nothing was charged before its very first; else its signed receipt says. */
async function priceOfFirst({ transport, hasher }: Place, first: Leaf): Promise<bigint> {
  if (first.count === 1n) return first.charged
  const { receipt } = await transport.get(`/v1/receipts/${first.request}`, receiptDocumentSchema)
  if (receipt && hasher.struct('Receipt', receipt) === first.receipt) return receipt.price
  throw refused('receipt.hidden', `the router does not show the receipt of call ${first.count} of this payer`)
}

/**
 * What an account was charged in all, by its newest leaf in what the chain has settled. It can convict, not acquit: a
 * router that shows less than it debited is caught, and one that made the leaf up can let it charge anything.
 *
 * @throws `leaf.forged` (refused); what the router says, if it shows none; `chain.unreachable`, `router.unreachable` (later).
 */
async function chargedInAll(place: Place & { reader: ChainReader }, payer: Address): Promise<bigint> {
  const { reader, router, transport } = place
  const last = await reader.lastBatch(router)
  const { seq, leaf, proof } = await transport.get(
    `/v1/accounts/${payer}/leaf?batch=${last}`,
    provenLeafSchema,
  )
  const root = await reader.rootOf(router, seq)
  if (same(leaf.payer, payer) && root !== undefined && verifyMerkle(root, leafHash(leaf), proof))
    return leaf.charged
  throw refused(
    'leaf.forged',
    `what the router shows as the newest leaf of ${payer} is not in its batch ${seq}`,
  )
}
