import { type DBSchema, type IDBPDatabase, type OpenDBCallbacks, openDB } from 'idb'

/**
 * A database of this browser and what is in it; undefined where the browser keeps nothing, which some say later and some at
 * once: the page then works as long as it is open.
 */
export async function openKept<S extends DBSchema, K>(
  name: string,
  upgrade: NonNullable<OpenDBCallbacks<S>['upgrade']>,
  read: (db: IDBPDatabase<S>) => Promise<K>,
): Promise<{ db: IDBPDatabase<S>; kept: K } | undefined> {
  try {
    const db = await openDB<S>(name, 1, { upgrade })
    return { db, kept: await read(db) }
  } catch (cause) {
    console.warn(cause)
    return undefined
  }
}

/** Made to what is kept under an id, if anything is; it keeps what it makes of it, if anything. Pure. */
export type Change<V> = (kept: V | undefined) => V | undefined

/**
 * Changes that the disk had no room for, by id and in their order. They are made to whatever is there once there is room: what
 * another tab wrote meanwhile stays.
 */
export interface Missed<V> {
  has(id: string): boolean
  ids(): string[]
  add(id: string, change: Change<V>): void
  of(id: string): readonly Change<V>[]
  /** Those that are written; one that was missed meanwhile waits for the next write. */
  end(id: string, written: readonly Change<V>[]): void
  /** They are of no more use. */
  delete(id: string): void
  /** @returns what is kept, with all of them. */
  on(id: string, kept: V | undefined): V | undefined
}

export function missedOf<V>(): Missed<V> {
  const changes = new Map<string, readonly Change<V>[]>()
  const of = (id: string) => changes.get(id) ?? []
  return {
    has: (id) => of(id).length > 0,
    ids: () => [...changes.keys()].filter((id) => of(id).length > 0),
    add: (id, change) => void changes.set(id, [...of(id), change]),
    of,
    end: (id, written) =>
      void changes.set(
        id,
        of(id).filter((change) => !written.includes(change)),
      ),
    delete: (id) => void changes.delete(id),
    on: (id, kept) => of(id).reduce((now, change) => change(now), kept),
  }
}

/** @param ids  What the other tabs are told of. @returns whether it is written. */
export type Write<S extends DBSchema> = (
  ids: readonly string[],
  work: (db: IDBPDatabase<S>) => Promise<unknown>,
) => Promise<boolean>

/** @param full  Told why what is new is not kept. */
export const writerOf =
  <S extends DBSchema>(
    db: IDBPDatabase<S> | undefined,
    channel: BroadcastChannel,
    full: (unkept: string) => void,
  ): Write<S> =>
  async (ids, work) => {
    if (!db) return false
    try {
      await work(db)
      for (const id of ids) channel.postMessage(id)
      return true
    } catch (cause) {
      console.warn(cause)
      full('The browser has no room left: what is new here is gone with the page.')
      return false
    }
  }

/** Where the disk has the things of one kind, each under its id. */
interface Place<S extends DBSchema, V> {
  /** The channel on which tabs tell each other what changed. */
  name: string
  read(db: IDBPDatabase<S>, id: string): Promise<V | undefined>
  begin(db: IDBPDatabase<S>): { store: Store<V>; done: Promise<void> }
}

interface Store<V> {
  get(id: string): Promise<V | undefined>
  put(value: V, id: string): Promise<unknown>
}

/** What a page shows of them. */
interface Shown<V> {
  find(id: string): V | undefined
  replace(value: V): void
  drop(id: string): void
  full(unkept: string): void
}

export interface Kept<S extends DBSchema, V> {
  write: Write<S>
  missed: Missed<V>
  /**
   * Made to what is there at that time, in one transaction.
   *
   * @param shown  What the page makes of it: what is written takes its place, unless it changed meanwhile.
   */
  change(id: string, shown: V, changed: Change<V>): Promise<void>
  /** Some room may be back. @returns whether nothing is left that had none. */
  again(): Promise<boolean>
}

/** What one tab writes, the others read. */
export function keptOf<S extends DBSchema, V>(
  db: IDBPDatabase<S> | undefined,
  { name, read, begin }: Place<S, V>,
  { find, replace, drop, full }: Shown<V>,
): Kept<S, V> {
  const channel = new BroadcastChannel(name)
  const write = writerOf(db, channel, full)
  const missed = missedOf<V>()
  channel.onmessage = ({ data: id }: MessageEvent<string>) => reread(id)
  async function reread(id: string): Promise<void> {
    if (!db) return
    const before = find(id)
    const kept = await read(db, id)
    // It changed here meanwhile, and what was read is older.
    if (find(id) !== before) return reread(id)
    const value = missed.on(id, kept)
    if (value) replace(value)
    else drop(id)
  }
  /** @returns whether it is written, with all that was missed before. */
  async function put(id: string, shown: V, changed: Change<V>): Promise<boolean> {
    let before: readonly Change<V>[] = []
    const isWritten = await write([id], async (to) => {
      const { store, done } = begin(to)
      const made = async () => {
        const kept = await store.get(id)
        before = missed.of(id)
        const next = changed(missed.on(id, kept))
        if (!next) return drop(id)
        await store.put(next, id)
        if (find(id) === shown) replace(next)
      }
      await Promise.all([made(), done])
    })
    if (isWritten) missed.end(id, before)
    return isWritten
  }
  return {
    write,
    missed,
    async change(id, shown, changed) {
      if (!(await put(id, shown, changed)) && db && find(id)) missed.add(id, changed)
    },
    async again() {
      for (const id of missed.ids()) {
        const shown = find(id)
        if (shown) await put(id, shown, (kept) => kept)
      }
      return missed.ids().length === 0
    },
  }
}
