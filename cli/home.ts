import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Network, parseNetwork } from '../sdk/chain/network.ts'
import { refused } from '../sdk/errors.ts'

/** The root of the checkout: where pods and the web page lie. */
export const ROOT = resolve(import.meta.dirname, '..')
export const PODS_DIR = join(ROOT, 'pods')

/** Where everything of this machine's network is kept. */
export const homeDir = (): string => resolve(process.env.HEURIST_HOME ?? '.heurist')

export const DEFAULT_PORT_BASE = 7800

/** Loopback ports of the local network, counted from one base. */
export interface Ports {
  router: number
  gateway: number
  web: number
  keeper: number
  babel: number
  chain: number
}

/** @throws `port.invalid` (refused). */
export function portsFrom(base: number): Ports {
  if (!Number.isInteger(base) || base < 1024 || base > 65_000) {
    throw refused('port.invalid', `--port-base ${base} is not a port`, {
      fix: 'Choose one from 1024 to 65000.',
    })
  }
  return {
    router: base,
    gateway: base + 1,
    web: base + 2,
    keeper: base + 3,
    babel: base + 4,
    chain: base + 45,
  }
}

export const networkFile = (home: string): string => join(home, 'network.json')

/**
 * The network that `heurist up` described in this home.
 *
 * @throws `network.missing` (refused) if none was started here.
 */
export function savedNetwork(home: string): Network {
  const file = networkFile(home)
  if (!existsSync(file)) {
    throw refused('network.missing', `no network is described in ${home}`, {
      fix: 'Start one with `npm start`, or name a router with --router URL.',
    })
  }
  return parseNetwork(JSON.parse(readFileSync(file, 'utf8')))
}
