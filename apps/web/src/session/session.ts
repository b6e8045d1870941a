import type { Address } from 'viem'
import { readAccount } from '../../../../sdk/chain/accounts.ts'
import type { Call } from '../../../../sdk/chain/call.ts'
import { accountCall } from '../../../../sdk/chain/deposits.ts'
import { type Client, createClient } from '../../../../sdk/client.ts'
import { asHeuristError, refused } from '../../../../sdk/errors.ts'
import { formatUsd } from '../../../../sdk/units.ts'
import { openActs } from '../acts/open.ts'
import type { Acts } from '../acts/view.ts'
import type { PageConfig } from '../network/config.ts'
import { askRouter } from '../network/router.ts'
import { carry, carryOn, deedId, deedsOf, isOpen } from './deeds.ts'
import { type Place, relayed, signDeposit } from './deposit.ts'
import { browserJournal, journalFree } from './journal.ts'
import { changeKey, createKey, keysOf, privateKeyOf } from './keys.ts'
import { formerOf, isUsable, type KnownKey, keyAt, openPlace, ownerOf, placeOf, readKeys } from './place.ts'
import { type KeyRecord, openSessionDb, type SessionDb } from './store.ts'
import type { Deed, KeyAct, Phase, Session, SessionView } from './view.ts'
import { connect, switchChain, type Wallet } from './wallets.ts'
import { senderOf, thawPlan } from './withdraw.ts'
import { wordsOf } from './words.ts'

/** While router or chain do not answer: asked again after this. Milliseconds. */
const AGAIN_MS = 4_000
/** While all is well: whether it still is. Milliseconds. */
const REFRESH_MS = 10_000
/** Phases that the chain may end by itself. */
const CHANGING = new Set<Phase>(['none', 'unfunded', 'revoking', 'revoked'])
/** Codes after which a key is of no more use than to be withdrawn. */
const BROKEN = new Set(['key.retired', 'key.damaged', 'journal.lost', 'journal.damaged'])

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
  #known: readonly KnownKey[] = []
  #acts: Acts | undefined
  #looking: Promise<void> = Promise.resolve()
  readonly #place: () => Promise<Place>
  readonly #config: PageConfig
  readonly #frontend: number
  readonly #db: SessionDb

  constructor(config: PageConfig, frontend: number, db: SessionDb) {
    this.#config = config
    this.#frontend = frontend
    this.#db = db
    this.#place = openPlace(config)
    window.addEventListener('pagehide', () => void this.#client?.close())
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

  /** Looks are taken one after the other. */
  #look(): Promise<void> {
    const look = this.#looking.then(() => this.#lookNow())
    this.#looking = look.catch(() => undefined)
    return look
  }

  async #lookNow(): Promise<void> {
    const place = await this.#place()
    this.#actsOn(place)
    const known = await readKeys(place, await keysOf(this.#db, placeOf(place)))
    const current = known.find(isUsable)
    this.#known = known
    const others = known.filter((each) => each !== current)
    this.#set({ former: await formerOf(this.#db, others), acts: this.#deeds() })
    await this.#take(current?.record)
    if (!current) return this.#stands(this.#view.former.some(isThawing) ? 'revoked' : 'none')
    const { record, account } = current
    if (record.signed && account.deposited > record.signed.before) {
      await this.#arrived(record)
      return this.#lookNow()
    }
    if (record.signed) this.#set({ signed: record.signed.amount, byWallet: this.#isByWallet(record) })
    else this.#set({}, ['signed', 'byWallet'])
    if (account.deposited === 0n) return this.#stands(record.signed ? 'unfunded' : 'none')
    await this.#openClient(record)
  }

  /** Nothing can be paid. */
  #stands(phase: Phase): void {
    const gone = phase === 'unfunded' ? [] : (['signed', 'byWallet'] as const)
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
    const client = this.#client
    this.#client = undefined
    await client?.close()
  }

  #isByWallet = ({ signed }: KeyRecord): boolean => signed?.byWallet === true || this.#config.relay !== true

  async #openClient(record: KeyRecord): Promise<void> {
    const client = this.#client ?? (await this.#clientOf(record))
    this.#client = client
    await this.#readBalance()
    if (this.#isRevoking()) this.#set({ phase: 'revoking' }, ['client', ...this.#overcome()])
    else this.#set({ phase: 'ready', client }, this.#overcome())
  }

  async #clientOf(record: KeyRecord): Promise<Client> {
    const { routerUrl, rpcUrl, chainId, ledger } = this.#config
    return createClient({
      routerUrl,
      key: await privateKeyOf(record),
      chain: { rpcUrl, chainId, ledger },
      frontend: this.#frontend,
      journal: browserJournal(this.#db, navigator.locks),
    })
  }

  /** @returns so much is on its way back. Base units. */
  async #readBalance(): Promise<bigint> {
    if (!this.#client || !this.#record) return 0n
    const place = await this.#place()
    const [balance, , { owner }] = await Promise.all([
      this.#client.balance(),
      askRouter(this.#config.routerUrl),
      readAccount(place.chain, place.ledger, keyAt(place, this.#record)),
    ])
    const { payer, deposited, charged, available, thawing } = balance
    this.#set({
      account: { key: payer, owner: ownerOf(owner, payer), left: available, charged, deposited },
    })
    return thawing
  }

  #failed(cause: unknown): void {
    const { code, kind } = asHeuristError(cause)
    const problem = wordsOf(cause)
    if (code === 'journal.locked') return this.#waitForTab()
    if (BROKEN.has(code)) return this.#set({ phase: 'broken', problem }, ['client'])
    console.warn(cause)
    this.#set({ phase: 'down', problem }, ['client'])
    if (kind === 'later') window.setTimeout(() => void this.open(), AGAIN_MS)
  }

  /** Takes over as soon as the other tab is closed. */
  #waitForTab(): void {
    this.#set({ phase: 'elsewhere', problem: wordsOf(refused('journal.locked', '')) }, ['client'])
    const record = this.#record
    if (!record) return
    this.#client = undefined
    const { chainId, ledger, router, address } = record
    void journalFree(navigator.locks, { chainId, ledger, router, payer: address }).then(() => this.open())
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
    this.#view.acts.some((each) => each.deed === 'thaw' && each.key === this.#record?.address && isOpen(each))

  /** What is in a block is written down, once; while the key is being revoked, it signs nothing. */
  #acted(): void {
    const was = this.#isRevoking()
    this.#set({ acts: this.#deeds() })
    for (const { deed, key, from, act } of this.#view.acts) {
      if (act.state !== 'included') continue
      this.#acts?.forget(from, deedId(deed, key))
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

  /** Carries a transaction until it is sent; {@link #acted} does what follows from it. */
  async #carry(
    deed: Deed,
    record: KeyRecord,
    {
      from,
      title,
      plan,
      wallet,
    }: { from: Address; title: string; plan: () => Promise<Call[]>; wallet?: Wallet },
    say: (doing: string) => void,
  ): Promise<void> {
    const place = await this.#place()
    const ask = () => senderOf(place, record, from, wallet)
    await carry(this.#actsOn(place), { deed, key: record.address, from, title, plan, ask }, say)
  }

  // ---------------------------------------------------------------------------------------------- what is done

  /** One thing at a time, with its name while it lasts, and its failure in words. */
  async #act(doing: string, work: (say: (doing: string) => void) => Promise<void>): Promise<void> {
    if (this.#view.doing !== undefined) return
    this.#set({ doing }, ['problem'])
    try {
      await work((next) => this.#set({ doing: next }))
      this.#set({}, ['doing'])
    } catch (cause) {
      console.warn(cause)
      const waits = this.#record?.signed !== undefined && this.#view.phase === 'none'
      this.#set({ problem: wordsOf(cause), ...(waits ? { phase: 'unfunded' } : {}) }, ['doing'])
    }
  }

  fund = (wallet: Wallet, dollars: string) =>
    this.#act('Your wallet asks whether this page may see your account.', async (say) => {
      const place = await this.#place()
      const owner = await connect(wallet, this.#config.chainId)
      const record = await this.#payable(place)
      const signed = await signDeposit(place, record, { wallet, owner, dollars, say })
      this.#record = { ...record, signed }
      await changeKey(this.#db, record.address, (kept) => ({ ...kept, signed }))
      this.#set({ signed: signed.amount, byWallet: this.#isByWallet(this.#record) })
      await this.#send(place, this.#record, wallet, say)
    })

  tryOut = (dollars: string) =>
    this.#act('Making a key and giving it play money…', async () => {
      const place = await this.#place()
      const record = await this.#payable(place)
      const client = this.#client ?? (await this.#clientOf(record))
      this.#client = client
      await client.deposit(dollars, { faucet: true })
      await this.#look()
    })

  /** The key that a deposit may go to, made if there is none. @throws `key.revoked` (refused). */
  async #payable(place: Place): Promise<KeyRecord> {
    if (!this.#record) {
      this.#record = await createKey(this.#db, placeOf(place))
      return this.#record
    }
    const { thawing } = await readAccount(place.chain, place.ledger, keyAt(place, this.#record))
    if (thawing === 0n && !this.#isRevoking()) return this.#record
    await this.#look()
    throw refused('key.revoked', 'the credit of this key is on its way back, so nothing is added to it', {
      fix: 'Cancel that, or deposit to a new key.',
    })
  }

  sendAgain = (wallet?: Wallet) =>
    this.#act('Sending your deposit…', async (say) => {
      if (this.#record?.signed) await this.#send(await this.#place(), this.#record, wallet, say)
    })

  async #send(place: Place, record: KeyRecord, wallet: Wallet | undefined, say: (doing: string) => void) {
    const { signed } = record
    if (!signed) return
    try {
      say('Your deposit is on its way to the chain…')
      const failure = await relayed(place, record, signed, this.#config.relay === true)
      if (failure) {
        await changeKey(this.#db, record.address, withByWallet)
        if (!wallet) throw failure
        const title = `Deposit $${formatUsd(signed.amount)}`
        const plan = async () => [{ to: place.ledger, data: signed.data }]
        await this.#carry('deposit', record, { from: signed.giver, title, plan, wallet }, say)
      } else void navigator.storage?.persist?.()
    } finally {
      await this.#look()
    }
  }

  async #arrived({ address, signed }: KeyRecord): Promise<void> {
    if (signed) this.#acts?.forget(signed.giver, deedId('deposit', address))
    await changeKey(this.#db, address, AFTER.deposit)
  }

  dropSigned = () =>
    this.#act('Forgetting the deposit…', async () => {
      if (this.#record) await this.#arrived(this.#record)
      await this.#look()
    })

  revoke = (wallet?: Wallet) =>
    this.#act('Announcing the withdrawal…', async (say) => {
      if (!this.#record) return
      await this.#thaw(this.#record, await this.#owed(), wallet, say)
    })

  async #thaw(record: KeyRecord, owed: bigint, wallet: Wallet | undefined, say: (doing: string) => void) {
    const place = await this.#place()
    const plan = () => thawPlan(place, record, owed)
    const [call] = await plan()
    if (!call) return this.#included('thaw', record.address)
    const { owner, credit } = await readAccount(place.chain, place.ledger, keyAt(place, record))
    const from = ownerOf(owner, record.address)
    const title = `Withdraw $${formatUsd(credit - owed)}`
    await this.#carry('thaw', record, { from, title, plan, ...(wallet ? { wallet } : {}) }, say)
  }

  /** What the router may still post of this key's calls; nothing is known of a key that does not open. Base units. */
  async #owed(): Promise<bigint> {
    const balance = await this.#client?.balance().catch(() => undefined)
    if (!balance) return 0n
    const { charged, spent, held } = balance
    return held + (charged > spent ? charged - spent : 0n)
  }

  withdraw = (key: Address, wallet?: Wallet) =>
    this.#act('Withdrawing…', async (say) => {
      const known = await this.#formerKey(key)
      if (!known) return
      const { record, account } = known
      if (account.thawing === 0n) return this.#thaw(record, 0n, wallet, say)
      await this.#back('withdraw', known, `Take $${formatUsd(account.thawing)}`, wallet, say)
    })

  cancel = (key: Address, wallet?: Wallet) =>
    this.#act('Taking the revocation back…', async (say) => {
      const known = await this.#formerKey(key)
      if (!known) return
      if (known.account.thawing === 0n) return this.#included('cancel', key)
      await this.#back('cancel', known, 'Use the key again', wallet, say)
    })

  async #formerKey(key: Address): Promise<KnownKey | undefined> {
    const place = await this.#place()
    const records = (await keysOf(this.#db, placeOf(place))).filter(({ address }) => address === key)
    return (await readKeys(place, records))[0]
  }

  async #back(
    deed: 'withdraw' | 'cancel',
    { record, account }: KnownKey,
    title: string,
    wallet: Wallet | undefined,
    say: (doing: string) => void,
  ): Promise<void> {
    const { ledger, router } = await this.#place()
    const from = ownerOf(account.owner, record.address)
    const data = accountCall[deed === 'cancel' ? 'cancelThaw' : 'withdraw'](router, record.address)
    const plan = async () => [{ to: ledger, data }]
    await this.#carry(deed, record, { from, title, plan, ...(wallet ? { wallet } : {}) }, say)
  }

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
    const { phase } = this.#view
    try {
      if (phase === 'ready' && (await this.#readBalance()) === 0n) return
      if (phase === 'ready' || (CHANGING.has(phase) && this.#known.length > 0)) await this.#look()
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

const isThawing = ({ thawing }: { thawing: bigint }): boolean => thawing > 0n

const withByWallet = (record: KeyRecord): KeyRecord =>
  record.signed ? { ...record, signed: { ...record.signed, byWallet: true } } : record

/** What is kept of a key once the chain did that. */
const AFTER: Record<Deed, (record: KeyRecord) => KeyRecord> = {
  deposit: ({ signed: _, ...rest }) => rest,
  thaw: (record) => ({ ...record, revokedAt: Date.now() }),
  cancel: ({ revokedAt: _, ...rest }) => rest,
  withdraw: (record) => record,
}
