import type { Address } from 'viem'
import { readAccount } from '../../../../sdk/chain/accounts.ts'
import { type Client, createClient } from '../../../../sdk/client.ts'
import { asHeuristError, refused } from '../../../../sdk/errors.ts'
import { openActs } from '../acts/open.ts'
import type { Acts } from '../acts/view.ts'
import type { PageConfig } from '../network/config.ts'
import { askRouter } from '../network/router.ts'
import { withClock } from './clock.ts'
import { carry, carryOn, deedId, deedsOf, isOpen } from './deeds.ts'
import type { Place } from './deposit.ts'
import type { Desk, Order, Say } from './desk.ts'
import { fund, isByWallet, sendAgain, tryOut } from './funding.ts'
import { browserJournal, journalFree } from './journal.ts'
import { changeKey, privateKeyOf } from './keys.ts'
import { currentOf, dropSigned, formerOf, type KnownKey, keyAt, readKeys } from './known.ts'
import { type Leaving, openLeaving } from './leaving.ts'
import { ownerOf } from './owner.ts'
import { openPlace } from './place.ts'
import { senderOf } from './sender.ts'
import { type KeyRecord, openSessionDb, type SessionDb } from './store.ts'
import type { Deed, KeyAct, Phase, Session, SessionView, Signed } from './view.ts'
import { switchChain, type Wallet } from './wallets.ts'
import { cancel, revoke, withdraw } from './withdraw.ts'
import { wordsOf } from './words.ts'

/** While router or chain do not answer: asked again after this. Milliseconds. */
const AGAIN_MS = 4_000
/** While all is well: whether it still is. Milliseconds. */
const REFRESH_MS = 10_000
/** Phases that the chain, another tab or time may end. */
const CHANGING = new Set<Phase>(['none', 'unfunded', 'ready', 'revoking', 'revoked', 'down'])
/** Codes after which a key is of no more use than to be withdrawn. */
const BROKEN = new Set([
  'key.retired',
  'key.damaged',
  'journal.lost',
  'journal.damaged',
  'voucher.ceiling_low',
])

/**
 * The one session of this origin's key: makes it, funds it, makes calls with it, revokes it.
 *
 * @param frontend  The door that brings the calls and earns its share.
 */
export async function openBrowserSession(config: PageConfig, frontend: number): Promise<Session> {
  const db = await openSessionDb()
  const session = new BrowserSession(config, frontend, db)
  await session.open()
  return session
}

class BrowserSession implements Session {
  #view: SessionView = { phase: 'opening', former: [], acts: [] }
  #listeners = new Set<() => void>()
  #record: KeyRecord | undefined
  #client: Client | undefined
  readonly #leaving: Leaving
  #known: readonly KnownKey[] = []
  #acts: Acts | undefined
  #turn: Promise<unknown> = Promise.resolve()
  /** Of the one next try while router or chain do not answer. */
  #again: number | undefined
  /** The key that another tab has, while this one waits for it. */
  #awaited: Address | undefined
  readonly #place: () => Promise<Place>
  readonly #desk: Desk
  readonly #config: PageConfig
  readonly #frontend: number
  readonly #db: SessionDb

  constructor(config: PageConfig, frontend: number, db: SessionDb) {
    this.#config = config
    this.#frontend = frontend
    this.#db = db
    this.#place = openPlace(config)
    this.#leaving = openLeaving({
      db,
      clientOf: this.#newClient,
      isPaying: (key) => this.#record?.address === key,
    })
    this.#desk = {
      config,
      db,
      place: this.#place,
      record: () => this.#record,
      clientOf: (record) =>
        this.#inTurn(async () => {
          await this.#take(record)
          return this.#clientOf(record)
        }),
      isRevoking: (known) => this.#acts !== undefined && deedsOf(this.#acts, [known]).some(isRevocation),
      look: () => this.#look(),
      signed: this.#signed,
      carry: (order, say) => this.#carry(order, say),
      done: (deed, key) => this.#included(deed, key),
    }
    window.addEventListener('pagehide', () => {
      void this.#client?.close()
      this.#client = undefined
      this.#leaving.close()
    })
    // A browser may keep a page that was left, and show it again as it was.
    window.addEventListener('pageshow', ({ persisted }) => persisted && void this.open())
    window.setInterval(() => document.visibilityState === 'visible' && void this.refresh(), REFRESH_MS)
  }

  view = () => this.#view
  subscribe = (listen: () => void) => {
    this.#listeners.add(listen)
    return () => this.#listeners.delete(listen)
  }
  #set(part: Partial<SessionView>, without: (keyof SessionView)[] = []): void {
    const next = { ...this.#view, ...part }
    for (const name of without) delete next[name]
    this.#view = next
    for (const listen of this.#listeners) listen()
  }

  // ------------------------------------------------------------------------------------------- what stands now

  /** Finds the key of this browser and what it has; never throws. */
  async open(): Promise<void> {
    try {
      await this.#look()
    } catch (cause) {
      this.#failed(cause)
    }
  }

  #look = (): Promise<void> => this.#inTurn(() => this.#lookNow())

  /** Whatever may change the key that pays, or open its client, is done one after the other: a key has one client. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #lookNow(): Promise<void> {
    const place = await this.#place()
    this.#actsOn(place)
    const known = await readKeys(this.#db, place)
    const current = currentOf(known, this.#record?.address)
    this.#known = known
    const others = known.filter((each) => each !== current)
    for (const { record, arrived } of known) {
      if (arrived) this.#acts?.drop(arrived.giver, deedId('deposit', record.address))
    }
    this.#set({ former: await formerOf(this.#db, place, others), acts: this.#deeds() })
    await this.#take(current?.record)
    void this.#leaving.resume(others.map(({ record }) => record))
    const { record, account } = current ?? {}
    if (!record || !account || (account.deposited === 0n && !record.signed))
      return this.#stands(this.#view.former.some(isThawing) ? 'revoked' : 'none')
    this.#set({ key: { address: record.address, owner: ownerOf(account.owner, record.address) } })
    if (record.signed) this.#signed({ ...record.signed, byWallet: isByWallet(this.#desk, record) })
    else this.#set({}, ['signed'])
    if (account.deposited === 0n) return this.#stands('unfunded')
    await this.#openClient(record)
  }

  #signed = ({ giver, amount, byWallet }: Signed) => this.#set({ signed: { giver, amount, byWallet } })

  /** Nothing can be paid. */
  #stands(phase: Phase): void {
    const gone = phase === 'unfunded' ? [] : (['signed', 'key'] as const)
    this.#set({ phase }, ['account', 'client', ...gone, ...this.#overcome()])
  }

  /** What was said of a page that could not tell is no longer true; what was said of an act stays. */
  #overcome(): ['problem'] | [] {
    return ['opening', 'down', 'elsewhere', 'broken'].includes(this.#view.phase) ? ['problem'] : []
  }

  /** Another key than the one before has another client. */
  async #take(record: KeyRecord | undefined): Promise<void> {
    const before = this.#record
    this.#record = record
    if (before === undefined || before.address === record?.address) return
    if (this.#client) this.#leaving.add(before.address, this.#client)
    this.#client = undefined
  }

  async #openClient(record: KeyRecord): Promise<void> {
    const client = await this.#clientOf(record)
    await this.#readBalance()
    if (this.#isRevoking()) this.#set({ phase: 'revoking' }, ['client', ...this.#overcome()])
    else this.#set({ phase: 'ready', client }, this.#overcome())
  }

  async #clientOf(record: KeyRecord): Promise<Client> {
    const left = this.#leaving.take(record.address)
    this.#client ??= left ?? (await this.#newClient(record))
    return this.#client
  }

  #newClient = async (record: KeyRecord): Promise<Client> => {
    const { routerUrl, rpcUrl, chainId, ledger } = this.#config
    const client = createClient({
      routerUrl,
      key: await privateKeyOf(record),
      chain: { rpcUrl, chainId, ledger },
      frontend: this.#frontend,
      journal: browserJournal(this.#db, navigator.locks),
    })
    return withClock(client, this.#place)
  }

  async #readBalance(): Promise<void> {
    if (!this.#client || !this.#record) return
    const place = await this.#place()
    const [balance, , { owner }] = await Promise.all([
      this.#client.balance(),
      askRouter(this.#config.routerUrl),
      readAccount(place.chain, place.ledger, keyAt(place, this.#record)),
    ])
    const { payer, deposited, charged, available } = balance
    this.#set({
      account: { key: payer, owner: ownerOf(owner, payer), left: available, charged, deposited },
    })
  }

  #failed(cause: unknown): void {
    const { code, kind } = asHeuristError(cause)
    const problem = wordsOf(cause)
    if (code === 'journal.locked') return this.#waitForTab()
    if (BROKEN.has(code)) return this.#set({ phase: 'broken', problem }, ['client'])
    console.warn(cause)
    this.#set({ phase: 'down', problem }, ['client'])
    window.clearTimeout(this.#again)
    if (kind === 'later') this.#again = window.setTimeout(() => void this.open(), AGAIN_MS)
  }

  /** Takes over as soon as the other tab is closed. */
  #waitForTab(): void {
    this.#set({ phase: 'elsewhere', problem: wordsOf(refused('journal.locked', '')) }, ['client'])
    const record = this.#record
    if (!record) return
    this.#client = undefined
    const { chainId, ledger, router, address } = record
    if (this.#awaited === address) return
    this.#awaited = address
    void journalFree(navigator.locks, { chainId, ledger, router, payer: address }).then(() => {
      if (this.#awaited === address) this.#awaited = undefined
      return this.open()
    })
  }

  // ------------------------------------------------------------------------------------------ what was asked for

  #actsOn({ chain }: Place): Acts {
    if (this.#acts) return this.#acts
    const acts = openActs(this.#config, chain)
    this.#acts = acts
    acts.subscribe(() => this.#acted())
    return acts
  }

  #deeds = (): KeyAct[] => (this.#acts ? deedsOf(this.#acts, this.#known) : [])

  #isRevoking = (): boolean =>
    this.#view.acts.some((each) => each.key === this.#record?.address && isRevocation(each))

  /** What is in a block is written down, once; while the key is being revoked, it signs nothing. */
  #acted(): void {
    const was = this.#isRevoking()
    this.#set({ acts: this.#deeds() })
    for (const { deed, key, from, act } of this.#view.acts) {
      if (act.state !== 'included' || act.intent?.isConcluded) continue
      this.#acts?.conclude(from, deedId(deed, key))
      void this.#included(deed, key)
      return
    }
    const { phase } = this.#view
    const is = this.#isRevoking()
    if (is && phase === 'ready') this.#set({ phase: 'revoking' }, ['client'])
    if (was && !is && phase === 'revoking') void this.open()
  }

  async #included(deed: Deed, key: Address): Promise<void> {
    if (deed === 'deposit') void navigator.storage?.persist?.()
    try {
      await changeKey(this.#db, key, AFTER[deed])
      await this.#look()
    } catch (cause) {
      this.#failed(cause)
    }
  }

  /** {@link #acted} does what follows once it is in a block. */
  async #carry({ record, wallet, ...order }: Order, say: Say): Promise<void> {
    const place = await this.#place()
    const ask = () => senderOf(place, record, order.from, wallet)
    await carry(this.#actsOn(place), { ...order, key: record.address, ask }, say)
  }

  // ---------------------------------------------------------------------------------------------- what is done

  /** One thing at a time, with its name while it lasts, and its failure in words. */
  async #act(doing: string, work: (say: Say) => Promise<void>): Promise<void> {
    if (this.#view.doing !== undefined) return
    this.#set({ doing }, ['problem'])
    try {
      await work((next) => this.#set({ doing: next }))
      this.#set({}, ['doing'])
    } catch (cause) {
      console.warn(cause)
      const { signed, phase } = this.#view
      const waits = signed !== undefined && (phase === 'none' || phase === 'revoked')
      this.#set({ problem: wordsOf(cause), ...(waits ? { phase: 'unfunded' } : {}) }, ['doing'])
    }
  }

  fund = (wallet: Wallet, dollars: string) =>
    this.#act('Your wallet asks whether this page may see your account.', (say) =>
      fund(this.#desk, wallet, dollars, say),
    )

  tryOut = (dollars: string) =>
    this.#act('Making a key and giving it play money…', () => tryOut(this.#desk, dollars))

  sendAgain = (wallet?: Wallet) =>
    this.#act('Sending your deposit…', (say) => sendAgain(this.#desk, wallet, say))

  dropSigned = () =>
    this.#act('Forgetting the deposit…', async () => {
      const { signed, address } = this.#record ?? {}
      if (signed && address) this.#acts?.drop(signed.giver, deedId('deposit', address))
      if (this.#record) await dropSigned(this.#db, this.#record)
      await this.#look()
    })

  revoke = (wallet?: Wallet) =>
    this.#act('Announcing the withdrawal…', async (say) => {
      await revoke(this.#desk, await this.#owed(), wallet, say)
    })

  /** What the router may still post of this key's calls; nothing is known of a key that does not open. Base units. */
  async #owed(): Promise<bigint> {
    const balance = await this.#client?.balance().catch(() => undefined)
    if (!balance) return 0n
    const { charged, spent, held } = balance
    return held + (charged > spent ? charged - spent : 0n)
  }

  withdraw = (key: Address, wallet?: Wallet) =>
    this.#act('Withdrawing…', (say) => withdraw(this.#desk, key, wallet, say))

  cancel = (key: Address, wallet?: Wallet) =>
    this.#act('Taking the revocation back…', (say) => cancel(this.#desk, key, wallet, say))

  askAgain = (act: KeyAct, wallet?: Wallet) =>
    this.#act('Looking what became of it…', async (say) => {
      const place = await this.#place()
      const known = this.#known.find(({ record }) => record.address === act.key)
      if (!known) return
      const ask = () => senderOf(place, known.record, act.from, wallet)
      await carryOn(this.#actsOn(place), act, ask, say)
    })

  forget = ({ deed, key, from }: KeyAct) => this.#acts?.forget(from, deedId(deed, key))

  switchChain = (wallet: Wallet) =>
    this.#act('Your wallet asks whether to switch.', () => switchChain(wallet, this.#config))

  refresh = async () => {
    try {
      if (CHANGING.has(this.#view.phase)) await this.#look()
    } catch (cause) {
      this.#failed(cause)
    }
  }

  report = (cause: unknown) => {
    const { code } = asHeuristError(cause)
    if (BROKEN.has(code)) this.#failed(cause)
    else void this.refresh()
  }

  dismiss = () => this.#set({}, ['problem'])
}

const isRevocation = (act: KeyAct): boolean => act.deed === 'thaw' && isOpen(act)

const isThawing = ({ thawing }: { thawing: bigint }): boolean => thawing > 0n

/** What is kept of a key once the chain did that. */
const AFTER: Record<Deed, (record: KeyRecord) => KeyRecord> = {
  // The next look sees that it arrived.
  deposit: (record) => record,
  thaw: (record) => ({ ...record, revokedAt: Date.now() }),
  cancel: ({ revokedAt: _, ...rest }) => rest,
  withdraw: (record) => record,
}
