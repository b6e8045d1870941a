import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Account, type Address, zeroHash } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, heuAbi, registryAbi, routerBondAbi, testDollarAbi } from '../sdk/chain/abi.ts'
import { openChain } from '../sdk/chain/clients.ts'
import { faucet } from '../sdk/chain/faucet.ts'
import { LOCAL_KEY, localKey } from '../sdk/chain/local.ts'
import { manifestHash, parseManifest } from '../sdk/protocol/manifest.ts'
import { ROLE } from '../sdk/protocol/messages.ts'
import type { Deployer } from './deployer.ts'
import { params } from './params.ts'

/** The account of the public local mnemonic that plays a part. */
export const localAccount = (part: keyof typeof LOCAL_KEY) => privateKeyToAccount(localKey(LOCAL_KEY[part]))

/** What stands behind the local network once it is seeded. */
export interface Seeded {
  /** Pod ids by name. */
  pods: Record<string, number>
  frontend: number
}

/** Registers the shipped pods and a frontend, and gives router, gateway and demo payer their money. Idempotent. */
export async function seedLocal(deployer: Deployer, podsDir: string): Promise<Seeded> {
  const router = localAccount('router')
  const owner = localAccount('frontend')
  const [, frontend] = await Promise.all([
    seedPods(deployer, podsDir, localAccount('podDeployer')),
    frontendOf(deployer, 'gateway', owner, owner.address),
    // The deployer's own transactions one after the other: it has one nonce.
    seedBond(deployer, router.address).then(() =>
      Promise.all([seedFloat(deployer, router), seedKeeper(deployer, router.address)]),
    ),
    seedCredit(deployer, router.address, localAccount('payer')),
  ])
  await seedCredit(deployer, router.address, owner)
  return { pods: { ...deployer.record.pods }, frontend }
}

/** The pod folders of a directory: those with a `pod.yaml`. */
export function podFolders(podsDir: string): string[] {
  return readdirSync(podsDir)
    .filter((name) => existsSync(join(podsDir, name, 'pod.yaml')))
    .sort()
}

async function seedPods(deployer: Deployer, podsDir: string, owner: Account): Promise<void> {
  const registry = { address: deployer.addressOf('registry'), abi: registryAbi } as const
  for (const folder of podFolders(podsDir)) {
    const bytes = readFileSync(join(podsDir, folder, 'pod.yaml'))
    const { name } = parseManifest(bytes)
    const hash = manifestHash(bytes)
    const id = deployer.record.pods[name]
    if (id === undefined) {
      await deployer.send({ ...registry, functionName: 'registerPod', args: [owner.address, hash] }, owner)
      deployer.record.pods[name] = await count(deployer, ROLE.pod)
      deployer.save()
      continue
    }
    const published = await deployer.client.readContract({
      ...registry,
      functionName: 'isVersion',
      args: [id, hash],
    })
    if (!published) await deployer.send({ ...registry, functionName: 'publish', args: [id, hash] }, owner)
  }
}

/** The Discord bot's frontend and its credit, once somebody switches it on. Idempotent. */
export async function seedBabel(deployer: Deployer, router: Address, rpcUrl: string): Promise<number> {
  const owner = localAccount('babel')
  await seedGas(deployer, owner, rpcUrl)
  const frontend = await frontendOf(deployer, 'babel', owner, owner.address)
  await seedCredit(deployer, router, owner)
  return frontend
}

/** The credit that the search door has its documents indexed with. Idempotent. */
export async function seedSearch(deployer: Deployer, router: Address, rpcUrl: string): Promise<void> {
  await seedGas(deployer, localAccount('search'), rpcUrl)
  await seedCredit(deployer, router, localAccount('search'))
}

async function seedGas(deployer: Deployer, { address }: Account, rpcUrl: string): Promise<void> {
  const chain = openChain({ chainId: deployer.chainId, rpcUrl })
  await faucet(chain, deployer.addressOf('asset'), address, 1n)
}

/** Registers a frontend for every door of the web, each with a payout of its own, all owned by the local operator. */
export async function seedDoors<D extends 'portal' | 'pondera' | 'imagine' | 'search'>(
  deployer: Deployer,
  doors: readonly D[],
): Promise<Record<D, number>> {
  const ids: Partial<Record<D, number>> = {}
  for (const door of doors) {
    ids[door] = await frontendOf(deployer, door, localAccount('frontend'), localAccount(door).address)
  }
  return ids as Record<D, number>
}

async function frontendOf(
  deployer: Deployer,
  name: string,
  owner: Account,
  payout: Address,
): Promise<number> {
  const known = deployer.record.frontends[name]
  if (known !== undefined) return known
  const registry = { address: deployer.addressOf('registry'), abi: registryAbi } as const
  await deployer.send({ ...registry, functionName: 'registerFrontend', args: [payout, zeroHash] }, owner)
  const id = await count(deployer, ROLE.frontend)
  deployer.record.frontends[name] = id
  deployer.save()
  return id
}

const count = (deployer: Deployer, role: number): Promise<number> =>
  deployer.client.readContract({
    address: deployer.addressOf('registry'),
    abi: registryAbi,
    functionName: 'countOf',
    args: [role],
  })

/** Posts the local router's bond out of the deployer's pocket. */
async function seedBond(deployer: Deployer, router: Address): Promise<void> {
  const bond = { address: deployer.addressOf('bond'), abi: routerBondAbi } as const
  const heu = { address: deployer.addressOf('heu'), abi: heuAbi } as const
  const asset = { address: deployer.addressOf('asset'), abi: testDollarAbi } as const
  const held = await deployer.client.readContract({ ...bond, functionName: 'bondOf', args: [router] })
  const dollars = atLeastZero(params.localBond.value - held.asset)
  const heus = atLeastZero(params.bondLeastHeu.value - held.heu)
  if (dollars === 0n && heus === 0n) return
  await deployer.send({ ...asset, functionName: 'faucet', args: [deployer.admin, dollars] })
  await deployer.send({ ...asset, functionName: 'approve', args: [bond.address, dollars] })
  await deployer.send({ ...heu, functionName: 'approve', args: [bond.address, heus] })
  await deployer.send({ ...bond, functionName: 'deposit', args: [router, dollars, heus] })
}

/** The keeper's HEU and the demo payer's, and credit for the keeper's probes. */
async function seedKeeper(deployer: Deployer, router: Address): Promise<void> {
  await seedCredit(deployer, router, localAccount('keeper'))
  await seedHeu(deployer, localAccount('keeper').address, params.localKeeper.value)
  await seedHeu(deployer, localAccount('payer').address, params.localHolder.value)
}

/** Out of the deployer's pocket, up to `amount` wei once it is half spent. */
async function seedHeu(deployer: Deployer, to: Address, amount: bigint): Promise<void> {
  const heu = { address: deployer.addressOf('heu'), abi: heuAbi } as const
  const held = await deployer.client.readContract({ ...heu, functionName: 'balanceOf', args: [to] })
  const missing = amount - held
  if (missing * 2n <= amount) return
  await deployer.send({ ...heu, functionName: 'transfer', args: [to, missing] })
}

const atLeastZero = (amount: bigint): bigint => (amount > 0n ? amount : 0n)

async function seedFloat(deployer: Deployer, router: Account): Promise<void> {
  const ledger = { address: deployer.addressOf('ledger'), abi: computeLedgerAbi } as const
  const { float } = await deployer.client.readContract({
    ...ledger,
    functionName: 'routerOf',
    args: [router.address],
  })
  const missing = params.localFloat.value - float
  if (missing <= 0n) return
  await giveDollars(deployer, router, missing)
  await deployer.send({ ...ledger, functionName: 'addFloat', args: [router.address, missing] }, router)
}

/** Tops the account of `payer` with `router` up to the local credit once it is half spent. */
export async function seedCredit(deployer: Deployer, router: Address, payer: Account): Promise<void> {
  const ledger = { address: deployer.addressOf('ledger'), abi: computeLedgerAbi } as const
  const credit = await deployer.client.readContract({
    ...ledger,
    functionName: 'creditOf',
    args: [router, payer.address],
  })
  const missing = params.localCredit.value - credit
  if (missing * 2n <= params.localCredit.value) return
  await giveDollars(deployer, payer, missing)
  await deployer.send({ ...ledger, functionName: 'deposit', args: [router, payer.address, missing] }, payer)
}

/** Mints test dollars to an account and lets the ledger draw them. */
async function giveDollars(deployer: Deployer, account: Account, amount: bigint): Promise<void> {
  const asset = { address: deployer.addressOf('asset'), abi: testDollarAbi } as const
  await deployer.send({ ...asset, functionName: 'faucet', args: [account.address, amount] }, account)
  const args = [deployer.addressOf('ledger'), amount] as const
  await deployer.send({ ...asset, functionName: 'approve', args }, account)
}
