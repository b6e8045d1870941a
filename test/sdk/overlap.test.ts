import { expect } from 'chai'
import type { Hex } from 'viem'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { type Check, verifyReceipt } from '../../sdk/verify.ts'
import { runScript } from './published.ts'
import { openStage, type Stage } from './stage.ts'

/** A router that gives one part of a payee's gross to two calls, and hides it from whoever verifies one of them. */
describe('verifying a call whose part of a payee’s gross is another one’s too, by a router that', function () {
  this.timeout(120_000)
  let stage: Stage

  beforeEach(async () => {
    stage = await openStage()
  })
  afterEach(() => stage?.close())

  const failed = (checks: Check[]) => checks.filter(({ ok }) => !ok).map(({ name }) => name)
  const one = (checks: Check[], name: string) => checks.find((check) => check.name === name)

  /** The leaf of a call as one of payees that are the router's own. */
  const elsewhere = (leaf: Leaf, gross: bigint): Leaf => ({
    ...leaf,
    ...{ node: 77, nodeGross: gross, pod: 77, podGross: gross, frontend: 77, frontendGross: gross },
  })

  /** By the sdk and by the published script. */
  async function verified(call: Hex) {
    const { router, market } = stage
    const options = { routerUrl: router.url, rpcUrl: market.chain.rpcUrl, ledger: market.addresses.ledger }
    const checks = await verifyReceipt(call, options)
    const { code, output } = await runScript(
      stage,
      options.routerUrl,
      options.rpcUrl,
      call,
      '--ledger',
      options.ledger,
    )
    return { checks, code, output }
  }

  it('shows a receipt that says that the other one was free, fails', async () => {
    const [first, second] = [await stage.client(), await stage.client()]
    const [x, y] = [await first.run('chat', 'x'), await second.run('chat', 'y')]
    const call = stage.router.calls.get(y.request)
    if (!call?.answer) throw new Error('no call')
    const free = { ...call.answer.receipt, price: 0n }
    const receipt = createHasher(stage.market.domain).struct('Receipt', free)
    call.answer = { ...call.answer, receipt: free }
    stage.router.script = {
      listed: ([one, two]) => [
        one as Leaf,
        { ...(two as Leaf), receipt, nodeGross: (one as Leaf).nodeGross },
      ],
      posted: (batch) => ({
        ...batch,
        payers: batch.payers.map((line) => ({ ...line, charge: x.price })),
        nodes: [
          { id: stage.node.id, amount: x.price },
          { id: 77, amount: y.price },
        ],
        pods: batch.pods.map((line) => ({ ...line, amount: x.price + y.price })),
        frontends: batch.frontends.map((line) => ({ ...line, amount: x.price + y.price })),
      }),
    }
    await stage.router.settle()
    stage.router.script = {}

    const { checks, code, output } = await verified(x.request)

    expect(failed(checks)).to.deep.equal(['credit node'])
    expect(one(checks, 'credit node')?.detail).to.match(/^leaf\.overlap: /)
    expect(output).to.match(/✗ credit/)
    expect(code).to.equal(1)
  })

  it('lists another payer’s calls backwards, so that one of them hides where it begins, fails', async () => {
    const [first, second] = [await stage.client(), await stage.client()]
    const x = await first.run('chat', 'x')
    const [y, z] = [await second.run('chat', 'y'), await second.run('chat', 'z')]
    const taken = 5n
    stage.router.script = {
      // The last call of the second payer comes before its first one, which begins in the part of the first payer's.
      listed: ([a, b, c]) => {
        if (!a || !b || !c) throw new Error('no leaf')
        return [a, elsewhere(c, z.price), { ...b, nodeGross: b.nodeGross - taken }]
      },
      posted: (batch) => ({
        ...batch,
        nodes: [
          { id: stage.node.id, amount: x.price + y.price - taken },
          { id: 77, amount: z.price + taken },
        ],
        pods: [
          { id: batch.pods[0]?.id ?? 0, amount: x.price + y.price },
          { id: 77, amount: z.price },
        ],
        frontends: [
          { id: 0, amount: x.price + y.price },
          { id: 77, amount: z.price },
        ],
      }),
    }
    await stage.router.settle()
    stage.router.script = {}

    const { checks, code, output } = await verified(x.request)

    expect(failed(checks)).to.deep.equal(['credit node', 'credit pod', 'credit frontend'])
    expect(one(checks, 'credit node')?.detail).to.match(/^charge\.falls: /)
    expect(output).to.match(/✗ credit/)
    expect(code).to.equal(1)
  })

  it('charges a payer’s line less than its leaves, so that its first call hides where it begins, fails', async () => {
    const [first, second] = [await stage.client(), await stage.client()]
    const x = await first.run('chat', 'x')
    const [y, z] = [await second.run('chat', 'y'), await second.run('chat', 'z')]
    const taken = 5n
    const given = 1n
    stage.router.script = {
      // By its payer's line the second call cost less than nothing; it begins in the part of the first payer's.
      listed: ([a, b, c]) => {
        if (!a || !b || !c) throw new Error('no leaf')
        const second = { ...elsewhere(b, y.price), node: b.node, nodeGross: b.nodeGross - taken }
        return [a, second, elsewhere(c, y.price + z.price)]
      },
      posted: (batch) => ({
        ...batch,
        payers: batch.payers.map((line, index) =>
          index === 0 ? line : { ...line, charge: y.price - given },
        ),
        nodes: [
          { id: stage.node.id, amount: x.price + y.price - taken },
          { id: 77, amount: taken - given },
        ],
        pods: [
          { id: batch.pods[0]?.id ?? 0, amount: x.price },
          { id: 77, amount: y.price - given },
        ],
        frontends: [
          { id: 0, amount: x.price },
          { id: 77, amount: y.price - given },
        ],
      }),
    }
    await stage.router.settle()
    stage.router.script = {}

    const { checks, code, output } = await verified(x.request)

    expect(failed(checks)).to.deep.equal(['credit node'])
    expect(one(checks, 'credit node')?.detail).to.match(/^charge\.falls: /)
    expect(output).to.match(/✗ credit/)
    expect(code).to.equal(1)
  })
})
