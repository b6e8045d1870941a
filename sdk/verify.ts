import type { Hex } from 'viem'
import { type Chain, openChain } from './chain/clients.ts'
import { domainOf, fetchNetwork, type Network } from './chain/network.ts'
import { askReached } from './chain/reached.ts'
import { type ChainReader, chainReader } from './chain/reader.ts'
import { type Check, check, no, noIfRefused, unchecked, yes } from './checks.ts'
import { checkDebits } from './debit.ts'
import { type ReceiptDocument, receiptDocumentSchema } from './documents.ts'
import { asHeuristError, HeuristError, later } from './errors.ts'
import { overlapOf } from './overlap.ts'
import type { JournalReader } from './own-book.ts'
import { type Keccak, keccak, toHex } from './protocol/bytes.ts'
import { manifestHash, parseManifest } from './protocol/manifest.ts'
import { leafHash, verifyMerkle } from './protocol/merkle.ts'
import { createHasher, END, type Hasher } from './protocol/messages.ts'
import { priceOf } from './protocol/price.ts'
import { splitOf } from './protocol/split.ts'
import type { Countersigned } from './protocol/wire.ts'
import { recoverSigner, same } from './recover.ts'
import { type Credit, type Leaf, PAYEE_ROLES, type SettledBatch, settledBatch } from './settlement.ts'
import { createTransport, type Transport } from './transport.ts'
import { formatUsd } from './units.ts'

export type { Check } from './checks.ts'

export interface VerifyOptions {
  routerUrl: string
  /** Your way to the chain; without one, `pinned` fails and the router's is looked at. */
  rpcUrl?: string
  /** The ledger you trust; without one, `pinned` fails and the router's is looked at. */
  ledger?: Hex
  /** The chain you trust; default: the one the router names. */
  chainId?: number
  /** The output exactly as it was delivered. */
  bytes?: Uint8Array
  /** Whether `bytes` must be the whole answer: of a call that was left, a receipt names the beginning alone. */
  whole?: boolean
  /** The input exactly as it was sent. */
  input?: Uint8Array
  /** The router that you called; default: the one that answers says who it is. */
  router?: Hex
  /** Finds what the payer's own client counts: nothing else tells calls of the payer from leaves that were made up. */
  journal?: JournalReader
  /** Data of a batch of more leaves than that is not read, and what follows from it is not checked; default: all of it. */
  mostLeaves?: number
  /** A faster keccak than the portable one: of a batch of a million leaves it makes a minute of three. */
  keccak?: Keccak
}

/**
 * Checks one call from its bytes to the debit on chain. Only the chain is trusted; everything the router shows is
 * recomputed from it.
 *
 * @returns named checks in the order of the walk; a call that is not settled yet fails from `settled` on.
 * @throws `router.unreachable`, `chain.unreachable`, `chain.behind`, `proofs.busy` (later), `receipt.unknown` (refused).
 */
export async function verifyReceipt(request: Hex, options: VerifyOptions): Promise<Check[]> {
  const transport = createTransport(options.routerUrl)
  const network = await fetchNetwork(options.routerUrl)
  const pinned = checkPinned(options)
  const ledger = options.ledger ?? network.addresses.ledger
  if (!same(ledger, network.addresses.ledger)) {
    return [pinned, no('ledger', `the router names ${network.addresses.ledger}; trusted: ${ledger}`)]
  }
  if (options.chainId !== undefined && options.chainId !== network.chainId) {
    return [pinned, no('chain', `the router names chain ${network.chainId}; trusted: ${options.chainId}`)]
  }
  const { address } = network.router
  if (options.router !== undefined && !same(options.router, address)) {
    return [pinned, no('router', `the router says that it is ${address}; trusted: ${options.router}`)]
  }
  const chain = openChain({ chainId: network.chainId, rpcUrl: options.rpcUrl ?? network.rpcUrl })
  try {
    await chain.check()
  } catch (cause) {
    const { kind, message } = asHeuristError(cause)
    if (kind !== 'refused') throw cause
    return [pinned, no('chain', `the router names chain ${network.chainId}: ${message}`)]
  }
  const { registry } = await chainReader(chain, { ...network.addresses, ledger }).addresses()
  const reader = chainReader(chain, { ledger, registry })
  const hasher = createHasher(domainOf({ chainId: chain.id, addresses: { ledger } }))
  const document = await transport.get(`/v1/receipts/${request}`, receiptDocumentSchema)
  const facts: Facts = { request, network, transport, reader, hasher, document }

  const checks = [pinned, checkRequest(facts, options)]
  const answer = answerOf(document)
  if (!answer) {
    const why = document.error ? `${document.error.code}: ${document.error.message}` : document.status
    return [...checks, no('receipt', `there is none: ${why}`)]
  }
  checks.push(checkBytes(answer, options), await checkPrice(facts, answer))
  checks.push(await checkNode(facts, answer), await checkAck(facts, answer))
  const { batch, leaf } = document
  if (document.status !== 'settled' || !batch || !leaf) {
    return [...checks, no('settled', `not yet: ${document.status}`)]
  }
  if (!batch.proof) {
    throw later('proofs.busy', 'the router shows this receipt without its Merkle proof for now', {
      fix: 'Ask again in a second.',
    })
  }
  checks.push(
    checkLeaf(facts, answer, leaf),
    await checkRoot(facts, chain, leaf, { ...batch, proof: batch.proof }),
  )
  const place = { chain, ledger, hasher, transport, router: address }
  try {
    const { price } = answer.receipt
    const settled = await settledBatch(
      place,
      { ...batch, request: request.toLowerCase() as Hex, leaf, price },
      options,
    )
    const call = { leaf, price, batch: settled }
    const debits = await checkDebits({ ...place, reader }, call, options.journal)
    return [...checks, ...settled.checks, ...debits, ...(await checkCredits(facts, answer, leaf, settled))]
  } catch (cause) {
    return [...checks, noIfRefused('batch', cause)]
  }
}

interface Facts {
  request: Hex
  network: Network
  transport: Transport
  reader: ChainReader
  hasher: Hasher
  document: ReceiptDocument
}

/** A router is no witness of where its own receipts are settled. */
function checkPinned({ ledger, rpcUrl }: VerifyOptions): Check {
  const missing = [...(ledger ? [] : ['ledger']), ...(rpcUrl ? [] : ['chain'])]
  return check(
    'pinned',
    missing.length === 0,
    missing.length === 0
      ? `ledger ${ledger}`
      : `the ${missing.join(' and the ')} looked at: the router's word`,
  )
}

function answerOf(document: ReceiptDocument): Countersigned | undefined {
  const { receipt, signature, provider, ack, ackSignature } = document
  if (!receipt || !signature || !provider || !ack || !ackSignature) return undefined
  return { receipt, signature, provider, ack, ackSignature }
}

function checkRequest({ request, hasher, document }: Facts, { input }: VerifyOptions): Check {
  const hash = hasher.struct('Request', document.request)
  if (hash !== request.toLowerCase()) return no('request', `the request shown hashes to ${hash}`)
  if (input === undefined) return yes('request', `pod ${document.request.pod} for ${document.request.payer}`)
  const found = toHex(keccak(input))
  return check(
    'request',
    found === document.request.input,
    `input ${found}, signed ${document.request.input}`,
  )
}

function checkBytes({ receipt }: Countersigned, { bytes, whole = false }: VerifyOptions): Check {
  const signed = `${receipt.output} of ${receipt.length} bytes`
  if (bytes === undefined) return unchecked('bytes', `not given; signed: ${signed}`)
  if (whole && receipt.end !== END.complete)
    return no('bytes', `the call was left; signed as delivered until then: ${signed}`)
  // Whoever left may have read more, or a little less, than what was signed as delivered.
  const read = receipt.end === END.clientLeft ? bytes.subarray(0, Number(receipt.length)) : bytes
  const hash = toHex(keccak(read))
  const ok = BigInt(read.length) === receipt.length && hash === receipt.output
  return check('bytes', ok, ok ? signed : `${hash} of ${read.length} bytes; signed: ${signed}`)
}

async function checkPrice(
  { transport, reader, document }: Facts,
  { receipt }: Countersigned,
): Promise<Check> {
  const { pod, manifest: hash, maxPrice } = document.request
  const bytes = await transport
    .bytes(`/v1/pods/${pod}/manifest?version=${hash}`)
    .catch((cause: unknown) => asHeuristError(cause))
  if (bytes instanceof HeuristError) {
    if (bytes.kind === 'later') throw bytes
    return no('price', `the router shows no manifest ${hash} of pod ${pod}: ${bytes.code}`)
  }
  if (manifestHash(bytes) !== hash) return no('price', `the manifest shown hashes to ${manifestHash(bytes)}`)
  if (!(await reader.isVersion(pod, hash))) return no('price', `pod ${pod} never published ${hash}`)
  const { pricing } = parseManifest(bytes)
  const price = priceOf(pricing, receipt.unitsIn, receipt.unitsOut)
  const units = `${receipt.unitsIn} + ${receipt.unitsOut} ${pricing.unit}s`
  return check(
    'price',
    price === receipt.price && price <= maxPrice,
    `$${formatUsd(receipt.price)} for ${units}; manifest ${formatUsd(price)}, at most ${formatUsd(maxPrice)}`,
  )
}

async function checkNode(
  { reader, hasher, document, request }: Facts,
  answer: Countersigned,
): Promise<Check> {
  const { receipt, signature } = answer
  if (receipt.request !== request.toLowerCase()) return no('node', `the receipt is of ${receipt.request}`)
  const asked = document.request.node
  if (asked !== 0 && asked !== receipt.node)
    return no('node', `node ${receipt.node}; node ${asked} was asked`)
  const signer = await recoverSigner(hasher.digest('Receipt', receipt), signature)
  const counts = signer !== undefined && (await reader.livedAs(receipt.node, signer, receipt.completedAt))
  return check('node', counts, `${signer} ${counts ? 'signs' : 'does not sign'} for node ${receipt.node}`)
}

async function checkAck({ hasher, network, document }: Facts, answer: Countersigned): Promise<Check> {
  const { ack, ackSignature, receipt } = answer
  if (ack.receipt !== hasher.struct('Receipt', receipt)) return no('router', `signed for ${ack.receipt}`)
  if (!same(ack.payer, document.request.payer)) return no('router', `signed for the payer ${ack.payer}`)
  const signer = await recoverSigner(hasher.digest('Ack', ack), ackSignature)
  const ok = same(signer, network.router.address)
  const total = `call ${ack.count}, $${formatUsd(ack.charged)} in all`
  return check(
    'router',
    ok,
    ok ? `${signer}: ${total}` : `signed by ${signer}, not ${network.router.address}`,
  )
}

/** The leaf under the posted root says what was signed. */
function checkLeaf({ request, hasher, document }: Facts, { receipt, ack }: Countersigned, leaf: Leaf): Check {
  const expected = {
    payer: document.request.payer,
    charged: ack.charged,
    count: ack.count,
    request: request.toLowerCase(),
    receipt: hasher.struct('Receipt', receipt),
    node: receipt.node,
    pod: document.request.pod,
    frontend: document.request.frontend,
  }
  const wrong = (Object.keys(expected) as (keyof typeof expected)[]).find(
    (key) => leaf[key] !== expected[key],
  )
  return wrong === undefined
    ? yes('leaf', leafHash(leaf))
    : no('leaf', `${wrong}: the leaf says ${leaf[wrong]}, the signatures say ${expected[wrong]}`)
}

async function checkRoot(
  { reader, network }: Facts,
  chain: Chain,
  leaf: Leaf,
  { seq, block, proof }: { seq: bigint; block?: bigint; proof: Hex[] },
): Promise<Check> {
  const root = await askReached(chain, block, () => reader.rootOf(network.router.address, seq))
  if (root === undefined) return no('root', `the chain knows no batch ${seq} of this router`)
  const ok = verifyMerkle(root, leafHash(leaf), proof)
  return check('root', ok, `${ok ? 'under' : 'not under'} ${root}, posted as batch ${seq}`)
}

/** The batch credited these payees for this very call and no other, whose interval lies in theirs; the split is whole. */
async function checkCredits(
  { reader, network, transport, hasher, document }: Facts,
  { receipt }: Countersigned,
  leaf: Leaf,
  batch: SettledBatch,
): Promise<Check[]> {
  const { price } = receipt
  const { bps, voters } = await reader.split()
  const after = { node: leaf.nodeGross, pod: leaf.podGross, frontend: leaf.frontendGross }
  const split = splitOf(price, after, bps, { frontend: leaf.frontend !== 0, voters })
  const parts = Object.entries(split).map(([role, amount]) => `${role} ${formatUsd(amount)}`)
  const sum = Object.values(split).reduce((total, amount) => total + amount, 0n)

  const checks: Check[] = []
  for (const role of PAYEE_ROLES) {
    const credit = batch.creditOf(role)
    const gross = await reader.grossOf(network.router.address, role, leaf[role])
    const name = role === 'frontend' && leaf.frontend === 0 ? 'no frontend' : `${role} ${leaf[role]}`
    const found = `${name}: gross $${formatUsd(gross)} on chain`
    const interval = { from: after[role] - price, to: after[role] }
    const ok = credit !== undefined && holds(credit, interval) && gross >= (credit.to ?? interval.to)
    const of = `credit ${role}`
    const near = batch.nearby?.[role]
    const other = near && (await overlapOf({ transport, hasher }, near))
    const seen = !ok || (credit.to !== undefined && other?.isWhole)
    if (near?.falls) {
      const { request: call, payer } = near.falls
      checks.push(no(of, `charge.falls: ${name}: call ${call} charges ${payer} less than the one before it`))
    } else if (other?.leaf) {
      const ends = `$${formatUsd(other.leaf[`${role}Gross`])}`
      checks.push(
        no(of, `leaf.overlap: ${name} is credited once for this call and ${other.leaf.request}, to ${ends}`),
      )
    } else checks.push(seen ? check(of, ok, found) : unchecked(of, `${found}; not recomputed`))
  }
  const told = Object.entries(document.split ?? {}).find(
    ([role, amount]) => split[role as keyof typeof split] !== amount,
  )
  const found = `${parts.join(', ')} = ${formatUsd(price)}`
  const differs = told && `${found}; the router tells ${told[0]} ${formatUsd(told[1])}`
  return [...checks, check('split', sum === price && !told, differs ?? found)]
}

/** Whether a call's part of a payee's gross lies in what the batch added to it, as far as the leaves are there to tell. */
const holds = ({ amount, to }: Credit, call: { from: bigint; to: bigint }): boolean =>
  to === undefined ? amount >= call.to - call.from : to >= amount && to - amount <= call.from && call.to <= to
