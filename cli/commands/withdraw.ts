import { Command } from 'commander'
import type { Address } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type KeyAccount, readAccount } from '../../sdk/chain/accounts.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { accountCall } from '../../sdk/chain/deposits.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { later, refused } from '../../sdk/errors.ts'
import { formatUsd, usd } from '../../sdk/units.ts'
import { payerKey } from '../account.ts'
import { perform } from '../act.ts'
import { createPrinter, type Printer } from '../print.ts'
import { addressOf, openPlace, type Place, type TrustOptions } from '../trust.ts'

export interface OwnerOptions extends TrustOptions {
  keyFile?: string
  account?: string
  dryRun?: boolean
  json?: boolean
}

export const ownerOptions = (command: Command): Command =>
  command
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--key-file <file>', "the owner's key; on a local chain default: the demo payer")
    .option('--account <address>', "whose account; default: the owner's own key")
    .option('--dry-run', 'print the decoded calls and their data, send nothing')
    .option('--json', 'print one JSON object')

/** `heurist credits withdraw`: announce, wait a day, take. */
export function withdrawCommand(): Command {
  const withdraw = new Command('withdraw').description('take money back: start, wait for the thaw, finish')
  ownerOptions(
    withdraw
      .command('start')
      .description('announce a withdrawal; the router serves the account no more')
      .argument('[dollars]', "how much, or 'all'", 'all'),
  )
    .addHelpText('after', '\nExample:\n  $ heurist credits withdraw start all')
    .action(start)
  ownerOptions(withdraw.command('finish').description('pay out what was announced, after the thaw'))
    .addHelpText('after', '\nExample:\n  $ heurist credits withdraw finish')
    .action(finish)
  ownerOptions(withdraw.command('cancel').description('take the announcement back; the router serves again'))
    .addHelpText('after', '\nExample:\n  $ heurist credits withdraw cancel')
    .action(cancel)
  return withdraw
}

async function start(dollars: string, options: OwnerOptions): Promise<void> {
  const scene = await openScene(options)
  const { account, place } = scene
  const amount = dollars === 'all' ? account.credit : usd(dollars)
  if (amount === 0n) throw refused('account.empty', `the account of ${account.key} holds nothing to withdraw`)
  await act(scene, accountCall.thaw(place.router, account.key, amount))
}

async function finish(options: OwnerOptions): Promise<void> {
  const scene = await openScene(options)
  const { account, place } = scene
  if (account.thawing === 0n) {
    throw refused('withdrawal.none', 'no withdrawal was announced', {
      fix: 'Announce it with `heurist credits withdraw start`.',
    })
  }
  if (!options.dryRun && scene.now < account.thawedAt) {
    throw later('withdrawal.thawing', `it can be finished in ${countdown(account.thawedAt - scene.now)}`, {
      fix: 'Come back then; the money waits.',
      details: { thawedAt: account.thawedAt, seconds: account.thawedAt - scene.now },
    })
  }
  await act(scene, accountCall.withdraw(place.router, account.key))
}

async function cancel(options: OwnerOptions): Promise<void> {
  const scene = await openScene(options)
  await act(scene, accountCall.cancelThaw(scene.place.router, scene.account.key))
}

interface Scene {
  print: Printer
  place: Place
  owner: ReturnType<typeof privateKeyToAccount>
  account: KeyAccount
  /** The chain's clock, Unix seconds. */
  now: number
  dryRun: boolean
}

/** @throws `account.not_yours` (refused) if another may withdraw it. */
async function openScene(options: OwnerOptions): Promise<Scene> {
  const print = createPrinter(options.json ?? false)
  const place = await openPlace(options)
  const owner = privateKeyToAccount(payerKey(options, place.network))
  const key: Address = options.account ? addressOf(options.account, '--account') : owner.address
  const account = await readAccount(place.chain, place.ledger, { router: place.router, key })
  if (account.owner.toLowerCase() !== owner.address.toLowerCase() && !options.dryRun) {
    throw refused('account.not_yours', `the account of ${key} belongs to ${account.owner}`, {
      fix: "Use the owner's key, or --dry-run and have the owner send what it prints.",
    })
  }
  const { timestamp } = await place.chain.client.getBlock()
  return { print, place, owner, account, now: Number(timestamp), dryRun: options.dryRun ?? false }
}

async function act({ print, place, owner, account, dryRun }: Scene, data: Call['data']): Promise<void> {
  const outcome = await perform(print, place, [{ to: place.ledger, data }], {
    from: account.owner,
    sender: keySender(place.chain, owner),
    dryRun,
  })
  const [after, block] = await Promise.all([
    readAccount(place.chain, place.ledger, { router: place.router, key: account.key }),
    place.chain.client.getBlock(),
  ])
  print.rows(accountRows(after, Number(block.timestamp)))
  print.result({ ...outcome, account: after, now: Number(block.timestamp) })
}

/** What an account is worth to its owner, with the countdown of a running withdrawal. */
export function accountRows(account: KeyAccount, now: number): (readonly [string, string])[] {
  const { key, owner, credit, spent, thawing, thawedAt } = account
  return [
    ['account', key],
    ['owner', owner.toLowerCase() === key.toLowerCase() ? 'the key itself' : owner],
    ['spent', `$${formatUsd(spent)}`],
    ['router may still debit', `$${formatUsd(credit)}, by vouchers that the key signed before`],
    ...(thawing > 0n
      ? [
          ['thawing', `$${formatUsd(thawing)}`] as const,
          ['ready', now < thawedAt ? `in ${countdown(thawedAt - now)}` : 'now: withdraw finish'] as const,
        ]
      : []),
  ]
}

/** Seconds as hours, minutes and seconds. */
export function countdown(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  return `${hours} h ${minutes} min ${seconds % 60} s`
}
