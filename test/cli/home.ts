import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { saveKey } from '../../sdk/chain/keys.ts'
import type { Network } from '../../sdk/chain/network.ts'
import type { Market } from '../market.ts'

const bin = join(import.meta.dirname, '..', '..', 'cli', 'heurist.mjs')

export interface Run {
  code: number
  out: string
  err: string
  /** The one JSON object of `--json`. */
  json: Record<string, unknown>
}

/** A home whose network is the market's, and `heurist` run from the sources in it. */
export interface CliHome {
  readonly folder: string
  run(...argv: string[]): Promise<Run>
  /** A key file in this home. */
  keyFile(name: string, key: Hex): string
}

/** Where nobody answers. */
const NO_ROUTER = 'http://127.0.0.1:9'

/** What a router at that address says of a market's network. */
export function networkOf({ addresses, domain, chain, router }: Market, routerUrl = NO_ROUTER): Network {
  const { authority, heu, asset, registry, ledger } = addresses
  return {
    chainId: domain.chainId,
    rpcUrl: chain.rpcUrl,
    addresses: { accessManager: authority, heu, asset, registry, ledger },
    split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
    podVoters: true,
    router: { address: router.address, url: routerUrl },
  }
}

export function openHome(market: Market, routerUrl = NO_ROUTER): CliHome {
  const folder = join(market.home, 'cli')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'network.json'), JSON.stringify(networkOf(market, routerUrl)))
  return {
    folder,
    keyFile: (name, key) => {
      const file = join(folder, `${name}.key`)
      saveKey(file, key)
      return file
    },
    run: (...argv) => heurist(folder, argv),
  }
}

/** One command in a home, with nothing of ours in its environment but what is given. */
export function heurist(home: string, argv: string[], given: NodeJS.ProcessEnv = {}): Promise<Run> {
  const env: NodeJS.ProcessEnv = { ...process.env, HEURIST_HOME: home }
  for (const name of ['HEURIST_KEY', 'HEURIST_ROUTER_URL', 'HEURIST_LEDGER', 'HEURIST_RPC_URL'])
    delete env[name]
  Object.assign(env, given)
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...argv], { env, timeout: 300_000 }, (failure, out, err) => {
      const json = out.startsWith('{') ? (JSON.parse(out) as Record<string, unknown>) : {}
      resolve({ code: failure ? Number(failure.code) : 0, out, err, json })
    })
  })
}
