import { expect } from 'chai'
import { answerTo, jump, jumpsIn, openStage, type Stage, until } from './babel/stage.ts'
import { type Channel, freshId, type Guild, PERMISSION, type Person } from './babel/world.ts'

/** Every row of what the bot promises, on a whole network: chain, router, worker with the translate pod, and the bot. */
describe('babel', function () {
  this.timeout(900_000)
  let stage: Stage
  let guild: Guild
  let english: Channel
  let german: Channel
  let french: Channel
  let general: Channel
  let staff: Channel
  let anna: Person
  let boss: Person

  before(async () => {
    // Korean goes to the chat pod, which says that it does not know.
    const models = [
      {
        kind: 'translate',
        pod: 'translate',
        from: ['en', 'de', 'fr'],
        to: ['en', 'de', 'fr'],
        note: 'A small model.',
      },
      { kind: 'translate', pod: 'translate', from: ['en'], to: ['vi'] },
      { kind: 'chat', pod: 'chat', from: ['en'], to: ['ko'] },
    ]
    stage = await openStage({ models })
    const { discord } = stage
    guild = discord.guild('Travellers')
    const managers = { id: freshId(), name: 'Managers', permissions: PERMISSION.manageGuild }
    guild.roles.push(managers)
    english = discord.channel(guild, 'english')
    german = discord.channel(guild, 'deutsch')
    french = discord.channel(guild, 'français')
    general = discord.channel(guild, 'general')
    const closed = { id: guild.id, type: 0 as const, allow: 0n, deny: PERMISSION.send }
    const mine = { id: discord.bot.id, type: 1 as const, allow: PERMISSION.send, deny: 0n }
    const theirs = { id: managers.id, type: 0 as const, allow: PERMISSION.send, deny: 0n }
    staff = discord.channel(guild, 'staff', [closed, mine, theirs])
    anna = discord.person(guild, 'Anna')
    boss = discord.person(guild, 'Boss', { roles: [managers.id] })
    await stage.start()
  })
  after(() => stage?.close())
  afterEach(() => {
    expect(stage.discord.violations).to.deep.equal([])
    expect(
      stage.discord.written().filter(({ pings, naked }) => pings.length + naked.length > 0),
    ).to.deep.equal([])
  })

  type Options = Record<string, string | boolean | Channel>
  const babel = (person: Person, name: string, options: Options = {}) =>
    answerTo(stage.discord.slash(person, general, { name: `babel ${name}`, options }))
  const translate = (person: Person, channel: Channel, language: string, text: string, from?: string) =>
    stage.discord.slash(person, channel, {
      name: 'translate',
      options: { language, text, ...(from === undefined ? {} : { from }) },
    })
  const last = (channel: Channel) => stage.discord.said(channel).at(-1)
  const next = (channel: Channel, before: number) =>
    until('a post', () => stage.discord.said(channel)[before])
  const first = (text: string | undefined) => (text ?? '').split('\n')[0]

  it('registers /translate with the languages of the original bot, the menu, and /babel', () => {
    const [slash, menu, own] = stage.discord.registered as { name: string; type: number; options?: never[] }[]
    const [languages] = (slash?.options ?? []) as unknown as { choices: { name: string }[] }[]

    expect([slash?.name, menu?.name, own?.name]).to.deep.equal(['translate', 'Translate', 'babel'])
    expect(languages?.choices.map(({ name }) => name)).to.include.members(
      'Korean Chinese Hindi Japanese French Vietnamese Spanish'.split(' '),
    )
  })

  it('a server without settings: the translation is for its asker alone, with what the model is', async () => {
    const command = translate(anna, general, 'de', 'Where is our red house?')
    const answer = await answerTo(command)

    expect(answer.content).to.equal('Wo ist unser rotes Haus?\n-# A small model.')
    expect(command.secret).to.equal(true)
  })

  it('settings are for those who manage the server, and say so', async () => {
    const refused = await babel(anna, 'set channel', { language: 'de', channel: german })
    const shown = await babel(anna, 'show')

    expect(refused.content).to.match(/^Only who may manage this server/)
    expect(shown.content).to.contain('no channel has a language yet')
    expect((await babel(boss, 'set channel', { language: 'de', channel: german })).content).to.contain(
      '#deutsch',
    )
    expect((await babel(anna, 'show')).content).to.contain('- German: #deutsch')
  })

  it('a channel where the bot may not write is refused, with what it needs', async () => {
    const overwrite = { id: stage.discord.bot.id, type: 1 as const, allow: 0n, deny: PERMISSION.view }
    french.overwrites.push(overwrite)
    stage.discord.gateway.dispatch('CHANNEL_UPDATE', channelOf(french))

    const answer = await babel(boss, 'set channel', { language: 'fr', channel: french })

    expect(answer.content).to.match(/I may not see #français or not write there\. Give me View Channel/)
    french.overwrites.pop()
    stage.discord.gateway.dispatch('CHANNEL_UPDATE', channelOf(french))
  })

  it('/translate posts into the language’s channel as "name: text", with a jump link each way', async () => {
    const command = translate(anna, general, 'de', 'Good morning.')
    const answer = await answerTo(command)
    const post = last(german)

    expect(command.secret).to.equal(false)
    expect(first(post?.content)).to.equal('Anna: Guten Morgen.')
    expect(jumpsIn(post?.content ?? '')).to.deep.equal([jump(answer)])
    expect(first(answer.content)).to.equal('Anna: Good morning.')
    expect(jumpsIn(answer.content)).to.deep.equal(post === undefined ? [] : [jump(post)])
  })

  it('a reply to what was posted goes back, translated, to the original', async () => {
    const post = last(german)
    const source =
      jumpsIn(post?.content ?? '')[0]
        ?.split('/')
        .at(-1) ?? ''
    const before = stage.discord.said(general).length
    const reply = stage.discord.say(boss, german, 'Vielen Dank.', { replyTo: post?.id ?? '' })
    const back = await next(general, before)

    expect(first(back.content)).to.equal('Boss: Thank you very much.')
    expect(jumpsIn(back.content)).to.deep.equal([jump(reply)])
    expect(back.replyTo).to.equal(source)
  })

  it('a reply to the reply comes back again', async () => {
    const before = stage.discord.said(german).length
    const back = last(general)
    const reply = stage.discord.say(anna, general, 'You are welcome.', { replyTo: back?.id ?? '' })
    const post = await next(german, before)

    expect(first(post.content)).to.equal('Anna: Gern geschehen.')
    expect(jumpsIn(post.content)).to.deep.equal([jump(reply)])
  })

  it('a bridge needs two channels with a language', async () => {
    const answer = await babel(boss, 'set bridge', { from: german, to: english })

    expect(answer.content).to.match(/^Both channels of a bridge need a language first\./)
  })

  it('monitored channels go to one channel as "name posted in #channel channel: text", with a jump link', async () => {
    await babel(boss, 'set channel', { language: 'en', channel: english })
    await babel(boss, 'set channel', { language: 'fr', channel: french })
    for (const from of [german, french]) await babel(boss, 'set bridge', { from, to: english })
    const before = stage.discord.said(english).length
    const one = stage.discord.say(anna, german, 'Ich habe Hunger.')
    const fromGerman = await next(english, before)
    const two = stage.discord.say(anna, french, "J'ai faim.")
    const fromFrench = await next(english, before + 1)

    expect(first(fromGerman.content)).to.equal('Anna posted in #deutsch channel: I am hungry.')
    expect(first(fromFrench.content)).to.equal('Anna posted in #français channel: I am hungry.')
    expect(jumpsIn(fromGerman.content)).to.deep.equal([jump(one)])
    expect(jumpsIn(fromFrench.content)).to.deep.equal([jump(two)])
  })

  it('and a reply there goes back to its channel, in its language', async () => {
    const post = last(english)
    const before = stage.discord.said(french).length
    stage.discord.say(boss, english, 'Enjoy your meal!', { replyTo: post?.id ?? '' })
    const back = await next(french, before)

    expect(first(back.content)).to.equal('Boss: Bon appétit !')
  })

  it('bots are not carried, nor is the bot itself: nothing echoes', async () => {
    const counts = () => [english, german, french].map((channel) => stage.discord.said(channel).length)
    const robot = stage.discord.person(guild, 'Robot')
    const before = counts()
    stage.discord.say(robot, german, 'Guten Morgen.', { isBot: true })
    // What is carried after it shows that the first one was left out.
    stage.discord.say(anna, german, 'Gute Nacht.')
    const post = await next(english, before[0] ?? 0)

    expect(first(post.content)).to.equal('Anna posted in #deutsch channel: Good night.')
    expect(counts()).to.deep.equal([(before[0] ?? 0) + 1, before[1], before[2]])
  })

  it('what is in the target’s language already is carried unchanged, and costs nothing', async () => {
    const [before, charged] = [stage.discord.said(english).length, await stage.charged()]
    stage.discord.say(anna, german, 'This is the English of my notes')
    const post = await next(english, before)

    expect(first(post.content)).to.equal('Anna posted in #deutsch channel: This is the English of my notes')
    expect(await stage.charged()).to.equal(charged)
  })

  it('a message that is deleted takes its translation with it', async () => {
    const before = stage.discord.said(english).length
    const said = stage.discord.say(anna, german, 'Bis morgen.')
    const post = await next(english, before)
    stage.discord.remove(said)

    await until('the translation to go', () => !stage.discord.said(english).includes(post))
  })

  it('a reply goes only where its author may write', async () => {
    await babel(boss, 'set channel', { language: 'en', channel: staff })
    await babel(boss, 'set bridge', { from: staff, to: german })
    const before = stage.discord.said(german).length
    // Whoever may write there is carried out of it.
    const post = await (async () => {
      stage.discord.say(boss, staff, 'See you soon.')
      return next(german, before)
    })()
    const reply = stage.discord.say(anna, german, 'Viel Glück!', { replyTo: post.id })
    const notice = await until('a notice', () =>
      stage.discord.said(german).find(({ replyTo }) => replyTo === reply.id),
    )

    expect(first(post.content)).to.equal('Boss posted in #staff channel: Bis bald.')
    expect(notice.content).to.match(/^Not carried on: You may not write in #staff/)
    expect(stage.discord.said(staff)).to.have.length(0)
    await babel(boss, 'set channel', { language: 'en', channel: english })
    expect((await babel(boss, 'show')).content).to.not.contain('#staff')
  })

  it('/translate into a channel where its asker may not write is for the asker alone', async () => {
    await babel(boss, 'set channel', { language: 'de', channel: staff })
    const command = translate(anna, general, 'de', 'Happy birthday!')
    const answer = await answerTo(command)

    expect(command.secret).to.equal(true)
    expect(answer.content).to.match(/^Alles Gute zum Geburtstag!\n/)
    expect(answer.content).to.contain('You may not write in #staff, so only you see this.')
    await babel(boss, 'set channel', { language: 'de', channel: german })
  })

  it('the menu of a message translates it into its reader’s language, with a jump link, for the reader alone', async () => {
    const message = stage.discord.say(boss, general, 'Where is the key?')
    const jean = stage.discord.person(guild, 'Jean', { locale: 'fr' })
    const command = stage.discord.menu(jean, general, message)
    const answer = await answerTo(command)

    expect(first(answer.content)).to.equal('Où est la clé ?')
    expect(jumpsIn(answer.content)).to.deep.equal([jump(message)])
    expect(command.secret).to.equal(true)
  })

  it('a person’s own language wins over that of the client', async () => {
    const message = stage.discord.say(boss, general, 'Where is the key?')
    await babel(anna, 'language', { language: 'de' })
    const answer = await answerTo(stage.discord.menu(anna, general, message))

    expect(first(answer.content)).to.equal('Wo ist der Schlüssel?')
  })

  it('in a private channel it translates, and has no settings', async () => {
    const options = { language: 'de', text: 'Good luck!' }
    const command = stage.discord.slash(anna, undefined, { name: 'translate', options, direct: true })
    const setting = stage.discord.slash(boss, undefined, {
      name: 'babel unset channel',
      options: { language: 'de' },
    })

    expect(first((await answerTo(command)).content)).to.equal('Viel Glück!')
    expect((await answerTo(setting)).content).to.match(/^This is a setting of a server/)
  })

  const unknown: [title: string, language: string, said: RegExp][] = [
    [
      'a pair that no model knows',
      'ja',
      /^No model of this bot translates from English to Japanese\. A multilingual/,
    ],
    [
      'a pair that the pod itself refuses',
      'vi',
      /^No model of this bot translates from English to Vietnamese\. A mul/,
    ],
    [
      'a model that says it does not know',
      'ko',
      /^The model chat says that it cannot translate this\. A multilingual/,
    ],
  ]
  for (const [title, language, said] of unknown) {
    it(`${title}: a sentence, and which kind of model does it well`, async () => {
      const answer = await answerTo(
        translate(anna, general, language, 'My elephant is tired of the weather.'),
      )

      expect(answer.content).to.match(said)
      expect(answer.content).to.match(/NLLB-200 or M2M100.+chat model of 7 billion/)
    })
  }

  it('a text that is in the language already, or says nothing, is told so and costs nothing', async () => {
    const charged = await stage.charged()
    const same = await answerTo(translate(anna, general, 'de', 'Wo ist das Haus?'))
    const empty = await answerTo(translate(anna, general, 'de', '🎉 https://example.com 123'))

    expect(same.content).to.match(/^It is in German already\./)
    expect(empty.content).to.match(/^There is nothing to translate in it/)
    expect(await stage.charged()).to.equal(charged)
  })

  it('sentences are translated one by one; mentions become names, addresses a sign, code and spoilers stay', async () => {
    const text = `Hello <@${anna.id}>. Where is the key? \`rm -rf <@1>\` ||The bill, please.|| https://evil.example/x\n\`\`\`js\nconst everyone = '@everyone'\n\`\`\``
    await babel(boss, 'unset channel', { language: 'fr' })
    const answer = await answerTo(translate(anna, general, 'fr', text, 'en'))

    expect(answer.content).to.contain('Où est la clé ?')
    expect(answer.content).to.contain("||L'addition, s'il vous plaît.||")
    expect(answer.content).to.match(/ Anna/)
    expect(answer.content).to.contain("```js\nconst everyone = '@\u200beveryone'\n```")
    expect(answer.content).to.contain('`rm -rf <\u200b@1>`')
    expect(answer.content).to.contain('🔗').and.to.not.contain('evil')
  })

  it('a text with too many sentences is refused, and costs nothing', async () => {
    const charged = await stage.charged()
    const answer = await answerTo(translate(anna, general, 'de', 'Good night. '.repeat(60)))

    expect(answer.content).to.match(/^It has 60 sentences; 24 are translated at once\. Send it in parts\./)
    expect(await stage.charged()).to.equal(charged)
  })

  it('a worker that hangs: an edited reply says so within its patience, and nothing is charged', async () => {
    const charged = await stage.charged()
    stage.way.delay = () => undefined
    const answer = await answerTo(translate(anna, general, 'fr', 'My sister sells the car.'))
    stage.way.delay = () => 0

    expect(answer.content).to.match(/^The network cannot be reached\. What does not arrive is not charged/)
    expect(await stage.charged()).to.equal(charged)
  })

  it('a router that is down: a sentence, nothing charged; settings still work, and calls again once it is back', async () => {
    const charged = await stage.charged()
    stage.way.isOpen = false
    const answer = await answerTo(translate(anna, general, 'fr', 'The queen sells my hat.'))
    const shown = await babel(anna, 'show')
    stage.way.isOpen = true

    expect(answer.content).to.match(/^The network cannot be reached\. What does not arrive is not charged/)
    expect(shown.content).to.contain('#deutsch')
    expect(await stage.charged()).to.equal(charged)
    expect(first((await answerTo(translate(anna, general, 'fr', 'See you tomorrow.'))).content)).to.equal(
      'À demain.',
    )
  })

  it('what it earned is the operator’s to see', async () => {
    expect((await babel(anna, 'revenue')).content).to.match(/^Only this bot's operator/)
  })

  it('GET / says what the chain and the router know', async () => {
    const answer = await fetch(stage.statusUrl())
    const body = (await answer.json()) as Record<string, string | number>
    const dollars = (text: unknown) => BigInt(String(text).replace('.', ''))

    expect(answer.status).to.equal(200)
    expect(body).to.include({ app: 'babel', servers: 1, frontend: stage.frontend, payout: stage.payout })
    expect(dollars(body.charged)).to.equal(await stage.charged())
    // The two calls whose end nobody knew count with the most that they could cost.
    expect(dollars(body.spentToday) > (await stage.charged())).to.equal(true)
    expect(dollars(body.claimable) <= (await stage.claimable())).to.equal(true)
  })

  it('a chain that is down: an answer that was paid or a sentence and no charge, and all is well once it is back', async () => {
    const charged = await stage.charged()
    const status = async () => (await fetch(stage.statusUrl())).status
    let content = ''
    await stage.market.restartChain(async () => {
      await until('the chain to be gone', async () => (await status()) === 503)
      content = (await answerTo(translate(anna, general, 'fr', 'The man finds the key.'))).content
    })
    await until('the chain to be back', async () => (await status()) === 200)
    const paid = (await stage.charged()) > charged

    if (paid) expect(first(content)).to.equal("L'homme trouve la clé.")
    else expect(content).to.match(/^The network (is busy|cannot be reached).+ charged/)
    expect(first((await answerTo(translate(anna, general, 'fr', 'I am lost.'))).content)).to.equal(
      'Je suis perdu.',
    )
  })

  it('the bot that is put out of a server keeps nothing of it', async () => {
    stage.discord.leave(guild)
    const body = await until('the bot to notice', async () => {
      const answer = (await (await fetch(stage.statusUrl())).json()) as { servers: number }
      return answer.servers === 0 && answer
    })

    expect(body.servers).to.equal(0)
  })
})

const channelOf = ({ id, guild, name, overwrites }: Channel) => ({
  ...{ id, guild_id: guild, name, type: 0, position: 0, parent_id: null, flags: 0, nsfw: false },
  permission_overwrites: overwrites.map((one) => ({ ...one, allow: `${one.allow}`, deny: `${one.deny}` })),
})
