import { expect } from 'chai'
import {
  type Address,
  createTestClient,
  createWalletClient,
  encodeFunctionData,
  type Hex,
  http,
  keccak256,
} from 'viem'
import { type Intent, openIntents } from '../../apps/web/src/acts/intents.ts'
import { createActs } from '../../apps/web/src/acts/machine.ts'
import { WATCHED_MS } from '../../apps/web/src/acts/repeats.ts'
import type { Shelf } from '../../apps/web/src/acts/shelf.ts'
import type { ActState, Acts } from '../../apps/web/src/acts/view.ts'
import { carry, deedId } from '../../apps/web/src/session/deeds.ts'
import type { Locks } from '../../apps/web/src/session/journal.ts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { approveCall, type Call } from '../../sdk/chain/call.ts'
import { type Chain, openChain, type WalletSender, walletSender } from '../../sdk/chain/clients.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import { type Market, openMarket } from '../market.ts'
import { browserLocks } from './locks.ts'

interface Storage extends Shelf {
  /** From now on nothing more fits in than a few characters. */
  fill(): void
  clear(): void
}

/** What a browser keeps. */
function shelf(): Storage {
  const kept = new Map<string, string>()
  const size = () => [...kept].reduce((sum, [name, text]) => sum + name.length + text.length, 0)
  let most = Number.POSITIVE_INFINITY
  return {
    fill: () => {
      most = size() + 40
    },
    clear: () => kept.clear(),
    getItem: (name) => kept.get(name) ?? null,
    setItem(name, text) {
      const more =
        name.length + text.length - (kept.has(name) ? name.length + (kept.get(name) ?? '').length : 0)
      if (size() + more > most) throw new DOMException('exceeded the quota', 'QuotaExceededError')
      kept.set(name, text)
    },
    removeItem: (name) => void kept.delete(name),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size
    },
  }
}

/** Transactions of a page, on a real chain, with wallets that do what wallets do. */
describe('the transactions of a page', function () {
  this.timeout(300_000)
  let market: Market
  let chain: Chain
  before(async () => {
    market = await openMarket()
    chain = openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
  })
  after(() => market.close())

  const ID = 'mint'
  /** Of a transaction that no chain knows. */
  const GONE: Hex = `0x${'9'.repeat(64)}`
  const anvil = () => createTestClient({ mode: 'anvil', transport: http(market.chain.rpcUrl) })
  const stop = () => anvil().setIntervalMining({ interval: 0 })
  const go = () => anvil().setIntervalMining({ interval: 1 })
  afterEach(go)

  const mint = (to: Address, amount: bigint): Call => ({
    to: market.addresses.asset,
    data: encodeFunctionData({ abi: testDollarAbi, functionName: 'faucet', args: [to, amount] }),
  })
  const held = (account: Address) =>
    chain.client.readContract({
      address: market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [account],
    })

  async function person() {
    const { account } = await market.payer(0n)
    const from = account.address.toLowerCase() as Address
    const wallet = createWalletClient({
      account,
      transport: http(market.chain.rpcUrl),
      chain: chain.client.chain,
    })
    // Its key is the wallet's, not the page's.
    const sender: WalletSender = { ...walletSender(chain, wallet, account.address), holdsKey: false }
    let asked = 0
    /** A wallet that counts, and does something else with what it is asked, if wanted. */
    const counting = (submit: WalletSender['submit'] = sender.submit): WalletSender => ({
      ...sender,
      submit(call, terms) {
        asked += 1
        return submit(call, terms)
      },
    })
    const [keep, locks] = [shelf(), browserLocks()]
    const acts = page(keep, locks)
    const wish = (calls: Call[], wallet = counting()) => ({
      id: ID,
      from,
      title: 'Take dollars',
      plan: async () => calls,
      ask: async () => wallet,
    })
    return { account, from, wallet, sender, counting, keep, locks, acts, wish, asked: () => asked }
  }

  /** A page of that browser, as it is after loading. */
  function page(keep: Shelf, locks: Locks, clock = () => Date.now()): Acts {
    const acts = createActs({ chain, intents: intentsIn(keep), locks, pollMs: 50, patience: 6, clock })
    acts.resume()
    return acts
  }

  const intentsIn = (keep: Shelf) => openIntents(keep, { chainId: chain.id, ledger: market.addresses.ledger })

  async function reaches(acts: Acts, from: Address, state: ActState['state']): Promise<ActState> {
    for (let tries = 0; tries < 1_200; tries += 1) {
      const now = acts.stateOf(from, ID)
      if (now.state === state) return now
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`it is ${acts.stateOf(from, ID).state}, never ${state}`)
  }

  it('are sent one after the other, each once, and each is in a block before the next is asked for', async () => {
    const { from, acts, wish, asked } = await person()
    await acts.start(wish([mint(from, 3n), mint(from, 4n)]))
    const { state, intent } = acts.stateOf(from, ID)
    const blocks = await Promise.all(
      (intent?.hashes ?? []).map((hash) => chain.client.getTransactionReceipt({ hash })),
    )
    const [first, second] = blocks.map(({ blockNumber }) => blockNumber)

    expect(state).to.equal('included')
    expect([asked(), blocks.length, acts.changes()]).to.deep.equal([2, 2, 2])
    expect((first ?? 0n) < (second ?? 0n)).to.equal(true)
    expect(await held(from)).to.equal(7n)
  })

  it('are refused before the wallet is asked if the contract would refuse them, with its words', async () => {
    const { from, acts, wish, asked } = await person()
    await acts.start(wish([mint(from, 10n ** 30n)]))
    const { state, problem } = acts.stateOf(from, ID)

    expect([state, problem?.code, asked()]).to.deep.equal(['refused', 'chain.reverted', 0])
    expect(problem?.says).to.match(/the faucet gives \d+ base units at most/)
    expect(problem?.fix).to.match(/^[A-Z].*\.$/)
  })

  it('that the wallet declines leave nothing behind; of two, the second can be asked for again', async () => {
    const { from, acts, wish, counting, sender } = await person()
    const declined = Object.assign(new Error('User rejected the request.'), { code: 4001 })
    await acts.start(
      wish(
        [mint(from, 1n)],
        counting(async () => Promise.reject(declined)),
      ),
    )
    const first = acts.stateOf(from, ID)
    let answers = 0
    const once = counting((call, terms) => {
      answers += 1
      return answers === 1 ? sender.submit(call, terms) : Promise.reject(declined)
    })
    await acts.start(wish([mint(from, 2n), mint(from, 5n)], once))
    const second = acts.stateOf(from, ID)
    await acts.proceed(from, ID, async () => counting())

    expect([first.state, first.problem?.code, first.intent]).to.deep.equal([
      'refused',
      'wallet.declined',
      undefined,
    ])
    expect([second.state, second.problem?.code, second.intent?.at]).to.deep.equal([
      'ready',
      'wallet.declined',
      1,
    ])
    expect(acts.stateOf(from, ID).state).to.equal('included')
    expect(await held(from)).to.equal(7n)
  })

  it('go on after a reload: what was sent is followed, the next call waits for a click, nothing is sent twice', async () => {
    const { from, acts, wish, keep, counting, sender, asked } = await person()
    let open = true
    // The page that goes away asks its wallet once.
    const old: WalletSender = {
      ...sender,
      submit(call, terms) {
        if (!open) return new Promise<Hex>(() => undefined)
        open = false
        return sender.submit(call, terms)
      },
    }
    await stop()
    void acts.start(wish([mint(from, 3n), mint(from, 4n)], old))
    await reaches(acts, from, 'sent')
    const loaded = page(shelfOf(keep), browserLocks())
    const before = loaded.stateOf(from, ID)
    await loaded.start(wish([mint(from, 100n)]))
    await go()
    const waits = await reaches(loaded, from, 'ready')
    const waiting = await held(from)
    await loaded.proceed(from, ID, async () => counting())

    expect([before.state, waits.intent?.at, waiting]).to.deep.equal(['sent', 1, 3n])
    expect(loaded.stateOf(from, ID).state).to.equal('included')
    expect([asked(), await held(from)]).to.deep.equal([1, 7n])
  })

  it('of a key that the page has, if it was left while it sent them, are found in the block, and sent again at the same nonce', async () => {
    const someone = await person()
    const { from, acts, wish, keep, sender } = someone
    const counting = (submit: WalletSender['submit']) => ({ ...someone.counting(submit), holdsKey: true })
    let late: (() => Promise<Hex>) | undefined
    const silent = counting((call, terms) => {
      late = () => sender.submit(call, terms)
      return new Promise<Hex>(() => undefined)
    })
    void acts.start(wish([mint(from, 3n)], silent))
    await reaches(acts, from, 'asking')
    const loaded = page(shelfOf(keep), browserLocks())
    const { state: before, looked } = loaded.stateOf(from, ID)
    // It may be asked again once the chain was looked at.
    while (!loaded.stateOf(from, ID).looked) await new Promise((resolve) => setTimeout(resolve, 20))
    const nonces: (number | undefined)[] = []
    const again = counting((call, terms) => {
      nonces.push(terms.nonce)
      return sender.submit(call, terms)
    })
    await stop()
    const proceeding = loaded.proceed(from, ID, async () => again)
    await reaches(loaded, from, 'sent')
    const second = await late?.().then(
      () => 'sent',
      () => 'refused',
    )
    await go()
    await proceeding

    expect([before, looked, nonces]).to.deep.equal(['unsure', false, [0]])
    // The node may take the late one as a dearer bid for the same place, never as a second transaction.
    expect(['sent', 'refused']).to.include(second)
    await reaches(loaded, from, 'included')
    expect(await chain.client.getTransactionCount({ address: from })).to.equal(1)
    expect(await held(from)).to.equal(3n)
  })

  it('are numbered by the wallet, which knows what it sent before; asked for again, at the nonce of the first request', async () => {
    const { from, acts, wish, keep, counting, sender } = await person()
    const nonces: (number | undefined)[] = []
    const silent = counting((_, { nonce }) => {
      nonces.push(nonce)
      return new Promise<Hex>(() => undefined)
    })
    void acts.start(wish([mint(from, 3n)], silent))
    await reaches(acts, from, 'asking')
    const loaded = page(shelfOf(keep), browserLocks())
    const obedient = counting((call, terms) => {
      nonces.push(terms.nonce)
      return sender.submit(call, terms)
    })
    await loaded.proceed(from, ID, async () => obedient)

    expect(nonces).to.deep.equal([undefined, 0])
    expect(loaded.stateOf(from, ID).state).to.equal('included')
    expect(await held(from)).to.equal(3n)
  })

  /** A wallet whose window is open, of a page that is gone; it numbers by itself what its owner confirms later. */
  async function leftOpen(call: (from: Address) => Call, id = ID) {
    const someone = await person()
    const { from, acts, wish, keep, counting, sender } = someone
    const numbering = (asked: Call, { gas }: { gas: bigint }) => sender.submit(asked, { gas })
    let confirm = async (): Promise<Hex> => '0x'
    const silent = counting((asked, terms) => {
      confirm = () => numbering(asked, terms)
      return new Promise<Hex>(() => undefined)
    })
    void acts.start({ ...wish([call(from)], silent), id })
    while (acts.stateOf(from, id).state !== 'asking') await new Promise((resolve) => setTimeout(resolve, 20))
    const kept = shelfOf(keep)
    const loaded = page(kept, browserLocks())
    while (!loaded.stateOf(from, id).looked) await new Promise((resolve) => setTimeout(resolve, 20))
    return { ...someone, kept, loaded, confirm: () => confirm(), again: () => counting(numbering) }
  }

  it('are not asked for again while anything that the wallet sent since waits for a block, for it may be this', async () => {
    const { from, loaded, confirm, again, asked } = await leftOpen((to) => mint(to, 3n))
    await stop()
    await confirm()
    await loaded.proceed(from, ID, async () => again())
    const { state, problem } = loaded.stateOf(from, ID)
    await go()
    await reaches(loaded, from, 'included')

    expect([state, problem?.code, asked()]).to.deep.equal(['unsure', 'act.waits', 1])
    expect(await held(from)).to.equal(3n)
  })

  it('that a wallet which numbers by itself confirms twice are told as done twice, whichever comes first', async () => {
    const before = await leftOpen((to) => mint(to, 3n))
    // The first request is confirmed while the second is open.
    const slow = before.counting(async (call, { gas }) => {
      await before.confirm()
      await reaches(before.loaded, before.from, 'included')
      return before.sender.submit(call, { gas })
    })
    await before.loaded.proceed(before.from, ID, async () => slow)
    const after = await leftOpen((to) => mint(to, 5n))
    await after.loaded.proceed(after.from, ID, async () => after.again())
    const once = after.loaded.stateOf(after.from, ID)
    await after.confirm()

    expect([once.state, once.intent?.repeats?.[0]?.nonce, once.intent?.doubles]).to.deep.equal([
      'included',
      0,
      undefined,
    ])
    for (const { loaded, from } of [before, after]) {
      const doubled = () => loaded.stateOf(from, ID).intent
      while (doubled()?.doubles === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
      expect(doubled()?.hashes).not.to.include(doubled()?.doubles?.[0]?.hash)
    }
    expect([await held(before.from), await held(after.from)]).to.deep.equal([6n, 10n])
  })

  it('of several calls tell each that is done twice', async () => {
    const { from, acts, wish, keep, counting, sender } = await person()
    const open: (() => Promise<Hex>)[] = []
    const numbering = (call: Call, { gas }: { gas: bigint }) => sender.submit(call, { gas })
    const silent = (call: Call, terms: { gas: bigint }) => {
      open.push(() => numbering(call, terms))
      return new Promise<Hex>(() => undefined)
    }
    /** The page is loaded again while the wallet's window is open. */
    const loadedFrom = async (kept: Shelf) => {
      const [copy, locks] = [shelfOf(kept), browserLocks()]
      const loaded = page(copy, locks)
      while (!loaded.stateOf(from, ID).looked) await new Promise((resolve) => setTimeout(resolve, 20))
      return { copy, loaded }
    }
    void acts.start(wish([mint(from, 3n), mint(from, 4n)], counting(silent)))
    await reaches(acts, from, 'asking')
    const second = await loadedFrom(keep)
    // It carries out the first call, and its window stays open for the other.
    let calls = 0
    const halting = counting((call, terms) => {
      calls += 1
      return calls === 1 ? numbering(call, terms) : silent(call, terms)
    })
    void second.loaded.proceed(from, ID, async () => halting)
    while (open.length < 2) await new Promise((resolve) => setTimeout(resolve, 20))
    const third = await loadedFrom(second.copy)
    await third.loaded.proceed(from, ID, async () => counting(numbering))
    const once = await reaches(third.loaded, from, 'included')
    expect(once.intent?.repeats?.map(({ at }) => at)).to.deep.equal([0, 1])
    for (const confirm of open) await confirm()

    const doubles = () => third.loaded.stateOf(from, ID).intent?.doubles ?? []
    while (doubles().length < 2) await new Promise((resolve) => setTimeout(resolve, 20))
    const steps = doubles().map(({ at }) => at)
    expect(new Set([...doubles().map(({ hash }) => hash), ...(once.intent?.hashes ?? [])]).size).to.equal(4)
    expect(steps.sort()).to.deep.equal([0, 1])
    expect(await held(from)).to.equal(14n)
  })

  it('that were asked for twice are watched in every tab and after a reload, for an hour or until dismissed', async () => {
    const { from, locks, loaded, kept, confirm, again } = await leftOpen((to) => mint(to, 3n))
    await loaded.proceed(from, ID, async () => again())
    const once = await reaches(loaded, from, 'included')
    const doneAt = once.intent?.doneAt ?? 0
    // A tab that opens leaves it there for the others; one that opens an hour later clears it away.
    const tab = page(kept, locks, () => doneAt + WATCHED_MS - 1)
    const reloaded = page(shelfOf(kept), browserLocks())
    const late = page(shelfOf(kept), browserLocks(), () => doneAt + WATCHED_MS)
    const dismissed = page(shelfOf(kept), browserLocks())
    dismissed.forget(from, ID)
    const before = [loaded, tab, reloaded, late, dismissed].map((each) => each.stateOf(from, ID).state)
    await confirm()
    const doubleIn = (acts: Acts) => acts.stateOf(from, ID).intent?.doubles?.[0]?.hash
    for (const acts of [loaded, tab, reloaded]) {
      while (doubleIn(acts) === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const told = doubleIn(page(shelfOf(kept), browserLocks()))

    expect(before).to.deep.equal(['included', 'included', 'included', 'idle', 'idle'])
    expect(once.intent?.hashes).not.to.include(doubleIn(reloaded))
    expect(told).to.equal(doubleIn(reloaded))
    expect([late, dismissed].map((acts) => acts.stateOf(from, ID).state)).to.deep.equal(['idle', 'idle'])
  })

  it('that are dismissed while the chain is looked at stay dismissed', async () => {
    const { from, sender, keep, locks } = await person()
    const since = await chain.client.getBlockNumber()
    const call = mint(from, 3n)
    const { transactionHash } = await sender.send(call)
    await sender.send(call)
    const done: Intent = {
      id: ID,
      from,
      title: 'Take dollars',
      calls: [call],
      at: 1,
      phase: 'done',
      repeats: [{ at: 0, nonce: 0, since }],
      doneAt: Date.now(),
      hashes: [transactionHash],
    }
    const intents = intentsIn(keep)
    intents.put(done)
    // Its look takes as many steps, and begins later.
    intents.put({ ...done, id: 'other' })
    let isDismissed = false
    const { getTransactionCount } = chain.client
    const client = {
      ...chain.client,
      async getTransactionCount(of: Parameters<typeof getTransactionCount>[0]) {
        const count = await getTransactionCount(of)
        if (!isDismissed) acts.forget(from, ID)
        isDismissed = true
        return count
      },
    }
    const acts = createActs({ chain: { ...chain, client }, intents, locks, pollMs: 50 })
    acts.resume()
    while (acts.stateOf(from, 'other').intent?.doubles === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }

    expect(acts.stateOf(from, ID).state).to.equal('idle')
  })

  it('that were asked for twice and confirmed once are done once, also if the second request is declined after that', async () => {
    const { from, loaded, confirm, counting } = await leftOpen((to) => mint(to, 3n))
    const declining = counting(async () => {
      await confirm()
      await reaches(loaded, from, 'included')
      throw Object.assign(new Error('User rejected the request.'), { code: 4001 })
    })
    await loaded.proceed(from, ID, async () => declining)
    const { state, intent } = loaded.stateOf(from, ID)

    expect([state, intent?.hashes.length, intent?.doubles]).to.deep.equal(['included', 1, undefined])
    expect(await held(from)).to.equal(3n)
  })

  it('that a block takes while they are tried once more are done, and the wallet is not asked again', async () => {
    const { from, loaded, confirm, counting, sender, asked } = await leftOpen((to) => mint(to, 3n))
    const declining = counting(() =>
      Promise.reject(Object.assign(new Error('User rejected the request.'), { code: 4001 })),
    )
    const slow: WalletSender = {
      ...declining,
      async simulate(call) {
        const gas = await sender.simulate(call)
        await chain.client.waitForTransactionReceipt({ hash: await confirm() })
        return gas
      },
    }
    await loaded.proceed(from, ID, async () => slow)
    const { state, intent } = await reaches(loaded, from, 'included')

    expect([state, intent?.hashes.length, asked()]).to.deep.equal(['included', 1, 1])
    expect(await held(from)).to.equal(3n)
  })

  it('that were sent when the browser has no room any more are followed, sent once, and said to be gone after a reload', async () => {
    const { from, acts, wish, keep, counting, sender } = await person()
    await stop()
    const filling = counting(async (call, terms) => {
      const hash = await sender.submit(call, terms)
      keep.fill()
      return hash
    })
    const sending = acts.start(wish([mint(from, 3n)], filling))
    const sent = await reaches(acts, from, 'sent')
    await acts.start(wish([mint(from, 3n)]))
    await go()
    await sending
    const { state, problem } = acts.stateOf(from, ID)

    expect([sent.isFleeting, sent.problem, state, problem]).to.deep.equal([
      true,
      undefined,
      'included',
      undefined,
    ])
    expect(await held(from)).to.equal(3n)
  })

  it('that were begun before a browser was full are followed by the page that is loaded then', async () => {
    const { from, acts, wish, keep } = await person()
    await stop()
    void acts.start(wish([mint(from, 3n)]))
    await reaches(acts, from, 'sent')
    keep.fill()
    const before = page(keep, browserLocks()).stateOf(from, ID)
    await go()
    const after = await reaches(page(keep, browserLocks()), from, 'included')

    expect([before.state, before.isFleeting, after.state]).to.deep.equal(['sent', undefined, 'included'])
  })

  it('that the wallet sends though the storage was cleared meanwhile are followed', async () => {
    const { from, acts, wish, keep, counting, sender } = await person()
    const clearing = counting(async (call, terms) => {
      keep.clear()
      return sender.submit(call, terms)
    })
    await acts.start(wish([mint(from, 3n)], clearing))
    const first = acts.stateOf(from, ID)
    const broken = counting(async (call, terms) => {
      keep.clear()
      await sender.submit(call, terms)
      throw Object.assign(new Error('Internal error'), { code: -32603 })
    })
    await acts.start(wish([mint(from, 4n)], broken))
    const second = await reaches(acts, from, 'included')

    expect([first.state, second.state]).to.deep.equal(['included', 'included'])
    expect(await held(from)).to.equal(7n)
  })

  it('that a node knows already were sent, and are done once', async () => {
    const { from, acts, wish, counting, sender } = await person()
    const twice = counting(async (call, terms) => {
      await sender.submit(call, terms)
      throw Object.assign(new Error('already known'), { code: -32000 })
    })
    await acts.start(wish([mint(from, 3n)], twice))
    await reaches(acts, from, 'included')

    expect(await held(from)).to.equal(3n)
  })

  /** A wallet that sends by a node of its own, with nonces of its own: this page's node knows nothing until `relay`. */
  async function apart() {
    const someone = await person()
    const { account, wallet, from, counting } = someone
    const raws: Hex[] = []
    let next = await chain.client.getTransactionCount({ address: from })
    const sign = async (call: Call) => {
      const request = { to: call.to, data: call.data, gas: 200_000n, nonce: next }
      next += 1
      const raw = await account.signTransaction({
        ...(await wallet.prepareTransactionRequest(request)),
        chainId: chain.id,
      } as never)
      raws.push(raw)
      return keccak256(raw)
    }
    const relay = async () => {
      const serializedTransaction = raws.shift()
      if (serializedTransaction) await chain.client.sendRawTransaction({ serializedTransaction })
    }
    return { ...someone, sign, relay, apart: () => counting(sign) }
  }

  it('of a wallet that sends by its own node are not called replaced by what it sent before them', async () => {
    const { from, acts, wish, sign, relay, apart: wallet } = await apart()
    await sign(mint(from, 1n))
    const sending = acts.start(wish([mint(from, 30n)], wallet()))
    await reaches(acts, from, 'missing')
    await relay()
    while ((await held(from)) < 1n) await new Promise((resolve) => setTimeout(resolve, 20))
    // It was looked at a few times since.
    const seen = await chain.client.getBlockNumber({ cacheTime: 0 })
    while ((await chain.client.getBlockNumber({ cacheTime: 0 })) < seen + 2n) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const between = acts.stateOf(from, ID)
    await relay()
    await sending

    expect([between.state, between.problem]).to.deep.equal(['missing', undefined])
    expect(acts.stateOf(from, ID).state).to.equal('included')
    expect(await held(from)).to.equal(31n)
  })

  it('of such a wallet are told to be done twice, if both that it was asked for come', async () => {
    const { from, acts, wish, relay, apart: wallet } = await apart()
    void acts.start(wish([mint(from, 3n)], wallet()))
    await reaches(acts, from, 'missing')
    void acts.proceed(from, ID, async () => wallet())
    while (acts.stateOf(from, ID).intent?.repeats === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await relay()
    await reaches(acts, from, 'included')
    await relay()
    const doubles = () => acts.stateOf(from, ID).intent?.doubles
    while (doubles() === undefined) await new Promise((resolve) => setTimeout(resolve, 20))

    expect(acts.stateOf(from, ID).intent?.hashes).not.to.include(doubles()?.[0]?.hash)
    expect(await held(from)).to.equal(6n)
  })

  const lateIn = (acts: Acts, from: Address) =>
    (acts.stateOf(from, ID).forgotten ?? []).flatMap(({ hashes }) => hashes)

  async function comesLate(acts: Acts, from: Address): Promise<Hex[]> {
    while (lateIn(acts, from).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    return lateIn(acts, from)
  }

  it('that were forgotten are told if the wallet sends them after all, in every tab and after a reload, until dismissed', async () => {
    const { from, loaded, kept, locks, confirm } = await leftOpen((to) => mint(to, 3n))
    loaded.forget(from, ID)
    const forgotten = loaded.stateOf(from, ID)
    const tab = page(kept, locks)
    const reloaded = page(shelfOf(kept), browserLocks())
    const late = page(shelfOf(kept), browserLocks(), () => Date.now() + WATCHED_MS)
    const hash = await confirm()
    const told = [await comesLate(loaded, from), await comesLate(tab, from), await comesLate(reloaded, from)]
    const again = lateIn(page(shelfOf(kept), browserLocks()), from)
    loaded.forget(from, ID)

    expect([forgotten.state, forgotten.forgotten?.length]).to.deep.equal(['idle', 1])
    expect(told).to.deep.equal([[hash], [hash], [hash]])
    expect(again).to.deep.equal([hash])
    expect(late.stateOf(from, ID)).to.deep.equal({ state: 'idle' })
    expect(lateIn(loaded, from)).to.deep.equal([])
  })

  it('that were forgotten and begun anew are told of if both are done, whichever comes first', async () => {
    const before = await leftOpen((to) => mint(to, 3n))
    before.loaded.forget(before.from, ID)
    // The forgotten one is confirmed while the wallet is asked for the new one.
    const slow = before.counting(async (call, { gas }) => {
      await chain.client.waitForTransactionReceipt({ hash: await before.confirm() })
      return before.sender.submit(call, { gas })
    })
    await before.loaded.start(before.wish([mint(before.from, 3n)], slow))
    await reaches(before.loaded, before.from, 'included')
    const after = await leftOpen((to) => mint(to, 5n))
    after.loaded.forget(after.from, ID)
    await after.loaded.start(after.wish([mint(after.from, 5n)], after.again()))
    const once = lateIn(after.loaded, after.from)
    await after.confirm()

    expect(once).to.deep.equal([])
    for (const { loaded, from } of [before, after]) {
      const [hash] = await comesLate(loaded, from)
      const { state, intent } = loaded.stateOf(from, ID)
      expect(state).to.equal('included')
      expect(intent?.hashes).not.to.include(hash)
      expect(lateIn(loaded, from)).to.have.length(1)
    }
    expect([await held(before.from), await held(after.from)]).to.deep.equal([6n, 10n])
  })

  it('that were forgotten twice are told both, each with its own transaction', async () => {
    const { from, acts, wish, relay, apart: wallet } = await apart()
    for (const amount of [3n, 4n]) {
      void acts.start(wish([mint(from, amount)], wallet()))
      await reaches(acts, from, 'missing')
      acts.forget(from, ID)
    }
    await relay()
    await relay()
    while (lateIn(acts, from).length < 2) await new Promise((resolve) => setTimeout(resolve, 20))

    expect(acts.stateOf(from, ID).forgotten?.map(({ hashes }) => hashes.length)).to.deep.equal([1, 1])
    expect(await held(from)).to.equal(7n)
  })

  it('that were done and asked for twice are watched on though the same is refused the next time', async () => {
    const key = `0x${'1'.repeat(40)}` as const
    const { from, loaded, confirm, again } = await leftOpen((to) => mint(to, 3n), deedId('cancel', key))
    const id = deedId('cancel', key)
    await loaded.proceed(from, id, async () => again())
    const refusing = async (): Promise<WalletSender> => {
      throw Object.assign(new Error('User rejected the request.'), { code: 4001 })
    }
    const wish = { deed: 'cancel', key, from, title: 'Use the key again', plan: async () => [] } as const
    const failure = await carry(loaded, { ...wish, ask: refusing }, () => undefined).then(
      () => undefined,
      asHeuristError,
    )
    await confirm()

    expect(failure?.code).to.equal('wallet.declined')
    while (loaded.stateOf(from, id).intent?.doubles === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })

  it('that were done and asked for twice are watched on when another is begun in their place', async () => {
    const { from, loaded, confirm, again, wish } = await leftOpen((to) => mint(to, 3n))
    await loaded.proceed(from, ID, async () => again())
    await reaches(loaded, from, 'included')
    await loaded.start(wish([mint(from, 50n)], again()))
    const hash = await confirm()

    expect(await comesLate(loaded, from)).to.deep.equal([hash])
    expect(loaded.stateOf(from, ID).intent?.calls).to.deep.equal([mint(from, 50n)])
    expect(await held(from)).to.equal(56n)
  })

  it('are looked for from the first request on, whatever was known before the last one', async () => {
    const { from, sender, keep, locks } = await person()
    const call = mint(from, 3n)
    const since = await chain.client.getBlockNumber()
    const { transactionHash } = await sender.send(call)
    const later = await chain.client.getBlockNumber()
    const intent: Intent = {
      id: ID,
      from,
      title: 'Take dollars',
      calls: [call],
      at: 0,
      phase: 'asking',
      asked: { nonce: 1, since: later },
      repeats: [{ at: 0, nonce: 0, since }],
      hashes: [],
    }
    intentsIn(keep).put(intent)
    const unanswered = await reaches(page(keep, locks), from, 'included')
    // The last one got a hash, and the chain does not know it any more.
    intentsIn(keep).put({ ...intent, phase: 'sent', asked: { nonce: 1, since: later, hash: GONE } })
    const dropped = await reaches(page(keep, locks), from, 'included')

    expect([unanswered.intent?.hashes, dropped.intent?.hashes]).to.deep.equal([
      [transactionHash],
      [transactionHash],
    ])
  })

  it('that a wallet sends after the page went are found without asking anybody', async () => {
    const { from, acts, wish, keep, counting, sender } = await person()
    let late: (() => Promise<Hex>) | undefined
    const silent = counting((call, terms) => {
      // A wallet that chooses its own nonce: something else goes first.
      late = async () => {
        await sender.submit(mint(from, 1n), { gas: 200_000n })
        return sender.submit(call, { gas: terms.gas })
      }
      return new Promise<Hex>(() => undefined)
    })
    void acts.start(wish([mint(from, 30n)], silent))
    await reaches(acts, from, 'asking')
    const loaded = page(shelfOf(keep), browserLocks())
    await late?.()
    await reaches(loaded, from, 'included')

    expect(await held(from)).to.equal(31n)
  })

  it('for which the wallet pays more are the same; another call in their place is told', async () => {
    const { from, acts, wish, wallet } = await person()
    const instead = async (call: Call, nonce: number) => {
      const { maxFeePerGas, maxPriorityFeePerGas } = await chain.client.estimateFeesPerGas()
      await wallet.sendTransaction({
        ...call,
        value: 0n,
        nonce,
        gas: 200_000n,
        maxFeePerGas: 4n * maxFeePerGas,
        maxPriorityFeePerGas: 4n * maxPriorityFeePerGas,
      })
    }
    await stop()
    const numbered = async () => {
      while (!acts.stateOf(from, ID).intent?.asked?.isNumbered) await new Promise((go) => setTimeout(go, 20))
    }
    const dearer = acts.start(wish([mint(from, 3n)]))
    await numbered()
    await instead(mint(from, 3n), 0)
    await go()
    await dearer
    const first = acts.stateOf(from, ID)
    await stop()
    const other = acts.start(wish([mint(from, 9n)]))
    await numbered()
    await instead(mint(from, 40n), 1)
    await go()
    await other
    const second = acts.stateOf(from, ID)

    expect(first.state).to.equal('included')
    expect([second.state, second.problem?.code]).to.deep.equal(['failed', 'transaction.replaced'])
    expect(await held(from)).to.equal(43n)
  })

  it('that the chain forgets are missed, and asked for again at the nonce that the wallet had chosen', async () => {
    const { from, acts, wish, counting, sender } = await person()
    await stop()
    const nonces: (number | undefined)[] = []
    // Something of its own goes first.
    const willful = counting(async (call, { gas }) => {
      await sender.submit(mint(from, 1n), { gas: 200_000n, nonce: 0 })
      return sender.submit(call, { gas, nonce: 1 })
    })
    const lost = acts.start(wish([mint(from, 3n)], willful))
    const sent = await reaches(acts, from, 'sent')
    const hash = sent.intent?.asked?.hash
    if (!hash) throw new Error('it was sent without a hash')
    while (acts.stateOf(from, ID).intent?.asked?.nonce !== 1) await new Promise((go) => setTimeout(go, 20))
    await anvil().dropTransaction({ hash })
    await reaches(acts, from, 'missing')
    const obedient = counting((call, terms) => {
      nonces.push(terms.nonce)
      return sender.submit(call, terms)
    })
    const again = acts.proceed(from, ID, async () => obedient)
    await reaches(acts, from, 'sent')
    await go()
    await Promise.all([lost, again])

    expect(nonces).to.deep.equal([1])
    expect(acts.stateOf(from, ID).state).to.equal('included')
    expect(await held(from)).to.equal(4n)
  })

  it('that fail in their block say why, in the words of the contract', async () => {
    const { from, sender } = await person()
    const { asset } = market.addresses
    const taker = await person()
    await sender.send(mint(from, 50n))
    await sender.send(approveCall(asset, taker.from, 50n))
    const take: Call = {
      to: asset,
      data: encodeFunctionData({
        abi: testDollarAbi,
        functionName: 'transferFrom',
        args: [from, taker.from, 50n],
      }),
    }
    // Allowed on trial; by the block it is not any more.
    const wallet: WalletSender = {
      ...taker.counting(),
      async submit(call, terms) {
        await stop()
        await sender.submit(approveCall(asset, taker.from, 0n), { gas: 100_000n })
        await anvil().mine({ blocks: 1 })
        const hash = await taker.sender.submit(call, terms)
        await go()
        return hash
      },
    }
    await taker.acts.start(taker.wish([take], wallet))
    const { state, problem, intent } = taker.acts.stateOf(taker.from, ID)

    expect([state, problem?.code]).to.deep.equal(['failed', 'chain.reverted'])
    expect(problem?.says).to.include('may take 0 base units, 50 are needed')
    expect(intent?.hashes).to.have.length(1)
  })

  it('are asked for by one tab at a time', async () => {
    const { from, acts, wish, keep, locks, counting } = await person()
    let answer: (() => void) | undefined
    const slow = counting(() => new Promise<Hex>((_, reject) => (answer = () => reject({ code: 4001 }))))
    const first = acts.start(wish([mint(from, 3n)], slow))
    await reaches(acts, from, 'asking')
    const other = page(keep, locks)
    await other.start({ ...wish([mint(from, 4n)]), id: 'other' })
    const told = other.stateOf(from, 'other')
    answer?.()
    await first

    expect(told.problem?.code).to.equal('act.elsewhere')
    expect(await held(from)).to.equal(0n)
  })

  it('whose wallet gives no clear answer are not asked for anew by themselves', async () => {
    const { from, acts, wish, counting, sender } = await person()
    const broken = counting(async (call, terms) => {
      await sender.submit(call, terms)
      throw Object.assign(new Error('Internal error'), { code: -32603 })
    })
    await acts.start(wish([mint(from, 3n)], broken))
    await reaches(acts, from, 'included')

    expect(await held(from)).to.equal(3n)
  })

  /** What lies in a browser, as a page that is loaded later finds it. */
  function shelfOf(keep: Shelf): Shelf {
    const copy = shelf()
    for (let index = 0; index < keep.length; index += 1) {
      const name = keep.key(index) ?? ''
      copy.setItem(name, keep.getItem(name) ?? '')
    }
    return copy
  }
})
