import type { Address } from 'viem'
import { readAccount } from '../../../../sdk/chain/accounts.ts'
import { type Client, createClient } from '../../../../sdk/client.ts'
import { asHeuristError, refused } from '../../../../sdk/errors.ts'
import type { PageConfig } from '../network/config.ts'
import { deliver, type Place, signDeposit } from './deposit.ts'
import { browserJournal, journalFree } from './journal.ts'
import { createKey, keysOf, privateKeyOf, saveKey } from './keys.ts'
import { askRouter, formerOf, keyAt, openPlace, ownerOf, placeOf } from './place.ts'
import { type KeyRecord, openSessionDb, type SessionDb } from './store.ts'
import type { Session, SessionView } from './view.ts'
import { connect, switchChain, type Wallet } from './wallets.ts'
import { ownerSender, payOut, thawAll } from './withdraw.ts'
import { wordsOf } from './words.ts'

/** While router or chain do not answer: asked again after this. Milliseconds. */
const AGAIN_MS = 4_000
/** While all is well: whether it still is. Milliseconds. */
const REFRESH_MS = 10_000
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
  #view: SessionView = { phase: 'opening', former: [] }
  #listeners = new Set<() => void>()
  #record: KeyRecord | undefined
  #client: Client | undefined
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

  async #look(): Promise<void> {
    const place = await this.#place()
    const records = await keysOf(this.#db, placeOf(place))
    this.#set({
      former: await formerOf(
        this.#db,
        place,
        records.filter((each) => each.revokedAt !== undefined),
      ),
    })
    const record = records.find((each) => each.revokedAt === undefined)
    this.#record = record
    if (!record) return this.#set({ phase: 'none' }, ['account', 'client', 'signed', 'problem'])
    const { deposited } = await readAccount(place.chain, place.ledger, keyAt(place, record))
    if (record.signed && deposited > record.signed.before) await this.#arrived(record)
    const signed = this.#record?.signed?.amount
    if (deposited === 0n) {
      this.#set({ phase: signed === undefined ? 'none' : 'unfunded', ...(signed ? { signed } : {}) }, [
        'account',
        'client',
        'problem',
        ...(signed === undefined ? (['signed'] as const) : []),
      ])
      return
    }
    this.#set(signed === undefined ? {} : { signed }, signed === undefined ? ['signed'] : [])
    await this.#openClient(record)
  }

  async #openClient(record: KeyRecord): Promise<void> {
    const client = this.#client ?? (await this.#clientOf(record))
    this.#client = client
    await this.#readBalance()
    this.#set({ phase: 'ready', client }, ['problem'])
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
      const record = this.#record ?? (await createKey(this.#db, placeOf(place)))
      this.#record = record
      const signed = await signDeposit(place, record, { wallet, owner, dollars, say })
      this.#record = { ...record, signed }
      await saveKey(this.#db, this.#record)
      this.#set({ signed: signed.amount })
      await this.#send(place, this.#record, wallet, say)
    })

  tryOut = (dollars: string) =>
    this.#act('Making a key and giving it play money…', async () => {
      const place = await this.#place()
      const record = this.#record ?? (await createKey(this.#db, placeOf(place)))
      this.#record = record
      const client = this.#client ?? (await this.#clientOf(record))
      this.#client = client
      await client.deposit(dollars, { faucet: true })
      await this.#look()
    })

  sendAgain = (wallet?: Wallet) =>
    this.#act('Sending your deposit…', async (say) => {
      if (!this.#record?.signed) return
      if (wallet) await connect(wallet, this.#config.chainId)
      await this.#send(await this.#place(), this.#record, wallet, say)
    })

  async #send(place: Place, record: KeyRecord, wallet: Wallet | undefined, say: (doing: string) => void) {
    await deliver(place, record, { relay: this.#config.relay === true, wallet, say })
    await this.#arrived(record)
    void navigator.storage?.persist?.()
    await this.#look()
  }

  async #arrived(record: KeyRecord): Promise<void> {
    const { signed: _, ...rest } = record
    this.#record = rest
    await saveKey(this.#db, rest)
  }

  dropSigned = () =>
    this.#act('Forgetting the deposit…', async () => {
      if (this.#record) await this.#arrived(this.#record)
      await this.#look()
    })

  revoke = (wallet?: Wallet) =>
    this.#act('Announcing the withdrawal…', async (say) => {
      const record = this.#record
      if (!record) return
      const place = await this.#place()
      const sender = await ownerSender(place, record, wallet, say)
      await thawAll(place, record, sender, await this.#owed())
      await saveKey(this.#db, { ...record, revokedAt: Date.now() })
      await this.#client?.close()
      this.#client = undefined
      await this.#look()
    })

  /** What the router may still post of this key's calls; nothing is known of a key that does not open. Base units. */
  async #owed(): Promise<bigint> {
    const balance = await this.#client?.balance().catch(() => undefined)
    if (!balance) return 0n
    const { charged, spent, held } = balance
    return held + (charged > spent ? charged - spent : 0n)
  }

  withdraw = (key: Address, wallet?: Wallet) =>
    this.#act('Withdrawing…', async (say) => {
      const place = await this.#place()
      const record = (await keysOf(this.#db, placeOf(place))).find((each) => each.address === key)
      if (!record) return
      await payOut(place, record, await ownerSender(place, record, wallet, say))
      await this.#look()
    })

  switchChain = (wallet: Wallet) =>
    this.#act('Your wallet asks whether to switch.', () => switchChain(wallet, this.#config))

  refresh = async () => {
    if (this.#view.phase !== 'ready') return
    await this.#readBalance().catch((cause: unknown) => this.#failed(cause))
  }

  report = (cause: unknown) => {
    const { code } = asHeuristError(cause)
    if (BROKEN.has(code)) this.#failed(cause)
    else void this.refresh()
  }

  dismiss = () => this.#set({}, ['problem'])
}
