import { expect } from 'chai'
import { params } from '../../deploy/params.ts'
import { Random } from '../../pods/training/random.ts'
import { drawPhrase } from '../../pods/translate/train/grammar/phrases.ts'
import type { Command } from './babel/interactions.ts'
import { answerTo, jump, jumpsIn, openStage, type Stage, until } from './babel/stage.ts'
import { type Channel, freshId, type Guild, PERMISSION, type Person } from './babel/world.ts'

const SEED = Number(process.env.HEURIST_SEED ?? Math.floor(Math.random() * 1e9))
const COMMANDS = 200
const DISCORDS_RULE_MS = 3_000

/** A server, and how its people use the bot. */
interface Server {
  guild: Guild
  general: Channel
  rooms: Partial<Record<'de' | 'fr', Channel>>
  people: Person[]
  boss: Person
}

/** A command, and what is known of its right answer. */
interface Asked {
  command: Command
  person: Person
  server: Server
  kind: 'translate' | 'menu' | 'show'
  /** The language's channel, where the server has one. */
  room?: Channel
  expected: string
  /** What the menu was opened on. */
  link?: string
}

const RESTARTED =
  /^The bot was restarted meanwhile; please ask again\. Only what had been delivered to it by then is charged\.$/
const FAILED = /(Nothing was|nothing was|is not) charged/

describe(`${COMMANDS} commands, slow and failing workers, a bot that is killed (seed ${SEED})`, function () {
  this.timeout(1_200_000)
  const random = new Random(SEED)
  const pick = <T>(list: readonly T[]): T => random.pick(list)
  let stage: Stage
  const servers: Server[] = []
  const asked: Asked[] = []

  before(async () => {
    stage = await openStage({}, { rate: { limit: 10, windowMs: 1_000 } })
    for (const index of Array.from({ length: 6 }, (_, each) => each)) servers.push(serverOf(index))
    await stage.start()
    for (const { boss, general, rooms } of servers) {
      for (const [language, channel] of Object.entries(rooms)) {
        const options = { language, channel }
        await answerTo(stage.discord.slash(boss, general, { name: 'babel set channel', options }))
      }
    }
    stage.way.delay = () => (random.chance(0.4) ? undefined : Math.floor(random.uniform() * 3_000))
  })
  after(() => stage?.close())

  /** Some servers have set both languages, some one, one none. */
  function serverOf(index: number): Server {
    const { discord } = stage
    const guild = discord.guild(`Server ${index}`)
    const managers = { id: freshId(), name: 'Managers', permissions: PERMISSION.manageGuild }
    guild.roles.push(managers)
    const rooms = {
      ...(index > 0 ? { de: discord.channel(guild, 'deutsch') } : {}),
      ...(index > 2 ? { fr: discord.channel(guild, 'français') } : {}),
    }
    const nicks = ['Anna', '@everyone', '<@&1>', 'x\u202eanne', '[a](https://evil.example)']
    return {
      guild,
      general: discord.channel(guild, 'general'),
      rooms,
      people: nicks.map((nick) => discord.person(guild, nick)),
      boss: discord.person(guild, 'Boss', { roles: [managers.id] }),
    }
  }

  const attacks = (person: Person, guild: Guild) => [
    ...['', '', '', '', '@everyone ', '@here ', `<@${person.id}> `, `<@&${guild.roles[1]?.id}> `],
    ...[
      '@every\u200bone ',
      'https://evil.example/x ',
      '[free](https://evil.example) ',
      '\u202e',
      '```\n@everyone\n``` ',
    ],
  ]

  function ask(): Asked {
    const server = pick(servers)
    const [person, draw] = [pick(server.people), random.uniform()]
    const [phrase, to] = [drawPhrase(random), pick(['de', 'fr'] as const)]
    const text = pick(attacks(person, server.guild)) + phrase.en
    const base = { person, server, expected: phrase[to] }
    if (draw < 0.1) {
      const command = stage.discord.slash(person, server.general, { name: 'babel show' })
      return { ...base, command, kind: 'show', expected: 'Models' }
    }
    if (draw < 0.3) {
      const message = stage.discord.say(server.boss, server.general, text)
      const reader = stage.discord.person(server.guild, person.nick, { locale: to })
      const command = stage.discord.menu(reader, server.general, message)
      return { ...base, command, kind: 'menu', link: jump(message) }
    }
    const options = { language: to, text, from: 'en' }
    const command = stage.discord.slash(person, server.general, { name: 'translate', options })
    const room = server.rooms[to]
    return { ...base, command, kind: 'translate', ...(room === undefined ? {} : { room }) }
  }

  async function askMany(count: number): Promise<Asked[]> {
    const many: Asked[] = []
    for (let index = 0; index < count; index += 1) {
      many.push(ask())
      await new Promise((resolve) => setTimeout(resolve, random.uniform() * 60))
    }
    asked.push(...many)
    return many
  }

  const acknowledged = (many: readonly Asked[]) =>
    until(
      'all to be acknowledged',
      () => many.every(({ command }) => command.acknowledgedMs !== undefined),
      30,
    )

  it('half of them are used, and the bot is killed in the middle of its work: each of them gets a last word', async () => {
    const many = await askMany(COMMANDS / 2)
    await acknowledged(many)
    const open = many.filter(({ command }) => command.edits === 0).length
    await stage.kill()
    for (const { command } of many) await answerTo(command, 300)

    const restarted = many.filter(({ command }) => RESTARTED.test(command.original?.content ?? '')).length
    process.stdout.write(`      ${open} were open when it was killed, ${restarted} were told\n`)
    expect(open).to.be.greaterThan(10)
    expect(restarted).to.be.greaterThan(5)
  })

  it('settings survived the kill', async () => {
    for (const { boss, general, rooms } of servers) {
      const { content } = await answerTo(stage.discord.slash(boss, general, { name: 'babel show' }))
      for (const room of Object.values(rooms)) expect(content).to.contain(`#${room.name}`)
      if (Object.keys(rooms).length === 0) expect(content).to.contain('no channel has a language yet')
    }
  })

  it('the other half are answered', async () => {
    for (const { command } of await askMany(COMMANDS / 2)) await answerTo(command, 300)
  })

  it(`all ${COMMANDS} were acknowledged within Discord’s three seconds`, () => {
    const waited = asked.map(({ command }) => command.acknowledgedMs ?? Number.POSITIVE_INFINITY)
    const sorted = [...waited].sort((a, b) => a - b)
    process.stdout.write(
      `      acknowledged after ${sorted[100]} ms in the median, ${sorted.at(-1)} ms at most\n`,
    )

    expect(asked).to.have.length(COMMANDS)
    expect(waited.filter((ms) => ms > DISCORDS_RULE_MS)).to.deep.equal([])
    expect(stage.discord.violations).to.deep.equal([])
  })

  it('nobody was notified, neither by what was sent nor by what its text says', () => {
    const written = stage.discord.written()

    expect(written.length).to.be.greaterThan(COMMANDS)
    expect(written.filter(({ pings }) => pings.length > 0).map(({ content }) => content)).to.deep.equal([])
    expect(written.filter(({ naked }) => naked.length > 0).map(({ content }) => content)).to.deep.equal([])
    expect(written.filter(({ content }) => /evil\.example|[\u200b]?\u202e/.test(content))).to.deep.equal([])
  })

  it('every jump link leads to the message that it is about', () => {
    let [posted, menus] = [0, 0]
    for (const { command, kind, room, link, server } of asked) {
      const answer = command.original
      const text = answer?.content ?? ''
      if (answer === undefined || RESTARTED.test(text) || FAILED.test(text)) continue
      if (kind === 'menu') {
        expect(jumpsIn(text)).to.deep.equal([link])
        menus += 1
      } else if (room !== undefined) {
        const post = stage.discord.said(room).find((said) => jumpsIn(said.content).includes(jump(answer)))
        expect(jumpsIn(text), text).to.deep.equal([jump(post ?? answer)])
        expect(post?.guild).to.equal(server.guild.id)
        posted += 1
      } else expect(jumpsIn(text)).to.deep.equal([])
    }

    expect(posted).to.be.greaterThan(30)
    expect(menus).to.be.greaterThan(10)
  })

  it('nine in ten of those that were answered are right, to the last character', () => {
    const answered = asked.filter(({ command }) => {
      const text = command.original?.content ?? ''
      return !RESTARTED.test(text) && !FAILED.test(text)
    })
    const right = answered.filter(({ command, room, expected }) => {
      const answer = command.original
      const link = answer === undefined ? '' : jump(answer)
      const post = room && stage.discord.said(room).find(({ content }) => content.includes(link))
      return (post ?? answer)?.content.includes(expected)
    })
    process.stdout.write(
      `      ${right.length} of ${answered.length} right, ${asked.length - answered.length} unanswered\n`,
    )

    expect(answered.length).to.be.greaterThan(COMMANDS / 2)
    expect(right.length / answered.length).to.be.greaterThan(0.9)
  })

  it('its share of every settled call stands in its payout, to the unit', async () => {
    const charged = await until('all calls to be settled', async () => {
      const [known, gross] = [await stage.charged(), await stage.gross()]
      return known > 0n && known === gross && known
    })
    const held = await stage.claim()

    process.stdout.write(`      charged ${charged}, the payout holds ${held} base units\n`)
    expect(held).to.equal((charged * BigInt(params.frontendBps.value)) / 10_000n)
    expect(held > 0n).to.equal(true)
  })
})
