/**
 * What people and models write, made harmless: nobody is pinged, no link goes out under the bot's name, nothing is
 * hidden, and no markdown is made by a model.
 */

/** Discord's limit. Counted in UTF-16 units, which are never fewer than its characters. */
export const MOST_CHARACTERS = 2_000
/** Stands where an address stood; the jump link leads to it. */
export const LINK = '🔗'

/** Format and control characters, fillers that look like nothing. Joiners are letters of some languages. */
const HIDDEN =
  /(?![\n\u200c\u200d])[\p{Cc}\p{Cf}]|[\u115f\u1160\u3164\uffa0]|\u034f|\u17b4|\u17b5|\u180b|\u180c|\u180d|\u180f/gu
/** Joiners join nothing beside plain ASCII. */
const LOOSE_JOINERS = /(?<=^|[ -~\n])[\u200c\u200d]+|[\u200c\u200d]+(?=[ -~\n]|$)/gu

/** Without what a reader would not see. */
export const visible = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replaceAll('\t', ' ')
    .replace(HIDDEN, '')
    .replace(LOOSE_JOINERS, '')

/** How the ids of a text are called where it was written. */
export interface Names {
  user(id: string): string | undefined
  role(id: string): string | undefined
  channel(id: string): string | undefined
}

/** A piece of a text: `say` is to be translated, `keep` stands as it is. */
export interface Part {
  kind: 'say' | 'keep'
  text: string
}

const ADDRESS = String.raw`[a-z][a-z0-9+.-]{1,20}:\/\/[^\s<>|]*|(?:www\.|discord\.gg\/|discord(?:app)?\.com\/|t\.me\/)[^\s<>|]+`
const KEPT = new RegExp(
  [
    '(?<fence>```[\\s\\S]*?(?:```|$))',
    '(?<code>``[^\\n]*?``|`[^`\\n]+`)',
    '\\[(?<label>[^\\]\\n]*)\\]\\([^)\\n]*\\)',
    `(?<address><(?:${ADDRESS}|mailto:[^\\s<>]+|tel:[^\\s<>]+)>|(?:${ADDRESS}))`,
    '<@!?(?<user>\\d+)>',
    '<@&(?<role>\\d+)>',
    '<#(?<channel>\\d+)>',
    '<\\/(?<command>[^:<>\\n]{1,100}):\\d+>',
    '<id:(?<guide>[a-z]+)>',
    '(?<sign><a?:\\w{1,32}:\\d+>|<t:-?\\d+(?::[a-zA-Z])?>)',
    '@(?<all>everyone|here)',
    '(?<spoiler>\\|\\|)',
  ].join('|'),
  'giu',
)

/** Takes a text apart: code, signs and spoiler marks are kept, mentions become names, addresses become a sign. */
export function partsOf(text: string, names: Names): Part[] {
  const parts: Part[] = []
  const add = (kind: Part['kind'], piece: string) => {
    if (piece !== '') parts.push({ kind, text: piece })
  }
  let from = 0
  const clean = visible(text)
  for (const match of clean.matchAll(KEPT)) {
    add('say', clean.slice(from, match.index))
    from = match.index + match[0].length
    const { label } = match.groups ?? {}
    if (label !== undefined) add('say', label)
    add('keep', keptOf(match, names))
  }
  add('say', clean.slice(from))
  return parts
}

function keptOf({ groups = {}, 0: whole }: RegExpMatchArray, names: Names): string {
  const { fence, code, user, role, channel, command, guide, sign, all, spoiler } = groups
  if (fence !== undefined) return fence.length > 3 && fence.endsWith('```') ? fence : `${fence}\n\`\`\``
  if (user !== undefined) return nameOf(names.user(user) ?? 'someone')
  if (role !== undefined) return nameOf(names.role(role) ?? 'some')
  if (channel !== undefined) return `#${nameOf(names.channel(channel) ?? 'channel')}`
  if (command !== undefined) return `/${nameOf(command)}`
  if (guide !== undefined) return `#${nameOf(guide)}`
  if (code !== undefined || sign !== undefined || spoiler !== undefined) return whole
  return all ?? LINK
}

/** The name of a person or a thing: plain, short, on one line. */
export const nameOf = (text: string): string =>
  plain(text)
    .slice(0, 64)
    .replace(/[\ud800-\udbff]$/, '')
    .replace(/\\$/, '') || 'someone'

/** What a model answered: without quotes around it, line breaks, mentions, addresses and markdown of its own. */
export function saidOf(text: string): string {
  const line = visible(text).replace(/\s+/g, ' ').trim()
  const bare = /^(["“„«'])(.*)(["”“»'])$/.exec(line)
  const inner = bare?.[2] !== undefined && !bare[2].includes(bare[1] ?? '') ? bare[2] : line
  return plain(inner)
}

/** What stands between the marks of somebody's text, as it is shown again. */
export const shownOf = (parts: readonly Part[]): string =>
  parts
    .map(({ kind, text }) => (kind === 'keep' ? text : text.split('\n').map(plainKeepingEdges).join('\n')))
    .join('')

const plainKeepingEdges = (text: string): string => {
  const [, before = '', inner = '', after = ''] = /^(\s*)(.*?)(\s*)$/su.exec(text) ?? []
  return before + plain(inner) + after
}

const MENTIONS = /<(?:@[!&]?|#)\d*>?|<\/[^<>\n]*:\d+>|<(?:a?:\w*|t|id):[^<>\s]*>?/giu
const ADDRESSES = new RegExp(`<?(?:${ADDRESS})>?`, 'giu')

/** A line as plain text: no mention, no address, no markdown. */
export function plain(text: string): string {
  return visible(text)
    .replaceAll('\\', '')
    .replace(MENTIONS, '')
    .replace(ADDRESSES, '')
    .replace(/@+(?=everyone|here)/giu, '')
    .replace(/[ \n]+/g, ' ')
    .trim()
    .replace(/[*_~|`<>#[\]]/g, (mark) => `\\${mark}`)
    .replace(/^(-|\d+[.)])(?= )/, (mark) => `\\${mark}`)
}

const ADDRESS_SIGN = /[a-z0-9+.-]:(?=\/\/)|discord(?:app)?\.(?=(?:gg|com)\/)/giu

/**
 * The last look at whatever goes out, however it was put together: nothing is left that Discord could read as a mention,
 * code included, and outside of code nothing that it would make a link of.
 */
export function quiet(content: string): string {
  const unlinked = (text: string) => text.replace(ADDRESS_SIGN, (sign) => `${sign}\u200b`)
  let from = 0
  let quieted = ''
  for (const { at, end } of codeOf(content).spans) {
    quieted += unlinked(content.slice(from, at)) + content.slice(at, end)
    from = end
  }
  return `${quieted}${unlinked(content.slice(from))}`
    .replace(/@(?=everyone|here)/giu, '@\u200b')
    .replace(/<(?=@[!&]?\d)/g, '<\u200b')
}

const SPOILER = '||'

interface Code {
  spans: { at: number; end: number }[]
  /** The ticks that the text ends within. */
  open?: string
}

/**
 * What is code by every reading of Discord's markdown: ticks that close as they opened, none of their number between them, and
 * no mark of a spoiler that may have begun before. From the first ones on that could be read in two ways nothing counts as
 * code.
 */
function codeOf(content: string): Code {
  const spans: Code['spans'] = []
  const marks = [...content.matchAll(/\\[\s\S]|`+|\|\|/gu)].filter(([mark]) => !mark.startsWith('\\'))
  let isSpoiler = false
  for (let from = 0; ; ) {
    const opening = marks.find(({ 0: mark, index }) => index >= from && mark !== SPOILER)
    if (opening === undefined) return { spans }
    isSpoiler ||= marks.some(
      ({ 0: mark, index }) => mark === SPOILER && index >= from && index < opening.index,
    )
    const [ticks] = opening
    const start = opening.index + ticks.length
    if (ticks.length > 3) return { spans }
    // Within code a backslash is a backslash.
    const closing = [...content.slice(start).matchAll(/`+/g)].find(
      ([run]) => ticks.length < 3 || run.length >= ticks.length,
    )
    if (closing === undefined) return { spans, open: ticks }
    const text = content.slice(start, start + closing.index)
    const isLine = ticks.length === 3 || !text.includes('\n')
    if (closing[0] !== ticks || text.trim() === '' || !isLine) return { spans }
    if (isSpoiler && text.includes(SPOILER)) return { spans }
    from = start + closing.index + ticks.length
    spans.push({ at: opening.index, end: from })
  }
}

/** A long text as messages, cut where it hurts least; code and spoilers that are cut are closed and opened again. */
export function pagesOf(content: string, most = MOST_CHARACTERS): string[] {
  const pages: string[] = []
  let rest = quiet(content)
  while (rest.length > most) {
    const room = most - MOST_CLOSING
    const head = rest.slice(0, room)
    const at = [head.lastIndexOf('\n'), head.lastIndexOf(' ')].find((place) => place > room / 2)
    const cut = at ?? room - (HALF.exec(`${head}${rest[room]}`)?.[1]?.length ?? 0)
    const page = rest.slice(0, cut)
    const { close, reopen } = cutMarks(page)
    pages.push(`${page}${close}`)
    rest = quiet(reopen + rest.slice(cut).replace(/^[ \n]/, ''))
  }
  if (rest.trim() !== '') pages.push(rest)
  return pages.map(quiet)
}

/** What a cut before the last character would divide: a letter of two units, an escape, a mark of several. */
const HALF = /([\ud800-\udbff\\]|`+(?=`)|\|(?=\|))[\s\S]$/
const MOST_CLOSING = `\n\`\`\`${SPOILER}`.length

/** What a page is within at its end: how to leave that, and how to be in it again. */
function cutMarks(page: string): { close: string; reopen: string } {
  const { spans, open } = codeOf(page)
  const code = open === undefined ? '' : page.slice(page.lastIndexOf(open))
  const outside = spans.reduceRight(
    (text, { at, end }) => text.slice(0, at) + text.slice(end),
    page.slice(0, page.length - code.length),
  )
  const spoiler = (outside.match(/(?<!\\)\|\|/g) ?? []).length % 2 === 1 ? SPOILER : ''
  if (open === undefined) return { close: spoiler, reopen: spoiler }
  if (open.length === 3) return { close: `\n${open}${spoiler}`, reopen: `${spoiler}${open}\n` }
  return { close: `${open}${spoiler}`, reopen: `${spoiler}${open}` }
}
