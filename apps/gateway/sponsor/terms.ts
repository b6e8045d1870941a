import { z } from 'zod'
import { dollars } from '../dollars.ts'

/** What the gateway pays itself, of calls to which pods. Caps are of one UTC day, base units; all of them hold. */
export const sponsorSchema = z.strictObject({
  pods: z.array(z.string().min(1).max(128)).min(1).max(64),
  /** For everybody together. */
  perDay: dollars,
  /** For one IPv4 address, or one /64 of IPv6. */
  perAddress: dollars,
  /** For one API key; without one only the other caps count. */
  perKey: dollars,
  /** Requests a minute from one address without a key. */
  perMinute: z.number().int().min(1).max(10_000).default(20),
})
export type SponsorTerms = z.output<typeof sponsorSchema>
