import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeAbiParameters } from 'viem'
import { createDraw, type Draw } from '../../bench/economy/draw.ts'
import { foundryBinary } from '../../deploy/chain.ts'
import { type Ballot, EconomyModel, MOST_EPOCHS, NODES, PODS, VOTERS } from './model.ts'

/**
 * `npx tsx test/economy/twin.ts [histories] [seed]`: draws histories, lets the model tell what must come of them, and lets
 * test/solidity/EconomyTwin.t.sol live them with the contracts.
 */
const FIRST = 2_979
const DAY = 86_400
const KIND = {
  lock: 1,
  vote: 2,
  stake: 3,
  unbond: 4,
  work: 5,
  tip: 6,
  turn: 7,
  claim: 8,
  claimNode: 9,
  weight: 10,
  leave: 11,
}
const BATCH = 100

export function drawHistory(draw: Draw, epochs: number): bigint[] {
  const model = new EconomyModel(FIRST)
  const words: bigint[] = [BigInt(FIRST)]
  const tell = (kind: keyof typeof KIND, ...values: (number | bigint)[]) =>
    words.push(BigInt(KIND[kind]), ...values.map(BigInt))
  const of = <T>(list: readonly T[]): T => list[draw.below(list.length)] as T
  const acts: (() => void)[] = [
    () => lock(model, draw, of(VOTERS), tell),
    () => {
      const [who, ballot] = [of(VOTERS), draw.below(2) as Ballot]
      const id = of<number>(ballot === 0 ? NODES : PODS)
      if ((model.locks.get(who)?.end ?? 0) <= model.epoch + 1) return
      const bps = BigInt(draw.below(Number(model.room(who, ballot, id)) + 1))
      if (bps === 0n && !model.bps.get(`${ballot} ${who} ${id}`)) return
      model.vote(who, ballot, id, bps)
      tell('vote', who, ballot, id, bps)
    },
    () => {
      const [node, amount] = [
        of(NODES),
        BigInt(1 + draw.below(1_000_000)) * 10n ** BigInt(10 + draw.below(7)),
      ]
      model.stake(node, amount)
      tell('stake', node, amount)
    },
    () => {
      const node = of(NODES)
      const amount = (model.active(node) * BigInt(1 + draw.below(1_000))) / 1_000n
      if (amount === 0n) return
      model.stake(node, -amount)
      tell('unbond', node, amount)
    },
    ...Array.from({ length: 3 }, () => () => {
      const [node, pod, gross] = [of(NODES), of(PODS), BigInt(20 + draw.below(1_000_000_000))]
      model.work(node, pod, gross)
      tell('work', node, pod, gross)
    }),
    () => {
      const [node, bps] = [of(NODES), BigInt(draw.below(5_001))]
      model.tip(node, bps)
      tell('tip', node, bps)
    },
    () => {
      const [who, ballot] = [of(VOTERS), draw.below(2) as Ballot]
      const id = of<number>(ballot === 0 ? NODES : PODS)
      tell('claim', who, ballot, id, model.claim(who, ballot, id))
    },
    () => {
      const node = of(NODES)
      tell('claimNode', node, model.claimNode(node))
    },
    () => {
      const ballot = draw.below(2) as Ballot
      const id = of<number>(ballot === 0 ? NODES : PODS)
      const epoch = FIRST + draw.below(model.epoch + 2 - FIRST)
      tell('weight', ballot, id, epoch, model.weight(ballot, id, epoch))
    },
  ]
  for (let turns = 0; turns < epochs; turns += 1) {
    for (let left = 3 + draw.below(10); left > 0; left -= 1) of(acts)()
    const [probed, probes] = [of(NODES), BigInt(draw.below(3) && draw.below(2_000_000))]
    const sold = BigInt(draw.below(4) && DAY + draw.below(3 * DAY))
    model.epoch += 1
    const { base, dynamic, burnt } = model.finish(probed, probes, sold)
    tell('turn', probed, probes, burnt === 0n ? 0n : sold, base, dynamic, burnt, model.issued)
  }
  for (const node of NODES) tell('claimNode', node, model.claimNode(node))
  for (const who of VOTERS) {
    for (const id of NODES) tell('claim', who, 0, id, model.claim(who, 0, id))
    for (const id of PODS) tell('claim', who, 1, id, model.claim(who, 1, id))
  }
  return words
}

function lock(
  model: EconomyModel,
  draw: Draw,
  who: number,
  tell: (kind: 'lock' | 'leave', ...values: (number | bigint)[]) => void,
): void {
  const old = model.locks.get(who)
  if (old && old.end <= model.epoch) {
    model.locks.delete(who)
    tell('leave', who)
  }
  const least = Math.max(model.locks.get(who)?.end ?? 0, model.epoch + 1)
  const most = model.epoch + (draw.below(2) === 0 ? 5 : MOST_EPOCHS)
  const end = least >= most ? least : least + draw.below(most - least + 1)
  const amount = BigInt(1 + draw.below(1_000_000)) * 10n ** BigInt(draw.below(17))
  model.lock(who, amount, end)
  tell('lock', who, amount, end)
}

/**
 * @param change  Of a history before the contracts live it: a test that they notice.
 * @returns what differs, as forge tells it; empty if the contracts lived all of them the same way.
 */
export function replay(histories: number, seed: number, change = (words: bigint[]) => words): string {
  const root = join(import.meta.dirname, '..', '..')
  const forge = foundryBinary('forge')
  if (forge === undefined) throw new Error('forge has no binary for this platform')
  mkdirSync(join(root, 'cache'), { recursive: true })
  const draw = createDraw(seed)
  for (let done = 0; done < histories; done += BATCH) {
    const count = Math.min(BATCH, histories - done)
    const told = Array.from({ length: count }, () =>
      encodeAbiParameters([{ type: 'uint256[]' }], [change(drawHistory(draw, 2 + draw.below(8)))]),
    )
    const named = Object.fromEntries(told.map((history, index) => [`h${index}`, history]))
    const file = join(root, 'cache', 'economy-twin.json')
    writeFileSync(file, JSON.stringify({ count, ...named }))
    const { status, stdout } = spawnSync(forge, ['test', '--mc', 'EconomyTwinTest', '--json'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    })
    rmSync(file)
    const lived = stdout.includes('"status":"Success"')
    if (status !== 0 || !lived) {
      const reason = /"reason":"([^"]*)"/.exec(stdout)?.[1] ?? stdout.slice(-2_000)
      return `seed ${seed}, histories ${done} to ${done + count}: ${reason}`
    }
  }
  return ''
}

if (import.meta.filename === process.argv[1]) {
  const [histories, seed] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 20_261_125)]
  const different = replay(histories, seed)
  process.stdout.write(`seed ${seed}: ${histories} histories, ${different || 'equal to the wei'}\n`)
  process.exitCode = different === '' ? 0 : 1
}
