import { expect } from 'chai'
import { answerTo, jump, jumpsIn, openStage, type Stage, until } from './babel/stage.ts'
import { type Channel, type Guild, PERMISSION, type Person } from './babel/world.ts'

const manager = (guild: Guild) => {
  const role = { id: `${BigInt(guild.id) + 7n}`, name: 'Managers', permissions: PERMISSION.manageGuild }
  guild.roles.push(role)
  return [role.id]
}

/** Every row of what the bot promises, on a whole network: chain, router, worker with the translate pod, and the bot. */
describe('babel', function () {
  this.timeout(900_000)
  let stage: Stage
  let guild: Guild
  let english: Channel
  let german: Channel
  let french: Channel
  let general: Channel
  let anna: Person
  let boss: Person

  before(async () => {
    stage = await openStage()
    const { discord } = stage
    guild = discord.guild('Travellers')
    english = discord.channel(guild, 'english')
    german = discord.channel(guild, 'deutsch')
    french = discord.channel(guild, 'français')
    general = discord.channel(guild, 'general')
    anna = discord.person(guild, 'Anna')
    boss = discord.person(guild, 'Boss', { roles: manager(guild) })
    await stage.start()
  })
  after(() => stage?.close())
  afterEach(() => {
    expect(stage.discord.violations).to.deep.equal([])
    expect(stage.discord.written().filter(({ pings }) => pings.length > 0)).to.deep.equal([])
  })

  const set = (name: string, options: Record<string, string | boolean | Channel>) =>
    answerTo(stage.discord.slash(boss, general, { name: `babel ${name}`, options }))
  const translate = (person: Person, channel: Channel, language: string, text: string) =>
    stage.discord.slash(person, channel, { name: 'translate', options: { language, text } })

  it('a server without settings: the translation is for its asker alone', async () => {
    const command = translate(anna, general, 'de', 'Where is our red house?')
    const answer = await answerTo(command)

    expect(answer.content).to.match(/^Wo ist unser rotes Haus\?\n-# A small model/)
    expect(command.secret).to.equal(true)
  })

  it('/translate posts into the language’s channel as "name: text", with a jump link each way', async () => {
    await set('set channel', { language: 'de', channel: german })
    const command = translate(anna, general, 'de', 'Good morning.')
    const answer = await answerTo(command)
    const [post] = stage.discord.said(german)

    expect(command.secret).to.equal(false)
    expect(post?.content.split('\n')[0]).to.equal('Anna: Guten Morgen.')
    expect(jumpsIn(post?.content ?? '')).to.deep.equal([jump(answer)])
    expect(answer.content.split('\n')[0]).to.equal('Anna: Good morning.')
    expect(jumpsIn(answer.content)).to.deep.equal(post === undefined ? [] : [jump(post)])
  })
})
