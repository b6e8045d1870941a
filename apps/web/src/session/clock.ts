import { chainError } from '../../../../sdk/chain/errors.ts'
import type { Client } from '../../../../sdk/client.ts'
import { asHeuristError, refused } from '../../../../sdk/errors.ts'
import type { Place } from './deposit.ts'

/** What the chain judges, it judges by its own clock: a machine's may be hours ahead of it, or behind. */

/** Of the newest block: what is too old by it will never be taken. Unix seconds. @throws `chain.unreachable` (later). */
export const newestTime = ({ chain }: Pick<Place, 'chain'>): Promise<number> => timeOf(chain, 'latest')

/**
 * Of the block that is being made, where the chain's node tells: a chain that makes blocks only when it is asked for something
 * may have made the newest one long ago. Unix seconds. @throws `chain.unreachable` (later).
 */
export async function nextTime({ chain }: Pick<Place, 'chain'>): Promise<number> {
  const [newest, next] = await Promise.all([timeOf(chain, 'latest'), timeOf(chain, 'pending').catch(() => 0)])
  return Math.max(newest, next)
}

async function timeOf({ client }: Place['chain'], blockTag: 'latest' | 'pending'): Promise<number> {
  const { timestamp } = await client.getBlock({ blockTag }).catch((cause: unknown) => {
    throw chainError(cause)
  })
  return Number(timestamp)
}

/** What a router refuses by its own clock. */
const BY_CLOCK = new Set(['request.expired', 'voucher.expired', 'voucher.expiry_out_of_range'])
/** Less than that no call is refused for. Seconds. */
const NOTICED_SECONDS = 60

/** A client that says so where a call is refused because this machine's clock is wrong. */
export function withClock(client: Client, place: () => Promise<Pick<Place, 'chain'>>): Client {
  const told = async (cause: unknown): Promise<never> => {
    throw await clockRefusal(cause, place)
  }
  return {
    ...client,
    run: (...asked) => client.run(...asked).catch(told),
    again: (...asked) => client.again(...asked).catch(told),
    stream(...asked) {
      const stream = client.stream(...asked)
      const answer = stream.answer.catch(told)
      answer.catch(() => undefined)
      return {
        get request() {
          return stream.request.catch(told)
        },
        answer,
        async *[Symbol.asyncIterator]() {
          try {
            yield* stream
          } catch (cause) {
            await told(cause)
          }
        },
      }
    },
  }
}

/** @returns `clock.wrong` (refused) if the chain's clock says that it is this machine's; else the cause itself. */
export async function clockRefusal(
  cause: unknown,
  place: () => Promise<Pick<Place, 'chain'>>,
): Promise<unknown> {
  const { code } = asHeuristError(cause)
  if (!BY_CLOCK.has(code)) return cause
  const now = Date.now() / 1_000
  const ahead = await place()
    .then(nextTime)
    .then(
      (chains) => now - chains,
      () => 0,
    )
  // A chain may rest, and then its time does; what has expired was signed by a clock that is behind.
  const isResting = ahead > 0 && code !== 'voucher.expiry_out_of_range'
  if (isResting || Math.abs(ahead) < NOTICED_SECONDS) return cause
  const how = `${spanOf(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} the chain’s`
  return refused('clock.wrong', `this computer’s clock is wrong: it is ${how}`, {
    fix: 'Let your system set date and time by itself, or set them right, then ask again. Nothing was charged.',
    cause,
  })
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** `3 days`, and `30 hours` where that says more. */
function spanOf(seconds: number): string {
  const [unit, of] = UNITS.find(([, each]) => seconds >= 2 * each) ?? ['minute', 60]
  const style = { style: 'unit', unitDisplay: 'long', maximumFractionDigits: 0 } as const
  return new Intl.NumberFormat('en', { ...style, unit }).format(seconds / of)
}
