import { piecesOf } from '../src/pondera/documents/split.ts'
import { plainText } from './text.ts'

/** Markdown documents in passages, each under its heading. Pure. */

export interface Passage {
  /** The document's own address in the repository: `docs/trust.md`. */
  file: string
  /** The document's first heading. */
  document: string
  /** The nearest heading above it. */
  section: string
  /** The bold sentence that its paragraph begins with, or else the section. */
  heading: string
  text: string
}

/** Long enough to say something, short enough to be read at a glance. Characters. */
const CUT = { size: 640, overlap: 0 } as const

interface Part {
  section: string
  heading: string
  body: string
}

/** The passages of a document in their order; what stands above the first heading belongs to the document. */
export function passagesOf(file: string, markdown: string): Passage[] {
  const parts = partsOf(markdown)
  const document = parts.find(({ section }) => section !== '')?.section ?? file
  return parts.flatMap(({ section, heading, body }) =>
    piecesOf(body, CUT).map((text) => ({
      file,
      document,
      section: section === '' ? document : section,
      heading: heading === '' ? document : heading,
      text,
    })),
  )
}

const HEADING = /^#{1,6}\s+(.+?)\s*#*$/
/** A paragraph that says in bold what it is about, or an item that does so in a sentence. */
const LEADS = [
  /^\*\*([^*]{3,160})\*\*\s*(.*)$/,
  /^(?:[-*+]|\d+\.)\s+\*\*([^*]{3,160}?)(?:[.:?]\*\*|\*\*[.:?])\s+(.*)$/,
] as const

const STARTS = /^\s*(?:[-*+|>]\s|\d+\.\s|\||$)/

function partsOf(markdown: string): Part[] {
  const parts: Part[] = [{ section: '', heading: '', body: '' }]
  let fenced = false
  let begins = true
  let wraps = false
  for (const line of markdown.split(/\r?\n/)) {
    const last = parts.at(-1) as Part
    if (/^\s*(```|~~~)/.test(line)) {
      fenced = !fenced
      wraps = false
      continue
    }
    const title = fenced ? undefined : HEADING.exec(line)?.[1]
    const lead = fenced ? undefined : leadOf(line, begins)
    if (title !== undefined) {
      parts.push({ section: unmarked(title), heading: unmarked(title), body: '' })
    } else if (lead !== undefined) {
      parts.push({ section: last.section, ...lead })
    } else {
      // A sentence that was wrapped is one line again; rows, items and code are lines of their own.
      last.body += `${wraps && !fenced && !STARTS.test(line) ? ' ' : '\n'}${fenced ? line : unmarked(line)}`
    }
    begins = line.trim() === ''
    wraps = !begins && title === undefined && !fenced && !line.startsWith('|')
  }
  return parts
}

function leadOf(line: string, begins: boolean): Pick<Part, 'heading' | 'body'> | undefined {
  const [paragraph, item] = LEADS.map((pattern) => pattern.exec(line))
  const [, lead, rest = ''] = (begins ? paragraph : undefined) ?? item ?? []
  if (lead === undefined) return undefined
  const heading = unmarked(lead).replace(/[.:?]$/, '')
  // A sentence that goes on after its bold beginning is kept whole.
  const goesOn = heading.length === lead.length && !/^[.:?]/.test(rest)
  return { heading, body: unmarked(goesOn ? `${lead} ${rest}` : rest) }
}

/** A line of Markdown without its marks. */
const unmarked = (line: string): string =>
  plainText(
    line
      .replace(/^\s*\|?[\s:|-]+\|\s*$/, '')
      .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/(\*\*|__|`)/g, '')
      .replaceAll(/(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])/g, '$1')
      .replace(/^\s*(?:[-*+]|\d+\.|>)\s+/, '')
      .replaceAll(/\s*(?<!\\)\|\s*/g, ' · ')
      .replaceAll('\\|', '|')
      .replaceAll(/^[\s·]+|[\s·]+$/g, ''),
  )
