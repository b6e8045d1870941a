import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import type { Call } from '../../sdk/chain/call.ts'
import {
  type AccusableEconomy,
  caseCall,
  economyWithCases,
  type SignedBy,
  tryProof,
} from '../../sdk/chain/cases.ts'
import { refused } from '../../sdk/errors.ts'
import type { Receipt } from '../../sdk/protocol/messages.ts'
import {
  parseWire,
  receiptSchema,
  requestSchema,
  signatureSchema,
  voucherSchema,
} from '../../sdk/protocol/wire.ts'
import { formatHeu } from '../../sdk/units.ts'
import { type EconomyOptions, economyOptions, openSceneOf } from '../economy.ts'

/** A receipt as a node signs it, or anything that carries it: a worker's, a payer's, a router's document. */
const receiptFile = z.looseObject({ receipt: receiptSchema, signature: signatureSchema })

/** What a payer sends with a call: request and voucher, and its signature over the voucher. */
const jobFile = z.looseObject({
  request: requestSchema,
  voucher: voucherSchema,
  signature: signatureSchema,
})

/** `heurist case prove-…`: faults that signatures prove, without a bond, a judge or a wait. */
export function proofCommands(): Command[] {
  const verb = (name: string, what: string, example: string) =>
    economyOptions(new Command(name).description(what)).addHelpText(
      'after',
      `\nExample:\n  $ heurist case ${name} ${example} --key-file reporter.json`,
    )
  const equivocation = verb(
    'prove-equivocation',
    'slash a node that signed two different receipts for one request; whoever shows them is rewarded',
    'one.json other.json',
  )
    .argument('<receipt>', "file with 'receipt' and the node's 'signature'")
    .argument('<other>', 'the same, of the other receipt')
    .action((one: string, other: string, options: EconomyOptions) => {
      const [a, b] = [readReceipt(one), readReceipt(other)]
      return prove(options, a.message.node, ({ slashing }) => caseCall.proveEquivocation(slashing, a, b))
    })
  const contradiction = verb(
    'prove-contradiction',
    'slash a node whose receipt its payer forbade: a higher price, or another node than asked for',
    'job.json receipt.json',
  )
    .argument('<job>', "file with 'request', 'voucher' and the payer's 'signature'")
    .argument('<receipt>', "file with 'receipt' and the node's 'signature'")
    .action((job: string, receipt: string, options: EconomyOptions) => {
      const { request, voucher, signature } = parseWire(jobFile, readJson(job), 'proof.malformed')
      const signed = readReceipt(receipt)
      const asked = { message: voucher, signature }
      return prove(options, signed.message.node, ({ slashing }) =>
        caseCall.proveContradiction(slashing, request, asked, signed),
      )
    })
  return [equivocation, contradiction]
}

/** Tried before it is sent, and on a dry run as well: what proves nothing costs nobody gas. */
async function prove(
  options: EconomyOptions,
  node: number,
  callOf: (economy: AccusableEconomy) => Call,
): Promise<void> {
  const { print, place, economy, account, send } = await openSceneOf(economyWithCases, options)
  const call = callOf(economy)
  const verdict = await tryProof(place.chain, economy.slashing, { call, from: account })
  const outcome = await send([call])
  print.rows([
    ['node', String(node)],
    [outcome.dryRun ? 'would lose' : 'lost', `${formatHeu(verdict.slashed)} HEU`],
    ['reward', `${formatHeu(verdict.reward)} HEU of it for ${account}: \`heurist claim\``],
  ])
  print.result({ ...outcome, node, ...verdict })
}

function readReceipt(file: string): SignedBy<Receipt> {
  const { receipt, signature } = parseWire(receiptFile, readJson(file), 'proof.malformed')
  return { message: receipt, signature }
}

/** @throws `proof.unreadable` (refused). */
function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw refused('proof.unreadable', `cannot read ${file} as JSON`, {
      fix: 'Name a file as `heurist receipt show <id> --json` writes it.',
      cause,
    })
  }
}
