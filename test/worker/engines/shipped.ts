import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { type Manifest, parseManifest } from '../../../sdk/protocol/manifest.ts'
import type { Engine, LoadEngine, Work } from '../../../worker/engines/engine.ts'

/** A pod as the repository ships it, its engine, and a folder for what a test makes of it. */
export interface Shipped {
  readonly manifest: Manifest
  readonly engine: Engine
  readonly tokenizer: Tokenizer
  readonly scratch: string
  close(): Promise<void>
}

export async function openShipped(name: string, load: LoadEngine): Promise<Shipped> {
  const pod = podOf(name)
  const json = async (file: string): Promise<object> =>
    JSON.parse(await readFile(join(pod, 'model', file), 'utf8'))
  const manifest = parseManifest(await readFile(join(pod, 'pod.yaml')))
  const tokenizer = new Tokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'))
  const engine = await load(pod, manifest)
  const scratch = await mkdtemp(join(tmpdir(), `heurist-${name}-`))
  return {
    manifest,
    engine,
    tokenizer,
    scratch,
    async close() {
      await engine.close()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

export const podOf = (name: string): string => join(import.meta.dirname, '../../../pods', name)

export const bytesOf = (request: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(request))

export type Event = { text: string } | { finish: string }

/** What an engine that streams text answered: each piece as one event, all text, all bytes. */
export interface Said extends Work {
  readonly events: Event[]
  readonly text: string
  readonly raw: string
}

/** @param stopAfter  Pieces after which the listener says stop. */
export async function listen(
  engine: Engine,
  request: unknown,
  stopAfter = Number.POSITIVE_INFINITY,
): Promise<Said> {
  const abort = new AbortController()
  const parts: string[] = []
  const emit = (bytes: Uint8Array) => {
    parts.push(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (parts.length >= stopAfter) abort.abort()
  }
  const work = await engine.run(bytesOf(request), { emit, signal: abort.signal })
  const events = parts.map((part) => JSON.parse(part) as Event)
  const text = events.map((event) => ('text' in event ? event.text : '')).join('')
  return { ...work, events, text, raw: parts.join('') }
}
