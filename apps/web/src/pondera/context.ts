import type { Turn } from '../network/models.ts'
import type { Excerpt, Message, Settings } from './chat.ts'
import { withoutThinking } from './thinking.ts'

/** What a model is sent of a conversation. Pure. */

/** So many earlier messages go along, the question included. */
export const MOST_MESSAGES = 8

/** So many excerpts of documents go along with a question. */
export const MOST_EXCERPTS = 7

const THINK_FIRST =
  'Think step by step inside <thinking></thinking> first, then give the answer inside <answer></answer>.'

/**
 * The system prompt and the last messages that say something, the oldest of them a question; fewer if they would not fit.
 *
 * @param messages  Up to and with the question that is asked.
 * @param most      So many messages at most; the question always goes.
 * @param excerpts  So many excerpts of documents go along with a question.
 * @param bytes     The most that the turns may have as JSON.
 */
export function packContext(
  messages: readonly Message[],
  { system, thinking }: Pick<Settings, 'system' | 'thinking'>,
  {
    most = MOST_MESSAGES,
    excerpts = MOST_EXCERPTS,
    bytes,
  }: { most?: number; excerpts?: number; bytes: number },
): Turn[] {
  const said = messages
    .filter(({ role, state }) => role !== 'note' && state !== 'failed' && state !== 'writing')
    .map((message, index, all) => turnOf(message, index === all.length - 1 ? excerpts : 0))
    .filter(({ content }) => content.trim() !== '')
  const instruction = [system.trim(), thinking ? THINK_FIRST : ''].filter((part) => part !== '').join('\n\n')
  const first: Turn[] = instruction === '' ? [] : [{ role: 'system', content: instruction }]
  let kept = said.slice(-Math.max(1, most))
  for (;;) {
    while (kept.length > 1 && kept[0]?.role === 'assistant') kept = kept.slice(1)
    const turns = [...first, ...kept]
    if (kept.length <= 1 || sizeOf(turns) <= bytes) return turns
    kept = kept.slice(1)
  }
}

const sizeOf = (turns: readonly Turn[]): number => new TextEncoder().encode(JSON.stringify(turns)).length

/** Only the question that is asked now carries excerpts: those of earlier ones were for their answers. */
function turnOf({ role, text, excerpts = [] }: Message, most: number): Turn {
  if (role === 'assistant') return { role, content: withoutThinking(text) }
  const shown = excerpts.slice(0, most)
  return { role: 'user', content: shown.length > 0 ? askedFrom(text, shown) : text }
}

/** A question that is to be answered from excerpts alone. */
function askedFrom(question: string, excerpts: readonly Excerpt[]): string {
  const shown = excerpts.map(({ document, text }, index) => `[${index + 1}] ${document}: ${text}`)
  return `Answer only from these excerpts; say so if they do not hold the answer.\n\n${shown.join('\n\n')}\n\nQuestion: ${question}`
}
