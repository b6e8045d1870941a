import type { Address, Hex } from 'viem'
import type { Chain, WalletSender } from '../../../../sdk/chain/clients.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { type Fate, fateOf } from '../../../../sdk/chain/fate.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { Locks } from '../session/journal.ts'
import { type Problem, wordsOf } from '../session/words.ts'
import type { Intent, Intents, Repeat } from './intents.ts'
import { isNotSent, settled } from './outcome.ts'
import { isWatched, lookForDouble, mayDouble, termsOf } from './repeats.ts'
import { type ActState, type Acts, type Ask, repeatOf, type State, undoubled, type Wish } from './view.ts'

/**
 * Every transaction of the page goes through here, call after call of an intent: made on trial, asked of the wallet, sent,
 * followed until a block holds it. What was begun is followed to its end by whichever page is open.
 */

export interface ActsPlace {
  chain: Chain
  intents: Intents
  /** Undefined on a page without a secure connection, where a wallet may be asked by several tabs at a time. */
  locks: Locks | undefined
  /** Milliseconds between two looks. */
  pollMs?: number
  /** So many looks in a row the chain may not know a transaction before the page says so. */
  patience?: number
  /** Milliseconds since 1970. */
  clock?: () => number
}

const keyOf = (from: Address, id: string) => `${from.toLowerCase()}:${id}`
const isLive = (intent: Intent | undefined): intent is Intent =>
  intent !== undefined && (intent.phase === 'ready' || intent.phase === 'asking' || intent.phase === 'sent')

/** What is done is looked at this much less often than what is under way. */
const WATCH_EVERY = 4

/** From where on doubles are looked for, by the call. */
type Nonces = Map<number, number>

export function createActs(place: ActsPlace): Acts {
  return new Machine(place)
}

class Machine implements Acts {
  readonly #chain: Chain
  readonly #intents: Intents
  readonly #locks: Locks | undefined
  readonly #pollMs: number
  readonly #patience: number
  readonly #clock: () => number
  /** What only this page knows, by act: that it is at it, or why it could not. */
  readonly #passing = new Map<string, 'checking' | Problem>()
  /** Acts whose wallet this page asks right now. */
  readonly #asking = new Set<string>()
  /** Who asks for the next call of an act once this one is in a block: the last click. */
  readonly #drivers = new Map<string, symbol>()
  readonly #following = new Map<string, Promise<Intent | undefined>>()
  /** Acts that are done, and may be done once more. */
  readonly #watching = new Set<string>()
  readonly #missing = new Set<string>()
  /** Acts that the chain was looked at for, and knew nothing of. */
  readonly #looked = new Set<string>()
  readonly #listeners = new Set<() => void>()
  #changes = 0

  constructor({ chain, intents, locks, pollMs = 500, patience = 40, clock = Date.now }: ActsPlace) {
    this.#chain = chain
    this.#intents = intents
    this.#locks = locks
    this.#pollMs = pollMs
    this.#patience = patience
    this.#clock = clock
    intents.subscribe(() => {
      this.#followAll()
      this.#tell()
    })
  }

  changes = () => this.#changes
  subscribe = (listen: () => void) => {
    this.#listeners.add(listen)
    return () => this.#listeners.delete(listen)
  }
  #tell(): void {
    for (const listen of this.#listeners) listen()
  }
  #pass(key: string, what?: 'checking' | Problem): void {
    if (what) this.#passing.set(key, what)
    else this.#passing.delete(key)
    this.#tell()
  }

  stateOf(from: Address, id: string): ActState {
    const key = keyOf(from, id)
    const passing = this.#passing.get(key)
    if (passing === 'checking') return { state: 'checking' }
    const intent = this.#intents.of(from, id)
    if (passing && !isLive(intent)) return { state: 'refused', problem: passing }
    if (!intent) return { state: 'idle' }
    const problem = passing ?? intent.problem
    const looked = this.#looked.has(key)
    return { state: this.#stateOf(key, intent.phase), intent, looked, ...(problem ? { problem } : {}) }
  }

  #stateOf(key: string, phase: Intent['phase']): State {
    switch (phase) {
      case 'asking':
        return this.#asking.has(key) ? 'asking' : 'unsure'
      case 'sent':
        return this.#missing.has(key) ? 'missing' : 'sent'
      case 'done':
        return 'included'
      default:
        return phase
    }
  }

  start({ id, from, title, plan, ask }: Wish): Promise<void> {
    return this.#begin(from, id, async () => {
      if (isLive(this.#intents.of(from, id))) return
      const sender = await ask()
      const calls = await plan()
      if (calls.length === 0) {
        throw refused('act.nothing', 'there is nothing to send', { fix: 'It stands as you want it already.' })
      }
      const intent: Intent = { id, from, title, calls, at: 0, phase: 'ready', hashes: [] }
      await this.#drive(from, id, sender, async () =>
        isLive(this.#intents.of(from, id)) ? undefined : intent,
      )
    })
  }

  proceed(from: Address, id: string, ask: Ask): Promise<void> {
    return this.#begin(from, id, async () => {
      const sender = await ask()
      await this.#drive(from, id, sender, () => this.#asItIs(from, id))
    })
  }

  async #begin(from: Address, id: string, work: () => Promise<void>): Promise<void> {
    const key = keyOf(from, id)
    if (this.#passing.get(key) === 'checking') return
    this.#pass(key, 'checking')
    try {
      await work()
      if (this.#passing.get(key) === 'checking') this.#pass(key)
    } catch (cause) {
      this.#refuse(key, cause)
    }
  }

  forget(from: Address, id: string): void {
    const key = keyOf(from, id)
    this.#missing.delete(key)
    this.#looked.delete(key)
    this.#passing.delete(key)
    this.#drivers.delete(key)
    this.#intents.drop({ from, id })
  }

  conclude(from: Address, id: string): void {
    const intent = this.#intents.of(from, id)
    if (intent && isWatched(intent, this.#clock())) this.#intents.put({ ...intent, isConcluded: true })
    else this.forget(from, id)
  }

  resume(): void {
    for (const intent of this.#intents.all()) {
      if (!isLive(intent) && !isWatched(intent, this.#clock())) this.#intents.drop(intent)
    }
    this.#followAll()
  }

  #followAll(): void {
    for (const intent of this.#intents.all()) {
      if (intent.phase === 'sent' || intent.phase === 'asking') void this.#follow(intent)
      else if (mayDouble(intent, this.#clock())) void this.#watch(intent)
    }
  }

  #refuse(key: string, cause: unknown): void {
    const problem = wordsOf(cause)
    if (problem.code === 'unexpected') console.warn(cause)
    this.#pass(key, problem)
  }

  /** One tab asks the wallet of an account at a time. @throws `act.elsewhere` (refused). */
  async #alone<T>(from: Address, work: () => Promise<T>): Promise<T> {
    if (!this.#locks) return await work()
    return await this.#locks.request(
      `heurist-act-${from.toLowerCase()}`,
      { ifAvailable: true },
      (lock): Promise<T> => {
        if (lock) return work()
        throw refused('act.elsewhere', 'this account is asked for something else already', {
          fix: 'Answer in the wallet first, or in the other tab of this page.',
        })
      },
    )
  }

  /** The intent, if its next call may be asked for now: whatever the wallet did meanwhile is looked up before. */
  async #asItIs(from: Address, id: string): Promise<Intent | undefined> {
    const intent = this.#intents.of(from, id)
    if (!isLive(intent)) return undefined
    if (intent.phase === 'ready') return intent
    const fate = await this.#fate(intent)
    if (fate.state === 'unknown') return intent
    const next = this.#settle(intent, fate)
    return next.phase === 'ready' ? next : undefined
  }

  /** Asks for call after call until all are in blocks, or one is not to be had, or somebody else took over. */
  async #drive(
    from: Address,
    id: string,
    sender: WalletSender,
    first: () => Promise<Intent | undefined>,
  ): Promise<void> {
    const key = keyOf(from, id)
    const me = Symbol(key)
    this.#drivers.set(key, me)
    for (let next = first; this.#drivers.get(key) === me; next = () => this.#asItIs(from, id)) {
      const sent = await this.#alone(from, async () => {
        const intent = await next()
        return intent ? this.#askFor(intent, sender) : undefined
      })
      if (!sent) return
      this.#pass(key)
      const after = await this.#follow(sent)
      if (after?.phase !== 'ready') return
    }
  }

  /** @returns the intent once its call is sent; undefined if it was not, or nobody knows. */
  async #askFor(intent: Intent, sender: WalletSender): Promise<Intent | undefined> {
    const { from, id, at } = intent
    const key = keyOf(from, id)
    const call = intent.calls[at]
    if (!call) return undefined
    this.#pass(key, 'checking')
    this.#looked.delete(key)
    const gas = await sender.simulate(call)
    const { asked, repeated } = await termsOf(this.#chain, intent)
    if (repeated) {
      // Trying it took a while: a block may have taken the first request meanwhile.
      const now = await this.#asItIs(from, id)
      if (!now || now.phase === 'ready' || now.at !== at) return now
    }
    const { problem: _, ...rest } = intent
    const repeats = [
      ...(intent.repeats ?? []).filter((each) => each.at !== at),
      ...(repeated ? [repeated] : []),
    ]
    const asking: Intent = { ...rest, phase: 'asking', asked, ...(repeated ? { repeats } : {}) }
    this.#asking.add(key)
    this.#passing.delete(key)
    this.#intents.put(asking)
    try {
      const hash = await sender.submit(call, { gas, nonce: asked.nonce })
      const now = this.#intents.of(from, id)
      // A look may have found it in a block before the wallet answered.
      if (now?.phase !== 'asking' || now.at !== at) return now
      const sent: Intent = { ...asking, phase: 'sent', asked: { ...asked, hash } }
      this.#intents.put(sent)
      void this.#learnNonce(sent, hash)
      return sent
    } catch (cause) {
      return this.#unanswered(asking, cause)
    } finally {
      this.#asking.delete(key)
      this.#tell()
    }
  }

  /** A wallet may have chosen another nonce than it was told: asked for again, it is told that one. */
  async #learnNonce({ from, id }: Intent, hash: Hex): Promise<void> {
    const { nonce } = await this.#chain.client.getTransaction({ hash }).catch(() => ({ nonce: undefined }))
    const now = this.#intents.of(from, id)
    if (nonce === undefined || now?.asked?.hash !== hash || now.asked.nonce === nonce) return
    this.#intents.put({ ...now, asked: { ...now.asked, nonce } })
  }

  /** The wallet gave no hash. What it certainly did not send is as it was before; what it may have sent is followed. */
  #unanswered(asking: Intent, cause: unknown): undefined {
    const { from, id, at } = asking
    const now = this.#intents.of(from, id)
    // The first request was carried out, and the other one declined.
    if (now?.phase !== 'asking' || now.at !== at) return
    if (!isNotSent(cause)) {
      this.#intents.put({ ...asking, problem: wordsOf(chainError(cause)) })
      return
    }
    this.#passing.set(keyOf(from, id), wordsOf(cause))
    const { asked: _, ...rest } = asking
    // The first asking may still be answered.
    if (repeatOf(asking)) this.#intents.put(asking)
    else if (at > 0) this.#intents.put({ ...rest, phase: 'ready' })
    else this.#intents.drop(asking)
  }

  /** Looks until a block has decided it. One loop for each act. */
  #follow(intent: Intent): Promise<Intent | undefined> {
    const key = keyOf(intent.from, intent.id)
    const running = this.#following.get(key)
    if (running) return running
    const loop = this.#look(key, intent).finally(() => this.#following.delete(key))
    this.#following.set(key, loop)
    return loop
  }

  async #look(key: string, { from, id, at }: Intent): Promise<Intent | undefined> {
    for (let unknown = 0; ; ) {
      const intent = this.#intents.of(from, id)
      if (!intent || intent.at !== at || (intent.phase !== 'sent' && intent.phase !== 'asking')) return intent
      const fate = await this.#fate(intent).catch(() => undefined)
      if (fate && fate.state !== 'unknown' && fate.state !== 'waiting') return this.#settle(intent, fate)
      unknown = fate?.state === 'unknown' ? unknown + 1 : 0
      if (unknown > 0) this.#mark(this.#looked, key, true)
      this.#mark(this.#missing, key, unknown >= this.#patience)
      await new Promise((resolve) => setTimeout(resolve, this.#pollMs))
    }
  }

  /** Whether what was asked for twice is done twice, as long as it is watched and nobody dismissed it. */
  async #watch({ from, id }: Intent): Promise<void> {
    const key = keyOf(from, id)
    if (this.#watching.has(key)) return
    this.#watching.add(key)
    try {
      for (const nonces: Nonces = new Map(); ; ) {
        const intent = this.#intents.of(from, id)
        if (!intent || !mayDouble(intent, this.#clock())) return
        const before = intent.doubles?.length ?? 0
        for (const repeat of undoubled(intent)) await this.#lookForDouble(intent, repeat, nonces)
        if ((this.#intents.of(from, id)?.doubles?.length ?? 0) > before) continue
        await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY * this.#pollMs))
      }
    } finally {
      this.#watching.delete(key)
    }
  }

  async #lookForDouble(intent: Intent, repeat: Repeat, nonces: Nonces): Promise<void> {
    const { from, id, doneAt } = intent
    const { at, nonce } = repeat
    const seen = await lookForDouble(this.#chain, intent, repeat, nonces.get(at) ?? nonce).catch(
      () => undefined,
    )
    const now = this.#intents.of(from, id)
    // Dismissed meanwhile, or begun anew.
    if (!seen || now?.phase !== 'done' || now.doneAt !== doneAt) return
    nonces.set(at, seen.next)
    if (seen.double)
      this.#intents.put({ ...now, doubles: [...(now.doubles ?? []), { at, hash: seen.double }] })
  }

  #mark(marks: Set<string>, key: string, is: boolean): void {
    if (marks.has(key) === is) return
    if (is) marks.add(key)
    else marks.delete(key)
    this.#tell()
  }

  /** Of every request for the call: an earlier one may be carried out where the last one comes to nothing. */
  async #fate(intent: Intent): Promise<Fate> {
    const { from, calls, at, asked } = intent
    const call = calls[at]
    if (!call || !asked) return { state: 'unknown' }
    const first = repeatOf(intent) ?? asked
    const ofAny = () => fateOf(this.#chain, { from, call, nonce: first.nonce, since: first.since })
    if (asked.hash === undefined) return ofAny()
    const ofLast = await fateOf(this.#chain, { from, call, ...asked })
    if (first === asked || (ofLast.state !== 'unknown' && ofLast.state !== 'replaced')) return ofLast
    const earlier = await ofAny()
    return earlier.state === 'unknown' ? ofLast : earlier
  }

  #settle(intent: Intent, fate: Fate): Intent {
    const key = keyOf(intent.from, intent.id)
    this.#missing.delete(key)
    this.#looked.delete(key)
    const next = settled(intent, fate, this.#clock())
    if (next === intent) return intent
    // Why it could not be asked again is of no matter any more.
    if (this.#passing.get(key) !== 'checking') this.#passing.delete(key)
    if (next.at > intent.at) this.#changes += 1
    this.#intents.put(next)
    return next
  }
}
