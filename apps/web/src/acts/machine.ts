import type { Address, Hex } from 'viem'
import type { Chain, WalletSender } from '../../../../sdk/chain/clients.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { Locks } from '../session/journal.ts'
import { type Problem, wordsOf } from '../session/words.ts'
import { Follower } from './follow.ts'
import type { Intent, Intents } from './intents.ts'
import { isNotSent } from './outcome.ts'
import { Past } from './past.ts'
import { isWatched, termsOf } from './repeats.ts'
import { type ActState, type Acts, type Ask, isLive, keyOf, repeatOf, type State, type Wish } from './view.ts'
import { Watch } from './watch.ts'

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

export function createActs(place: ActsPlace): Acts {
  return new Machine(place)
}

class Machine implements Acts {
  readonly #chain: Chain
  readonly #intents: Intents
  readonly #locks: Locks | undefined
  readonly #follower: Follower
  readonly #watch: Watch
  readonly #past: Past
  readonly #clock: () => number
  /** What only this page knows, by act: that it is at it, or why it could not. */
  readonly #passing = new Map<string, 'checking' | Problem>()
  /** Acts whose wallet this page asks right now. */
  readonly #asking = new Set<string>()
  /** Who asks for the next call of an act once this one is in a block: the last click. */
  readonly #drivers = new Map<string, symbol>()
  readonly #listeners = new Set<() => void>()

  constructor({ chain, intents, locks, pollMs = 500, patience = 40, clock = Date.now }: ActsPlace) {
    this.#chain = chain
    this.#intents = intents
    this.#locks = locks
    this.#clock = clock
    this.#past = new Past(intents, clock)
    this.#watch = new Watch({ chain, intents, pollMs, clock })
    this.#follower = new Follower(
      { chain, intents, pollMs, patience, clock },
      {
        changed: () => this.#tell(),
        settled: (key) => {
          // Why it could not be asked again is of no matter any more.
          if (this.#passing.get(key) !== 'checking') this.#passing.delete(key)
        },
      },
    )
    intents.subscribe(() => {
      this.#followAll()
      this.#tell()
    })
  }

  changes = () => this.#follower.changes()
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
    const forgotten = this.#past.of(from, id)
    const state = this.#presentOf(from, id)
    return forgotten.length > 0 ? { ...state, forgotten } : state
  }

  #presentOf(from: Address, id: string): ActState {
    const key = keyOf(from, id)
    const passing = this.#passing.get(key)
    if (passing === 'checking') return { state: 'checking' }
    const intent = this.#intents.of(from, id)
    if (passing && !isLive(intent)) return { state: 'refused', problem: passing }
    if (!intent) return { state: 'idle' }
    const problem = passing ?? intent.problem
    return {
      state: this.#stateOf(key, intent.phase),
      intent,
      looked: this.#follower.hasLooked(key),
      ...(problem ? { problem } : {}),
      ...(this.#intents.survives(intent) ? {} : { isFleeting: true }),
    }
  }

  #stateOf(key: string, phase: Intent['phase']): State {
    switch (phase) {
      case 'asking':
        return this.#asking.has(key) ? 'asking' : 'unsure'
      case 'sent':
        return this.#follower.isMissing(key) ? 'missing' : 'sent'
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
    this.#past.forget(this.#intents.of(from, id), from, id)
    this.#let(from, id)
  }

  drop(from: Address, id: string): void {
    this.#past.drop(from, id)
    this.#let(from, id)
  }

  excuse(from: Address, id: string): void {
    this.#pass(keyOf(from, id))
  }

  conclude(from: Address, id: string): void {
    const intent = this.#intents.of(from, id)
    if (intent && isWatched(intent, this.#clock())) this.#intents.put({ ...intent, isConcluded: true })
    else this.forget(from, id)
  }

  #let(from: Address, id: string): void {
    const key = keyOf(from, id)
    this.#follower.clear(key)
    this.#passing.delete(key)
    this.#drivers.delete(key)
    this.#intents.drop({ from, id })
  }

  resume(): void {
    this.#past.clear()
    this.#followAll()
  }

  #followAll(): void {
    for (const intent of this.#intents.all()) {
      if (intent.phase === 'sent' || intent.phase === 'asking') void this.#follower.follow(intent)
    }
    this.#watch.all()
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
    const fate = await this.#follower.fate(intent)
    if (fate.state === 'unknown') return intent
    const next = this.#follower.settle(intent, fate)
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
      const after = await this.#follower.follow(sent)
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
    this.#follower.clear(key)
    const gas = await sender.simulate(call)
    const { asked, repeated, isSameNonce } = await termsOf(this.#chain, intent)
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
    this.#past.replace(asking)
    this.#intents.put(asking)
    try {
      const isTold = sender.holdsKey || isSameNonce
      const hash = await sender.submit(call, { gas, ...(isTold ? { nonce: asked.nonce } : {}) })
      return this.#sent(asking, hash, sender.holdsKey)
    } catch (cause) {
      return this.#unanswered(asking, cause)
    } finally {
      this.#asking.delete(key)
      this.#tell()
    }
  }

  /** What a wallet sent is followed, whatever became of what was written down before. */
  #sent(asking: Intent, hash: Hex, holdsKey: boolean): Intent {
    const { from, id, at, asked } = asking
    const now = this.#intents.of(from, id)
    // A look may have found it in a block before the wallet answered.
    if (!asked || (now && (now.phase !== 'asking' || now.at !== at))) return now ?? asking
    const isNumbered = holdsKey ? { isNumbered: true as const } : {}
    const sent: Intent = { ...asking, phase: 'sent', asked: { ...asked, hash, ...isNumbered } }
    this.#intents.put(sent)
    return sent
  }

  /** The wallet gave no hash. What it certainly did not send is as it was before; what it may have sent is followed. */
  #unanswered(asking: Intent, cause: unknown): undefined {
    const { from, id, at } = asking
    const now = this.#intents.of(from, id)
    // The first request was carried out, and the other one declined.
    if (now && (now.phase !== 'asking' || now.at !== at)) return
    const isCertain = isNotSent(cause)
    if (isCertain) this.#passing.set(keyOf(from, id), wordsOf(cause))
    // Forgotten in another tab, it is watched for.
    if (!now && this.#intents.forgottenOf(from, id).length > 0) return
    if (!isCertain) {
      this.#intents.put({ ...asking, problem: wordsOf(chainError(cause)) })
      return
    }
    const { asked: _, ...rest } = asking
    // The first asking may still be answered.
    if (repeatOf(asking)) this.#intents.put(asking)
    else if (at > 0) this.#intents.put({ ...rest, phase: 'ready' })
    else this.#intents.drop(asking)
  }
}
