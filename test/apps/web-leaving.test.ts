import 'fake-indexeddb/auto'
import { expect } from 'chai'
import type { Address, Hex } from 'viem'
import { browserJournal, journalFree } from '../../apps/web/src/session/journal.ts'
import { createKey, keysOf, privateKeyOf } from '../../apps/web/src/session/keys.ts'
import { formerOf, type KnownKey } from '../../apps/web/src/session/known.ts'
import { type Leaving, openLeaving } from '../../apps/web/src/session/leaving.ts'
import { readPrices } from '../../apps/web/src/session/prices.ts'
import { openBrowserSession } from '../../apps/web/src/session/session.ts'
import { type KeyRecord, openSessionDb, type SessionDb } from '../../apps/web/src/session/store.ts'
import { bug, later } from '../../sdk/errors.ts'
import { type Client, createClient } from '../../sdk/index.ts'
import { startIllNode } from '../sdk/ill-node.ts'
import { refusal } from '../sdk/refusal.ts'
import { openStage, type Stage } from '../sdk/stage.ts'
import { browserLocks } from './locks.ts'

/** Keys of a browser that pay no more, and have calls whose end nobody knew when the page was left. */

describe('a key that pays no more', function () {
  this.timeout(120_000)
  const { window, document, fetch } = globalThis
  const heard = new Map<string, (event: { persisted: boolean }) => void>()
  const locks = browserLocks()
  let stage: Stage
  let db: SessionDb
  before(async () => {
    stage = await openStage()
    db = await openSessionDb()
    Object.assign(globalThis, {
      window: {
        setTimeout: () => 0,
        clearTimeout: () => undefined,
        setInterval: () => 0,
        addEventListener: (name: string, listen: () => void) => void heard.set(name, listen),
      },
      document: { visibilityState: 'visible' },
    })
    // The router of the tests has no door for its health.
    globalThis.fetch = async (...asked) =>
      String(asked[0]).endsWith('/healthz') ? new Response('ok') : fetch(...asked)
    Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true })
  })
  after(async () => {
    Object.assign(globalThis, { window, document, fetch })
    Reflect.deleteProperty(globalThis, 'navigator')
    db.close()
    await stage.close()
  })

  const placeOf = () => {
    const { domain, addresses, router } = stage.market
    return { chainId: domain.chainId, ledger: lower(addresses.ledger), router: lower(router.address) }
  }
  const lower = (address: Address) => address.toLowerCase() as Address

  /** A key with a dollar, as an earlier page left it; with one call whose answer never came, if `leavesOne`. */
  async function keyWith(leavesOne: boolean): Promise<{ record: KeyRecord; request: Hex }> {
    const record = await createKey(db, placeOf())
    await stage.market.gas(record.address)
    const client = createClient({
      routerUrl: stage.router.url,
      key: await privateKeyOf(record),
      journal: browserJournal(db, locks),
    })
    await client.deposit('1.00', { faucet: true })
    let request: Hex = '0x'
    const signed = (hash: Hex) => {
      request = hash
    }
    stage.router.script = { cut: 'unanswered' }
    if (leavesOne) await refusal(client.run('chat', 'hi', { retries: 0, signed }))
    await client.close()
    stage.router.script = {}
    return { record, request }
  }

  const known = (record: KeyRecord): KnownKey =>
    ({ record, account: { credit: 0n, thawing: 0n }, awaits: false }) as unknown as KnownKey

  it('is let go if nobody can be asked, for the next look to try again; one that pays meanwhile stays open', async () => {
    const { record } = await keyWith(true)
    const closed: string[] = []
    const clientOf = (name: string, balance: () => Promise<void>) =>
      ({
        balance,
        idle: () => Promise.resolve(),
        close: async () => void closed.push(name),
      }) as unknown as Client
    const away = async () => {
      throw later('router.unreachable', 'the router does not answer')
    }
    const taking = async () => {
      leaving.take(record.address)
    }
    const failing = async () => {
      throw bug('unexpected', 'nobody foresaw it')
    }
    const clients = [
      clientOf('away', away),
      clientOf('failed', failing),
      clientOf('taken', taking),
      clientOf('done', async () => {}),
    ]
    let opened = 0
    const open = async () => clients[opened++] as Client
    const leaving: Leaving = openLeaving({ db, clientOf: open, isPaying: () => false })
    for (let look = 0; look < 4; look += 1) await leaving.resume([record])
    await new Promise((resolve) => setTimeout(resolve, 0))

    expect(closed).to.deep.equal(['away', 'failed', 'done'])
    await db.delete('keys', record.address)
  })

  it('is kept without credit until its last call is decided, which the page that is loaded sees to', async () => {
    const left = await keyWith(true)
    const other = await keyWith(false)
    const idle = await createKey(db, placeOf())
    const place = { ...placeOf(), chain: { id: placeOf().chainId } } as never
    const kept = async () => (await keysOf(db, placeOf())).map(({ address }) => address)
    await formerOf(db, place, [known(left.record), known(idle)])
    const before = await kept()
    const { rpcUrl } = stage.market.chain
    const config = { routerUrl: stage.router.url, rpcUrl, ...placeOf() } as never

    const session = await openBrowserSession(config, 1)
    const { phase, key } = session.view()
    let price: bigint | undefined
    while (price === undefined) {
      price = (await readPrices(db, new Set([left.request]))).get(left.request)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    // Only whoever closes its client gives it back.
    await journalFree(locks, { ...placeOf(), payer: left.record.address })
    await formerOf(db, place, [known(left.record)])

    expect(before).to.have.members([left.record.address, other.record.address])
    expect([phase, key?.address]).to.deep.equal(['ready', other.record.address])
    expect(price).to.equal(22n)
    expect(await kept()).to.deep.equal([other.record.address])
    heard.get('pagehide')?.({ persisted: true })
  })

  it('pays again on a page that went down by an error nobody foresaw, as soon as it looks and finds none', async () => {
    const { record } = await keyWith(false)
    const node = await startIllNode(stage.market.chain.rpcUrl)
    const config = { routerUrl: stage.router.url, rpcUrl: node.url, ...placeOf() } as never
    node.says = (_, { method }) => (method === 'eth_call' ? { result: '0x01' } : undefined)
    const session = await openBrowserSession(config, 1)
    const ill = session.view()
    node.says = () => undefined
    await session.refresh()
    const { phase, key, problem } = session.view()
    node.close()

    expect([ill.phase, ill.problem?.code]).to.deep.equal(['down', 'unexpected'])
    expect([phase, key?.address, problem]).to.deep.equal(['ready', record.address, undefined])
    heard.get('pagehide')?.({ persisted: true })
    await journalFree(locks, { ...placeOf(), payer: record.address })
    await db.delete('keys', record.address)
  })

  it('has one client, though a look finds it while a deposit is made to it', async () => {
    await db.clear('keys')
    const { rpcUrl } = stage.market.chain
    const config = { routerUrl: stage.router.url, rpcUrl, ...placeOf() } as never
    const session = await openBrowserSession(config, 1)
    const before = session.view().phase
    // Another tab's, made and paid meanwhile.
    const { record } = await keyWith(false)
    const { decrypt } = crypto.subtle
    let opened = 0
    crypto.subtle.decrypt = async (...asked) => {
      opened += 1
      // As long as a second one may take to come.
      await new Promise((resolve) => setTimeout(resolve, 500))
      return decrypt.apply(crypto.subtle, asked)
    }
    await Promise.all([session.tryOut('1.00'), session.refresh()]).finally(() => {
      crypto.subtle.decrypt = decrypt
    })
    const { phase, key, problem } = session.view()
    heard.get('pagehide')?.({ persisted: true })
    await journalFree(locks, { ...placeOf(), payer: record.address })
    await db.delete('keys', record.address)

    expect([before, phase, key?.address, problem]).to.deep.equal(['none', 'ready', record.address, undefined])
    expect(opened).to.equal(1)
  })

  it('and one that pays signs nothing while the browser keeps its page aside, and does again once the page is shown', async () => {
    await keyWith(false)
    const { rpcUrl } = stage.market.chain
    const config = { routerUrl: stage.router.url, rpcUrl, ...placeOf() } as never
    const session = await openBrowserSession(config, 1)
    const { client: before } = session.view()
    heard.get('pagehide')?.({ persisted: true })
    const aside = before && (await refusal(before.run('chat', 'hi')))
    heard.get('pageshow')?.({ persisted: true })
    while (session.view().client === before) await new Promise((resolve) => setTimeout(resolve, 20))
    const answer = await session.view().client?.run('chat', 'hi')
    heard.get('pagehide')?.({ persisted: false })

    expect(aside?.code).to.equal('client.closed')
    expect(answer?.price).to.equal(22n)
  })
})
