import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Address } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { keysOf, openCall, readAccount, signOpen } from '../../sdk/chain/accounts.ts'
import { accountCall } from '../../sdk/chain/deposits.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { createKey } from '../../sdk/chain/keys.ts'
import { refused } from '../../sdk/errors.ts'
import { payerKey } from '../account.ts'
import { perform } from '../act.ts'
import { homeDir } from '../home.ts'
import { createPrinter } from '../print.ts'
import { addressOf, openPlace } from '../trust.ts'
import { accountRows, type OwnerOptions, ownerOptions } from './withdraw.ts'

/** `heurist credits keys`: the signing keys whose accounts one owner may withdraw. */
export function keysCommand(): Command {
  const keys = new Command('keys').description('keys of an owner at this router, from events of the chain')
  ownerOptions(keys.command('list').description('credit, spent, thawing of every key of an owner'))
    .option('--owner <address>', 'whose; default: the key at hand')
    .addHelpText('after', '\nExample:\n  $ heurist credits keys list --owner 0x…')
    .action(list)
  ownerOptions(
    keys.command('new').description('make a key that signs calls, its account owned by the key at hand'),
  )
    .option('--out <file>', 'where the key goes; default: a file in keys/ of the home')
    .addHelpText('after', '\nExample:\n  $ heurist credits keys new --out laptop.key')
    .action(fresh)
  ownerOptions(
    keys
      .command('revoke')
      .description('thaw all that a key has: the router serves it no more')
      .argument('<key>'),
  )
    .addHelpText('after', '\nExample:\n  $ heurist credits keys revoke 0x…')
    .action(revoke)
  return keys
}

async function list(options: OwnerOptions & { owner?: string }): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const place = await openPlace(options)
  const owner: Address = options.owner
    ? addressOf(options.owner, '--owner')
    : privateKeyToAccount(payerKey(options, place.network)).address
  const keys = await keysOf(place.chain, place.ledger, { router: place.router, owner })
  const { timestamp } = await place.chain.client.getBlock()
  print.line(`${keys.length} keys of ${owner} at ${place.router}`)
  for (const key of keys) {
    print.line()
    print.rows(accountRows(key, Number(timestamp)))
  }
  print.result({ owner, router: place.router, now: Number(timestamp), keys })
}

/** The `Open` is presented at once: nobody can be first with another owner. */
async function fresh(options: OwnerOptions & { out?: string }): Promise<void> {
  const print = createPrinter(options.json ?? false)
  if (options.dryRun) {
    throw refused('key.dry_run', 'a key that is not made cannot sign for its owner', {
      fix: 'Leave --dry-run away.',
    })
  }
  const place = await openPlace(options)
  const owner = privateKeyToAccount(payerKey(options, place.network))
  const file = options.out ?? join(homeDir(), 'keys', `credits-${randomUUID()}.key`)
  const made = createKey(file, process.env.HEURIST_PASSWORD)
  const opening = await signOpen(privateKeyToAccount(made.privateKey), owner.address, place)
  const call = openCall({ ...place, key: made.address }, opening)
  const sender = keySender(place.chain, owner)
  const outcome = await perform(print, place, [call], { from: owner.address, sender, dryRun: false })
  print.rows([
    ['key', made.address],
    ['file', file],
    ['owner', owner.address],
  ])
  print.line(`give it money: heurist credits deposit 5.00 --account ${made.address}`)
  print.result({ ...outcome, key: made.address, file, owner: owner.address })
}

/** @throws `account.empty`, `account.not_yours`, `key.revoked` (refused). */
async function revoke(key: string, options: OwnerOptions): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const place = await openPlace(options)
  const owner = privateKeyToAccount(payerKey(options, place.network))
  const { router } = place
  const account = await readAccount(place.chain, place.ledger, { router, key: addressOf(key, '<key>') })
  if (account.credit === 0n) throw refused('account.empty', `the account of ${account.key} holds nothing`)
  if (account.owner.toLowerCase() !== owner.address.toLowerCase() && !options.dryRun) {
    throw refused('account.not_yours', `the account of ${account.key} belongs to ${account.owner}`, {
      fix: "Use the owner's key, or --dry-run and have the owner send what it prints.",
    })
  }
  if (account.thawing === account.credit) {
    throw refused('key.revoked', `all that ${account.key} has is thawing already`, {
      fix: `Take it with \`heurist credits withdraw finish --account ${account.key}\`.`,
      details: { thawing: account.thawing.toString(), thawedAt: account.thawedAt },
    })
  }
  const data = accountCall.thaw(router, account.key, account.credit)
  const outcome = await perform(print, place, [{ to: place.ledger, data }], {
    from: account.owner,
    sender: keySender(place.chain, owner),
    dryRun: options.dryRun ?? false,
  })
  const after = await readAccount(place.chain, place.ledger, { router, key: account.key })
  const { timestamp } = await place.chain.client.getBlock()
  print.rows(accountRows(after, Number(timestamp)))
  print.result({ ...outcome, account: after, now: Number(timestamp) })
}
