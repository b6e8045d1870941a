import { expect } from 'chai'
import { parse } from 'discord-markdown-parser'
import { LINK, nameOf, pagesOf, partsOf, quiet, saidOf, shownOf, visible } from '../../apps/babel/neutral.ts'
import { pages } from '../../apps/babel/post.ts'
import { Random } from '../../pods/training/random.ts'
import { pingsOf } from './babel/mentions.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_126)
const names = {
  user: (id: string) => (id === '1' ? '@everyone' : id === '2' ? '[x](https://evil.example)' : undefined),
  role: () => '<@&7>',
  channel: () => 'off-topic',
}
const EVERYBODY = { mayMentionEveryone: true }
const pings = (text: string) => pingsOf(text, undefined, EVERYBODY)
/** What Discord would make a link of, or a picture. */
const links = (text: string) => text.match(/[a-z]+:\/\/|\[[^\]]*[^\\]\]\(|www\.|discord\.gg\//gi) ?? []
/** What somebody else's reading of Discord's markdown makes links of. */
function linksRead(text: string): string[] {
  const targets: string[] = []
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(walk)
    else if (typeof node === 'object' && node !== null) {
      const { type, target, content } = node as { type?: string; target?: string; content?: unknown }
      if (type === 'url' || type === 'autolink' || type === 'link') targets.push(String(target))
      walk(content)
    }
  }
  walk(parse(text, 'extended'))
  return targets
}
const withoutCode = (text: string) => text.replace(/(?<!\\)(?:```[\s\S]*?```|``[^\n]*?``|`[^`\n]*`)/g, ' ')

describe(`what babel lets out (seed ${SEED})`, () => {
  describe('the judge of these tests', () => {
    it('sees every kind of mention, and what allowed_mentions leave of it', () => {
      const text = 'hi @everyone @here <@12> <@!12> <@&34>'

      expect(pings(text)).to.deep.equal(['everyone', 'here', 'user:12', 'role:34'])
      expect(pingsOf(text, { parse: ['users'], roles: ['34'] }, EVERYBODY)).to.deep.equal([
        'user:12',
        'role:34',
      ])
      expect(pingsOf(text, undefined, { mayMentionEveryone: false, repliedTo: '9' })).to.include('user:9')
      expect(pingsOf(text, { parse: [] }, { mayMentionEveryone: true, repliedTo: '9' })).to.deep.equal([])
      expect(pingsOf('', { parse: [], replied_user: true }, { ...EVERYBODY, repliedTo: '9' })).to.deep.equal([
        'user:9',
      ])
    })
  })

  const shown = (text: string) => quiet(shownOf(partsOf(text, names)))

  const injections: [title: string, text: string, shown: string][] = [
    ['everybody', 'wake up @everyone and @here', 'wake up everyone and here'],
    [
      'hidden letters',
      'wake up @every\u200bone @\u2060here @\u00adeveryone',
      'wake up everyone here everyone',
    ],
    ['a joiner beside ASCII', 'wake up @\u200deveryone', 'wake up everyone'],
    ['bidirectional marks', '\u202egnp.exe\u202c \u2066<@1>\u2069', 'gnp.exe everyone'],
    ['a person, by a name that is none', 'hi <@1> <@!1>', 'hi everyone everyone'],
    ['a person, by a name that is a link', 'hi <@2>', 'hi \\[x\\]('],
    ['a role, by a name that is a role', 'hi <@&34>', 'hi someone'],
    ['a channel', 'see <#56>', 'see #off-topic'],
    ['a command and a guide', '</ban:123> <id:customize>', '/ban #customize'],
    ['addresses', 'go https://evil.example/a?b=c now, www.evil.example', `go ${LINK} now, ${LINK}`],
    ['an address that does not unfold', '<https://evil.example> discord.gg/abc', `${LINK} ${LINK}`],
    [
      'a masked link',
      'click [here](https://evil.example "t") or [@everyone](<https://e.vil>)',
      `click here${LINK} or everyone${LINK}`,
    ],
    ['markdown', '# big\n> quote **bold** __u__', '\\# big\n\\> quote \\*\\*bold\\*\\* \\_\\_u\\_\\_'],
    [
      'an address put together',
      'https:/</evil.example:123> </https:1>://x',
      'https:\u200b//evil.example /https:\u200b//x',
    ],
    ['code', 'run `npm i @here` now', 'run `npm i @\u200bhere` now'],
    ['a fence that does not end', '```\n<@&1> @everyone', '```\n<\u200b@&1> @\u200beveryone\n```'],
    ['spoilers', '||the end||', '||the end||'],
    ['signs', '<:pepe:123456789012345678> <t:1700000000:R>', '<:pepe:123456789012345678> <t:1700000000:R>'],
    ['broken mentions', '<@ <@&> <#> <@abc> @ everyone', 'abc\\> @ everyone'],
  ]
  for (const [title, text, expected] of injections) {
    it(`${title}: ${JSON.stringify(text)}`, () => {
      const result = shown(text)

      expect(pings(result)).to.deep.equal([])
      expect(links(withoutCode(result))).to.deep.equal([])
      expect(result).to.equal(expected)
    })
  }

  it('a model that answers with an attack answers harmlessly: no mention, address, markdown, line or quote of its own', () => {
    const said = saidOf(
      '"@everyone <@&12> see\n[free](https://evil.example) \\*nitro\\* `x` <id:home> \u202e||y|| # z"',
    )

    expect(pings(said)).to.deep.equal([])
    expect(links(said)).to.deep.equal([])
    expect(said).to.equal('everyone see \\[free\\]( \\*nitro\\* \\`x\\` \\|\\|y\\|\\| \\# z')
  })

  it('a plain answer stays as it is', () => {
    for (const text of [
      "L'addition, s'il vous plaît.",
      'Wie heißen Sie?',
      '나는 배고파요.',
      'नमस्ते',
      'ありがとう。',
    ])
      expect(saidOf(text)).to.equal(text)
    expect(saidOf('“Guten Morgen.”')).to.equal('Guten Morgen.')
  })

  it('joiners of languages that have them stay', () => {
    expect(visible('क्\u200dष')).to.equal('क्\u200dष')
    expect(visible('👩\u200d💻')).to.equal('👩\u200d💻')
  })

  it('a name is one short line that notifies nobody', () => {
    expect(nameOf('@everyone')).to.equal('everyone')
    expect(nameOf('\u200b \u202e')).to.equal('someone')
    expect(nameOf('a\nb  c')).to.equal('a b c')
    expect(nameOf('x'.repeat(500))).to.have.length(64)
    expect(links(nameOf('[a](https://b.c)'))).to.deep.equal([])
  })

  it('long texts are cut into messages that Discord takes; nothing is lost, code blocks stay closed', () => {
    const words = Array.from({ length: 1_500 }, (_, index) => `word${index}`).join(' ')
    const cut = pagesOf(words)
    const code = pagesOf(`before\n\`\`\`\n${'x = 1;\n'.repeat(900)}\`\`\`\nafter`)

    expect(cut.every((page) => page.length <= 2_000)).to.equal(true)
    expect(cut.join(' ')).to.equal(words)
    for (const page of code) expect((page.match(/```/g) ?? []).length % 2).to.equal(0)
    expect(code.every((page) => page.length <= 2_000)).to.equal(true)
    expect(code.join('').match(/x = 1;/g)).to.have.length(900)
  })

  it('code and spoilers that are cut stay what they are on every page', () => {
    const words = 'word '.repeat(370)
    const address = 'https://evil.example/login'
    for (const ticks of ['`', '``', '```']) {
      const cut = pagesOf(shown(`${ticks}${words}${address} ${'more '.repeat(60)}${ticks}`))

      expect(cut.length).to.equal(2)
      for (const page of cut) {
        expect(page.startsWith(ticks) && page.endsWith(ticks)).to.equal(true)
        expect(linksRead(page)).to.deep.equal([])
      }
      expect(cut.join('')).to.include(address)
    }
    const secret = pagesOf(shown(`||${'secret '.repeat(400)}||`))
    expect(secret.length).to.equal(2)
    for (const page of secret) expect(page).to.match(/^\|\|[^|]*\|\|$/)
    // Where no space is near, a mark is cut from what is before it, and never in two.
    for (let letters = 1_980; letters < 2_000; letters += 1) {
      for (const page of pagesOf(`${'あ'.repeat(letters)}||ひみつ||${'い'.repeat(50)}`))
        expect(page.replace(/\|\|[^|]*\|\|/g, ''), `${letters}`).to.not.match(/[ひみつ|]/)
    }
  })

  it('ticks that can be read in two ways hide no address', () => {
    for (const text of [
      '`https://evil.example```b``',
      'a `b ``c` https://evil.example ``',
      '`` ` ``` https://evil.example ```` x',
      '```` https://evil.example ````',
      '`\\` https://evil.example `',
    ]) {
      const [page = ''] = pagesOf(shown(text))

      expect(linksRead(text).length + links(text).length, text).to.be.greaterThan(0)
      expect(linksRead(page), text).to.deep.equal([])
    }
    // The judge sees links, and sees that code is none.
    expect(linksRead('a https://evil.example <https://b.c> [d](https://e.f)')).to.have.length(3)
    expect(linksRead('`https://evil.example` and ```\nhttps://b.c```')).to.deep.equal([])
  })

  it('10,000 random texts of what attacks are made of notify nobody, link nowhere, and fit', () => {
    const random = new Random(SEED)
    const pieces = [
      ...[
        '@everyone',
        '@here',
        '@',
        'everyone',
        'here',
        '<@1>',
        '<@!2>',
        '<@&3>',
        '<#4>',
        '<',
        '>',
        '&',
        '!',
        '1',
      ],
      ...[
        '\u200b',
        '\u200d',
        '\u202e',
        '\u2066',
        '\u00ad',
        '\ufeff',
        '\u{e0041}',
        '\n',
        ' ',
        '  ',
        '\\',
        '|',
        '||',
      ],
      ...[
        '```',
        '`',
        '``',
        '[',
        ']',
        '](',
        ')',
        'https://',
        'evil.example',
        'www.',
        'discord.gg/',
        '://',
        '<id:home>',
      ],
      ...[
        '"',
        '#',
        '-',
        'word',
        'Wo ist',
        '한국어',
        'क्\u200dष',
        '🎉',
        '<:a:123>',
        '<a:b:123>',
        '<t:1:R>',
        '*',
        '_',
      ],
      // Long ones: what is cut.
      ...['filler '.repeat(90), `\`${'code '.repeat(200)}`, `https://evil.example ${'x'.repeat(700)}`],
    ]
    let mentioned = 0
    for (let i = 0; i < 10_000; i += 1) {
      const text = Array.from({ length: 1 + Math.floor(random.uniform() * 14) }, () =>
        random.pick(pieces),
      ).join('')
      if (pings(visible(text)).length > 0) mentioned += 1
      const parts = partsOf(text, names)
      const said = parts.map(({ kind, text: part }) => (kind === 'keep' ? part : saidOf(part))).join('')
      for (const whole of [said, shownOf(parts), `${nameOf(text)}: ${saidOf(text)}`]) {
        for (const { content, allowedMentions } of pages(whole, '-# ↪ https://discord.com/channels/1/2/3')) {
          const own = content.replaceAll('https://discord.com/channels/1/2/3', '')
          expect(pings(content), JSON.stringify(text)).to.deep.equal([])
          expect(allowedMentions).to.deep.equal({ parse: [], repliedUser: false })
          expect(withoutCode(own), JSON.stringify(text)).to.not.match(/[a-z]:\/\/\S|discord\.gg\/\w/i)
          expect(linksRead(own), JSON.stringify(text)).to.deep.equal([])
          expect(content.length).to.be.at.most(2_000)
        }
      }
    }

    // The texts did try.
    expect(mentioned).to.be.greaterThan(1_000)
  })
})
