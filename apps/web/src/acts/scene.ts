import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import type { Address } from 'viem'
import { type Chain, openChain } from '../../../../sdk/chain/clients.ts'
import { type Economy, economyOf } from '../../../../sdk/chain/economy.ts'
import { type Clock, readClock } from '../../../../sdk/chain/epochs.ts'
import { chainError } from '../../../../sdk/chain/errors.ts'
import { whileAnswering } from '../network/chain.ts'
import type { PageConfig } from '../network/config.ts'
import { openPlace } from '../session/place.ts'
import { type Problem, wordsOf } from '../session/words.ts'
import { openActs } from './open.ts'
import type { Acts } from './view.ts'
import { Who } from './who.ts'

/** What the pages that act have in common: the chain and its clock, the contracts, who acts, what is under way. */
export interface Scene {
  config: PageConfig
  chain: Chain
  who: Who
  acts: Acts
  pulse: Pulse
  /** The contracts, as the ledger that this page trusts names them. */
  economy(): Promise<Economy>
  /** The router's address, by its own description, held against the ledger. */
  router(): Promise<Address>
}

/** How often the chain's clock is read while the page is looked at; every so many of these, everything is. */
const PULSE_MS = 3_000
const READ_EVERY = 4

let opened: Scene | undefined

/** One for the whole visit. */
export function openScene(config: PageConfig): Scene {
  if (opened) return opened
  const chain = openChain({ chainId: config.chainId, rpcUrl: config.rpcUrl })
  const economy = once(async () => {
    await chain.check()
    return economyOf(chain, config.ledger)
  })
  const place = openPlace(config)
  const acts = openActs(config, chain)
  const who = new Who(config, chain, economy)
  opened = {
    config,
    chain,
    who,
    acts,
    economy,
    pulse: new Pulse(chain),
    router: async () => (await place()).router,
  }
  return opened
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= work().catch((cause: unknown) => {
      running = undefined
      throw cause
    })
    return running
  }
}

/** The chain's clock, or why it is not known. */
export interface Beat {
  clock?: Clock
  problem?: Problem
  /** Rises whenever everything should be read anew. */
  turn: number
}

class Pulse {
  #beat: Beat = { turn: 0 }
  #beats = 0
  #reads = false
  readonly #listeners = new Set<() => void>()
  readonly #chain: Chain

  constructor(chain: Chain) {
    this.#chain = chain
    window.setInterval(
      () => document.visibilityState === 'visible' && !this.#reads && void this.read(),
      PULSE_MS,
    )
    void this.read()
  }

  beat = () => this.#beat
  subscribe = (listen: () => void) => {
    this.#listeners.add(listen)
    return () => this.#listeners.delete(listen)
  }

  async read(): Promise<void> {
    this.#beats += 1
    this.#reads = true
    const before = this.#beat
    const next = await whileAnswering(this.#chain, readClock(this.#chain)).then(
      (clock) => ({ clock }),
      (cause: unknown) => ({ problem: wordsOf(cause), ...(before.clock ? { clock: before.clock } : {}) }),
    )
    this.#reads = false
    const isOld =
      this.#beats % READ_EVERY === 0 ||
      (before.problem !== undefined && !('problem' in next)) ||
      before.clock?.epoch !== next.clock?.epoch
    this.#beat = { ...next, turn: isOld ? before.turn + 1 : before.turn }
    for (const listen of this.#listeners) listen()
  }
}

export const SceneContext = createContext<Scene | undefined>(undefined)

export function useScene(): Scene {
  const scene = useContext(SceneContext)
  if (scene === undefined) throw new Error('SceneContext is missing')
  return scene
}

export function useBeat(): Beat {
  const { pulse } = useScene()
  return useSyncExternalStore(pulse.subscribe, pulse.beat)
}

export function useWho() {
  const { who } = useScene()
  return useSyncExternalStore(who.subscribe, who.view)
}

export interface Reading<T> {
  value?: T
  problem?: Problem
}

/**
 * What the chain says, read again after every act, at every new epoch, and now and then.
 *
 * @param about  Names what is read: another name, another reading. Absent = nothing to read yet.
 */
export function useReading<T>(about: string | undefined, read: (scene: Scene) => Promise<T>): Reading<T> {
  const scene = useScene()
  const { turn } = useBeat()
  const changes = useSyncExternalStore(scene.acts.subscribe, scene.acts.changes)
  const [reading, setReading] = useState<Reading<T> & { of?: string }>({})
  // biome-ignore lint/correctness/useExhaustiveDependencies: `about` stands for what `read` reads; turn and changes say when.
  useEffect(() => {
    if (about === undefined) return
    let current = true
    read(scene).then(
      (value) => current && setReading({ value, of: about }),
      (cause: unknown) => current && setReading((last) => ({ ...last, problem: wordsOf(chainError(cause)) })),
    )
    return () => {
      current = false
    }
  }, [about, scene, turn, changes])
  if (about === undefined || reading.of !== about) return reading.problem ? { problem: reading.problem } : {}
  return reading
}
