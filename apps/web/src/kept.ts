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
