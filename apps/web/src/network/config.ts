import { z } from 'zod'
import { addressSchema } from '../../../../sdk/protocol/wire.ts'

/** The doors of one build, as they are built. */
export const DOORS = ['portal', 'pondera', 'imagine', 'search'] as const
export type Door = (typeof DOORS)[number]

/** What this page's server tells it. Apart from the router's documents, which come later: it is what a page waits for. */
export const configSchema = z.object({
  routerUrl: z.url(),
  gatewayUrl: z.url().optional(),
  rpcUrl: z.url(),
  chainId: z.number().int().positive(),
  ledger: addressSchema,
  /** The doors of this build that are open here, each with the frontend that earns its share. */
  doors: z.partialRecord(z.enum(DOORS), z.object({ frontend: z.number().int().nonnegative() })),
  /** Whether this page's server brings signed deposits to the chain. */
  relay: z.boolean(),
})
export type PageConfig = z.output<typeof configSchema>
