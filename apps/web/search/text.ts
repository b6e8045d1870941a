/** What people type and what strangers' pages say, as plain text that a model or a page may be given. Pure. */

/** Marks by which chat templates tell who speaks: nobody but a template may write them. */
const TURN_MARKS =
  /\[\/?(?:INST|SYS(?:TEM)?|USER|ASSISTANT)\]|<<\/?SYS>>|<\|[\w ]{1,40}\|>|<\/?s>|<(?:start|end)_of_turn>/gi
const ENTITIES: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  hellip: '…',
  mdash: '—',
  ndash: '–',
}
/** Invisible, or turning the direction of what follows. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}]/gu

/** More of a text is not read: cleaning it takes time that grows with its square. */
const MOST_READ = 4_000
/** What is left after one removal may spell another, as `<scr<b>ipt>`; after so many every mark of markup goes. */
const MOST_ROUNDS = 4

/** Without markup, turn marks and unseen characters, on one line, of its first `most` characters. */
export function plainText(text: string, most = MOST_READ): string {
  let plain = text.slice(0, most).replaceAll(/\s+/g, ' ')
  let before = ''
  for (let round = 0; before !== plain && round < MOST_ROUNDS; round += 1) {
    before = plain
    plain = plain
      .replaceAll(UNSEEN, '')
      .replaceAll(TURN_MARKS, ' ')
      .replaceAll(/<(script|style)\b[^>]*>.*?<\/\1\s*>/gi, ' ')
      .replaceAll(/<!--.*?-->|<\/?[a-z][^<>]*>/gi, ' ')
      .replaceAll(/&(#x?[0-9a-f]{1,6}|[a-z]{2,6});/gi, (whole, name: string) => entity(whole, name))
  }
  if (before !== plain) plain = plain.replaceAll(/[<>&[\]]/g, ' ')
  return plain.replaceAll(/ {2,}/g, ' ').trim()
}

function entity(whole: string, name: string): string {
  if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10)
  return code > 31 && code < 0x110000 ? String.fromCodePoint(code) : ' '
}

/** At most so many characters, cut at a word, with an ellipsis. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  const cut = text.slice(0, most - 1)
  const word = cut.lastIndexOf(' ')
  return `${(word > most / 2 ? cut.slice(0, word) : cut).replace(/[\uD800-\uDBFF]$/, '')}…`
}
