import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Address, Hex } from 'viem'
import { registryAbi } from '../sdk/chain/abi.ts'
import type { Call } from '../sdk/chain/call.ts'
import type { Chain } from '../sdk/chain/clients.ts'
import { type Economy, economyOf } from '../sdk/chain/economy.ts'
import { chainError } from '../sdk/chain/errors.ts'
import { loadKey } from '../sdk/chain/keys.ts'
import { refused } from '../sdk/errors.ts'
import { EPOCH_SECONDS } from '../sdk/protocol/epochs.ts'
import { ROLE } from '../sdk/protocol/messages.ts'
import type { Outcome } from './act.ts'
import { actorFor, performAs } from './actor.ts'
import { homeDir } from './home.ts'
import { createPrinter, type Printer } from './print.ts'
import { openPlace, type Place, type TrustOptions } from './trust.ts'

/** What the commands of the economy have in common: stake, lock, vote, epoch, burn, node tip and node home. */

export interface EconomyOptions extends TrustOptions {
  keyFile?: string
  account?: string
  dryRun?: boolean
  json?: boolean
}

export const economyOptions = (command: Command): Command =>
  command
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--key-file <file>', 'who acts (keystore v3, password in HEURIST_PASSWORD)')
    .option('--account <address>', 'who acts, without its key: to look, or with --dry-run')
    .option('--dry-run', 'print the decoded calls and their data, send nothing')
    .option('--json', 'print one JSON object')

/** A command at work: who acts, and the contracts that the trusted ledger names. */
export interface Scene<E extends Economy = Economy> {
  print: Printer
  place: Place & { economy: E }
  economy: E
  account: Address
  send(calls: readonly Call[]): Promise<Outcome>
}

/**
 * @param node  Whose owner acts if nobody is named and its key is in this home; else the payer does.
 * @throws `economy.absent`, `account.keyless` (refused) and what {@link openPlace} throws.
 */
export const openScene = (options: EconomyOptions, node?: number): Promise<Scene> =>
  openSceneOf(economyOf, options, node)

/** {@link openScene} with more of the economy than the ledger names. @param find  What looks for it. */
export async function openSceneOf<E extends Economy>(
  find: (chain: Chain, ledger: Address) => Promise<E>,
  options: EconomyOptions,
  node?: number,
): Promise<Scene<E>> {
  const print = createPrinter(options.json ?? false)
  const place = await openPlace(options)
  const economy = await find(place.chain, place.ledger)
  const actor = actorFor(options, place, await ownersKey(options, place, node))
  const scenery = { ...place, economy }
  const dryRun = options.dryRun ?? false
  const send = (calls: readonly Call[]) => performAs(print, scenery, calls, { ...actor, dryRun })
  return { print, place: scenery, economy, account: actor.account, send }
}

/** The key of the node's owner, if nobody is named and one of the nodes of this home has it. */
async function ownersKey(
  { keyFile, account }: EconomyOptions,
  { chain, registry }: Place,
  node: number | undefined,
): Promise<Hex | undefined> {
  const isNamed = keyFile !== undefined || account !== undefined || process.env.HEURIST_KEY !== undefined
  const folder = join(homeDir(), 'nodes')
  if (isNamed || node === undefined || !existsSync(folder)) return undefined
  const owner = await chain.client
    .readContract({ address: registry, abi: registryAbi, functionName: 'ownerOf', args: [ROLE.node, node] })
    .catch((cause: unknown) => {
      throw chainError(cause)
    })
  const keys = readdirSync(folder)
    .map((name) => join(folder, name, 'owner.key'))
    .filter((file) => existsSync(file))
    .map((file) => loadKey(file, process.env.HEURIST_PASSWORD))
  return keys.find(({ address }) => address === owner)?.privateKey
}

// --------------------------------------------------------------------------------------------------------- words

/** @throws `id.invalid` (refused). */
export function idOf(text: string, what: string): number {
  const id = Number(text)
  if (/^\d+$/.test(text) && id > 0 && id < 2 ** 32) return id
  throw refused('id.invalid', `'${text}' is no ${what} id`, { fix: 'Ids are whole numbers from 1 on.' })
}

/** Seconds as a person counts them down. */
export function countdown(seconds: number): string {
  if (seconds <= 0) return 'now'
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3_600), 'h'],
    [Math.floor((seconds % 3_600) / 60), 'min'],
  ] as const
  const shown = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`)
  return shown.length === 0 ? `${seconds} s` : shown.join(' ')
}

/** A Unix second, for people. */
export const dateOf = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 16)} UTC`

/** When an epoch begins, for people. */
export const epochDate = (epoch: number): string => `epoch ${epoch} (${dateOf(epoch * EPOCH_SECONDS)})`
