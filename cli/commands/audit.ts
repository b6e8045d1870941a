import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Address, encodeFunctionData, type Hex } from 'viem'
import type { Audit, Overlap } from '../../sdk/audit.ts'
import { routerBondAbi } from '../../sdk/chain/abi.ts'
import { type Archive, type Audited, auditRouter } from '../../sdk/chain/batches.ts'
import { domainOf } from '../../sdk/chain/network.ts'
import { receiptDocumentSchema } from '../../sdk/documents.ts'
import { refused } from '../../sdk/errors.ts'
import { fastKeccak } from '../../sdk/native.ts'
import { createHasher, type Hasher, ROLE } from '../../sdk/protocol/messages.ts'
import { createTransport } from '../../sdk/transport.ts'
import { formatUsd } from '../../sdk/units.ts'
import { decodeCall } from '../act.ts'
import { type Judged, openJudged } from '../judged.ts'
import { createPrinter, type Printer, plain } from '../print.ts'
import type { TrustOptions } from '../trust.ts'

interface Options extends TrustOptions {
  archive?: string
  proofs: string
  json?: boolean
}

/** `heurist audit`: every total of a router, recomputed from what it published. */
export function auditCommand(): Command {
  return new Command('audit')
    .description(
      'Recompute every total of a router from its published batch data; exit 1 if something does not fit',
    )
    .option('--router <url>', 'the router; default: of this home')
    .option(
      '--address <address>',
      'the router as you know it; default: of this home, if that is the one asked',
    )
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--archive <folder>', 'keep all batch data here, and use what the router no longer serves')
    .option('--proofs <n>', 'at most so many overlaps are proved, after all lies are told', '10')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  $ heurist audit --archive ~/router-1\n  $ heurist audit --router https://router.example --address 0x… --ledger 0x… --rpc https://rpc.example',
    )
    .action(async (options: Options) => run(options, createPrinter(options.json ?? false)))
}

async function run(options: Options, print: Printer): Promise<void> {
  const most = countOf(options.proofs)
  const place = await openJudged(options)
  const { chain, ledger, router, routerUrl } = place
  const hasher = createHasher(domainOf({ chainId: chain.id, addresses: { ledger } }))
  const archive = options.archive === undefined ? {} : { archive: folderArchive(options.archive) }
  const where = {
    chain,
    ledger,
    router,
    routerUrl,
    hasher,
    keccak: fastKeccak,
    ...archive,
  }
  const audited = await auditRouter(where, (batches, parts) => {
    const before = `${batches.done} of ${batches.all} batches`
    if (parts.done % 10 === 0) print.line(`  ${before}, ${parts.done} of ${parts.all} parts of the next`)
    else if (batches.done % 100 === 99 && parts.done === 1) print.line(`  ${before}`)
  })
  const found = audited.audit
  report(print, found, router)
  if (found.lies.length > 0) process.exitCode = 1
  const proofs: Proof[] = []
  for (const overlap of found.overlaps.slice(0, most)) {
    const proof = await proofOf(overlap, audited, place, hasher)
    proofs.push(proof)
    reportProof(print, proof)
  }
  const unproved = found.overlaps.length - proofs.length
  if (unproved > 0)
    print.line(`\n${unproved} more, not proved: --proofs ${found.overlaps.length} proves all.`)
  print.result({ router, ledger, ...found, proofs })
}

function countOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw refused('proofs.invalid', `--proofs: '${text}' is no number`, {
    fix: 'Name a whole number from 0 on.',
    field: 'proofs',
  })
}

function report(
  print: Printer,
  { batches, leaves, gross, whole, notAudited, lies }: Audit,
  router: Address,
): void {
  print.rows([
    ['router', router],
    ['batches', String(batches)],
    ['calls', String(leaves)],
    ['charged', `$${formatUsd(gross)}`],
    ['data', whole ? 'all of it' : 'in part: where it is gone, the lines of the chain were counted'],
    ['lies', String(lies.length)],
  ])
  for (const { code, seq, detail } of lies) print.line(`  ✗ batch ${seq}  ${plain(code)}  ${plain(detail)}`)
  if (notAudited.length > 0) {
    print.line(`  – not audited, older than 30 days and forgotten: batches ${rangesOf(notAudited)}`)
  }
  if (batches === 0) print.line('  – the ledger knows no batch of this router: nothing was audited')
  else if (lies.length === 0) print.line('  ✓ every total is the sum of its calls')
}

function reportProof(print: Printer, { overlap, data, missing }: Proof): void {
  print.line(
    `\n${overlap.role} ${overlap.id} was counted twice; anybody convicts the router with RouterBond.proveOverlap:`,
  )
  print.line(data ?? `  ${plain(missing ?? '')}`)
}

/** Rising numbers in words: `1–3, 7`. */
function rangesOf(seqs: readonly bigint[]): string {
  const ranges: [bigint, bigint][] = []
  for (const seq of seqs) {
    const last = ranges.at(-1)
    if (last && seq === last[1] + 1n) last[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ')
}

/** Batch data in one folder, each index and each part a file named by its hash: one folder serves any number of routers. */
function folderArchive(folder: string): Archive {
  const fileOf = (hash: Hex) => join(folder, `${hash}.json`)
  return {
    async read(hash) {
      return existsSync(fileOf(hash)) ? readFile(fileOf(hash)) : undefined
    },
    async keep(hash, bytes) {
      if (existsSync(fileOf(hash))) return
      await mkdir(folder, { recursive: true })
      await writeFile(fileOf(hash), bytes)
    },
  }
}

interface Proof {
  overlap: Overlap
  /** Call data of `RouterBond.proveOverlap`, decoded by `call`. */
  data?: Hex
  call?: unknown
  missing?: string
}

/** What convicts for an overlap: leaves, Merkle proofs, and the receipts that the router or its node still shows. */
async function proofOf(overlap: Overlap, audited: Audited, place: Judged, hasher: Hasher): Promise<Proof> {
  try {
    const a = await entryOf(overlap.a, audited, place, hasher)
    const b = await entryOf(overlap.b, audited, place, hasher)
    const args = [place.router, ROLE[overlap.role], a, b] as const
    const data = encodeFunctionData({ abi: routerBondAbi, functionName: 'proveOverlap', args })
    return { overlap, data, call: decodeCall({ to: place.bond, data }, place) }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return { overlap, missing: `a receipt is missing: ${why}; its node holds it` }
  }
}

async function entryOf(at: Overlap['a'], audited: Audited, place: Judged, hasher: Hasher) {
  const { leaf, proof } = await audited.leafAt(at)
  const path = `/v1/receipts/${leaf.request}`
  const { receipt } = await createTransport(place.routerUrl).get(path, receiptDocumentSchema)
  if (!receipt || hasher.struct('Receipt', receipt) !== leaf.receipt)
    throw new Error(`the receipt of ${leaf.request}`)
  return { seq: at.seq, leaf, proof, receipt }
}
