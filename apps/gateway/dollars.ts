import { z } from 'zod'
import { usd } from '../../sdk/units.ts'

/** Dollars as people write them; base units once read. */
export const dollars = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'dollars as a string, with at most six decimals')
  .transform((text) => usd(text))
