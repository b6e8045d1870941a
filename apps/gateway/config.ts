import { z } from 'zod'
import { sponsorSchema } from './sponsor/terms.ts'
import { x402Schema } from './x402/terms.ts'

/** The gateway's configuration file. */
export const configSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.number().int().min(0).max(65535),
  /** API keys, the client's journal of what it signed, pictures given out as URLs. */
  dataDir: z.string().min(1),
  routerUrl: z.url(),
  /** Used to verify answers against the chain; without it the router's own figure of the RPC URL is taken. */
  rpcUrl: z.url().optional(),
  /** The account that pays for every call at this door. */
  keyFile: z.string().min(1),
  /** The frontend id that earns this door's share; 0 = none. */
  frontend: z.number().int().min(0).max(0xffffffff),
  /** Blocks on a deposit before it counts in an account's books; default: none on a local chain, else 12. */
  depositConfirmations: z.number().int().min(0).max(1_000).optional(),
  /** How callers reach this door from outside, for picture URLs; default: as the request came in. */
  publicUrl: z.url().optional(),
  /** Other names of pods: name → pod. Heurist's image models need none where there is one image pod. */
  aliases: z.record(z.string().min(1).max(128), z.string().min(1).max(128)).default({}),
  /** Proxies before this door, whose `X-Forwarded-For` is believed; default: none, callers are whom the socket says. */
  trustedProxies: z
    .array(
      z.union(
        [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6(), z.enum(['loopback', 'linklocal', 'uniquelocal'])],
        { error: "an address, a range such as '10.0.0.0/8', 'loopback', 'linklocal' or 'uniquelocal'" },
      ),
    )
    .default([]),
  /** SHA-256 of a key that opens the operator's pages, in hexadecimal; default: only the frontend's owner does, by wallet. */
  operatorKeySha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, '64 hexadecimal digits')
    .optional(),
  /** The free tier; default: nothing is sponsored. */
  sponsor: sponsorSchema.optional(),
  /** Payments by wallet without a key; default: none, and who has no key is told to bring one. */
  x402: x402Schema.optional(),
})
export type GatewayConfig = z.output<typeof configSchema>
