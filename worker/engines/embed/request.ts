import { embedInputSchema } from '../../../sdk/documents.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { readDocument, type Wording } from '../document.ts'

const WORDING: Wording = {
  what: 'an embedding request',
  fix: 'Send {"input": text} or {"input": [text, …]}.',
  shorter: 'Send fewer or shorter texts.',
}

/** The texts to embed. @throws `input.too_large`, `input.invalid` (refused), naming the field. */
export function textsOf(raw: Uint8Array, { limits }: Manifest): readonly string[] {
  const { input } = readDocument(embedInputSchema, raw, limits.inputBytes, WORDING)
  return typeof input === 'string' ? [input] : input
}
