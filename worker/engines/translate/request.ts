import { type TranslateInput, translateInputSchema } from '../../../sdk/documents.ts'
import { refused } from '../../../sdk/errors.ts'
import type { Manifest } from '../../../sdk/protocol/manifest.ts'
import { readDocument, type Wording } from '../document.ts'

const WORDING: Wording = {
  what: 'a translation request',
  fix: 'Send {"text": text, "from": language, "to": language}.',
  shorter: 'Send a shorter text.',
}

/** What to translate. @throws `input.too_large`, `input.invalid` (refused), naming the field. */
export function translationOf(raw: Uint8Array, { limits }: Manifest): TranslateInput {
  const request = readDocument(translateInputSchema, raw, limits.inputBytes, WORDING)
  if (request.from !== request.to) return request
  throw refused('input.invalid', 'to: is the language that the text is in', { field: 'to', fix: WORDING.fix })
}
