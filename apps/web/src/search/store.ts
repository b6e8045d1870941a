import type { DBSchema, IDBPDatabase } from 'idb'
import { keptOf, openKept } from '../kept.ts'
import { type Finding, isRunning } from './finding.ts'

/**
 * Searches of this browser, in IndexedDB, so that their addresses show them again at no cost; every change is written, and
 * told to the other tabs. A change is made to what is there at that time, in one transaction: what was paid for is not
 * taken back by a tab that has an older copy.
 */

interface Schema extends DBSchema {
  findings: { key: string; value: Finding; indexes: { at: number } }
}

export interface FindingsView {
  /** Newest first. */
  findings: readonly Finding[]
  /** Why nothing is kept, if nothing is. */
  unkept?: string
}

export interface Findings {
  view(): FindingsView
  subscribe(listen: () => void): () => void
  find(id: string): Finding | undefined
  /** One that is in no browser yet. The newest hundred stay, and all that are shared. */
  add(finding: Finding): void
  /** @param change  Pure: it is made to the search as this page has it, and to that on the disk. */
  update(id: string, change: (finding: Finding) => Finding): void
  /** `write: false` leaves it for a later write: an answer grows many times a second. */
  patch(id: string, part: Partial<Finding>, options?: { write: boolean }): void
  /** @param page  The shared page that is meant to lose its secret; one that is shared otherwise stays. */
  remove(id: string, page?: string): void
  /** The query found something: what was paid for on the way is of no more use. */
  forgetVectors(query: string): void
}

const NAME = 'heurist-search'
/** So many that are not shared, and as many that are. */
export const MOST_KEPT = 100

/** Newest first. Pure. */
const sorted = (findings: readonly Finding[]): Finding[] => [...findings].sort((a, b) => b.at - a.at)

/**
 * Those that no longer fit; never one that is being answered. Pure.
 *
 * @param come  Has just come and stays, whatever the clock said when the others did.
 */
function outgrown(findings: readonly Finding[], come: string): Finding[] {
  const unshared = findings.filter(({ share }) => share === undefined)
  const mayGo = unshared.filter((each) => each.id !== come && !isRunning(each)).reverse()
  return mayGo.slice(0, Math.max(0, unshared.length - MOST_KEPT))
}

export async function openFindings(): Promise<Findings> {
  const opened = await openKept<Schema, Finding[]>(
    NAME,
    (fresh) => {
      fresh.createObjectStore('findings').createIndex('at', 'at')
    },
    (db) => db.getAll('findings'),
  )
  return findingsOf(opened?.db, {
    findings: sorted(opened?.kept ?? []),
    ...(opened ? {} : { unkept: 'This browser keeps nothing: searches are gone with the page.' }),
  })
}

function findingsOf(db: IDBPDatabase<Schema> | undefined, first: FindingsView): Findings {
  let view = first
  const listeners = new Set<() => void>()
  /** What the next change writes with it. */
  const unwritten = new Map<string, Partial<Finding>>()
  const change = (part: Partial<FindingsView>) => {
    view = { ...view, ...part }
    for (const listen of listeners) listen()
  }
  const find = (id: string) => view.findings.find((each) => each.id === id)
  const without = (id: string) => view.findings.filter((each) => each.id !== id)
  const replace = (finding: Finding) => change({ findings: sorted([finding, ...without(finding.id)]) })
  const drop = (id: string) => {
    unwritten.delete(id)
    missed.delete(id)
    change({ findings: without(id) })
  }
  const {
    write,
    missed,
    change: made,
  } = keptOf<Schema, Finding>(
    db,
    {
      name: NAME,
      read: (from, id) => from.get('findings', id),
      begin: (to) => to.transaction('findings', 'readwrite'),
    },
    {
      find,
      replace: (finding) => replace({ ...finding, ...unwritten.get(finding.id) }),
      drop,
      full: (unkept) => change({ unkept }),
    },
  )
  function update(id: string, changed: (finding: Finding) => Finding): void {
    const before = find(id)
    if (!before) return
    const late = unwritten.get(id)
    unwritten.delete(id)
    const whole = changed(before)
    replace(whole)
    void made(id, whole, (kept) => kept && changed({ ...kept, ...late }))
  }
  /** Unless another tab has shared it since, but for the page that is meant. */
  function remove(id: string, page?: string): void {
    drop(id)
    void write([id], async (to) => {
      const { store, done } = to.transaction('findings', 'readwrite')
      const end = async () => {
        const stored = await store.get(id)
        if (stored?.share && stored.share.id !== page) replace(stored)
        else await store.delete(id)
      }
      await Promise.all([end(), done])
    })
  }

  return {
    view: () => view,
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    find,
    add(finding) {
      replace(finding)
      void made(finding.id, finding, (kept) => kept ?? finding)
      for (const { id } of outgrown(view.findings, finding.id)) remove(id)
    },
    update,
    patch(id, part, options = { write: true }) {
      const finding = find(id)
      if (!finding) return
      if (options.write) return update(id, (now) => ({ ...now, ...part }))
      unwritten.set(id, { ...unwritten.get(id), ...part })
      replace({ ...finding, ...part })
    },
    remove,
    forgetVectors(query) {
      for (const { id, vector } of view.findings.filter((each) => each.query === query)) {
        if (vector !== undefined) update(id, ({ vector: _, ...rest }) => rest)
      }
    },
  }
}
