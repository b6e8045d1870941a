import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Hex } from 'viem'
import { asHeuristError, type HeuristError } from '../../sdk/errors.ts'
import type { Answer, AnswerStream } from '../../sdk/index.ts'
import { logError } from './door.ts'
import type { Naming } from './jobs.ts'
import { finishOf } from './payer.ts'
import { receiptLine } from './receipts.ts'
import type { Finish } from './sampling.ts'
import { type Events, openEvents } from './sse.ts'
import { paymentLine } from './x402/hooks.ts'

/** How one API tells answers while they are made. What it awaits slows the answers down to the caller's pace. */
export interface Voice {
  /** Once, before the first text. */
  open(): Promise<void>
  text(index: number, text: string): Promise<void>
  /** A choice is whole and its receipt verified. */
  choice(index: number, finish: Finish): Promise<void>
  /** All choices are. */
  whole(answers: readonly Answer[]): Promise<void>
  /** The last word after a whole answer. */
  close(): void
  /** The last word instead, if a choice failed. */
  fail(error: HeuristError): void
}

/**
 * Tells the answers of one call, one per choice, side by side. Until the first of them has begun a failure is still an
 * HTTP status. After that a choice that fails does not end the others, which are paid; once they are told the
 * failure is the last event, so that nobody takes the answer for whole.
 *
 * @param voiceOf  Told the hash of the first signed call; all of them are in `x-heurist-receipt`.
 * @throws the first failure if no answer begins.
 */
export async function tell(
  request: FastifyRequest,
  reply: FastifyReply,
  streams: readonly AnswerStream[],
  voiceOf: (events: Events, call: Hex) => Voice,
  naming: Naming = asHeuristError,
): Promise<void> {
  const begun = streams.map(begin)
  await firstOf(begun.map(({ first }) => first)).catch((cause: unknown) => {
    throw naming(cause)
  })
  const calls = fulfilled(await Promise.allSettled(streams.map((stream) => stream.request)))
  reply.header('x-heurist-receipt', calls.join(', '))
  const events = openEvents(reply)
  const voice = voiceOf(events, calls[0] ?? '0x')
  const fail = (error: HeuristError) => {
    request.paying?.call?.failed()
    voice.fail(error)
  }
  const opened = voice.open()
  const told = await Promise.allSettled(begun.map((each, index) => tellOne(each, index, voice, opened)))

  const failures = told.flatMap((each) => (each.status === 'rejected' ? [naming(each.reason)] : []))
  for (const each of failures) logError(each, request)
  const [failure] = failures
  if (failure !== undefined) return fail(failure)
  await end(request, fulfilled(told), events, voice).catch((cause: unknown) => {
    const error = naming(cause)
    logError(error, request)
    fail(error)
  })
}

async function end(
  request: FastifyRequest,
  answers: readonly Answer[],
  events: Events,
  voice: Voice,
): Promise<void> {
  await voice.whole(answers)
  events.comment(receiptLine(answers))
  const paid = await paymentLine(request)
  if (paid !== undefined) events.comment(paid)
  voice.close()
}

interface Begun {
  stream: AnswerStream
  pieces: AsyncIterator<{ text?: string; finish?: string }>
  first: Promise<IteratorResult<{ text?: string; finish?: string }>>
}

function begin(stream: AnswerStream): Begun {
  const pieces = stream[Symbol.asyncIterator]()
  const first = pieces.next()
  first.catch(() => undefined)
  return { stream, pieces, first }
}

async function firstOf(firsts: readonly Promise<unknown>[]): Promise<void> {
  try {
    await Promise.any(firsts)
  } catch {
    await firsts[0]
  }
}

async function tellOne(
  { stream, pieces, first }: Begun,
  index: number,
  voice: Voice,
  opened: Promise<void>,
): Promise<Answer> {
  let finish: Finish = 'stop'
  try {
    await opened
    for (let next = await first; !next.done; next = await pieces.next()) {
      const { text, finish: reason } = next.value
      if (text) await voice.text(index, text)
      if (reason !== undefined) finish = finishOf(reason)
    }
    const answer = await stream.answer
    await voice.choice(index, finish)
    return answer
  } catch (cause) {
    // Leaves the call if it still runs; what went wrong first is what is told.
    await pieces.return?.(undefined).catch(() => undefined)
    throw cause
  }
}

const fulfilled = <T>(settled: readonly PromiseSettledResult<T>[]): T[] =>
  settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
