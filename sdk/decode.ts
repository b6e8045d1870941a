import { z } from 'zod'
import { embedOutputSchema } from './documents.ts'
import { bug } from './errors.ts'
import type { PodKind } from './protocol/manifest.ts'

/** How the output bytes of a pod kind read. */
export interface Piece {
  /** Output bytes, in order. */
  bytes: Uint8Array
  /** Text that these bytes completed; chat and translate only. */
  text?: string
  /** Why the answer ended, on its last piece. */
  finish?: string
  /** One vector per text, on the piece that ends their line; embed only. */
  embeddings?: number[][]
}

export interface Decoder {
  /** Takes bytes as they arrive and says what they mean. */
  push(bytes: Uint8Array): Piece
  /** What is still to say once no more bytes come: a last line without its end. */
  end(): Piece | undefined
}

export const mediaTypeOf = (kind: PodKind): string =>
  kind === 'image' ? 'image/png' : 'application/x-ndjson'

/**
 * Answers of chat and translate are lines of JSON, `{"text"}` and a last `{"finish"}`; of embed one line,
 * `{"embeddings"}`. Everything else is bytes.
 */
export function decoderOf(kind: PodKind): Decoder {
  const schema = schemaOf(kind)
  return schema === undefined ? { push: (bytes) => ({ bytes }), end: () => undefined } : lineDecoder(schema)
}

function schemaOf(kind: PodKind): z.ZodType<Line> | undefined {
  if (kind === 'chat' || kind === 'translate') return lineSchema
  return kind === 'embed' ? embedOutputSchema : undefined
}

/** A whole output at once. */
export function decode(kind: PodKind, bytes: Uint8Array): Piece {
  const schema = schemaOf(kind)
  return schema === undefined ? { bytes } : readLines(schema, utf8.decode(bytes).split('\n'), bytes)
}

const utf8 = new TextDecoder()

const lineSchema = z.looseObject({ text: z.exactOptional(z.string()), finish: z.exactOptional(z.string()) })

type Line = Partial<Pick<Piece, 'text' | 'finish' | 'embeddings'>>

function lineDecoder(schema: z.ZodType<Line>): Decoder {
  const decoder = new TextDecoder()
  let rest = ''

  return {
    push(bytes) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      return readLines(schema, lines, bytes)
    },
    end() {
      const last = rest
      rest = ''
      return last === '' ? undefined : readLines(schema, [last], new Uint8Array())
    },
  }
}

function readLines(schema: z.ZodType<Line>, lines: readonly string[], bytes: Uint8Array): Piece {
  const piece: Piece = { bytes }
  for (const line of lines) {
    if (line === '') continue
    const event = parseLine(schema, line)
    if (event.text !== undefined) piece.text = (piece.text ?? '') + event.text
    if (event.finish !== undefined) piece.finish = event.finish
    if (event.embeddings !== undefined) piece.embeddings = event.embeddings
  }
  return piece
}

/** @throws `output.unreadable` (bug): the bytes may be verified and paid for, but are not what the kind promises. */
function parseLine(schema: z.ZodType<Line>, line: string): Line {
  try {
    return schema.parse(JSON.parse(line))
  } catch (cause) {
    throw bug('output.unreadable', 'a line of the answer is not what this kind of pod answers', { cause })
  }
}
