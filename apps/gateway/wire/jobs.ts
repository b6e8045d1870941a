import { later, refused } from '../../../sdk/errors.ts'
import type { Paid } from '../payer.ts'
import type { JobRow, WireStore } from './store.ts'

export interface Job {
  consumer: string
  id: string
  /** SHA-256 of what is asked, hexadecimal. */
  content: string
}

/** What a job's one paid call came to. */
export interface Outcome extends Paid {
  answer: string
}

export interface Answered {
  row: JobRow
  /** Absent where another request paid: nothing was charged for this one. */
  paid?: Paid
}

export interface Jobs {
  /**
   * Carries a job out once. Equal requests with its id, at the same time or within a day, are answered alike and
   * charged once; one that failed may be sent again. The call is left when the last of those who wait for it leaves.
   *
   * @throws `job.id_reused` (refused) if the id stands for something else; `job.timeout` (later) after `seconds`.
   */
  run(
    job: Job,
    seconds: number,
    leaving: AbortSignal,
    work: (signal: AbortSignal) => Promise<Outcome>,
  ): Promise<Answered>
}

interface Flight {
  content: string
  controller: AbortController
  waiting: number
  done: Promise<{ row: JobRow; paid: Paid }>
}

export function openJobs(store: WireStore, now: () => number = Date.now): Jobs {
  const flights = new Map<string, Flight>()

  function begin(key: string, job: Job, work: (signal: AbortSignal) => Promise<Outcome>): Flight {
    const controller = new AbortController()
    const done = work(controller.signal).then(({ answer, ...paid }) => {
      const { consumer, id, content } = job
      const { request: receipt } = paid
      const row = { consumer, job: id, content, answer, receipt, node: paid.receipt.node, made: now() }
      store.keepJob(row)
      return { row, paid }
    })
    const flight: Flight = { content: job.content, controller, waiting: 0, done }
    const land = () => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    done.then(land, land)
    flights.set(key, flight)
    return flight
  }

  return {
    async run(job, seconds, leaving, work) {
      const row = store.job(job.consumer, job.id)
      if (row !== undefined) {
        checkSame(job, row.content)
        return { row }
      }
      const key = `${job.consumer} ${job.id}`
      const other = flights.get(key)
      if (other !== undefined) checkSame(job, other.content)
      const flight = other ?? begin(key, job, work)
      flight.waiting += 1
      try {
        const { row, paid } = await unlessLeft(flight.done, seconds, leaving)
        return other === undefined ? { row, paid } : { row }
      } finally {
        flight.waiting -= 1
        if (flight.waiting === 0) {
          flight.controller.abort(new Error('nobody waits for the job any more'))
          if (flights.get(key) === flight) flights.delete(key)
        }
      }
    },
  }
}

export function checkSame(job: Job, content: string): void {
  if (job.content === content) return
  throw refused('job.id_reused', `The job id '${job.id}' stands for another request`, {
    field: 'job_id',
    fix: 'Use a new id for a new request.',
  })
}

export const tooLate = (seconds: number) =>
  later('job.timeout', `No answer came within the deadline of ${seconds} seconds`, {
    field: 'deadline',
    fix: 'Nothing was charged; ask again, or give more time.',
  })

/** Waits for `done` until the caller leaves or its time is over. */
function unlessLeft<T>(done: Promise<T>, seconds: number, leaving: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => settle(() => reject(refused('call.left', 'the call was left before its end')))
    const timer = setTimeout(() => settle(() => reject(tooLate(seconds))), 1000 * seconds)
    const settle = (work: () => void) => {
      clearTimeout(timer)
      leaving.removeEventListener('abort', leave)
      work()
    }
    leaving.addEventListener('abort', leave)
    if (leaving.aborted) leave()
    done.then(
      (value) => settle(() => resolve(value)),
      (cause: unknown) => settle(() => reject(cause)),
    )
  })
}
