import { Command } from 'commander'
import type { Address } from 'viem'
import { z } from 'zod'
import { receiptDocumentSchema } from '../../sdk/documents.ts'
import { refused } from '../../sdk/errors.ts'
import { journalFolder, readBook } from '../../sdk/journal-file.ts'
import { fastKeccak } from '../../sdk/native.ts'
import type { OwnBook } from '../../sdk/own-book.ts'
import { hashSchema } from '../../sdk/protocol/wire.ts'
import { createTransport } from '../../sdk/transport.ts'
import { formatUsd } from '../../sdk/units.ts'
import { verifyReceipt } from '../../sdk/verify.ts'
import { networkFor } from '../account.ts'
import { createPrinter, type Printer } from '../print.ts'
import { askRouter } from '../router.ts'
import { printChecks, printSplit } from '../show.ts'
import { type Trust, type TrustOptions, trustFor } from '../trust.ts'

interface Options extends TrustOptions {
  limit?: string
  json?: boolean
}

const listSchema = z.looseObject({
  receipts: z.array(
    z.looseObject({
      hash: hashSchema,
      status: z.string(),
      node: z.number(),
      price: z
        .string()
        .regex(/^\d{1,39}$/)
        .optional(),
    }),
  ),
})

/** `heurist receipt`: what was paid for, and whether it holds. */
export function receiptCommand(): Command {
  const receipt = new Command('receipt').description(
    'Receipts: what was delivered, priced, signed and settled',
  )
  const common = (command: Command) =>
    command
      .option('--router <url>', 'a router; default: the network of this home')
      .option('--json', 'print one JSON object')

  common(receipt.command('list').description('the newest calls of the router'))
    .option('--limit <number>', 'how many', '10')
    .addHelpText('after', '\nExample:\n  $ heurist receipt list --limit 5')
    .action(async (options: Options) => {
      const print = createPrinter(options.json ?? false)
      const { router } = await networkFor(options)
      const { receipts } = await askRouter(
        router.url,
        `/v1/receipts?limit=${Number(options.limit)}`,
        listSchema,
      )
      print.rows(
        receipts.map(({ hash, status, node, price }) => [
          hash,
          `${status.padEnd(10)} node ${node}${price === undefined ? '' : `  $${formatUsd(BigInt(price))}`}`,
        ]),
      )
      print.result(receipts)
    })

  common(
    receipt
      .command('show')
      .description('one call: receipt, split, batch')
      .argument('<id>', "its id, or 'latest'"),
  )
    .addHelpText('after', '\nExample:\n  $ heurist receipt show latest')
    .action(async (id: string, options: Options) => {
      const print = createPrinter(options.json ?? false)
      const { router } = await networkFor(options)
      const request = await idOf(router.url, id)
      const document = await askRouter(router.url, `/v1/receipts/${request}`, receiptDocumentSchema)
      print.rows([
        ['receipt', request],
        ['status', document.status],
        ['node', String(document.node)],
        ...(document.receipt ? [['price', `$${formatUsd(document.receipt.price)}`] as const] : []),
        ...(document.batch ? [['batch', `${document.batch.seq} in ${document.batch.txHash}`] as const] : []),
      ])
      printSplit(print, document)
      print.result(document)
    })

  common(
    receipt
      .command('verify')
      .description('check a receipt end to end: signatures, leaf, posted root, debit and credit')
      .argument('<id>', "its id, or 'latest'"),
  )
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option(
      '--address <address>',
      'the router that was called; default: of this home, if that is the one asked',
    )
    .option('--journal <folder>', "the journal of the payer's client; default: of this home")
    .option('--bytes <file>', 'the output bytes as they were delivered, to check their hash as well')
    .addHelpText('after', '\nExample:\n  $ heurist receipt verify latest')
    .action(async (id: string, options: Options & { bytes?: string; journal?: string }) => {
      const print = createPrinter(options.json ?? false)
      const own = ownTrust(options)
      const folder = options.journal ?? journalFolder()
      let book: OwnBook | undefined
      const network = await networkFor(options)
      const request = await idOf(network.router.url, id)
      const bytes = options.bytes === undefined ? undefined : await readBytes(options.bytes)
      const checks = await verifyReceipt(request, {
        ...own,
        routerUrl: network.router.url,
        keccak: fastKeccak,
        async journal(account) {
          book = await readBook(account, folder)
          return book
        },
        ...(bytes ? { bytes } : {}),
      })
      print.line(`receipt ${request}`)
      printChecks(print, checks)
      if (!book && checks.some(({ name }) => name === 'journal')) printUnread(print, folder)
      print.result({ request, checks })
      if (checks.some((check) => !check.ok)) process.exitCode = 1
    })
  return receipt
}

/**
 * Ledger and chain that the receipt must be of: named here or by this home, and never by the router that is judged.
 *
 * @throws `receipt.unpinned` (refused) if one of them would be the router's word.
 */
function ownTrust(options: TrustOptions): Trust & { ledger: Address; rpcUrl: string } {
  const { ledger, rpcUrl, ...trust } = trustFor(options)
  if (ledger && rpcUrl) return { ...trust, ledger, rpcUrl }
  const missing = [...(ledger ? [] : ['--ledger ADDRESS']), ...(rpcUrl ? [] : ['--rpc URL'])]
  throw refused('receipt.unpinned', 'a router is no witness of where its own receipts are settled', {
    fix: `Name what you trust with ${missing.join(' and ')}, or set HEURIST_HOME to the home of its network.`,
  })
}

/** Where debits would have been held to what the payer's own client counts. */
function printUnread(print: Printer, folder: string): void {
  print.line(`\nDebits were not checked by the payer's journal, looked for in ${folder}.`)
  print.line('Verify on the machine that made the call, or name the folder with --journal.')
}

async function readBytes(file: string): Promise<Uint8Array> {
  const { readFile } = await import('node:fs/promises')
  return new Uint8Array(await readFile(file))
}

/** @throws `receipt.id_invalid`, `receipt.none` (refused). */
async function idOf(routerUrl: string, id: string): Promise<`0x${string}`> {
  if (/^0x[0-9a-fA-F]{64}$/.test(id)) return id.toLowerCase() as `0x${string}`
  if (id !== 'latest') {
    throw refused('receipt.id_invalid', `'${id}' is no receipt id`, {
      fix: "It is 0x and 64 hexadecimal digits, or 'latest'; `heurist receipt list` shows them.",
    })
  }
  const { receipts } = await createTransport(routerUrl).get('/v1/receipts?limit=50', listSchema)
  const newest = receipts.find(({ status }) => status === 'settled') ?? receipts[0]
  if (!newest)
    throw refused('receipt.none', 'the router has no receipt yet', {
      fix: 'Make a call: heurist run chat "hello"',
    })
  return newest.hash
}
