import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { createKey } from '../../sdk/chain/keys.ts'
import { isLocalChain } from '../../sdk/chain/local-chains.ts'
import { refused } from '../../sdk/errors.ts'
import { usd } from '../../sdk/units.ts'
import { idOf } from '../economy.ts'
import { ROOT } from '../home.ts'
import { createPrinter } from '../print.ts'
import { openPlace, type Place, type TrustOptions } from '../trust.ts'
import { readFrontend } from './entry.ts'

export interface InitOptions extends TrustOptions {
  frontend: string
  port?: string
  perDay?: string
  json?: boolean
}

const STARTER = join(ROOT, 'cli', 'frontend', 'starter')
/** The starter runs and is checked where it lies; elsewhere it finds this package by its name. */
const IN_PLACE = { sdk: "'../../../sdk/", root: '"file:../../.."' }

/**
 * `heurist frontend init <folder>`: a page that calls the network and earns its share, with a key of its own.
 *
 * @throws `folder.not_empty`, `folder.invalid`, `port.invalid`, `amount.invalid`, `frontend.unknown`, `frontend.inactive`,
 *         `key.password_missing` (refused).
 */
export async function init(text: string, options: InitOptions): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const folder = resolve(text)
  mustBeEmpty(folder)
  const [port, perDay] = [portOf(options.port ?? '8080'), options.perDay ?? '1.00']
  usd(perDay)
  const place = await openPlace(options)
  const frontend = await readFrontend(place, idOf(options.frontend, 'frontend'))
  if (!frontend.active) {
    throw refused('frontend.inactive', `routers take no calls of frontend ${frontend.id} now`, {
      fix: 'Its owner brings it back with `heurist frontend reactivate`.',
    })
  }
  const password = process.env.HEURIST_PASSWORD
  if (password === undefined && !isLocalChain(place.chain.id)) {
    throw refused('key.password_missing', 'the page pays with a key that is kept in a file', {
      fix: 'Set HEURIST_PASSWORD, here and where the page runs.',
    })
  }
  mkdirSync(folder, { recursive: true })
  const payer = createKey(join(folder, 'payer.key'), password).address
  const files = write(folder, configOf(place, { port, perDay, frontend: frontend.id }))
  const url = `http://127.0.0.1:${port}`
  print.line(`wrote ${folder}: ${files.join(', ')}`)
  print.rows([
    ['payer', `${payer}, which pays for every visitor`],
    ['earns for', `frontend ${frontend.id}, paid to ${frontend.payout}`],
    ['at most', `$${perDay} a day`],
  ])
  const faucet = isLocalChain(place.chain.id) ? ' --faucet' : ''
  print.line(`give it credit:  heurist credits deposit 1.00 --key-file ${join(folder, 'payer.key')}${faucet}`)
  print.line(`start it:        cd ${folder} && npm start    (${url})`)
  print.result({ folder, files, payer, frontend: frontend.id, port, perDay, url })
}

/** @throws `folder.not_empty`, `folder.invalid` (refused). */
function mustBeEmpty(folder: string): void {
  if (!existsSync(folder)) return
  if (!statSync(folder).isDirectory()) {
    throw refused('folder.invalid', `${folder} is a file`, { fix: 'Name a folder that does not exist yet.' })
  }
  if (readdirSync(folder).length === 0) return
  throw refused('folder.not_empty', `there is something in ${folder}`, {
    fix: 'Name a new or an empty folder: nothing is overwritten.',
  })
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65_536) return port
  throw refused('port.invalid', `--port ${text} is not a port`, { fix: 'Choose one from 1 to 65535.' })
}

const configOf = (
  { network, chain, ledger }: Place,
  { port, perDay, frontend }: { port: number; perDay: string; frontend: number },
): string => `{
  "port": ${port}, "perDay": ${JSON.stringify(perDay)}, "frontend": ${frontend},
  "routerUrl": ${JSON.stringify(network.router.url)},
  "chain": ${JSON.stringify({ rpcUrl: chain.rpcUrl, chainId: chain.id, ledger })}
}
`

/** @returns the names of what was written. */
function write(folder: string, config: string): string[] {
  const copied = readdirSync(STARTER).sort()
  for (const name of copied) {
    const source = readFileSync(join(STARTER, name), 'utf8')
    const text = source
      .replaceAll(IN_PLACE.sdk, "'heurist/sdk/")
      .replace(IN_PLACE.root, () => JSON.stringify(`file:${ROOT}`))
    writeFileSync(join(folder, name), text)
  }
  writeFileSync(join(folder, 'frontend.json'), config)
  writeFileSync(join(folder, '.gitignore'), 'payer.key\nspent-*\n.heurist/\nnode_modules/\n')
  // As `npm install` does for a package in a folder; so the page starts without asking a registry.
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules', 'heurist'), 'dir')
  return [...copied, 'frontend.json', '.gitignore', 'payer.key']
}
