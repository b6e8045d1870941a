import { constants, readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'

/** A file of lines that are durable when they are acknowledged (Node only). */
export interface AppendFile {
  /** Bytes, all of them acknowledged. */
  readonly size: number
  /** Resolves once the file is open; rejects if it cannot be opened, as every `append` does then. */
  readonly ready: Promise<unknown>
  /**
   * Resolves once the text survives a power loss; what is asked for while the disk is busy shares the next write, in order.
   * What the disk did not take whole is taken back; the next text is tried as ever.
   *
   * @throws `AppendError`.
   */
  append(text: string): Promise<void>
  /** Everything that was appended so far is durable elsewhere, and goes. */
  clear(): void
  close(): Promise<void>
}

/** The disk did not take a text. */
export class AppendError extends Error {
  /** Nobody knows what the disk holds: nothing is written any more, until the file is opened again. */
  readonly lasting: boolean

  constructor(cause: unknown, lasting: boolean) {
    super('the disk did not take what was written', { cause })
    this.lasting = lasting
  }
}

/** What such a file holds. */
export interface Lines {
  /** Whole ones, without their ends. A torn last one was never acknowledged to anybody. */
  lines: string[]
  /** Where they end. Bytes. */
  bytes: number
  /** Of the file; more than `bytes` if its last line is torn. */
  whole: number
}

/** None if there is no such file. */
export function readLines(path: string): Lines {
  const content = contentOf(path)
  const bytes = content.lastIndexOf('\n') + 1
  const lines = content.subarray(0, bytes).toString('utf8').split('\n').slice(0, -1)
  return { lines, bytes, whole: content.length }
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw cause
  }
}

/** On Linux a write ends when the disk has it: one trip to the kernel instead of two. Elsewhere a second one flushes it. */
const SYNCED = process.platform === 'linux' ? constants.O_DSYNC : 0

/**
 * Opens a file, or begins one that only its owner may read.
 *
 * @param size  Of what is in the file already, which its owner has read. Bytes.
 */
export function openAppendFile(path: string, size: number): AppendFile {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | SYNCED
  const file = open(path, flags, 0o600).then(async (opened) => {
    if (size === 0) await syncFolder(path)
    return opened
  })
  // Who appends is told.
  file.catch(() => undefined)
  return appender(file, size)
}

/** The directory entry must survive a power loss as well as the file. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(join(path, '..'), 'r')
  await folder.sync()
  await folder.close()
}

/** A disk may have room again; whatever else it says, nobody knows what it holds. */
const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

interface Waiting {
  text: string
  done: () => void
  failed: (cause: unknown) => void
}

function appender(opening: Promise<FileHandle>, held: number): AppendFile {
  let size = held
  let waiting: Waiting[] = []
  let clearing = false
  let working: Promise<void> | undefined
  let broken: unknown

  async function write(text: string): Promise<void> {
    if (broken !== undefined) throw new AppendError(broken, true)
    const file = await opening.catch(breaks)
    const bytes = Buffer.from(text)
    try {
      // A disk that is full takes a part, without an error, and refuses the rest.
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
    } catch (cause) {
      const isBack = await file.truncate(size).then(
        () => true,
        () => false,
      )
      if (!isBack || !PASSING.has((cause as NodeJS.ErrnoException).code ?? '')) broken = cause
      throw new AppendError(cause, broken !== undefined)
    }
    if (SYNCED === 0) await file.datasync().catch(breaks)
    size += bytes.length
  }

  function breaks(cause: unknown): never {
    broken = cause
    throw new AppendError(cause, true)
  }

  async function writeWaiting(): Promise<void> {
    const group = waiting
    waiting = []
    try {
      await write(group.map(({ text }) => text).join(''))
      for (const { done } of group) done()
    } catch (cause) {
      for (const { failed } of group) failed(cause)
    }
  }

  /** A file that cannot be shortened keeps what is also elsewhere. */
  async function shorten(): Promise<void> {
    clearing = false
    const file = await opening.catch(() => undefined)
    await file?.truncate(0).then(
      () => {
        size = 0
      },
      () => undefined,
    )
  }

  async function work(): Promise<void> {
    while (clearing || waiting.length > 0) await (clearing ? shorten() : writeWaiting())
    working = undefined
  }

  /** What is asked for in one turn is written at once. */
  function workSoon(): void {
    working ??= Promise.resolve().then(work)
  }

  return {
    get size() {
      return size
    },
    ready: opening,
    append: (text) =>
      new Promise<void>((done, failed) => {
        waiting.push({ text, done, failed })
        workSoon()
      }),
    clear() {
      for (const { done } of waiting.splice(0)) done()
      clearing = true
      workSoon()
    },
    async close() {
      await working
      await opening.then((file) => file.close()).catch(() => undefined)
    },
  }
}
