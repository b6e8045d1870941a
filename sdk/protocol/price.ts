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
