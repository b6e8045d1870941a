import type { Address, Hex } from 'viem'
import type { Role } from '../protocol/messages.ts'
import { ROLE } from '../protocol/messages.ts'
import type { SplitBps } from '../protocol/split.ts'
import { computeLedgerAbi, registryAbi } from './abi.ts'
import type { Chain } from './clients.ts'
import { chainError } from './errors.ts'

/** What a key has with a router, as the ledger knows it. Base units, Unix seconds. */
export interface LedgerAccount {
  deposited: bigint
  spent: bigint
  thawing: bigint
  thawedAt: number
  owner: Address
}

/** The facts that a payer and a verifier take from the chain instead of from anybody's word. */
export interface ChainReader {
  /** Which registry and asset the ledger itself obeys. */
  addresses(): Promise<{ registry: Address; asset: Address }>
  account(router: Address, key: Address): Promise<LedgerAccount>
  /** Root of a settled batch; undefined if the router settled no such batch. */
  rootOf(router: Address, seq: bigint): Promise<Hex | undefined>
  /** Number of the router's newest settled batch; 0 before its first. */
  lastBatch(router: Address): Promise<bigint>
  grossOf(router: Address, role: Role, id: number): Promise<bigint>
  /** The split as the ledger computes it; absent voters have 0. */
  split(): Promise<{ bps: SplitBps; voters: boolean }>
  /** Whether the pod ever published this version. A yes is remembered: it never changes. */
  isVersion(pod: number, manifest: Hex): Promise<boolean>
  /** The key that signs for the node today; remembered until asked afresh. Undefined if there is no such node. */
  signerOf(node: number, options?: { fresh: boolean }): Promise<Address | undefined>
  /** Whether a message of second `at` by `signer` counts today as the word of `node`. */
  wasSigner(node: number, signer: Address, at: number): Promise<boolean>
  /** Whether `signer` was the key of `node` in second `at`, however long ago its life ended. */
  livedAs(node: number, signer: Address, at: number): Promise<boolean>
}

const NOBODY = /^0x0*$/

/** Every read checks once that the chain is the right one, and fails as `chain.unreachable` or `chain.wrong`. */
export function chainReader(chain: Chain, addresses: { ledger: Address; registry: Address }): ChainReader {
  const ledger = { address: addresses.ledger, abi: computeLedgerAbi } as const
  const registry = { address: addresses.registry, abi: registryAbi } as const
  const { client } = chain
  const versions = new Set<string>()
  const signers = new Map<number, Address>()

  async function ask<T>(read: () => Promise<T>): Promise<T> {
    await chain.check()
    try {
      return await read()
    } catch (cause) {
      throw chainError(cause)
    }
  }

  const shareOf = (role: Role) =>
    client.readContract({ ...ledger, functionName: 'shareBpsOf', args: [ROLE[role], 1] }).then(Number)

  return {
    addresses: () =>
      ask(async () => {
        const [registry, asset] = await Promise.all([
          client.readContract({ ...ledger, functionName: 'registry' }),
          client.readContract({ ...ledger, functionName: 'asset' }),
        ])
        return { registry, asset }
      }),

    account: (router, key) =>
      ask(async () => {
        const account = await client.readContract({
          ...ledger,
          functionName: 'accountOf',
          args: [router, key],
        })
        return { ...account, thawedAt: Number(account.thawedAt) }
      }),

    rootOf: (router, seq) =>
      ask(async () => {
        const root = await client.readContract({ ...ledger, functionName: 'rootOf', args: [router, seq] })
        return NOBODY.test(root) ? undefined : root
      }),

    lastBatch: (router) =>
      ask(async () => {
        const { seq } = await client.readContract({ ...ledger, functionName: 'routerOf', args: [router] })
        return seq
      }),

    grossOf: (router, role, id) =>
      ask(() => client.readContract({ ...ledger, functionName: 'grossOf', args: [router, ROLE[role], id] })),

    split: () =>
      ask(async () => {
        const roles = ['node', 'pod', 'frontend', 'voters'] as const
        const [node = 0, pod = 0, frontend = 0, voters = 0] = await Promise.all(roles.map(shareOf))
        return { bps: { node, pod, frontend, voters }, voters: voters > 0 }
      }),

    async isVersion(pod, manifest) {
      const version = `${pod} ${manifest}`
      if (versions.has(version)) return true
      const known = await ask(() =>
        client.readContract({ ...registry, functionName: 'isVersion', args: [pod, manifest] }),
      )
      if (known) versions.add(version)
      return known
    },

    async signerOf(node, options) {
      const remembered = signers.get(node)
      if (remembered && !options?.fresh) return remembered
      const signer = await ask(() =>
        client.readContract({ ...registry, functionName: 'signerOf', args: [node] }),
      )
      if (NOBODY.test(signer)) return undefined
      signers.set(node, signer)
      return signer
    },

    wasSigner: (node, signer, at) =>
      ask(() => client.readContract({ ...registry, functionName: 'wasSigner', args: [node, signer, at] })),

    livedAs: (node, signer, at) =>
      ask(async () => {
        const life = await client.readContract({ ...registry, functionName: 'signerLife', args: [signer] })
        return node !== 0 && life.node === node && life.since <= at && (life.until === 0 || at <= life.until)
      }),
  }
}
