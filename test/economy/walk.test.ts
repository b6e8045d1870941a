import './time.mjs'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { type Abi, type Address, createTestClient, encodeFunctionData, erc20Abi, http } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import type { Call } from '../../deploy/deployer.ts'
import { localAccount } from '../../deploy/local.ts'
import { params } from '../../deploy/params.ts'
import { openProbeLog } from '../../keepers/epoch/log.ts'
import {
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  nodeStakingAbi,
  voteControllerAbi,
  votingEscrowAbi,
} from '../../sdk/chain/abi.ts'
import { type Chain, openChain } from '../../sdk/chain/clients.ts'
import { keySender } from '../../sdk/chain/key-sender.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { type Client, usd } from '../../sdk/index.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { freePort, type Market, openMarket } from '../market.ts'
import { openNetwork, type TestNetwork } from '../network.ts'
import {
  BPS,
  baseOf,
  dynamicOf,
  partOf,
  pointsOf,
  powerOf,
  type Rules,
  sum,
  type Vote,
  weightOf,
} from './formulas.ts'

/**
 * Four epochs of a real network: chain and contracts, router, two workers, keeper, real calls of two pods. Three voters
 * lock and vote, both nodes stake and tip; weeks pass at once, for the chain and every process. At the end each party
 * claims, and what it gets is compared, to the last wei, with the formulas of docs/protocol.md on what happened.
 */
const HEU = 10n ** 18n
const WEEK = 604_800
const HOUR = 3_600
const DAY = 24 * HOUR
const EPOCHS = 4
const NODE = 0
const POD = 1

const RULES: Rules = {
  supply: 1_000_000_000n * HEU,
  capBps: 500n,
  baseBps: 125n,
  lambdaBps: 3_000n,
  betaBps: 25_000n,
  etaBps: 5_000n,
}

interface Row {
  who: string
  formula: bigint
  claimed: bigint
}

describe('four epochs of real calls', function () {
  this.timeout(900_000)
  this.bail(true)

  let market: Market
  let network: TestNetwork
  let client: Client
  let chain: Chain
  let ahead = 0
  let first: number
  const rows: Row[] = []
  const people = new Map<string, PrivateKeyAccount>()
  const stakes = [20_000n * HEU, 10_000n * HEU]
  const tips = [1_000n, 3_000n]
  const nodeVotes: Vote[] = []
  const podVotes: Vote[] = []

  const at = <A extends Abi>(address: Address, abi: A) => ({ address, abi })
  const read = <T>(
    call: { address: Address; abi: Abi },
    functionName: string,
    args: readonly unknown[] = [],
  ) => market.deployer.client.readContract({ ...call, functionName, args }) as Promise<T>
  const send = async (from: PrivateKeyAccount, call: Call): Promise<void> => {
    await keySender(chain, from).send({ to: call.address, data: encodeFunctionData(call) })
  }
  const emission = () => at(market.addresses.emission, emissionControllerAbi as Abi)
  const votes = () => at(market.addresses.votes, voteControllerAbi as Abi)
  const heu = () => at(market.addresses.heu, erc20Abi as Abi)
  const asset = () => at(market.addresses.asset, erc20Abi as Abi)
  const balance = (token: { address: Address; abi: Abi }, of: Address) =>
    read<bigint>(token, 'balanceOf', [of])

  async function person(name: string, amount: bigint): Promise<PrivateKeyAccount> {
    const account = privateKeyToAccount(generatePrivateKey())
    await market.gas(account.address)
    await send(localAccount('deployer'), {
      ...heu(),
      functionName: 'transfer',
      args: [account.address, amount],
    })
    people.set(name, account)
    return account
  }

  /** To a second of the chain, and of every process. */
  async function warp(time: number): Promise<void> {
    const { timestamp } = await market.deployer.client.getBlock()
    const seconds = time - Number(timestamp)
    if (seconds <= 0) return
    const anvil = createTestClient({ mode: 'anvil', transport: http(market.chain.rpcUrl) })
    await anvil.increaseTime({ seconds })
    await anvil.mine({ blocks: 1 })
    ahead += seconds * 1000
    writeFileSync(join(market.home, 'ahead'), String(ahead))
    // Every process reads the file anew within this.
    await new Promise((resolve) => setTimeout(resolve, 300))
  }

  async function until(what: string, fact: () => Promise<boolean>): Promise<void> {
    for (let patience = 3_000; patience > 0; patience -= 1) {
      if (await fact()) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`never: ${what}`)
  }

  before(async () => {
    market = await openMarket()
    chain = openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
    process.env.HEURIST_TEST_TIME = join(market.home, 'ahead')
    process.env.NODE_OPTIONS = `--import ${pathToFileURL(join(import.meta.dirname, 'time.mjs')).href}`
    network = await openNetwork(market, 2)
    const { key } = await market.payer(usd('20.00'))
    client = network.client(key)
  })

  after(async () => {
    delete process.env.NODE_OPTIONS
    delete process.env.HEURIST_TEST_TIME
    await client?.close()
    await network?.stop()
    await market?.close()
  })

  it('nodes stake, name their router and their tip; voters lock and vote', async () => {
    const { timestamp } = await market.deployer.client.getBlock()
    const epoch = Math.floor(Number(timestamp) / WEEK)
    first = epoch + 1
    for (const [index, owner] of network.owners.entries()) {
      const node = network.nodes[index] as number
      const stake = stakes[index] as bigint
      await send(localAccount('deployer'), {
        ...heu(),
        functionName: 'transfer',
        args: [owner.address, stake],
      })
      await send(owner, { ...heu(), functionName: 'approve', args: [market.addresses.staking, stake] })
      const staking = at(market.addresses.staking, nodeStakingAbi as Abi)
      await send(owner, { ...staking, functionName: 'stake', args: [node, stake] })
      await send(owner, { ...emission(), functionName: 'setHome', args: [node, market.router.address] })
      await send(owner, { ...emission(), functionName: 'setTip', args: [node, Number(tips[index])] })
    }
    const { chat = 0, image = 0 } = market.seeded.pods
    const [one = 0, two = 0] = network.nodes
    await locksAndVotes('ada', 1_000n * HEU, epoch + 40, { [one]: 10_000 }, { [chat]: 5_000, [image]: 5_000 })
    await locksAndVotes('ben', 3_000n * HEU, epoch + 20, { [one]: 2_500, [two]: 7_500 }, { [image]: 10_000 })
    // This lock ends within the walk.
    await locksAndVotes('cai', 700n * HEU, epoch + 3, { [two]: 10_000 }, { [chat]: 9_999 })
    await network.start({
      name: 'keeper',
      entry: 'keepers/epoch/main.ts',
      config: {
        rpcUrl: market.chain.rpcUrl,
        chainId: market.domain.chainId,
        ledger: market.addresses.ledger,
        keyFile: keyFile('keeper', localKey(LOCAL_KEY.keeper)),
        routers: [{ url: network.routerUrl, address: market.router.address }],
        dataDir: join(market.home, 'keeper'),
        port: await freePort(),
        pollMs: 500,
        probe: {
          payers: [keyFile('keeper', localKey(LOCAL_KEY.keeper))],
          pods: [{ name: 'chat', kind: 'chat' }],
          // A node is asked every two seconds or so: after a jump its link must be made anew, and such probes fail.
          perEpoch: 300_000,
        },
        buy: { mostPrice: (params.burnerPrice.value * 2n).toString() },
      },
    })

    expect(await read(votes(), 'ballotWeightIn', [NODE, first])).to.equal(weightOf(nodeVotes, first))
    expect(await read(votes(), 'ballotWeightIn', [POD, first])).to.equal(weightOf(podVotes, first))
  })

  for (let turn = 0; turn < EPOCHS; turn += 1) {
    it(`epoch ${turn + 1}: calls of both pods are answered, settled, and their fees burnt; the keeper closes it`, async () => {
      const epoch = first + turn
      await warp(epoch * WEEK + HOUR)
      await until('the node is back', async () => (await client.quote('chat')).maxPrice > 0n)
      for (let call = 0; call < 3 + turn; call += 1) {
        await client.run('chat', { messages: [{ role: 'user', content: `What is ${call} plus ${turn}?` }] })
        await client.run('image', { prompt: 'a red circle on a blue background', seed: call })
      }
      await until(
        'all is settled',
        async () => (await client.balance()).spent === (await client.balance()).charged,
      )
      await until('both nodes are probed', async () => {
        const seen = openProbeLog(join(market.home, 'keeper', 'probes')).probes(epoch)
        return network.nodes.every((node) => seen.some((probe) => probe.node === node && probe.answered))
      })

      await warp((epoch + 1) * WEEK + HOUR)
      await until('the fees are gathered', async () => (await lotOf(epoch)).amount > 0n)
      await until(
        'the report is filed',
        async () => (await read<{ state: number }>(emission(), 'reportOf', [epoch])).state === 1,
      )
      await until('both nodes are recorded', async () => {
        const records = network.nodes.map((node) =>
          read<[number, bigint, bigint]>(emission(), 'recordOf', [node]),
        )
        const units = network.nodes.map((node) => unitsIn(ROLE.node, node, epoch))
        const [seen, settled] = [await Promise.all(records), await Promise.all(units)]
        return seen.every(
          ([recorded, base, fee], index) =>
            recorded === epoch && base > 0n && (fee > 0n || settled[index] === 0n),
        )
      })
      await warp((epoch + 1) * WEEK + 2 * DAY)
      await until('the lot is sold', async () => (await lotOf(epoch)).burnt > 0n)
      await warp((epoch + 1) * WEEK + 4 * DAY + HOUR)
      await until('the epoch is final', async () => (await read<number>(emission(), 'nextEpoch')) > epoch)

      expect((await read<{ burnt: bigint }>(emission(), 'epochOf', [epoch])).burnt).to.equal(
        (await lotOf(epoch)).burnt,
      )
    })
  }

  it('every party claims what the formulas give, to the last wei', async () => {
    const last = first + EPOCHS - 1
    const epochs = Array.from({ length: EPOCHS }, (_, index) => first + index)
    const facts = await Promise.all(epochs.map((epoch) => factsOf(epoch)))
    const tipped = new Map<string, bigint>()

    for (const [index, node] of network.nodes.entries()) {
      let own = 0n
      for (const [turn, fact] of facts.entries()) {
        const { base, dynamic, basePoints, feePoints } = fact
        const earned =
          partOf(base, basePoints[index] as bigint, sum(basePoints)) +
          partOf(dynamic, feePoints[index] as bigint, sum(feePoints))
        const epoch = epochs[turn] as number
        const weight = weightOf(nodeVotes, epoch, node)
        const tip = weight < HEU ? 0n : (earned * (tips[index] as bigint)) / BPS
        own += earned - tip
        tipped.set(`${node}.${epoch}`, tip)
      }
      const owner = network.owners[index] as PrivateKeyAccount
      const before = await balance(heu(), owner.address)
      await send(owner, { ...emission(), functionName: 'claim', args: [[node]] })
      rows.push({
        who: `node ${node}: emission, HEU`,
        formula: own,
        claimed: (await balance(heu(), owner.address)) - before,
      })
    }

    for (const node of network.nodes)
      await send(localAccount('payer'), { ...votes(), functionName: 'closeTips', args: [node] })
    for (const [name, account] of people) {
      const mine = nodeVotes.filter(({ voter }) => voter === name)
      // Fractions of a reward are exact here and rounded down once, per target, as the contract promises.
      const formula = sum(
        mine.map((vote) =>
          shareOf(vote, nodeVotes, epochs, (epoch) => tipped.get(`${vote.target}.${epoch}`) ?? 0n),
        ),
      )
      const before = await balance(heu(), account.address)
      await send(account, {
        ...votes(),
        functionName: 'claimTips',
        args: [mine.map(({ target }) => target), account.address],
      })
      rows.push({
        who: `${name}: tips, HEU`,
        formula,
        claimed: (await balance(heu(), account.address)) - before,
      })
    }

    const router = market.router.address
    const revenue = new Map<string, bigint>()
    for (const pod of Object.values(market.seeded.pods)) {
      for (const epoch of epochs)
        revenue.set(`${pod}.${epoch}`, ((await unitsIn(ROLE.pod, pod, epoch)) * 500n) / BPS)
      // A pod that nobody called has nothing to close.
      const earned = sum(epochs.map((epoch) => revenue.get(`${pod}.${epoch}`) ?? 0n))
      if (earned === 0n) continue
      await until(
        'revenue is closed',
        async () => (await read<number>(votes(), 'openFrom', [POD, router, pod])) > last,
      )
    }
    for (const [name, account] of people) {
      const mine = podVotes.filter(({ voter }) => voter === name)
      const formula = sum(
        mine.map((vote) =>
          shareOf(vote, podVotes, epochs, (epoch) => revenue.get(`${vote.target}.${epoch}`) ?? 0n),
        ),
      )
      const before = await balance(asset(), account.address)
      await send(account, {
        ...votes(),
        functionName: 'claimRevenue',
        args: [router, mine.map(({ target }) => target), account.address],
      })
      rows.push({
        who: `${name}: pod revenue, base units`,
        formula,
        claimed: (await balance(asset(), account.address)) - before,
      })
    }
    print()

    for (const { who, formula, claimed } of rows) {
      // Two running sums may cost a voter one unit per target and claim.
      const slack = who.includes(':') && !who.startsWith('node') ? 2n : 0n
      expect(
        formula - claimed >= 0n && formula - claimed <= slack,
        `${who}: ${claimed}, not ${formula}`,
      ).to.equal(true)
    }
    expect(rows.filter(({ claimed }) => claimed > 0n).length).to.be.greaterThan(6)
  })

  it('leaves nothing owed but dust, and the reserve smaller by exactly what was issued', async () => {
    const issued = await Promise.all(
      Array.from({ length: EPOCHS }, (_, index) =>
        read<{ base: bigint; dynamic: bigint }>(emission(), 'epochOf', [first + index]),
      ),
    )
    const released = sum(issued.map(({ base, dynamic }) => base + dynamic))
    const [owed, reserve] = [
      await read<bigint>(emission(), 'owed'),
      await read<bigint>(emission(), 'reserve'),
    ]

    expect(reserve).to.equal(params.emissionReserve.value - released)
    // One wei per node, pool and epoch, from rounding down.
    expect(owed <= BigInt(network.nodes.length * 2 * EPOCHS)).to.equal(true)
    expect(released > 0n).to.equal(true)
  })

  async function locksAndVotes(
    name: string,
    amount: bigint,
    end: number,
    onNodes: Record<number, number>,
    onPods: Record<number, number>,
  ): Promise<void> {
    const account = await person(name, amount)
    const escrow = at(market.addresses.escrow, votingEscrowAbi as Abi)
    await send(account, { ...heu(), functionName: 'approve', args: [escrow.address, amount] })
    await send(account, { ...escrow, functionName: 'lock', args: [amount, end] })
    for (const [ballot, parts, list] of [
      [NODE, onNodes, nodeVotes],
      [POD, onPods, podVotes],
    ] as const) {
      const ids = Object.keys(parts).map(Number)
      await send(account, {
        ...votes(),
        functionName: 'vote',
        args: [ballot, ids, ids.map((id) => parts[id])],
      })
      for (const id of ids) {
        const part = (amount / BPS) * BigInt(parts[id] ?? 0)
        list.push({ voter: name, target: id, amount: part, end, from: first })
      }
    }
  }

  const keyFile = (name: string, key: `0x${string}`): string => {
    const path = join(market.home, 'keys', `${name}.key`)
    if (!existsSync(path)) saveKey(path, key)
    return path
  }

  const lotOf = (epoch: number) =>
    read<{ amount: bigint; burnt: bigint }>(at(market.addresses.burner, feeBurnerAbi as Abi), 'lotOf', [
      epoch,
    ])

  const unitsIn = (role: number, id: number, epoch: number) =>
    read<bigint>(at(market.addresses.ledger, computeLedgerAbi as Abi), 'unitsIn', [
      market.router.address,
      role,
      id,
      epoch,
    ])

  /** What an epoch was, from the books of ledger, burner and keeper, and what the formulas make of it. */
  async function factsOf(epoch: number) {
    const probes = openProbeLog(join(market.home, 'keeper', 'probes')).probes(epoch)
    const quotas = stakes.map((stake) => stake / HEU)
    const baseUnitsIn = (of: number) => {
      const seen = openProbeLog(join(market.home, 'keeper', 'probes')).probes(of)
      return network.nodes.map((node, index) => {
        const asked = seen.filter((probe) => probe.node === node)
        const answered = asked.filter((probe) => probe.answered)
        return asked.length === 0
          ? 0n
          : ((quotas[index] as bigint) * BigInt(answered.length)) / BigInt(asked.length)
      })
    }
    const feeUnitsIn = (of: number) => Promise.all(network.nodes.map((node) => unitsIn(ROLE.node, node, of)))
    const total = weightOf(nodeVotes, epoch)
    const points = (units: readonly bigint[], before: readonly bigint[]) =>
      units.map((each, index) =>
        pointsOf(each, weightOf(nodeVotes, epoch, network.nodes[index] as number), total, sum(before), RULES),
      )
    // The epoch of the deployment had no home routers, and stake counts from the one after.
    const isFirst = epoch === first
    const basePoints = points(baseUnitsIn(epoch), isFirst ? [] : baseUnitsIn(epoch - 1))
    const feeUnits = await feeUnitsIn(epoch)
    const feePoints = points(feeUnits, isFirst ? [] : await feeUnitsIn(epoch - 1))
    const { amount, burnt } = await lotOf(epoch)
    // Only the burn that the protocol's own 5 % of recorded units paid for is matched: calls without a frontend burn more.
    const fee = (sum(feeUnits) * 500n) / BPS
    const matched = fee >= amount ? burnt : (burnt * fee) / amount
    return {
      probes,
      basePoints,
      feePoints,
      base: baseOf(sum(basePoints), sum(quotas), RULES),
      dynamic: sum(feePoints) === 0n ? 0n : dynamicOf(matched, RULES),
    }
  }

  /** One vote's exact part of what its target got, over epochs, rounded down once. */
  function shareOf(
    vote: Vote,
    all: readonly Vote[],
    epochs: readonly number[],
    reward: (epoch: number) => bigint,
  ): bigint {
    let [above, below] = [0n, 1n]
    for (const epoch of epochs) {
      const weight = weightOf(all, epoch, vote.target)
      if (weight < HEU) continue
      const [part, of] = [reward(epoch) * powerOf(vote, epoch), weight]
      ;[above, below] = [above * of + part * below, below * of]
    }
    return above / below
  }

  function print(): void {
    const width = Math.max(...rows.map(({ who }) => who.length))
    for (const { who, formula, claimed } of rows)
      process.stdout.write(
        `      ${who.padEnd(width)}  formula ${String(formula).padStart(26)}  claimed ${String(claimed).padStart(26)}\n`,
      )
  }
})
