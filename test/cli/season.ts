import { bytesToHex, createTestClient, type Hex, http, zeroHash } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { authorityAbi, computeLedgerAbi, heuAbi, registryAbi } from '../../sdk/chain/abi.ts'
import { type Chain, openChain } from '../../sdk/chain/clients.ts'
import { type Economy, economyOf } from '../../sdk/chain/economy.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { createSigner, fastKeccak, toCompact } from '../../sdk/native.ts'
import { packBatch } from '../../sdk/protocol/batch.ts'
import { EPOCH_SECONDS, startOf } from '../../sdk/protocol/epochs.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { type Market, openMarket } from '../market.ts'
import { type CliHome, openHome } from './home.ts'

export const USD = 1_000_000n
export const HEU = 10n ** 18n
const HASH = `0x${'ab'.repeat(32)}` as const

/** Somebody with a key file, gas and HEU. */
export interface Holder {
  key: Hex
  account: PrivateKeyAccount
  file: string
}

/** Weeks of a real market with its economy, and `heurist` beside it. */
export interface Season {
  readonly market: Market
  readonly home: CliHome
  readonly chain: Chain
  readonly economy: Economy
  holder(name: string, amount: bigint): Promise<Holder>
  /** Gives an account a role of the network, at once. */
  grant(role: bigint, to: Hex): Promise<void>
  /** A fresh node of the holder; its id as text. */
  nodeOf(owner: Holder): Promise<string>
  /** HEU of an account, free. */
  heuOf(address: Hex): Promise<bigint>
  epoch(): Promise<number>
  /** To that many seconds after the beginning of the next epoch. */
  nextEpoch(seconds?: number): Promise<void>
  /** Forward by seconds. */
  wait(seconds: number): Promise<void>
  /** The market's router settles one call of a payer. Charges are base units. */
  settle(payer: Hex, charge: bigint, call: { node: number; pod: number; frontend?: number }): Promise<void>
  close(): Promise<void>
}

/** @param podsDir  Whose pods are registered; default: those that ship. */
export async function openSeason(podsDir?: string): Promise<Season> {
  const market = await openMarket(podsDir)
  const home = openHome(market)
  const chain = openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
  const economy = await economyOf(chain, market.addresses.ledger)
  const anvil = createTestClient({ mode: 'anvil', transport: http(market.chain.rpcUrl) })
  const heu = { address: economy.heu, abi: heuAbi } as const
  const charged = new Map<Hex, bigint>()

  async function wait(seconds: number): Promise<void> {
    await anvil.increaseTime({ seconds })
    await anvil.mine({ blocks: 1 })
  }

  async function settle(
    payer: Hex,
    charge: bigint,
    { node, pod, frontend = market.seeded.frontend }: { node: number; pod: number; frontend?: number },
  ): Promise<void> {
    const router = market.router.address
    const ledger = { address: market.addresses.ledger, abi: computeLedgerAbi } as const
    const book = await chain.client.readContract({ ...ledger, functionName: 'routerOf', args: [router] })
    const ceiling = (charged.get(payer) ?? 0n) + charge
    charged.set(payer, ceiling)
    const expiry = Math.floor((await readClock(chain)).now) + EPOCH_SECONDS
    const voucher = { router, ceiling, expiry, request: HASH }
    const digest = createHasher(market.domain, fastKeccak).digest('Voucher', voucher)
    const compact = toCompact(createSigner(payer).sign(digest))
    if (!compact) throw new Error('a signer of ours makes low s only')
    const packed = packBatch({
      seq: book.seq + 1n,
      prev: book.batchHash,
      root: HASH,
      dataHash: HASH,
      payers: [{ ...compact, request: HASH, ceiling, expiry, charge }],
      nodes: [{ id: node, amount: charge }],
      pods: [{ id: pod, amount: charge }],
      frontends: [{ id: frontend, amount: charge }],
    })
    const args = [bytesToHex(packed)] as const
    await market.deployer.send(
      { ...ledger, functionName: 'settle', args },
      privateKeyToAccount(market.router.key),
    )
  }

  return {
    market,
    home,
    chain,
    economy,
    wait,
    settle,
    async holder(name, amount) {
      const key = generatePrivateKey()
      const account = privateKeyToAccount(key)
      await market.gas(account.address)
      if (amount > 0n)
        await market.deployer.send({ ...heu, functionName: 'transfer', args: [account.address, amount] })
      return { key, account, file: home.keyFile(name, key) }
    },
    async grant(role, to) {
      const authority = { address: market.addresses.authority, abi: authorityAbi } as const
      await market.deployer.send({ ...authority, functionName: 'grantRole', args: [role, to, 0] })
    },
    async nodeOf({ account }) {
      const signer = privateKeyToAccount(generatePrivateKey()).address
      const registry = { address: market.addresses.registry, abi: registryAbi } as const
      const args = [signer, account.address, zeroHash] as const
      await market.deployer.send({ ...registry, functionName: 'registerNode', args }, account)
      return String(await chain.client.readContract({ ...registry, functionName: 'nodeOf', args: [signer] }))
    },
    heuOf: (address) => chain.client.readContract({ ...heu, functionName: 'balanceOf', args: [address] }),
    epoch: async () => (await readClock(chain)).epoch,
    async nextEpoch(seconds = 1) {
      const { now, epoch } = await readClock(chain)
      await wait(startOf(epoch + 1) - now + seconds)
    },
    close: () => market.close(),
  }
}

/** The code of a refusal under `--json`. */
export const codeOf = ({ json }: { json: Record<string, unknown> }): string =>
  (json.error as { code: string } | undefined)?.code ?? ''
