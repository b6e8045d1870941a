import type { Hex } from 'viem'
import { parse } from 'yaml'
import { z } from 'zod'
import { refused } from '../errors.ts'
import { keccak, toHex } from './bytes.ts'

const count = z.number().int().nonnegative()

/** `pod.yaml`: everything a payer, a router and a worker must agree on about one version of a pod. */
export const manifestSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{1,38}$/, 'lower-case letters, digits and dashes'),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'three numbers: 1.0.0'),
  kind: z.enum(['chat', 'embed', 'translate', 'image', 'train', 'prove', 'workflow']),
  description: z.string().min(1).max(1000),
  files: z
    .array(
      z.strictObject({
        path: z.string().regex(/^(?!\/)(?!.*\.\.)[\w./-]+$/, 'a path inside the pod folder'),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        bytes: count,
      }),
    )
    .min(1),
  resources: z.strictObject({
    memoryMiB: count,
    vramMiB: count,
    providers: z.array(z.enum(['cuda', 'webgpu', 'cpu'])).min(1),
  }),
  /** Prices in payment-asset base units (1e-6 USD) per `per` units. */
  pricing: z.strictObject({
    unit: z.enum(['token', 'step']),
    per: count.positive(),
    input: count,
    output: count,
    minimum: count,
  }),
  limits: z.strictObject({
    inputBytes: count.positive(),
    inputUnits: count,
    outputUnits: count.positive(),
    outputBytes: count.positive(),
    seconds: count.positive(),
  }),
  defaults: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Of fields that take some values only, those values: what a form may offer. */
  choices: z.exactOptional(z.record(z.string(), z.array(z.string()).min(1))),
  validation: z.strictObject({ method: z.enum(['prefill-fingerprint', 'latent-steps', 'rerun', 'proof']) }),
  scaling: z.strictObject({ idleSeconds: count }),
})

export type Manifest = z.infer<typeof manifestSchema>
export type PodKind = Manifest['kind']

/** The hash that is registered: keccak-256 of the very bytes of `pod.yaml`. */
export const manifestHash = (bytes: Uint8Array): Hex => toHex(keccak(bytes))

/**
 * @throws `manifest.invalid` (refused), naming the field.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  let document: unknown
  try {
    document = parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw refused('manifest.invalid', 'The manifest is not YAML in UTF-8.', { cause })
  }
  const result = manifestSchema.safeParse(document)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  throw refused('manifest.invalid', `${field || 'manifest'}: ${issue?.message ?? 'is wrong'}`, { field })
}
