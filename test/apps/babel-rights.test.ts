import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { type Bot, createBot } from '../../apps/babel/bot.ts'
import { modelSchema, SHIPPED } from '../../apps/babel/models.ts'
import { openSettings, type Settings } from '../../apps/babel/settings.ts'
import { openWork, type Post, type Work } from '../../apps/babel/work.ts'
import { openDiscord, type TestDiscord } from './babel/discord.ts'
import type { Typed } from './babel/interactions.ts'
import { answerTo, until } from './babel/stage.ts'
import {
  type Channel,
  freshId,
  type Guild,
  type Overwrite,
  PERMISSION,
  type Person,
  type Role,
} from './babel/world.ts'

/** Nobody reads through the bot, or learns by it, what Discord does not show them. Translations are the text in capitals. */
describe('babel and channels that not everyone sees', function () {
  this.timeout(120_000)
  let home: string
  let discord: TestDiscord
  let guild: Guild
  let general: Channel
  let german: Channel
  let french: Channel
  let vault: Channel
  let board: Role
  /** Anna is of the board and sees the vault; Bea is and manages, too; Boss manages and does not see it. */
  let anna: Person
  let bea: Person
  let boss: Person
  let bot: Bot
  let settings: Settings
  let work: Work

  const { view, send, history } = PERMISSION
  const forRole = ({ id }: { id: string }, allow: bigint, deny = 0n): Overwrite => ({
    id,
    type: 0,
    allow,
    deny,
  })

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'heurist-rights-'))
    discord = await openDiscord()
    guild = discord.guild('Travellers')
    const managers = { id: freshId(), name: 'Managers', permissions: PERMISSION.manageGuild }
    board = { id: freshId(), name: 'Board', permissions: 0n }
    guild.roles.push(managers, board)
    general = discord.channel(guild, 'general')
    german = discord.channel(guild, 'deutsch')
    french = discord.channel(guild, 'français')
    vault = discord.channel(guild, 'board-only', [
      forRole(guild, 0n, view),
      forRole(board, view),
      { id: discord.bot.id, type: 1, allow: view | send, deny: 0n },
    ])
    anna = discord.person(guild, 'Anna', { roles: [board.id] })
    bea = discord.person(guild, 'Bea', { roles: [board.id, managers.id] })
    boss = discord.person(guild, 'Boss', { roles: [managers.id] })
    settings = openSettings(home)
    work = openWork(home)
    bot = createBot({
      discord: { token: discord.token, url: discord.url, readMessages: true },
      ...{ settings, work, operators: [], models: [modelSchema.parse(SHIPPED)] },
      translator: {
        translate: async ({ parts }) => ({
          text: parts.map(({ kind, text }) => (kind === 'say' ? text.toUpperCase() : text)).join(''),
        }),
      },
      revenue: async () => '',
      onLost: () => {},
      log: pino({ level: 'silent' }),
    })
    await bot.start()
    settings.setChannel(guild.id, { language: 'de', channel: german.id })
    settings.setChannel(guild.id, { language: 'en', channel: vault.id })
  })
  afterEach(async () => {
    await bot.stop(5_000)
    settings.close()
    work.end()
    await discord.close()
    rmSync(home, { recursive: true, force: true })
    expect(discord.violations).to.deep.equal([])
  })

  const babel = async (
    person: Person,
    name: string,
    options: Typed['options'] = {},
    more: Partial<Typed> = {},
  ) => (await answerTo(discord.slash(person, general, { name: `babel ${name}`, options, ...more }))).content
  const translate = (person: Person, channel: Channel | undefined, language: string, text: string) =>
    answerTo(discord.slash(person, channel, { name: 'translate', options: { language, text, from: 'en' } }))
  /** In #general: 11 is one for all, 12 a private one. */
  function startThread(name: string, type: 11 | 12): Channel {
    const thread = { id: freshId(), guild: guild.id, name, overwrites: [] }
    const times = { auto_archive_duration: 60, archive_timestamp: '2026-01-01T00:00:00Z' }
    discord.gateway.dispatch('THREAD_CREATE', {
      ...{ ...channelOf(thread), type, parent_id: general.id, owner_id: anna.id },
      ...{ thread_metadata: { ...times, archived: false, locked: false }, message_count: 0, member_count: 1 },
    })
    return thread
  }
  const bridges = () => settings.bridges(guild.id)
  const first = (text: string | undefined) => (text ?? '').split('\n')[0]
  const UNSEEN = /^That is no text channel that both of us see\. Choose a text channel/

  it('who manages the server and does not see a channel cannot have it read out elsewhere', async () => {
    settings.unsetChannel(guild.id, 'en')
    const language = await babel(boss, 'set channel', { language: 'en', channel: vault })
    settings.setChannel(guild.id, { language: 'en', channel: vault.id })
    const bridge = await babel(boss, 'set bridge', { from: vault, to: german })
    discord.say(anna, vault, 'Where is our red house?')
    discord.say(anna, german, 'Wo ist das Haus?')
    settings.setChannel(guild.id, { language: 'fr', channel: french.id })
    const open = await babel(boss, 'set bridge', { from: german, to: french })
    discord.say(anna, german, 'Wo ist der Hut?')
    await until('what is open to be carried', () => discord.said(french)[0])

    expect(language).to.match(UNSEEN)
    expect(bridge).to.match(UNSEEN)
    expect(open).to.match(/^What is written in #deutsch is carried to #français/)
    expect(discord.said(german)).to.deep.equal([])
    expect(bridges()).to.deep.equal([{ source: german.id, target: french.id }])
  })

  it('nor have anything carried into it, or set its language', async () => {
    const answers = [
      await babel(boss, 'set bridge', { from: german, to: vault }),
      await babel(boss, 'set bridge', { from: german, to: vault, both: true }),
      await babel(boss, 'set channel', { language: 'fr', channel: vault }),
    ]

    for (const answer of answers) expect(answer).to.match(UNSEEN)
    expect(bridges()).to.deep.equal([])
    expect(settings.languageIn(guild.id, vault.id)).to.equal('en')
  })

  it('who sees it and manages the server can', async () => {
    const bridge = await babel(bea, 'set bridge', { from: vault, to: german })
    discord.say(anna, vault, 'Where is our red house?')
    const post = await until('a post', () => discord.said(german)[0])

    expect(bridge).to.equal('What is written in #board-only is carried to #deutsch, and replies come back.')
    expect(first(post.content)).to.equal('Anna posted in #board-only channel: WHERE IS OUR RED HOUSE?')
  })

  it('an administrator sees every channel', async () => {
    const roles = [{ id: freshId(), name: 'Admins', permissions: PERMISSION.administrator }]
    guild.roles.push(...roles)
    const root = discord.person(guild, 'Root', { roles: roles.map(({ id }) => id) })
    discord.gateway.dispatch('GUILD_ROLE_CREATE', { guild_id: guild.id, role: roleJson(roles[0] as Role) })

    expect(await babel(root, 'set bridge', { from: vault, to: german, both: true })).to.match(
      /^What is written/,
    )
    expect(await babel(root, 'show')).to.contain('- #deutsch is carried to #board-only')
  })

  const short: [
    title: string,
    at: () => Channel,
    deny: bigint,
    name: string,
    options: () => Typed['options'],
    needs: string,
  ][] = [
    [
      'a channel is read on only for who may read its history',
      () => german,
      history,
      'set bridge',
      () => ({ from: german, to: french }),
      'View Channel, Read Message History',
    ],
    [
      'a channel is written in only for who may write there',
      () => french,
      send,
      'set bridge',
      () => ({ from: german, to: french }),
      'View Channel, Send Messages',
    ],
    [
      'a bridge both ways needs all of it at both ends',
      () => german,
      send,
      'set bridge',
      () => ({ from: german, to: french, both: true }),
      'View Channel, Read Message History, Send Messages',
    ],
    [
      'a language gets a channel only from who may write there',
      () => french,
      send,
      'set channel',
      () => ({ language: 'de', channel: french }),
      'View Channel, Send Messages',
    ],
  ]
  for (const [title, at, deny, name, options, needs] of short) {
    it(title, async () => {
      settings.setChannel(guild.id, { language: 'fr', channel: french.id })
      const closed = forRole(guild, 0n, deny)
      const own: Overwrite = { id: discord.bot.id, type: 1, allow: deny, deny: 0n }
      at().overwrites.push(closed, own)
      discord.gateway.dispatch('CHANNEL_UPDATE', channelOf(at()))
      const before = [settings.places(guild.id), bridges()]
      const answer = await babel(boss, name, options())

      expect(answer).to.equal(
        `You lack a permission in #${at().name} that this needs. It is for who has ${needs} there.`,
      )
      expect([settings.places(guild.id), bridges()]).to.deep.equal(before)
    })
  }

  it('what Discord says with a command counts, not what the bot heard of the channel before', async () => {
    const [everyone] = vault.overwrites.splice(0, 1)
    const opened = await babel(boss, 'set bridge', { from: vault, to: german })
    vault.overwrites.unshift(everyone as Overwrite)
    german.overwrites.push(forRole(guild, 0n, view))
    const closed = await babel(boss, 'set bridge', { from: german, to: vault })

    expect(opened).to.match(/^What is written in #board-only/)
    expect(closed).to.match(UNSEEN)
  })

  it('where it says nothing, what the bot knows of the channel does', async () => {
    const closed = await babel(boss, 'set bridge', { from: vault, to: german }, { isBare: true })
    const open = await babel(bea, 'set bridge', { from: vault, to: german }, { isBare: true })

    expect(closed).to.match(UNSEEN)
    expect(open).to.match(/^What is written in #board-only/)
  })

  it('`show` names what its asker sees, tells of a bridge at one end of which they are, and counts the rest', async () => {
    const attic = discord.channel(guild, 'attic', [forRole(guild, 0n, view), forRole(board, view)])
    discord.gateway.dispatch('CHANNEL_CREATE', channelOf(attic))
    settings.setChannel(guild.id, { language: 'fr', channel: attic.id })
    settings.setBridge(guild.id, vault.id, german.id)
    settings.setBridge(guild.id, vault.id, attic.id)
    settings.setBridge(guild.id, german.id, attic.id)
    await until('the bot to know of it', async () => (await babel(bea, 'show')).includes('#attic'))
    const carried = 'is carried to'
    const linesOf = async (person: Person) =>
      (await babel(person, 'show')).split('\nModels')[0]?.split('\n').sort()

    expect(await linesOf(bea)).to.deep.equal(
      [
        'Channels',
        '- English: #board-only',
        '- French: #attic',
        '- German: #deutsch',
        `- #board-only ${carried} #attic`,
        `- #board-only ${carried} #deutsch`,
        `- #deutsch ${carried} #attic`,
      ].sort(),
    )
    expect(await linesOf(boss)).to.deep.equal(
      [
        'Channels',
        '- German: #deutsch',
        `- #deutsch ${carried} a channel that you cannot see`,
        `- a channel that you cannot see ${carried} #deutsch`,
        '- and 2 channels and 1 bridge that you cannot see',
      ].sort(),
    )
  })

  it('who sees one end of a bridge can take it away, and is not told the other', async () => {
    settings.setBridge(guild.id, vault.id, german.id)
    const answer = await babel(boss, 'unset bridge', { from: vault, to: german })
    const again = await babel(boss, 'unset bridge', { from: vault, to: german })

    expect(answer).to.equal('Nothing is carried from a channel that you cannot see to #deutsch any more.')
    expect(again).to.equal('There was no such bridge.')
    expect(bridges()).to.deep.equal([])
  })

  it('who sees neither end cannot, nor learn whether there is one', async () => {
    german.overwrites.push(forRole(guild, 0n, view))
    settings.setBridge(guild.id, vault.id, german.id)

    expect(await babel(boss, 'unset bridge', { from: vault, to: german })).to.match(UNSEEN)
    expect(await babel(boss, 'unset bridge', { from: german, to: vault })).to.match(UNSEEN)
    expect(bridges()).to.have.length(1)
  })

  it('a bridge is the server’s: it stays when who set it sees it no more, and `show` tells both ends', async () => {
    await babel(bea, 'set bridge', { from: vault, to: german })
    bea.roles = bea.roles.filter((role) => role !== board.id)
    discord.say(anna, vault, 'Where is the key?')
    const post = await until('a post', () => discord.said(german)[0])

    expect(first(post.content)).to.equal('Anna posted in #board-only channel: WHERE IS THE KEY?')
    expect(await babel(bea, 'show')).to.contain('- a channel that you cannot see is carried to #deutsch')
    expect(await babel(anna, 'show')).to.contain('- #board-only is carried to #deutsch')
  })

  it('a mention of a channel becomes its name only for who sees it', async () => {
    const text = `Look into <#${vault.id}> and <#${german.id}>.`
    settings.setChannel(guild.id, { language: 'fr', channel: french.id })
    settings.setBridge(guild.id, german.id, french.id)
    const message = discord.say(anna, german, `Schau in <#${vault.id}>.`)
    const [mine, theirs] = [
      await translate(anna, general, 'es', text),
      await translate(boss, general, 'es', text),
    ]
    const told = await translate(anna, general, 'fr', text)
    const menu = await answerTo(discord.menu(boss, german, message))
    const posts = await until('both posts', () => discord.said(french).length === 2 && discord.said(french))

    expect(first(mine.content)).to.equal('LOOK INTO #board-only AND #deutsch.')
    expect(first(theirs.content)).to.equal('LOOK INTO #channel AND #deutsch.')
    expect(first(told.content)).to.equal('Anna: Look into #channel and #deutsch.')
    expect(first(menu.content)).to.equal('SCHAU IN #channel.')
    expect(posts.map(({ content }) => first(content))).to.have.members([
      'Anna posted in #deutsch channel: SCHAU IN #channel.',
      'Anna: LOOK INTO #channel AND #deutsch.',
    ])
  })

  it('a private thread is named to nobody', async () => {
    const thread = startThread('secret', 12)
    const answer = await translate(boss, general, 'es', `Look into <#${thread.id}>.`)

    expect(first(answer.content)).to.equal('LOOK INTO #channel.')
  })

  it('a reply goes back into a thread only from who may write in threads', async () => {
    const { sendInThreads } = PERMISSION
    general.overwrites.push({ id: discord.bot.id, type: 1, allow: sendInThreads, deny: 0n })
    discord.gateway.dispatch('CHANNEL_UPDATE', channelOf(general))
    const thread = startThread('plans', 11)
    await translate(anna, general, 'de', 'Where is the key?')
    const post = discord.said(german)[0]?.id ?? ''
    work.posted({ ...(work.postOf(post) as Post), sourceChannel: thread.id })
    const reply = discord.say(boss, german, 'Hier.', { replyTo: post })
    const notice = await until('a notice', () =>
      discord.said(german).find(({ replyTo }) => replyTo === reply.id),
    )

    expect(notice.content).to.equal('Not carried on: You may not write in #plans, where the original is.')
  })

  it('nor is the channel of a language, or that of an original, named to who does not see it', async () => {
    const command = discord.slash(boss, general, {
      name: 'translate',
      options: { language: 'en', text: 'Wo ist der Hut?' },
    })
    const own = await answerTo(command)
    await translate(anna, vault, 'de', 'Where is our red house?')
    const post = discord.said(german)[0]
    const reply = discord.say(boss, german, 'Hier.', { replyTo: post?.id ?? '' })
    const notice = await until('a notice', () =>
      discord.said(german).find(({ replyTo }) => replyTo === reply.id),
    )

    expect(command.secret).to.equal(true)
    expect(own.content).to.contain('You may not write in the channel for English, so only you see this.')
    expect(first(post?.content)).to.equal('Anna: WHERE IS OUR RED HOUSE?')
    expect(notice.content).to.equal('Not carried on: You may not write where the original is.')
    expect(discord.said(vault).filter(({ replyTo }) => replyTo !== undefined)).to.deep.equal([])
  })

  it('a bridge into a channel that closed to the bot says so without its name', async () => {
    settings.setBridge(guild.id, german.id, vault.id)
    vault.overwrites.splice(2, 1)
    discord.gateway.dispatch('CHANNEL_UPDATE', channelOf(vault))
    discord.say(anna, german, 'Wo ist das Haus?')
    const notice = await until('a notice', () => discord.said(german)[0])

    expect(notice.content).to.match(
      /^Not carried on: I may not write in the channel that this goes to\. Whoever manages/,
    )
  })
})

const roleJson = ({ id, name, permissions }: Role) => ({
  ...{ id, name, color: 0, hoist: false, position: 1, managed: false, mentionable: false, flags: 0 },
  ...{
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    permissions: `${permissions}`,
  },
})

const channelOf = ({ id, guild, name, overwrites }: Channel) => ({
  ...{ id, guild_id: guild, name, type: 0, position: 0, parent_id: null, flags: 0, nsfw: false },
  permission_overwrites: overwrites.map((one) => ({ ...one, allow: `${one.allow}`, deny: `${one.deny}` })),
})
