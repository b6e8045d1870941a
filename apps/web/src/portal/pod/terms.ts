import { z } from 'zod'
import { type Manifest, manifestSchema } from '../../../../../sdk/protocol/manifest.ts'
import { formatUsd } from '../../../../../sdk/units.ts'
import type { Pod } from '../../network/documents.ts'

/** A pod's terms in words. */

const { pricing, limits, resources } = manifestSchema.shape
const listedSchema = z.object({ pricing, limits, resources })

/** The terms of a pod as the router lists them; undefined if it lists none. What is signed comes from the manifest itself. */
export const termsOf = (pod: Pod): z.output<typeof listedSchema> | undefined =>
  listedSchema.safeParse(pod).data

/** Dollars without the zeros at their end. */
const dollars = (amount: number): string => `$${formatUsd(BigInt(amount)).replace(/\.?0+$/, '')}`

export function priceWords({ unit, per, input, output, minimum }: Manifest['pricing']): string {
  const each = per === 1 ? unit : `${manyOf(per)} ${unit}s`
  const parts =
    input === output
      ? [`${dollars(input)} per ${each}`]
      : [
          ...(input > 0 ? [`${dollars(input)} per ${each} in`] : []),
          ...(output > 0 ? [`${dollars(output)} per ${each}${input > 0 ? ' out' : ''}`] : []),
        ]
  return [...parts, ...(minimum > 0 ? [`at least ${dollars(minimum)} a call`] : [])].join(', ')
}

const manyOf = (units: number): string =>
  units === 1_000_000 ? 'million' : new Intl.NumberFormat('en').format(units)

const number = new Intl.NumberFormat('en')

export function limitWords({ pricing: { unit }, limits }: Pick<Manifest, 'pricing' | 'limits'>): string {
  const { inputUnits, outputUnits, seconds } = limits
  const reads = inputUnits > 0 ? [`${number.format(inputUnits)} ${unit}s in`] : []
  const makes = outputUnits > 1 ? [`${number.format(outputUnits)} ${unit}s out`] : []
  return [...reads, ...makes, `${seconds} s`].join(', ')
}
