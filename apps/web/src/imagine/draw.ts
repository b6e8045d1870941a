import type { Answer } from '../../../../sdk/calls.ts'
import type { Client } from '../../../../sdk/client.ts'
import { asHeuristError, refused } from '../../../../sdk/errors.ts'
import type { Job } from '../../../../sdk/protocol/wire.ts'
import type { Asked } from '../../pictures/record.ts'
import { freshId } from '../network/id.ts'
import { isUnanswered } from '../session/again.ts'
import type { Session } from '../session/view.ts'
import { isUnchecked, wordsOf } from '../session/words.ts'
import { holding, unlessHeld } from '../session/working.ts'
import { followJob } from './progress.ts'
import type { Drawings } from './store.ts'

/** Asks a model for a picture, and writes down how far it comes. */

interface Asking {
  drawings: Drawings
  session: Session
  client: Client
  routerUrl: string
  model: string
  asked: Asked
  /** The most that the page said it costs. Base units. */
  most: bigint
  /** Reads the pod's terms again: they are no longer those that the page shows. */
  reread: () => void
}

/** What a pod refuses whose price is above the most that a call allows. */
const PRICE_ROSE = 'price.too_low'

const running = new Map<string, AbortController>()

/** Leaves the call: a picture that was not delivered costs nothing. */
export const cancel = (id: string): void => running.get(id)?.abort()
/** Whether this very tab waits for it. */
export const isRunning = (id: string): boolean => running.has(id)

/** @returns its id, as soon as it is written down. */
export function draw(asking: Asking): string {
  const id = freshId()
  const { drawings, model, asked } = asking
  running.set(id, new AbortController())
  drawings.add({
    id,
    model,
    at: Date.now(),
    input: JSON.stringify(asked),
    state: 'drawing',
    step: 'signing',
  })
  void holding(workOf(id), () => run(asking, id))
  return id
}

const workOf = (drawing: string): string => `drawing-${drawing}`

async function run(asking: Asking, id: string) {
  const { drawings, session, client, routerUrl, model, asked, most } = asking
  const abort = running.get(id)
  const follow = followJob(routerUrl, (part) => drawings.patch(id, part, { write: false }))
  let sent: Job | undefined
  try {
    await follow.open
    const answer = await client.run(model, asked, {
      maxPrice: most,
      ...(abort ? { signal: abort.signal } : {}),
      signed(request, job) {
        sent = job
        drawings.patch(id, { request, step: 'waiting' })
        follow.of(request)
      },
    })
    await finish(drawings, id, answer)
    await session.refresh()
  } catch (cause) {
    const { code } = asHeuristError(cause)
    if (code === PRICE_ROSE) asking.reread()
    const left = abort?.signal.aborted || code === 'call.left'
    const job = sent && isUnchecked(cause) ? { job: sent } : {}
    drawings.patch(id, left ? { state: 'cancelled' } : { state: 'failed', problem: wordsOf(cause), ...job })
    session.report(cause)
  } finally {
    follow.end()
    running.delete(id)
  }
}

async function finish(drawings: Drawings, id: string, { bytes, price, node }: Answer): Promise<void> {
  if (!isPng(bytes)) {
    throw refused('output.unreadable', 'the model answered something that is no PNG', {
      fix: 'It is charged as its receipt says. Draw again, or choose another model.',
    })
  }
  await drawings.finish(id, { state: 'done', price: price.toString(), node }, bytes)
}

/**
 * A picture that came when it could not be checked: the router has it still, and it is paid once.
 *
 * @throws what may be over at the next try.
 */
export async function fetchPaid(
  drawings: Drawings,
  client: Pick<Client, 'again'>,
  id: string,
): Promise<void> {
  const { job } = drawings.find(id) ?? {}
  if (!job) return
  try {
    await finish(drawings, id, await client.again(job))
    drawings.update(id, ({ job: _, problem: __, ...rest }) => rest)
  } catch (cause) {
    if (!isUnanswered(cause) && asHeuristError(cause).kind !== 'refused') throw cause
    drawings.update(id, ({ job: _, ...rest }) => ({ ...rest, problem: wordsOf(cause) }))
  }
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const isPng = (bytes: Uint8Array): boolean => PNG.every((byte, at) => bytes[at] === byte)

/** What was being drawn when the page was closed ends there. */
export function endCutDrawings(drawings: Drawings): void {
  for (const { id, state } of drawings.view().drawings) {
    if (state !== 'drawing' || running.has(id)) continue
    unlessHeld(workOf(id), () =>
      drawings.update(id, (now) => (now.state === 'drawing' ? { ...now, state: 'cut' } : now)),
    )
  }
}
