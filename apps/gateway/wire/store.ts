import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'

/** How long a finished job and an ended task are remembered; their pictures live as long. */
export const KEPT_MS = 24 * 60 * 60 * 1000

/** A job that was answered: the same id answers the same, and nothing is charged. */
export interface JobRow {
  consumer: string
  job: string
  /** SHA-256 of what was asked, hexadecimal. */
  content: string
  /** A picture's place, or the text of an answer. */
  answer: string
  /** Hash of the paid request. */
  receipt: string
  node: number
  made: number
}

export type TaskStatus = 'waiting' | 'running' | 'finished' | 'failed' | 'canceled'

export interface TaskRow {
  task: string
  consumer: string
  job: string
  content: string
  pod: string
  /** The pod's input document, JSON. */
  input: string
  status: TaskStatus
  /** Finished: the picture's place. Failed or canceled: the error, as JSON. */
  result: string | null
  receipt: string | null
  made: number
  /** When it has failed if it is not finished. */
  until: number
}

/** Times are Unix milliseconds. */
export interface WireStore {
  job(consumer: string, job: string): JobRow | undefined
  keepJob(row: JobRow): void
  task(task: string): TaskRow | undefined
  taskOfJob(consumer: string, job: string): TaskRow | undefined
  addTask(row: TaskRow): void
  /** Moves a task on, unless it has ended meanwhile. @returns whether it did. */
  move(task: string, to: Pick<TaskRow, 'status' | 'result' | 'receipt'>): boolean
  /** Tasks that have not ended, oldest first. */
  open(): TaskRow[]
  openOf(consumer: string): number
  /** Forgets what is older than `KEPT_MS`. */
  sweep(): void
  close(): void
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS jobs (consumer TEXT NOT NULL, job TEXT NOT NULL, content TEXT NOT NULL, answer TEXT NOT NULL,
  receipt TEXT NOT NULL, node INTEGER NOT NULL, made INTEGER NOT NULL, PRIMARY KEY (consumer, job)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_made ON jobs (made);
CREATE TABLE IF NOT EXISTS tasks (task TEXT PRIMARY KEY, consumer TEXT NOT NULL, job TEXT NOT NULL, content TEXT NOT NULL,
  pod TEXT NOT NULL, input TEXT NOT NULL, status TEXT NOT NULL, result TEXT, receipt TEXT, made INTEGER NOT NULL,
  until INTEGER NOT NULL, UNIQUE (consumer, job)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tasks_made ON tasks (made);
CREATE INDEX IF NOT EXISTS tasks_open ON tasks (made) WHERE status IN ('waiting', 'running');`

const OPEN = "status IN ('waiting', 'running')"

/** Jobs and tasks in one SQLite file beside the pictures they name: write-ahead log, every commit synced. */
export function openWireStore(folder: string, now: () => number = Date.now): WireStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const db = new Database(join(folder, 'jobs.sqlite'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec(SCHEMA)
  const since = () => now() - KEPT_MS
  const one = {
    job: db.prepare('SELECT * FROM jobs WHERE consumer = ? AND job = ? AND made > ?'),
    task: db.prepare('SELECT * FROM tasks WHERE task = ? AND made > ?'),
    taskOfJob: db.prepare('SELECT * FROM tasks WHERE consumer = ? AND job = ? AND made > ?'),
    openOf: db.prepare(`SELECT count(*) AS count FROM tasks WHERE consumer = ? AND ${OPEN}`),
  }
  const open = db.prepare(`SELECT * FROM tasks WHERE ${OPEN} ORDER BY made, task`)
  const keepJob = db.prepare('INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)')
  const addTask = db.prepare('INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const move = db.prepare(`UPDATE tasks SET status = ?, result = ?, receipt = ? WHERE task = ? AND ${OPEN}`)

  return {
    job: (consumer, job) => one.job.get([consumer, job, since()]) as JobRow | undefined,
    keepJob: (row) =>
      void keepJob.run([row.consumer, row.job, row.content, row.answer, row.receipt, row.node, row.made]),
    task: (task) => one.task.get([task, since()]) as TaskRow | undefined,
    taskOfJob: (consumer, job) => one.taskOfJob.get([consumer, job, since()]) as TaskRow | undefined,
    addTask: ({ task, consumer, job, content, pod, input, status, result, receipt, made, until }) =>
      void addTask.run([task, consumer, job, content, pod, input, status, result, receipt, made, until]),
    move: (task, { status, result, receipt }) => move.run([status, result, receipt, task]).changes === 1,
    open: () => open.all() as TaskRow[],
    openOf: (consumer) => (one.openOf.get([consumer]) as { count: number }).count,
    sweep() {
      db.prepare('DELETE FROM jobs WHERE made <= ?').run([since()])
      db.prepare(`DELETE FROM tasks WHERE made <= ? AND NOT ${OPEN}`).run([since()])
    },
    close: () => void db.close(),
  }
}
