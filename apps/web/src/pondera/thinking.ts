/** What a model thinks aloud, apart from what it answers. Pure. */

export interface Parted {
  thinking: string
  answer: string
  /** The thinking has not ended yet. */
  open: boolean
}

const BEGIN = /^\s*<(think|thinking)>/
const ANSWER_TAGS = /^\s*<answer>|<\/answer>\s*$/g

/** `<think>` of reasoning models, and `<thinking>` with `<answer>` of those that were asked to. */
export function partThinking(text: string): Parted {
  const begin = BEGIN.exec(text)
  if (!begin) return { thinking: '', answer: text.replaceAll(ANSWER_TAGS, ''), open: false }
  const inside = text.slice(begin[0].length)
  const close = `</${begin[1]}>`
  const end = inside.indexOf(close)
  if (end < 0) return { thinking: inside.trim(), answer: '', open: true }
  const answer = inside.slice(end + close.length).replaceAll(ANSWER_TAGS, '')
  return { thinking: inside.slice(0, end).trim(), answer: answer.trimStart(), open: false }
}

export const withoutThinking = (text: string): string => partThinking(text).answer
