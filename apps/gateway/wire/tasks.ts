import { setTimeout as sleep } from 'node:timers/promises'
import { asHeuristError, type HeuristError, refused } from '../../../sdk/errors.ts'
import type { ImageInput } from '../images.ts'
import type { Payer } from '../payer.ts'
import type { Pictures } from '../pictures.ts'
import type { Consumers } from './consumer.ts'
import { about, toWireError } from './errors.ts'
import { tooLate } from './jobs.ts'
import type { Miners } from './miners.ts'
import type { TaskRow, WireStore } from './store.ts'

/** Tasks at work at once; the others wait in the order they came. */
const MOST_RUNNING = 8
/** A task is tried again while time could mend what failed. */
const MOST_TRIES = 5
const TRY_AGAIN_MS = 2_000
/** What only costs more if it is tried again: the first may be charged for what was delivered. */
const FINAL = new Set(['job.timeout', 'stream.interrupted'])

interface Deps {
  store: WireStore
  payer: Pick<Payer, 'image'>
  pictures: Pictures
  miners: Miners
  consumers: Pick<Consumers, 'callerOf'>
  /** Told of every task that failed. */
  failed: (task: TaskRow, error: HeuristError) => void
}

/** Where a task's parameters are in the body that made it. */
export const PARAMETERS = 'task_details.parameters.'

/** The tasks of this gateway at work. What has not ended when it stops goes on when it starts again. */
export interface Tasks {
  add(row: TaskRow): void
  /** @returns false if it had ended already. */
  cancel(task: string): boolean
  /** Puts what runs back and waits for it. */
  stop(): Promise<void>
}

export function openTasks({ store, payer, pictures, miners, consumers, failed }: Deps): Tasks {
  const stopping = new AbortController()
  const waiting: TaskRow[] = []
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>()

  function pump(): void {
    while (!stopping.signal.aborted && running.size < MOST_RUNNING) {
      const row = waiting.shift()
      if (row === undefined) return
      if (!store.move(row.task, { status: 'running', result: null, receipt: null })) continue
      const controller = new AbortController()
      const done = work(row, controller.signal).finally(() => {
        running.delete(row.task)
        pump()
      })
      running.set(row.task, { controller, done })
    }
  }

  async function work(row: TaskRow, canceled: AbortSignal): Promise<void> {
    const { task, job, made, until } = row
    const left = until - Date.now()
    const late = left > 0 ? AbortSignal.timeout(left) : AbortSignal.abort()
    const signal = AbortSignal.any([canceled, late, stopping.signal])
    try {
      const answer = await trying(row, signal)
      const name = `${job}-${await miners.idOf(answer.receipt.node)}`
      const result = await pictures.keep(answer.png, name)
      store.move(task, { status: 'finished', result, receipt: answer.request })
    } catch (cause) {
      // After a cancel this changes nothing: the task has ended.
      if (stopping.signal.aborted && !late.aborted) {
        store.move(task, { status: 'waiting', result: null, receipt: null })
        return
      }
      const error = late.aborted ? tooLate(Math.round((until - made) / 1000)) : aboutTask(cause)
      if (store.move(task, { status: 'failed', ...ended(error) })) failed(row, error)
    }
  }

  async function trying({ consumer, pod, input }: TaskRow, signal: AbortSignal) {
    const caller = consumers.callerOf(consumer)
    for (let attempt = 1; ; attempt += 1) {
      try {
        signal.throwIfAborted()
        return await payer.image(pod, JSON.parse(input) as ImageInput, { caller, signal })
      } catch (cause) {
        const { kind, code, details } = asHeuristError(cause)
        const isAnswered = FINAL.has(code) || details.price !== undefined
        const mends = kind === 'later' && !isAnswered && attempt < MOST_TRIES
        if (!mends || signal.aborted) throw cause
        await sleep(TRY_AGAIN_MS, undefined, { signal })
      }
    }
  }

  for (const row of store.open()) {
    store.move(row.task, { status: 'waiting', result: null, receipt: null })
    waiting.push(row)
  }
  setImmediate(pump)

  return {
    add(row) {
      store.addTask(row)
      waiting.push(row)
      pump()
    },
    cancel(task) {
      const error = refused('task.canceled', 'The task was canceled')
      if (!store.move(task, { status: 'canceled', ...ended(error) })) return false
      running.get(task)?.controller.abort(new Error('the task was canceled'))
      return true
    },
    async stop() {
      stopping.abort(new Error('the gateway stops'))
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}

const ended = (error: HeuristError) => ({ result: JSON.stringify(toWireError(error).body), receipt: null })

/** What an image pod refused, about the parameter as the caller knows it. */
const aboutTask = (cause: unknown): HeuristError =>
  about(cause, (field) => `${PARAMETERS}${field === 'size' ? 'width' : field}`)
