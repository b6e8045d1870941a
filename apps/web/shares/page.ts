import { straight } from './straight.ts'

/**
 * The page of a share as it is sent: with what it shows in it, which is read before any script has come, and with its
 * record asked for. The door's scripts put the same in its place, with all that can be done with it.
 */

export interface SentShare {
  id: string
  /** Where its record is read: `<api>/<id>`. */
  api: string
  title: string
  /** Further elements of the head. */
  head?: readonly string[]
  /** HTML that stands where the page, without a share, says what it is for: made with `textOf` and `attributeOf`. */
  body: string
}

/** @param page  As it was built: a text named `says`, in a `root`. */
export function withShare(page: string, { id, api, title, head = [], body }: SentShare): string {
  const record = `<link rel="preload" as="fetch" href="${api}/${id}" crossorigin="anonymous" />`
  return page
    .replace(
      /<title>(\w+).*?<\/title>/,
      (_, door) => `<title>${attributeOf(titleOf(title))} · ${door}</title>`,
    )
    .replace('</head>', () => `  ${[record, ...head].join('\n    ')}\n  </head>`)
    .replace('<div id="root">', () => `<div id="root" data-share="${id}">`)
    .replace(/<p id="says"[\s\S]*?<\/p>/, () => body)
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '')

/** Words of a stranger as they may stand in a quoted attribute: lines and other control characters become spaces. */
export const attributeOf = (text: string): string => escaped(straight(text).replace(/\p{Cc}/gu, ' '))

/** The same as they may stand in an element, where lines stay lines. */
export const textOf = (text: string): string => escaped(text.replace(/[^\P{Cc}\n]/gu, ' '))

const MOST_TITLE = 90

/** The words of a title, not more of them than tabs and previews show. */
export const titleOf = (text: string): string =>
  text.length > MOST_TITLE ? `${text.slice(0, MOST_TITLE - 1)}…` : text
