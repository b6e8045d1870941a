import type { Chain } from '../../../../sdk/chain/clients.ts'
import { type Fate, fateOf } from '../../../../sdk/chain/fate.ts'
import type { Intent, Intents } from './intents.ts'
import { settled } from './outcome.ts'
import { forgottenOf } from './repeats.ts'
import { keyOf, repeatOf } from './view.ts'

export interface FollowPlace {
  chain: Chain
  intents: Intents
  /** Milliseconds between two looks. */
  pollMs: number
  /** So many looks in a row the chain may not know a transaction before the page says so. */
  patience: number
  /** Milliseconds since 1970. */
  clock(): number
}

interface Told {
  changed(): void
  /** A block decided it. @param key  Which act. */
  settled(key: string): void
}

/** Looks at what was asked for until a block has decided it. */
export class Follower {
  readonly #place: FollowPlace
  readonly #told: Told
  readonly #running = new Map<string, Promise<Intent | undefined>>()
  readonly #missing = new Set<string>()
  /** Acts that the chain was looked at for, and knew nothing of. */
  readonly #looked = new Set<string>()
  #changes = 0

  constructor(place: FollowPlace, told: Told) {
    this.#place = place
    this.#told = told
  }

  /** How often anything was included. */
  changes = () => this.#changes
  isMissing = (key: string) => this.#missing.has(key)
  hasLooked = (key: string) => this.#looked.has(key)

  /** What was seen of an act is of no matter any more. */
  clear(key: string): void {
    this.#missing.delete(key)
    this.#looked.delete(key)
  }

  /** One loop for each act. */
  follow(intent: Intent): Promise<Intent | undefined> {
    const key = keyOf(intent.from, intent.id)
    const running = this.#running.get(key)
    if (running) return running
    const loop = this.#look(key, intent).finally(() => this.#running.delete(key))
    this.#running.set(key, loop)
    return loop
  }

  async #look(key: string, { from, id, at }: Intent): Promise<Intent | undefined> {
    const { intents, patience, pollMs } = this.#place
    for (let unknown = 0; ; ) {
      const intent = intents.of(from, id)
      if (!intent || intent.at !== at || (intent.phase !== 'sent' && intent.phase !== 'asking')) return intent
      const fate = await this.fate(intent).catch(() => undefined)
      if (fate && fate.state !== 'unknown' && fate.state !== 'waiting') return this.settle(intent, fate)
      if (fate?.state === 'waiting' && fate.nonce !== undefined) this.#number(intent, fate.nonce)
      unknown = fate?.state === 'unknown' ? unknown + 1 : 0
      if (unknown > 0) this.#mark(this.#looked, key, true)
      this.#mark(this.#missing, key, unknown >= patience)
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }

  /** A wallet may have chosen another nonce than this page thought: only now it is known which one. */
  #number({ from, id, asked: before }: Intent, nonce: number): void {
    const { intents } = this.#place
    const now = intents.of(from, id)
    if (!now?.asked || now.asked.hash !== before?.hash || now.asked.isNumbered) return
    intents.put({ ...now, asked: { ...now.asked, nonce, isNumbered: true } })
  }

  #mark(marks: Set<string>, key: string, is: boolean): void {
    if (marks.has(key) === is) return
    if (is) marks.add(key)
    else marks.delete(key)
    this.#told.changed()
  }

  /** Of every request for the call: an earlier one may be carried out where the last one comes to nothing. */
  async fate(intent: Intent): Promise<Fate> {
    const { chain } = this.#place
    const { from, calls, at, asked } = intent
    const call = calls[at]
    if (!call || !asked) return { state: 'unknown' }
    const first = repeatOf(intent) ?? asked
    const ofAny = () => fateOf(chain, { from, call, nonce: first.nonce, since: first.since })
    if (asked.hash === undefined) return ofAny()
    const ofLast = await fateOf(chain, { from, call, ...asked })
    if (first === asked || (ofLast.state !== 'unknown' && ofLast.state !== 'replaced')) return ofLast
    const earlier = await ofAny()
    return earlier.state === 'unknown' ? ofLast : earlier
  }

  settle(intent: Intent, fate: Fate): Intent {
    const { intents, clock } = this.#place
    const key = keyOf(intent.from, intent.id)
    this.clear(key)
    const next = settled(intent, fate, clock())
    if (next === intent) return intent
    if (next.at > intent.at) this.#changes += 1
    // One request failed; of another one nobody knows.
    if (next.phase === 'failed' && !isDecided(intent, fate)) {
      const known = { ...intent, hashes: next.hashes }
      for (const each of forgottenOf(known, clock())) intents.putForgotten(each)
    }
    this.#told.settled(key)
    intents.put(next)
    return next
  }
}

/** Whether what failed is the only request for its call, and certainly so. */
const isDecided = (intent: Intent, fate: Fate): boolean => {
  const { asked } = intent
  if (repeatOf(intent)) return false
  if (asked?.isNumbered || asked?.hash === undefined) return true
  return fate.state === 'reverted' && fate.hash === asked.hash
}
