import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import { type Finding, isRunning } from './finding.ts'

/** Searches of this browser, in IndexedDB, so that their addresses show them again at no cost. */

interface Schema extends DBSchema {
  findings: { key: string; value: Finding; indexes: { at: number } }
}

export interface Findings {
  /** Newest first. */
  view(): readonly Finding[]
  subscribe(listen: () => void): () => void
  find(id: string): Finding | undefined
  put(finding: Finding): void
  /** `write: false` leaves it for a later write: an answer grows many times a second. */
  patch(id: string, part: Partial<Finding>, options?: { write: boolean }): void
  remove(id: string): void
  /** The query found something: what was paid for on the way is of no more use. */
  forgetVectors(query: string): void
}

/** The oldest go first. */
const MOST_KEPT = 100

export async function openFindings(): Promise<Findings> {
  const db = await openDB<Schema>('heurist-search', 1, {
    upgrade(fresh) {
      fresh.createObjectStore('findings').createIndex('at', 'at')
    },
  }).catch((cause: unknown) => {
    console.warn(cause)
    return undefined
  })
  const kept = db ? await db.getAllFromIndex('findings', 'at') : []
  // Nobody writes these any more: the page that did is gone.
  const ended = kept.map((each) => (isRunning(each) ? { ...each, state: 'cut' as const } : each))
  return findingsOf(db, ended.reverse())
}

function findingsOf(db: IDBPDatabase<Schema> | undefined, first: readonly Finding[]): Findings {
  let view = first
  const listeners = new Set<() => void>()
  const change = (next: readonly Finding[]) => {
    view = next
    for (const listen of listeners) listen()
  }
  const write = (work: (to: IDBPDatabase<Schema>) => Promise<unknown>) => {
    if (db) work(db).catch((cause: unknown) => console.warn(cause))
  }
  const find = (id: string) => view.find((each) => each.id === id)
  function put(finding: Finding): void {
    const all = [finding, ...view.filter(({ id }) => id !== finding.id)]
    for (const { id } of all.slice(MOST_KEPT)) write((to) => to.delete('findings', id))
    change(all.slice(0, MOST_KEPT))
    write((to) => to.put('findings', finding, finding.id))
  }
  return {
    view: () => view,
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    find,
    put,
    patch(id, part, options = { write: true }) {
      const finding = find(id)
      if (!finding) return
      const next = { ...finding, ...part }
      change(view.map((each) => (each.id === id ? next : each)))
      if (options.write) write((to) => to.put('findings', next, id))
    },
    forgetVectors(query) {
      for (const { vector, ...finding } of view.filter((each) => each.query === query)) {
        if (vector === undefined) continue
        change(view.map((each) => (each.id === finding.id ? finding : each)))
        write((to) => to.put('findings', finding, finding.id))
      }
    },
    remove(id) {
      change(view.filter((each) => each.id !== id))
      write((to) => to.delete('findings', id))
    },
  }
}
