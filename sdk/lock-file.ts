import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'

/** What belongs to one process at a time: a lock file beside it, with its owner's number (Node only). */

/** Locks that this very process holds: a lock file with our own pid is otherwise a leftover of a reused pid. */
const held = new Set<string>()

/**
 * Takes a lock file or fails. A lock whose process is gone is taken over.
 *
 * @param inUse  What is thrown if somebody has it, given who.
 * @returns what gives it back; it is given back at exit at the latest.
 */
export function lockFile(path: string, inUse: (owner: string) => Error): () => void {
  if (held.has(path)) throw inUse('in this very process')
  while (!tryLock(path)) {
    const owner = ownerOf(path)
    if (owner !== undefined && isAlive(owner)) throw inUse(`process ${owner}, ${path}`)
    takeAway(path, owner)
  }
  held.add(path)
  const release = () => {
    if (!held.delete(path)) return
    process.off('exit', release)
    remove(path)
  }
  process.on('exit', release)
  return release
}

/** Linked, not written, into place: nobody ever sees a lock without its owner. */
function tryLock(path: string): boolean {
  const mine = `${path}.${process.pid}.new`
  writeFileSync(mine, `${process.pid}\n`, { mode: 0o600 })
  try {
    linkSync(mine, path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cause
  } finally {
    remove(mine)
  }
}

function ownerOf(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10)
    return Number.isNaN(pid) ? undefined : pid
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  // Our own number on a lock that we do not hold was left by a dead process that had it before us.
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes a dead process's lock; puts it back if somebody alive took the lock between our look and our hand. */
function takeAway(path: string, dead: number | undefined): void {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  if (ownerOf(aside) === dead) remove(aside)
  else renameSync(aside, path)
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone already: somebody took it for a leftover.
  }
}
