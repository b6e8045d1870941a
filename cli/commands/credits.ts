import { randomBytes } from 'node:crypto'
import { Command } from 'commander'
import { type Address, bytesToHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  authorizedCall,
  depositCalls,
  openCall,
  permitCall,
  readAccount,
  signOpen,
} from '../../sdk/chain/accounts.ts'
import { faucet } from '../../sdk/chain/faucet.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { refused } from '../../sdk/errors.ts'
import { formatUsd, usd } from '../../sdk/units.ts'
import { openClient, payerKey } from '../account.ts'
import { perform } from '../act.ts'
import { createPrinter } from '../print.ts'
import { addressOf, openPlace, type Place, type TrustOptions } from '../trust.ts'
import { keysCommand } from './keys.ts'
import { withdrawCommand } from './withdraw.ts'

interface Options extends TrustOptions {
  keyFile?: string
  faucet?: boolean
  json?: boolean
}

interface DepositOptions extends Options {
  account?: string
  accountKeyFile?: string
  owner?: string
  permit?: boolean
  authorize?: boolean
  relayKeyFile?: string
  dryRun?: boolean
}

/** How long a signed deposit may wait for whoever sends it. Seconds. */
const SIGNED_SECONDS = 3600n

/** `heurist credits`: what keys have with a router; deposits and withdrawals. */
export function creditsCommand(): Command {
  const credits = new Command('credits').description(
    'What a key has with the router: deposits, withdrawals, keys of an owner',
  )
  credits
    .command('show')
    .description('deposited, charged, held, available')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--key-file <file>', 'the key; on a local chain default: the demo payer')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ heurist credits show')
    .action(show)

  credits
    .command('deposit')
    .description('move dollars of a wallet into an account with the router')
    .argument('<dollars>')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--key-file <file>', 'whose dollars; on a local chain default: the demo payer')
    .option('--account <address>', "whose account; default: the wallet's own key")
    .option('--owner <address>', 'who may withdraw: the key of the account signs it, and it goes along')
    .option('--account-key-file <file>', 'key of the account, to sign --owner; default: --key-file')
    .option('--permit', 'one transaction: the approval is signed and goes along')
    .option('--authorize', 'signed only (EIP-3009): anybody may send it, the wallet needs no gas')
    .option('--relay-key-file <file>', 'with --authorize: the key that sends it')
    .option('--faucet', 'local chains: take the test dollars and the gas from the faucet first')
    .option('--dry-run', 'print the decoded calls and their data, send nothing')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ heurist credits deposit 5.00 --faucet\n  $ heurist credits deposit 5.00 --permit\n  $ heurist credits deposit 5.00 --authorize --relay-key-file relayer.json',
    )
    .action(deposit)
  credits.addCommand(withdrawCommand())
  credits.addCommand(keysCommand())
  return credits
}

async function show(options: Options): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const { client } = await openClient(options)
  try {
    const balance = await client.balance()
    print.rows(
      Object.entries(balance).map(([name, value]) => [
        name,
        typeof value === 'bigint' ? `$${formatUsd(value)}` : String(value),
      ]),
    )
    print.result(balance)
  } finally {
    await client.close()
  }
}

async function deposit(dollars: string, options: DepositOptions): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const amount = usd(dollars)
  if (amount === 0n) throw refused('amount.invalid', 'a deposit of nothing')
  if (options.permit && options.authorize) {
    throw refused('deposit.two_ways', '--permit and --authorize are two ways', { fix: 'Choose one.' })
  }
  if (options.relayKeyFile && !options.authorize) {
    throw refused('deposit.not_relayable', 'only a deposit with --authorize can be sent by another key', {
      fix: 'Add --authorize.',
    })
  }
  const place = await openPlace(options)
  const giver = privateKeyToAccount(payerKey(options, place.network))
  const relayer = options.relayKeyFile ? accountIn(options.relayKeyFile) : giver
  if (options.faucet && !options.dryRun) await faucet(place.chain, place.asset, giver.address, amount)
  const calls = await callsOf(place, giver, amount, options)
  const outcome = await perform(print, place, calls, {
    from: relayer.address,
    sender: keySender(place.chain, relayer),
    dryRun: options.dryRun ?? false,
  })
  const last = outcome.transactions.at(-1)
  if (last) print.line(`deposited $${formatUsd(amount)} in ${last}`)
  print.result({ ...outcome, ...(last ? { deposited: formatUsd(amount), transaction: last } : {}) })
}

type Wallet = ReturnType<typeof privateKeyToAccount>

const accountIn = (file: string): Wallet =>
  privateKeyToAccount(loadKey(file, process.env.HEURIST_PASSWORD).privateKey)

/** The calls of the way that was chosen, signed where something is to be signed. */
async function callsOf(place: Place, giver: Wallet, amount: bigint, options: DepositOptions) {
  const { chain, ledger, asset, router } = place
  const holder = options.accountKeyFile ? accountIn(options.accountKeyFile) : undefined
  const key: Address = options.account ? addressOf(options.account, '--account') : (holder ?? giver).address
  const terms = { ledger, asset, router, key }
  const opening = options.owner ? await openingOf(place, key, holder ?? giver, options.owner) : undefined
  if (options.authorize) {
    const owner = opening?.owner ?? (await ownerOf(place, key))
    const { timestamp } = await chain.client.getBlock()
    const salt = bytesToHex(randomBytes(32))
    const gift = { giver, amount, owner, salt, validBefore: timestamp + SIGNED_SECONDS }
    return [await authorizedCall(chain, terms, opening ? { ...gift, opening } : gift)]
  }
  if (options.permit) {
    const { timestamp } = await chain.client.getBlock()
    const call = await permitCall(chain, terms, { giver, amount, deadline: timestamp + SIGNED_SECONDS })
    return opening ? [openCall({ ...place, key }, opening), call] : [call]
  }
  return depositCalls(
    chain,
    terms,
    opening ? { from: giver.address, amount, opening } : { from: giver.address, amount },
  )
}

async function openingOf(place: Place, key: Address, holder: Wallet, owner: string) {
  if (holder.address.toLowerCase() !== key.toLowerCase()) {
    throw refused('owner.unsigned', `only the key ${key} can name its owner`, {
      fix: 'Name its key file with --account-key-file.',
    })
  }
  return signOpen(holder, addressOf(owner, '--owner'), place)
}

const ownerOf = async ({ chain, ledger, router }: Place, key: Address): Promise<Address> =>
  (await readAccount(chain, ledger, { router, key })).owner
