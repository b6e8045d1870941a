import type { Manifest } from './manifest.ts'

const ceilDiv = (amount: bigint, by: bigint): bigint => (amount + by - 1n) / by

/**
 * What a call costs: the manifest's formula, computed alike by node, router and client.
 *
 * @param unitsIn   Units consumed (prompt tokens). Count.
 * @param unitsOut  Units produced (tokens, steps). Count.
 * @returns Payment-asset base units, rounded up: rounding never leaves a node short.
 * @source DESIGN §4 (Receipt.price).
 */
export function priceOf(pricing: Manifest['pricing'], unitsIn: bigint, unitsOut: bigint): bigint {
  const work = unitsIn * BigInt(pricing.input) + unitsOut * BigInt(pricing.output)
  const price = ceilDiv(work, BigInt(pricing.per))
  const minimum = BigInt(pricing.minimum)
  return price > minimum ? price : minimum
}

/** No call may cost so much: a payer line of a batch has 6 bytes for a charge. Base units. @source DESIGN §4 (Widths). */
export const CHARGE_LIMIT = 1n << 48n

/** Units that a call can use at most, before it runs. */
export interface UnitLimits {
  unitsIn: bigint
  unitsOut: bigint
}

/**
 * The most a call can cost, known before it runs: the price of its unit limits.
 *
 * @param asked  What the caller allows itself, e.g. `max_tokens`; never above the manifest's limits.
 */
export function maxPriceOf(manifest: Manifest, asked: Partial<UnitLimits> = {}): bigint {
  const least = (a: bigint | undefined, b: number) => (a !== undefined && a < BigInt(b) ? a : BigInt(b))
  return priceOf(
    manifest.pricing,
    least(asked.unitsIn, manifest.limits.inputUnits),
    least(asked.unitsOut, manifest.limits.outputUnits),
  )
}

/**
 * The units a call can use at most, from its input alone: what client and router both quote on.
 *
 * A byte-level tokenizer makes at most one token of a byte, and the JSON around a message is longer than what a chat
 * template adds to it, so the input's length bounds its tokens.
 *
 * @param input  The parsed input document; unknown shapes are bounded by the manifest alone.
 * @param inputBytes  Length of the input text in bytes.
 */
export function unitLimitsOf(manifest: Manifest, input: unknown, inputBytes: number): UnitLimits {
  const asked = (name: string): bigint | undefined => {
    const value = (input as Record<string, unknown> | null)?.[name] ?? manifest.defaults[name]
    return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? BigInt(value) : undefined
  }
  const most = (limit: number, wish: bigint | undefined) =>
    wish !== undefined && wish < BigInt(limit) ? wish : BigInt(limit)
  return {
    unitsIn: most(manifest.limits.inputUnits, BigInt(inputBytes)),
    unitsOut: most(
      manifest.limits.outputUnits,
      asked(manifest.pricing.unit === 'step' ? 'steps' : 'max_tokens'),
    ),
  }
}
