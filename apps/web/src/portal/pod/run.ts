import { useEffect, useRef, useSyncExternalStore } from 'react'
import type { Answer } from '../../../../../sdk/calls.ts'
import type { Client } from '../../../../../sdk/client.ts'
import { refused } from '../../../../../sdk/errors.ts'
import type { Manifest } from '../../../../../sdk/protocol/manifest.ts'
import type { Job } from '../../../../../sdk/protocol/wire.ts'
import { retried } from '../../network/retried.ts'
import { keepDelivered } from '../../receipt/delivered.ts'
import { isUnanswered } from '../../session/again.ts'
import type { CallEnd } from '../../session/prices.ts'
import { useSession } from '../../session/use.ts'
import { isUnchecked, type Problem, wordsOf } from '../../session/words.ts'
import { keepRun, runOf, subscribeRuns } from './kept.ts'

/** One call of the playground, from its signature to its verified answer. */
export interface Run {
  state: 'running' | 'done' | 'failed'
  input: object
  /** What it might have cost. Base units. */
  most: bigint
  /** Known once it is signed: where its receipt stands. */
  request?: string
  /** As it comes; chat and translate. */
  text: string
  answer?: Answer
  problem?: Problem
  /** Of an answer that came and could not be checked yet: it is asked for with it again. */
  job?: Job
  /** What a call cost that has no answer, once this browser knows it. */
  end?: Exclude<CallEnd, 'open'>
}

/** Answers of these kinds are read while they are made. */
const STREAMS = new Set<Manifest['kind']>(['chat', 'translate'])

/** What came is shown with what it answers; `request` tells calls apart that followed one another. */
function finish(pod: number, answer: Answer): void {
  const before = runOf(pod)
  if (!before || (before.request !== undefined && before.request !== answer.request)) return
  keepDelivered(answer.request, {
    input: new TextEncoder().encode(JSON.stringify(before.input)),
    bytes: answer.bytes,
  })
  const { problem: _, end: __, job: ___, ...rest } = before
  const { request, text } = answer
  keepRun(pod, { ...rest, state: 'done', answer, request, ...(text === undefined ? {} : { text }) })
}

async function paidAnswer(client: Client, job: Job): Promise<Answer | Problem> {
  try {
    return await client.again(job)
  } catch (cause) {
    if (!isUnanswered(cause)) throw cause
    return wordsOf(cause)
  }
}

/** Fetches an answer that came and could not be checked then, also for whoever comes back to the pod: it is paid once. */
function useFetched(pod: number, job: Job | undefined): void {
  const { view, session } = useSession()
  // Its own key alone knows whether it is charged.
  const client = view.account?.key === job?.request.payer ? view.client : undefined
  useEffect(() => {
    if (!client || !job) return
    return retried(() => paidAnswer(client, job), {
      done(found) {
        const now = runOf(pod)
        if ('bytes' in found) finish(pod, found)
        else if (now?.job === job) keepRun(pod, { ...without(now), problem: found })
        void session.refresh()
      },
      failed: () => undefined,
    })
  }, [pod, client, job, session])
}

const without = ({ job: _, ...rest }: Run): Run => rest

/** Between two looks into the journal. Milliseconds. */
const JOURNAL_MS = 1_500

/** Looks up what a call cost that was left or failed, until that is known. */
function useEnd(pod: number, run: Run | undefined): void {
  const request = run?.state === 'failed' && run.end === undefined ? run.request : undefined
  useEffect(() => {
    if (request === undefined) return
    const look = async () => {
      const { endOf } = await import('../../session/prices.ts')
      const end = await endOf(request)
      const now = runOf(pod)
      if (end !== 'open' && now?.request === request) keepRun(pod, { ...now, end })
    }
    const again = () => void look().catch((cause: unknown) => console.warn(wordsOf(cause).says))
    again()
    const timer = window.setInterval(again, JOURNAL_MS)
    return () => window.clearInterval(timer)
  }, [pod, request])
}

/** Calls of this very pod, whichever others have its name. */
export function useRun(
  pod: number,
  kind: Manifest['kind'],
): {
  run: Run | undefined
  start(input: object, most: bigint): void
  stop(): void
} {
  const { view, session } = useSession()
  const run = useSyncExternalStore(subscribeRuns, () => runOf(pod))
  useEnd(pod, run)
  useFetched(pod, run?.job)
  const abort = useRef<AbortController>(undefined)
  // Who goes to another page leaves the call: only what was delivered is charged.
  useEffect(() => () => abort.current?.abort(), [])
  const patch = (part: Partial<Run>) => {
    const before = runOf(pod)
    if (before) keepRun(pod, { ...before, ...part })
  }

  async function work(client: Client, input: object, most: bigint, signal: AbortSignal): Promise<void> {
    let sent: Job | undefined
    const signed = (request: string, job: Job) => {
      sent = job
      patch({ request })
    }
    const options = { signal, maxPrice: most, signed }
    try {
      const answer = STREAMS.has(kind)
        ? await stream(client, input, options)
        : await client.run(pod, input, options)
      finish(pod, answer)
      await session.refresh()
    } catch (cause) {
      // Whatever a call that was left throws, it was left.
      const why = signal.aborted ? refused('call.left', 'the call was left') : cause
      const job = sent && isUnchecked(why) ? { job: sent } : {}
      patch({ state: 'failed', problem: wordsOf(why), ...job })
      session.report(cause)
    }
  }

  async function stream(
    client: Client,
    input: object,
    options: Parameters<Client['run']>[2],
  ): Promise<Answer> {
    const pieces = client.stream(pod, input, options)
    pieces.answer.catch(() => undefined)
    let text = ''
    for await (const piece of pieces) {
      if (piece.text === undefined) continue
      text += piece.text
      patch({ text })
    }
    return pieces.answer
  }

  return {
    run,
    start(input, most) {
      const { client } = view
      if (!client || run?.state === 'running') return
      abort.current = new AbortController()
      keepRun(pod, { state: 'running', input, most, text: '' })
      void work(client, input, most, abort.current.signal)
    },
    stop: () => abort.current?.abort(),
  }
}
