import type { Address, Hex } from 'viem'
import type { Chain } from '../../../../sdk/chain/clients.ts'
import type { Forgotten, Intent, Intents, Repeat } from './intents.ts'
import { doneBy, isSameCall, mayDouble, mayStillCome, othersOf } from './repeats.ts'
import { isLive, undoubled } from './view.ts'

/** What is done is looked at this much less often than what is under way. */
const WATCH_EVERY = 4

/** From where on the chain is looked at, by what is looked for. */
type Nonces = Map<string, number>

export interface WatchPlace {
  chain: Chain
  intents: Intents
  /** Milliseconds between two looks at what is under way. */
  pollMs: number
  /** Milliseconds since 1970. */
  clock(): number
}

/** Sees for an hour whether a wallet does once more what is done, or after all what was forgotten. */
export class Watch {
  readonly #place: WatchPlace
  readonly #running = new Set<string>()

  constructor(place: WatchPlace) {
    this.#place = place
  }

  /** Begins with whatever is to be watched and is not yet. */
  all(): void {
    const { intents, clock } = this.#place
    for (const { from, id } of intents.all().filter((each) => mayDouble(each, clock()))) {
      void this.#run(`double:${from}:${id}`, (nonces) => this.#doubles(from, id, nonces))
    }
    for (const { from, id } of intents.forgotten().filter((each) => mayStillCome(each, clock()))) {
      void this.#run(`forgotten:${from}:${id}`, (nonces) => this.#forgotten(from, id, nonces))
    }
  }

  /** @param look  One look; false once there is nothing more to be seen. */
  async #run(name: string, look: (nonces: Nonces) => Promise<boolean>): Promise<void> {
    if (this.#running.has(name)) return
    this.#running.add(name)
    try {
      for (const nonces: Nonces = new Map(); await look(nonces); ) {
        await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY * this.#place.pollMs))
      }
    } finally {
      this.#running.delete(name)
    }
  }

  /** Whether what was asked for twice is done twice, as long as nobody dismissed it. */
  async #doubles(from: Address, id: string, nonces: Nonces): Promise<boolean> {
    const { intents, clock } = this.#place
    const intent = intents.of(from, id)
    if (!intent || !mayDouble(intent, clock())) return false
    for (const repeat of undoubled(intent)) await this.#lookForDouble(intent, repeat, nonces)
    return true
  }

  async #lookForDouble(intent: Intent, repeat: Repeat, nonces: Nonces): Promise<void> {
    const { intents } = this.#place
    const { from, id, doneAt, calls } = intent
    const { at, since } = repeat
    const call = calls[at]
    if (!call) return
    const asked = { from, call, since, nonce: nonces.get(`${at}`) ?? repeat.nonce }
    const known = [...doneBy(intent), ...intents.forgottenOf(from, id).flatMap(toldOf)]
    const seen = await othersOf(this.#place.chain, asked, known).catch(() => undefined)
    const now = intents.of(from, id)
    // Dismissed meanwhile, or begun anew.
    if (!seen || now?.phase !== 'done' || now.doneAt !== doneAt) return
    nonces.set(`${at}`, seen.next)
    const [hash] = seen.found
    if (hash) intents.put({ ...now, doubles: [...(now.doubles ?? []), { at, hash }] })
  }

  async #forgotten(from: Address, id: string, nonces: Nonces): Promise<boolean> {
    const { intents, clock } = this.#place
    const open = intents.forgottenOf(from, id).filter((each) => mayStillCome(each, clock()))
    for (const each of open) await this.#lookForForgotten(each, nonces)
    return open.length > 0
  }

  async #lookForForgotten(each: Forgotten, nonces: Nonces): Promise<void> {
    const { intents, chain } = this.#place
    const { from, id, call, at, since } = each
    const name = `${at}:${each.nonce}`
    if (mayBeOf(intents.of(from, id), call)) return
    const seen = await othersOf(
      chain,
      { from, call, since, nonce: nonces.get(name) ?? each.nonce },
      [],
    ).catch(() => undefined)
    // Whatever was begun, done or dismissed meanwhile.
    const [intent, all] = [intents.of(from, id), intents.forgottenOf(from, id)]
    const now = all.find((other) => other.at === at && other.nonce === each.nonce)
    if (!seen || !now || mayBeOf(intent, call)) return
    nonces.set(name, seen.next)
    const known = [...all.flatMap(toldOf), ...(intent ? doneBy(intent) : [])]
    const late = seen.found.filter((hash) => !known.includes(hash))
    if (late.length > 0) intents.putForgotten({ ...now, hashes: [...now.hashes, ...late] })
  }
}

const toldOf = ({ known, hashes }: Forgotten): Hex[] => [...known, ...hashes]

/** Whether what is under way asks for the same call just now: then it is the first to say which transaction is its own. */
const mayBeOf = (intent: Intent | undefined, call: Forgotten['call']): boolean => {
  const asked = isLive(intent) ? intent.calls[intent.at] : undefined
  return asked !== undefined && isSameCall(asked, call)
}
