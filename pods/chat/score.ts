import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import { loadChat } from '../../worker/engines/chat/load.ts'
import type { Engine } from '../../worker/engines/engine.ts'
import { heldOut, heldOutside, type Turn } from './train/questions.ts'

/** Decides which facts meet which held-out wording. Not the seed of the training. */
export const SCORE_SEED = 7

/** At most this many held-out questions of one topic. */
const PER_TOPIC = 40
const OUTSIDE_COUNT = 500

export interface Miss {
  readonly topic: string
  readonly question: string
  readonly expected: string
  readonly got: string
}

export interface Score {
  readonly asked: number
  readonly exact: number
  readonly misses: readonly Miss[]
}

export const heldQuestions = () => heldOut(SCORE_SEED, PER_TOPIC)
export const heldOutsideQuestions = () =>
  heldOutside(SCORE_SEED, OUTSIDE_COUNT).map((turn) => ({ ...turn, topic: 'outside' }))

/** The pod's own engine on the pod's own folder, as a worker loads it. */
export async function loadPod(folder: string): Promise<Engine> {
  return loadChat(folder, parseManifest(await readFile(join(folder, 'pod.yaml'))))
}

/** Asks every question as a conversation of its own; an answer counts if every character is right. */
export async function score(
  engine: Engine,
  questions: readonly (Turn & { topic: string })[],
): Promise<Score> {
  const misses: Miss[] = []
  for (const { topic, question, answer } of questions) {
    const got = await ask(engine, [{ role: 'user', content: question }])
    if (got !== answer) misses.push({ topic, question, expected: answer, got })
  }
  return { asked: questions.length, exact: questions.length - misses.length, misses }
}

/** One answer, put together from the engine's output lines. */
export async function ask(
  engine: Engine,
  messages: readonly { role: string; content: string }[],
): Promise<string> {
  const parts: string[] = []
  const emit = (bytes: Uint8Array) => {
    const event = JSON.parse(new TextDecoder().decode(bytes)) as { text?: string }
    parts.push(event.text ?? '')
  }
  await engine.run(new TextEncoder().encode(JSON.stringify({ messages })), {
    emit,
    signal: new AbortController().signal,
  })
  return parts.join('')
}
