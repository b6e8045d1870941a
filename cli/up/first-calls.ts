import { bug } from '../../sdk/errors.ts'
import { type Answer, type Client, formatUsd, type Network, type ReceiptDocument } from '../../sdk/index.ts'
import { type Check, verifyReceipt } from '../../sdk/verify.ts'
import type { Printer } from '../print.ts'
import { printChecks, printSplit, splitIsWhole, waitForSettlement } from '../show.ts'

/** Within this a local chain settles; it takes one or two seconds. */
const SETTLEMENT_MS = 30_000

const QUESTION = 'What is a pod?'
const PICTURE = 'a red circle on a blue background'

/** One paid chat call and one paid picture, settled and checked from the bytes to the debit. */
export interface FirstCalls {
  chat: Answer
  image: Answer
  settled: ReceiptDocument
  checks: Check[]
}

/** @throws `receipt.unsound` (bug) if anything about the first receipt does not hold. */
export async function makeFirstCalls(client: Client, network: Network): Promise<FirstCalls> {
  const [chat, image] = await Promise.all([
    client.run('chat', { messages: [{ role: 'user', content: QUESTION }] }),
    client.run('image', { prompt: PICTURE }),
  ])
  const settled = await waitForSettlement(client, chat.request, SETTLEMENT_MS)
  await waitForSettlement(client, image.request, SETTLEMENT_MS)
  const checks = await verifyReceipt(chat.request, {
    routerUrl: network.router.url,
    rpcUrl: network.rpcUrl,
    ledger: network.addresses.ledger,
    chainId: network.chainId,
    bytes: chat.bytes,
    journal: () => client.balance(),
  })
  const failed = checks.find((check) => !check.ok)
  if (failed) throw bug('receipt.unsound', `${failed.name}: ${failed.detail}`)
  if (!splitIsWhole(settled)) throw bug('receipt.unsound', 'the split does not sum to the price')
  return { chat, image, settled, checks }
}

export function printFirstCalls(
  print: Printer,
  { chat, image, settled, checks }: FirstCalls,
  network: Network,
  apiKey: string,
): void {
  const gateway = `${network.gateway?.url}/v1`
  print.line(`\n“${QUESTION}”`)
  print.line(`  ${chat.text}`)
  print.line(`\nreceipt ${chat.request}`)
  print.rows([
    ['price', `$${formatUsd(chat.price)} for ${chat.receipt.unitsIn} + ${chat.receipt.unitsOut} tokens`],
    ['node', `${chat.node} (${chat.provider})`],
    ['settled', `batch ${settled.batch?.seq} in ${settled.batch?.txHash}`],
    ['picture', `${image.bytes.length} bytes for $${formatUsd(image.price)}, node ${image.node}`],
  ])
  print.line('\nits split')
  printSplit(print, settled)
  print.line('\nchecked from the bytes to the debit')
  printChecks(print, checks)
  print.line('\nopen')
  print.rows([
    ['web', network.web?.url ?? ''],
    ['chat', `${network.web?.url ?? ''}/pondera`],
    ['pictures', `${network.web?.url ?? ''}/imagine`],
    ['search', `${network.web?.url ?? ''}/search`],
    ['gateway', gateway],
    ['router', network.router.url],
    ['chain', network.rpcUrl],
    ['API key', apiKey],
  ])
  print.line('\ntry')
  print.line(curlLine(gateway, apiKey))
  print.result({
    receipt: settled,
    image: { request: image.request, price: image.price },
    checks,
    urls: { web: network.web?.url, gateway, router: network.router.url, chain: network.rpcUrl },
    apiKey,
  })
}

const curlLine = (gateway: string, apiKey: string): string =>
  `  curl ${gateway}/chat/completions -H "Authorization: Bearer ${apiKey}" -H "Content-Type: application/json" ` +
  `-d '{"model":"chat","messages":[{"role":"user","content":"What is an epoch?"}]}'`
