import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { type Bot, createBot } from '../../apps/babel/bot.ts'
import { modelSchema, SHIPPED } from '../../apps/babel/models.ts'
import { openSettings, type Settings } from '../../apps/babel/settings.ts'
import type { Asked, Translation } from '../../apps/babel/translate.ts'
import { openWork, type Work } from '../../apps/babel/work.ts'
import { type HeuristError, later, refused } from '../../sdk/errors.ts'
import { type DiscordTerms, openDiscord, type TestDiscord } from './babel/discord.ts'
import { INTENT } from './babel/gateway.ts'
import { answerTo, jumpsIn, until } from './babel/stage.ts'
import { type Channel, freshId, type Guild, PERMISSION, type Person } from './babel/world.ts'

/** The bot in this process, before a Discord that is slow, strict, forgetful and closing; translations on command. */
describe('babel and Discord', function () {
  this.timeout(300_000)
  let home: string
  let discord: TestDiscord
  let guild: Guild
  let general: Channel
  let german: Channel
  let anna: Person
  let boss: Person
  let bot: Bot
  let settings: Settings
  let work: Work
  let translate: (asked: Asked) => Promise<Translation>
  let lost: HeuristError[]

  const textOf = ({ parts }: Asked) => parts.map(({ text }) => text).join('')

  async function open(terms: DiscordTerms = {}, more: { readMessages?: boolean; token?: string } = {}) {
    home = mkdtempSync(join(tmpdir(), 'heurist-babel-'))
    discord = await openDiscord(terms)
    guild = discord.guild('Test')
    general = discord.channel(guild, 'general')
    german = discord.channel(guild, 'deutsch')
    const managers = { id: freshId(), name: 'Managers', permissions: PERMISSION.manageGuild }
    guild.roles.push(managers)
    anna = discord.person(guild, 'Anna')
    boss = discord.person(guild, 'Boss', { roles: [managers.id] })
    translate = async (asked) => ({ text: textOf(asked).toUpperCase() })
    lost = []
    bot = boot(more)
    settings.setChannel(guild.id, { language: 'de', channel: german.id })
  }

  function boot({
    readMessages = true,
    token = discord.token,
  }: {
    readMessages?: boolean
    token?: string
  } = {}): Bot {
    settings = openSettings(home)
    work = openWork(home)
    return createBot({
      discord: { token, url: discord.url, readMessages },
      ...{ settings, work, operators: [boss.id], models: [modelSchema.parse(SHIPPED)] },
      translator: { translate: (asked) => translate(asked) },
      revenue: async () => 'Frontend 7, paid to 0x1',
      onLost: (cause) => lost.push(cause),
      log: pino({ level: 'silent' }),
    })
  }

  async function shut(): Promise<void> {
    await bot.stop(5_000)
    settings.close()
    work.end()
  }

  afterEach(async () => {
    await shut()
    await discord.close()
    rmSync(home, { recursive: true, force: true })
    expect(discord.violations).to.deep.equal([])
    expect(discord.written().filter(({ pings, naked }) => pings.length + naked.length > 0)).to.deep.equal([])
  })

  const slash = (person: Person, text: string, language = 'de') =>
    discord.slash(person, general, { name: 'translate', options: { language, text, from: 'en' } })
  const gate = () => {
    let free: () => void = () => {}
    const closed = new Promise<void>((resolve) => {
      free = resolve
    })
    return { closed, free }
  }

  it('a connection that breaks is resumed, and what happened meanwhile is not lost', async () => {
    await open()
    await bot.start()
    discord.gateway.drop()
    const post = discord.say(anna, german, 'Hallo')
    settings.setChannel(guild.id, { language: 'en', channel: general.id })
    settings.setBridge(guild.id, german.id, general.id)
    await until('the message to be carried', () => discord.said(general)[0])

    expect(discord.gateway.seen).to.include({ identified: 1, resumed: 1 })
    expect(jumpsIn(discord.said(general)[0]?.content ?? '')[0]).to.contain(post.id)
  })

  it('a session that Discord forgot is begun anew, and commands work again', async () => {
    await open()
    await bot.start()
    discord.gateway.invalidate()
    discord.gateway.drop()
    await until('a new session', () => discord.gateway.seen.identified === 2 && bot.isReady())
    const answer = await answerTo(slash(anna, 'hello'))

    expect(answer.content).to.match(/^Anna: hello/)
  })

  it('heartbeats keep the connection', async () => {
    // Longer than this machine may pause: whose answer is not read by the next beat is given up by the bot.
    await open({ heartbeatMs: 4_000 })
    await bot.start()
    await until('heartbeats', () => discord.gateway.seen.heartbeats > 3)

    expect(discord.gateway.seen).to.include({ identified: 1, resumed: 0, missed: 0 })
  })

  it('429 on acknowledging, answering and posting is waited out', async () => {
    await open()
    await bot.start()
    discord.rates.refuse('/callback', 1, 0.2)
    discord.rates.refuse('/messages/@original', 2, 0.2)
    discord.rates.refuse(`/channels/${german.id}/messages`, 2, 0.2)
    const answer = await answerTo(slash(anna, 'hello'))

    expect(discord.rates.refused.count).to.equal(5)
    expect(discord.said(german)[0]?.content).to.match(/^Anna: HELLO\n/)
    expect(answer.content).to.match(/^Anna: hello\n/)
  })

  it('the limits that Discord tells are kept: a flood of posts meets none of them', async () => {
    await open({ rate: { limit: 5, windowMs: 500 } })
    await bot.start()
    const commands = Array.from({ length: 30 }, (_, index) => slash(anna, `hello ${index}`))
    for (const command of commands) await answerTo(command)

    expect(discord.said(german)).to.have.length(30)
    expect(discord.rates.refused.count).to.be.lessThan(3)
  })

  it('an answer that is later than Discord waits goes into the channel, or to its asker in private', async () => {
    await open()
    await bot.start()
    const { closed, free } = gate()
    translate = (asked) => closed.then(() => ({ text: textOf(asked).toUpperCase() }))
    const [open_, secret] = [slash(anna, 'hello'), slash(anna, 'mine alone', 'fr')]
    await until('both to be acknowledged', () => open_.original && secret.original)
    for (const command of [open_, secret]) command.over = true
    free()
    const inChannel = await until('the late answer', () =>
      discord.said(general).find(({ id }) => id !== open_.original?.id),
    )
    const inPrivate = await until('the private one', () => discord.told(anna)[0])

    expect(inChannel.content).to.match(/^It took longer than Discord waits for an answer\. Anna: hello\n/)
    expect(inPrivate.content).to.match(/^It took longer than Discord waits for an answer\. MINE ALONE/)
    expect(discord.said(general).filter(({ content }) => content.includes('MINE ALONE'))).to.deep.equal([])
    // What was sent is closed once Discord has said so.
    await until('nothing to be open', () => work.open().length === 0)
  })

  it('whoever waits ten seconds is told that it goes on', async () => {
    await open()
    await bot.start()
    const { closed, free } = gate()
    translate = (asked) => closed.then(() => ({ text: textOf(asked).toUpperCase() }))
    const command = slash(anna, 'hello', 'fr')
    await until('a word', () => command.edits === 1)
    const meanwhile = command.original?.content
    free()
    const answer = await answerTo(command)

    expect(meanwhile).to.match(/^Still translating/)
    expect(answer.content).to.equal('HELLO')
  })

  it('a command that a killed bot left open is told so by the next one, and an old one is forgotten', async () => {
    await open()
    await bot.start()
    translate = () => new Promise(() => {})
    const command = slash(anna, 'hello')
    await until('it to be acknowledged', () => command.original)
    work.opened({ id: 'old', token: 'gone', made: Date.now() - 16 * 60_000 })
    const before = work.open().map(({ id }) => id)
    await bot.stop(1)
    settings.close()
    work.end()
    bot = boot()
    await bot.start()
    const answer = await answerTo(command)

    expect(before).to.have.members([command.id, 'old'])
    expect(answer.content).to.match(
      /^The bot was restarted meanwhile; please ask again\. Only what had been delivered/,
    )
    expect(work.open()).to.deep.equal([])
    expect(settings.channelOf(guild.id, 'de')).to.equal(german.id)
  })

  it('every failure becomes a sentence, and what the network says is not repeated', async () => {
    await open()
    await bot.start()
    const failures: [HeuristError | Error, RegExp][] = [
      [
        later('node.failed', 'secret 10.0.0.7 failed'),
        /^The network is busy, or its workers failed\. What failed is not charged/,
      ],
      [
        later('router.unreachable', 'secret'),
        /^The network cannot be reached\. What does not arrive is not charged/,
      ],
      [refused('credit.insufficient', 'x'), /^This bot's account has no credit left; its operator/],
      [
        refused('rate.user', 'You have had 6.', { fix: 'Ask again in 9 s.' }),
        /^You have had 6\. Ask again in 9 s\.$/,
      ],
      [refused('signature.invalid', 'secret'), /^This could not be translated, and it is our fault\./],
      [new Error('secret stack'), /^This could not be translated, and it is our fault\./],
    ]
    for (const [failure, said] of failures) {
      translate = () => Promise.reject(failure)
      const answer = await answerTo(slash(anna, 'hello'))

      expect(answer.content).to.match(said).and.to.not.contain('secret')
    }
  })

  it('a long translation is posted in parts that fit, the links in the last, and read back by a reply to any', async () => {
    await open()
    await bot.start()
    const long = 'The quick brown fox. '.repeat(200)
    const command = slash(anna, long.trim())
    const answer = await answerTo(command)
    await until('the rest of it', () => command.followUps.length === 2)
    const parts = discord.said(german)
    const before = discord.said(general).length
    discord.say(boss, german, 'Danke', { replyTo: parts[0]?.id ?? '' })
    const back = await until('the reply', () => discord.said(general)[before])

    expect(parts).to.have.length(3)
    expect(jumpsIn(parts.map(({ content }) => content).join('\n'))).to.have.length(1)
    expect(jumpsIn(parts.at(-1)?.content ?? '')).to.have.length(1)
    expect(answer.content.length).to.be.at.most(2_000)
    expect(back.content).to.match(/^Boss: DANKE\n/)
    expect(back.replyTo).to.equal(answer.id)
  })

  it('a language’s channel that closes to the bot: the translation is shown where it was asked for', async () => {
    await open()
    german.overwrites.push({ id: discord.bot.id, type: 1, allow: 0n, deny: PERMISSION.send })
    await bot.start()
    const before = await answerTo(slash(anna, 'hello'))
    german.overwrites.pop()
    const { closed, free } = gate()
    discord.gateway.dispatch('CHANNEL_UPDATE', channelOf(german))
    await until('the bot to know', () => true)
    translate = (asked) => closed.then(() => ({ text: textOf(asked).toUpperCase() }))
    const command = await until('a public command', async () => {
      const one = slash(anna, 'hello')
      await until('it to be acknowledged', () => one.original)
      return !one.secret && one
    })
    // Discord closes it before the bot hears of it.
    german.overwrites.push({ id: discord.bot.id, type: 1, allow: 0n, deny: PERMISSION.send })
    free()
    const answer = await answerTo(command)

    expect(before.content).to.equal('HELLO\n-# I may not write in #deutsch, so only you see this.')
    expect(answer.content).to.equal('HELLO\n-# I could not write in #deutsch.')
  })

  it('messages arrive in the order in which they were said, however long each takes', async () => {
    await open()
    await bot.start()
    settings.setChannel(guild.id, { language: 'en', channel: general.id })
    settings.setBridge(guild.id, german.id, general.id)
    translate = async (asked) => {
      await new Promise((resolve) => setTimeout(resolve, 40 * (8 - Number(textOf(asked).replace(/\D/g, '')))))
      return { text: textOf(asked) }
    }
    for (let index = 0; index < 8; index += 1) discord.say(anna, german, `nummer ${index}`)
    await until('all of them', () => discord.said(general).length === 8)

    expect(
      discord
        .said(general)
        .map(({ content }) => /nummer (\d)/.exec(content)?.[1])
        .join(''),
    ).to.equal('01234567')
  })

  it('a message that is deleted while it is translated is not carried', async () => {
    await open()
    await bot.start()
    settings.setChannel(guild.id, { language: 'en', channel: general.id })
    settings.setBridge(guild.id, german.id, general.id)
    const { closed, free } = gate()
    let asked = 0
    translate = async (what) => {
      asked += 1
      await closed
      return { text: textOf(what) }
    }
    const first = discord.say(anna, german, 'weg damit')
    discord.say(anna, german, 'bleibt hier')
    await until('both to be asked for', () => asked === 2)
    discord.remove(first)
    // Events come in their order: the bot has heard of that one too.
    await answerTo(discord.slash(boss, general, { name: 'babel revenue' }))
    free()
    const post = await until('the second one', () => discord.said(general)[0])

    expect(post.content).to.contain('bleibt hier')
    expect(discord.said(general)).to.have.length(1)
  })

  it('a flood that cannot be carried gets one sentence, not one each', async () => {
    await open()
    await bot.start()
    settings.setChannel(guild.id, { language: 'en', channel: general.id })
    settings.setBridge(guild.id, german.id, general.id)
    let refusals = 0
    translate = () => {
      refusals += 1
      return Promise.reject(refused('rate.guild', 'This server has had 60 translations within a minute.'))
    }
    for (let index = 0; index < 20; index += 1) discord.say(anna, german, `nummer ${index}`)
    await until('all to be refused', () => refusals === 20)
    const notice = await until('a notice', () => discord.said(german)[0])

    expect(notice.content).to.equal('Not carried on: This server has had 60 translations within a minute.')
    expect(discord.said(german)).to.have.length(1)
    expect(notice.replyTo).to.be.a('string')
  })

  it('only operators see the revenue', async () => {
    await open()
    await bot.start()
    const [mine, others] = [boss, anna].map((person) =>
      discord.slash(person, general, { name: 'babel revenue' }),
    )

    expect((await answerTo(mine as never)).content).to.equal('Frontend 7, paid to 0x1')
    expect((await answerTo(others as never)).content).to.match(/^Only this bot's operator/)
  })

  it('a server that puts the bot out is forgotten; one that is unavailable is not', async () => {
    await open()
    await bot.start()
    discord.gateway.dispatch('GUILD_DELETE', { id: guild.id, unavailable: true })
    await until('the server to be unavailable', () => bot.servers() === 1)
    const kept = settings.channelOf(guild.id, 'de')
    discord.leave(guild)
    await until('the server to be forgotten', () => settings.channelOf(guild.id, 'de') === undefined)

    expect(kept).to.equal(german.id)
  })

  it('a bot that does not ask for messages gets none, carries none, and says so', async () => {
    await open({ allowedIntents: INTENT.guilds }, { readMessages: false })
    await bot.start()
    const options = { from: german, to: general }
    const answer = await answerTo(discord.slash(boss, general, { name: 'babel set bridge', options }))

    expect(answer.content).to.match(/^This bot's operator runs it without reading messages/)
    expect((await answerTo(slash(anna, 'hello'))).content).to.match(/^Anna: hello/)
  })

  it('intents that Discord does not grant, and a token that it does not take, are refused with what to do', async () => {
    await open({ allowedIntents: INTENT.guilds })
    const error = await bot.start().catch((cause: unknown) => cause)
    await shut()
    bot = boot({ token: 'not.the.token' })
    const other = await bot.start().catch((cause: unknown) => cause)

    expect(error).to.include({ code: 'discord.intents_refused', kind: 'refused' })
    expect(other).to.include({ code: 'discord.token_refused', kind: 'refused' })
  })

  it('a connection that Discord closes for good is told to whoever runs the bot', async () => {
    await open()
    await bot.start()
    discord.gateway.drop(4004)
    await until('the bot to be lost', () => lost.length > 0)

    expect(lost[0]).to.include({ code: 'discord.token_refused' })
  })
})

const channelOf = ({ id, guild, name, overwrites }: Channel) => ({
  ...{ id, guild_id: guild, name, type: 0, position: 0, parent_id: null, flags: 0, nsfw: false },
  permission_overwrites: overwrites.map((one) => ({ ...one, allow: `${one.allow}`, deny: `${one.deny}` })),
})
