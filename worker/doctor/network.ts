import { WebSocket } from 'ws'
import { openChain } from '../../sdk/chain/clients.ts'
import type { Network } from '../../sdk/chain/network.ts'
import { later, refused } from '../../sdk/errors.ts'
import { decodeFrames, FRAME } from '../../sdk/protocol/frames.ts'
import { challengeSchema, LINK_PATH, LINK_PROTOCOL } from '../../sdk/protocol/link.ts'
import { parseWire } from '../../sdk/protocol/wire.ts'
import { checkChallenge } from '../link.ts'
import { type Check, type Finding, look } from './check.ts'

/** Receipts carry a time, and deadlines are judged by it. */
const MOST_SKEW_SECONDS = 30
const ANSWER_MS = 10_000

/** Whether router and chain can be reached from here, and are what they say. */
export const examineNetwork = (network: Network): Promise<Check[]> =>
  Promise.all([
    look('router.reachable', () => routerReady(network)),
    look('router.clock', () => routerClock(network)),
    look('router.link', () => routerLink(network)),
    look('chain.reachable', () => chainReachable(network)),
    look('chain.clock', () => chainClock(network)),
    look('chain.contracts', () => contracts(network)),
  ])

async function ask(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch((cause: unknown) => {
    throw later('router.unreachable', `${url} does not answer`, {
      fix: 'Check the router URL, that the router runs, and that this machine may dial out.',
      cause,
    })
  })
}

async function routerReady({ router }: Network): Promise<Finding> {
  const response = await ask(`${router.url}/readyz`)
  if (response.ok) return router.url
  throw later('router.unready', `${router.url} answers ${response.status}`, {
    fix: 'Wait for the router, or use another.',
  })
}

export function skew(seconds: number, of: string): Finding {
  const words = `${Math.abs(Math.round(seconds))} s ${seconds < 0 ? 'behind' : 'ahead of'} the ${of}`
  if (Math.abs(seconds) <= MOST_SKEW_SECONDS) return `this clock is ${words}`
  throw refused('clock.wrong', `this clock is ${words}`, { fix: 'Set the clock: switch on NTP.' })
}

async function routerClock({ router }: Network): Promise<Finding> {
  const response = await ask(`${router.url}/healthz`)
  const date = Date.parse(response.headers.get('date') ?? '')
  if (Number.isNaN(date))
    throw later('router.timeless', 'the router sends no date', { fix: 'Ask its operator.' })
  return skew((Date.now() - date) / 1000, 'router')
}

/** The socket opens and the challenge is about the network that the router describes. */
function routerLink({ router, chainId, addresses }: Network): Promise<Finding> {
  const url = `${router.url.replace(/^http/, 'ws')}${LINK_PATH}`
  const socket = new WebSocket(url, LINK_PROTOCOL, { handshakeTimeout: ANSWER_MS })
  const blocked = (why: string, cause?: unknown) =>
    later('link.blocked', `no WebSocket to ${url}: ${why}`, {
      fix: 'A proxy or firewall between this machine and the router must let WebSockets through.',
      cause,
    })
  return new Promise<Finding>((resolve, reject) => {
    const timer = setTimeout(() => reject(blocked('no challenge in time')), ANSWER_MS)
    socket.once('close', () => {
      clearTimeout(timer)
      reject(blocked('it was closed'))
    })
    socket.on('error', (cause) => reject(blocked(cause.message, cause)))
    socket.on('message', (data) => {
      try {
        const [frame] = decodeFrames(new Uint8Array(data as Buffer))
        if (frame?.type !== FRAME.challenge) throw blocked('no challenge came first')
        const body: unknown = JSON.parse(new TextDecoder().decode(frame.payload))
        const challenge = parseWire(challengeSchema, body, 'challenge.malformed')
        checkChallenge(challenge, { chainId, ledger: addresses.ledger, router: router.address })
        resolve('WebSockets pass, and the challenge is right')
      } catch (cause) {
        reject(cause)
      }
    })
  }).finally(() => socket.terminate())
}

async function chainReachable(network: Network): Promise<Finding> {
  await openChain(network).check()
  return `chain ${network.chainId} at ${network.rpcUrl}`
}

async function chainClock(network: Network): Promise<Finding> {
  const { timestamp } = await openChain(network).client.getBlock()
  return skew(Date.now() / 1000 - Number(timestamp), 'chain')
}

async function contracts(network: Network): Promise<Finding> {
  const { client } = openChain(network)
  for (const name of ['registry', 'ledger'] as const) {
    const code = await client.getCode({ address: network.addresses[name] })
    if (code && code !== '0x') continue
    throw refused('contract.missing', `there is no ${name} at ${network.addresses[name]}`, {
      fix: 'The router describes another chain than the one at its RPC URL. Ask its operator, or deploy.',
    })
  }
  return 'registry and ledger are there'
}
