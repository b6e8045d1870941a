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
