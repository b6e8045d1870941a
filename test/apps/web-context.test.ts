import { expect } from 'chai'
import { askedOf } from '../../apps/web/src/network/models.ts'
import {
  cutBefore,
  decided,
  newChat,
  withCost,
  withModel,
  withQuestion,
} from '../../apps/web/src/pondera/acts.ts'
import { byDay, type Chat, type Message, titleOf } from '../../apps/web/src/pondera/chat.ts'
import { packContext } from '../../apps/web/src/pondera/context.ts'
import { CUT } from '../../apps/web/src/pondera/documents/price.ts'
import { inCalls, nearest, piecesOf } from '../../apps/web/src/pondera/documents/split.ts'
import { somePrompts } from '../../apps/web/src/pondera/prompts.ts'
import { partThinking } from '../../apps/web/src/pondera/thinking.ts'

const user = (text: string): Message => ({ id: text, role: 'user', text, at: 0 })
const said = (text: string, part: Partial<Message> = {}): Message => ({
  id: text,
  role: 'assistant',
  text,
  at: 0,
  state: 'done',
  ...part,
})
const plain = { system: '', thinking: false }
const wide = { bytes: 100_000 }

describe('what a model is sent', () => {
  it('is the system prompt and the last eight messages', () => {
    const messages = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? user(`q${index}`) : said(`a${index}`),
    ).slice(0, 19)

    const turns = packContext(messages, { system: ' Be brief. ', thinking: false }, wide)

    expect(turns[0]).to.deep.equal({ role: 'system', content: 'Be brief.' })
    // Eight messages are a11 to q18; a conversation never begins with an answer.
    expect(turns.slice(1).map(({ content }) => content)).to.deep.equal([
      'q12',
      'a13',
      'q14',
      'a15',
      'q16',
      'a17',
      'q18',
    ])
  })

  it('leaves out notes, failures, empty answers and what was thought aloud', () => {
    const messages = [
      user('one'),
      said('<think>hm</think>two'),
      { id: 'n', role: 'note', text: 'chat → other', at: 0 } as const,
      said('broken', { state: 'failed' }),
      said(''),
      user('three'),
    ]

    expect(packContext(messages, plain, wide)).to.deep.equal([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
      { role: 'user', content: 'three' },
    ])
  })

  it('becomes shorter from its beginning until it fits; the question always goes', () => {
    const long = 'x'.repeat(400)
    const messages = [user(long), said(long), user(long), said(long), user('last')]

    const turns = packContext(messages, plain, { bytes: 1_000 })

    expect(turns.map(({ role }) => role)).to.deep.equal(['user', 'assistant', 'user'])
    expect(JSON.stringify(turns).length).to.be.at.most(1_000)
    expect(packContext(messages, plain, { bytes: 1 })).to.deep.equal([{ role: 'user', content: 'last' }])
  })

  it('is answered at 0.75 in at most 2,048 tokens, where model and reader say nothing else', () => {
    const asked = (outputUnits: number, defaults: object, temperature?: number) => {
      const terms = { limits: { inputBytes: 1, inputUnits: 1, outputUnits, outputBytes: 1, seconds: 1 } }
      const { temperature: warmth, max_tokens: most } = askedOf(
        { ...terms, defaults: { ...defaults } },
        [],
        temperature,
      )
      return [warmth, most]
    }

    expect(asked(9_000, {})).to.deep.equal([0.75, 2_048])
    expect(asked(256, { temperature: 0 })).to.deep.equal([0, 256])
    expect(asked(256, { temperature: 0 }, 1.5)).to.deep.equal([1.5, 256])
  })

  it('asks a model to think first only if it should, after the system prompt', () => {
    const [first] = packContext([user('q')], { system: 'A.', thinking: true }, wide)

    expect(first?.content).to.match(/^A\.\n\n.*<thinking>/s)
    expect(packContext([user('q')], { system: 'A.', thinking: false }, wide)[0]?.content).to.equal('A.')
  })

  it('a question about documents carries its excerpts and where they are from', () => {
    const excerpts = [{ document: 'a.txt', text: 'Pods are served.', score: 0.5 }]
    const [turn] = packContext([{ ...user('What?'), excerpts }], plain, wide)

    expect(turn?.content)
      .to.include('[1] a.txt: Pods are served.')
      .and.to.match(/Question: What\?$/)
  })
})

describe('what a model thinks aloud', () => {
  it('is parted from its answer, in both ways of writing it, and while it lasts', () => {
    expect(partThinking('<think>a\nb</think>\n\nc')).to.deep.equal({
      thinking: 'a\nb',
      answer: 'c',
      open: false,
    })
    expect(partThinking('<thinking>a</thinking><answer>c</answer>')).to.deep.equal({
      thinking: 'a',
      answer: 'c',
      open: false,
    })
    expect(partThinking('<think>a')).to.deep.equal({ thinking: 'a', answer: '', open: true })
    expect(partThinking('no <think> here')).to.deep.equal({
      thinking: '',
      answer: 'no <think> here',
      open: false,
    })
  })
})

describe('a chat', () => {
  const chat: Chat = newChat('chat', 1, 'id')

  it('is called by the first five words of its first question', () => {
    const asked = withQuestion(chat, { id: 'a', text: 'What is\n a pod, and who serves it?', at: 2 })

    expect(asked.title).to.equal('What is a pod, and')
    expect(withQuestion(asked, { id: 'b', text: 'Another', at: 3 }).title).to.equal('What is a pod, and')
    expect(titleOf('   ')).to.equal('New chat')
    expect(titleOf('x'.repeat(500)).length).to.be.at.most(48)
  })

  it('an edited question takes everything after it along', () => {
    const full = { ...chat, messages: [user('a'), said('b'), user('c'), said('d')] }

    expect(cutBefore(full, 'c').messages.map(({ id }) => id)).to.deep.equal(['a', 'b'])
    expect(cutBefore(full, 'nothing')).to.equal(full)
  })

  it('whose earlier question is edited while a later edit is undecided loses no question and mixes no branches', () => {
    const open = (text: string) => {
      const { price: _, ...message } = said(text, { request: '0x1', state: 'failed' })
      return { ...message, at: 3 }
    }
    const full = { ...chat, title: 'u1', messages: [user('u1'), said('a1'), user('u2'), said('a2')] }
    const edit = (now: Chat, instead: string, text: string) =>
      withQuestion(cutBefore(now, instead), { id: text, text, at: 3 })
    const answered = (now: Chat, message: Message): Chat =>
      decided({ ...now, messages: [...now.messages, message] })
    const undecided = answered(edit(full, 'u2', 'u2x'), open('a3'))
    const again = edit(undecided, 'u1', 'u1x')

    expect(undecided.former?.messages.map(({ id }) => id)).to.deep.equal(['u2', 'a2'])
    expect(again.former).to.deep.equal({ title: 'u1', at: 0, messages: full.messages })
    expect(again.undecided?.map(({ id }) => id)).to.deep.equal(['a3'])
    const ids = ({ messages }: Chat) => messages.map(({ id }) => id)
    const whole = answered(again, { ...said('a4'), at: 4 })
    expect([ids(whole), whole.title, whole.former]).to.deep.equal([['u1x', 'a4'], 'u1x', undefined])
    const failed = answered(again, { ...said('a4', { state: 'failed' }), text: '', at: 4 })
    expect([ids(failed), failed.title]).to.deep.equal([['u1', 'a1', 'u2', 'a2'], 'u1'])
    // What the later edit cost takes its place by its time, once it is known; one that was free is not there.
    expect(ids(withCost(failed, '0x1', 70n))).to.deep.equal(['u1', 'a1', 'u2', 'a2', 'a3'])
    expect(ids(withCost(failed, '0x1', 0n))).to.deep.equal(['u1', 'a1', 'u2', 'a2'])
  })

  it('that is asked on from an edit whose own call is undecided keeps what that replaces until it is known', () => {
    const { price: _, ...cut } = { ...said('half an answer', { request: '0x1', state: 'cut' }), at: 3 }
    const full = { ...chat, title: 'u1', messages: [user('u1'), said('a1'), user('u2'), said('a2')] }
    const asked = (now: Chat, text: string, at: number) => withQuestion(now, { id: text, text, at })
    const answered = (now: Chat, message: Message): Chat =>
      decided({ ...now, messages: [...now.messages, message] })
    const ids = ({ messages }: Chat) => messages.map(({ id }) => id)
    const edited = answered(asked(cutBefore(full, 'u2'), 'u2x', 3), cut)

    for (const last of [
      { ...said('a3'), at: 5 },
      { ...said('a3', { state: 'failed' }), text: '', at: 5 },
    ]) {
      const on = answered(asked(edited, 'u3', 4), last)
      expect(ids(on)).to.deep.equal(['u1', 'a1', 'u2x', 'half an answer', 'u3', 'a3'])
      expect(on.former?.messages.map(({ id }) => id)).to.deep.equal(['u2', 'a2'])

      const free = withCost(on, '0x1', 0n)
      expect(ids(free)).to.deep.equal(['u1', 'a1', 'u2', 'a2', 'u3', 'a3'])
      expect([free.former, free.refused, free.undecided]).to.deep.equal([undefined, undefined, undefined])
      const paid = withCost(on, '0x1', 70n)
      expect([ids(paid), paid.former]).to.deep.equal([ids(on), undefined])
    }
    // It is known while the next answer is being written.
    const writing = answered(asked(edited, 'u3', 4), { ...said('a3', { state: 'writing' }), at: 5 })
    expect(ids(withCost(writing, '0x1', 0n))).to.deep.equal(['u1', 'a1', 'u2', 'a2', 'u3', 'a3'])
  })

  it('notes that another model goes on, once there is something to go on with', () => {
    expect(withModel(chat, 'other', 5, 'n').messages).to.deep.equal([])
    const full = { ...chat, messages: [user('a')] }

    expect(withModel(full, 'other', 5, 'n').messages.at(-1)).to.deep.equal({
      id: 'n',
      role: 'note',
      at: 5,
      text: 'chat → other',
    })
    expect(withModel(full, 'chat', 5, 'n')).to.equal(full)
  })

  it('is listed under its day, the newest first', () => {
    const now = new Date(2026, 10, 26, 12).getTime()
    const at = (id: string, ...date: [number, number, number]) => ({
      ...chat,
      id,
      updatedAt: new Date(...date, 9).getTime(),
    })
    const groups = byDay(
      [at('old', 2025, 0, 3), at('y', 2026, 10, 25), at('t', 2026, 10, 26), at('w', 2026, 10, 20)],
      now,
    )

    expect(groups.map(({ day }) => day)).to.deep.equal([
      'Today',
      'Yesterday',
      'November 20',
      'January 3, 2025',
    ])
  })

  it('begins with three different prompts of eleven', () => {
    const drawn = somePrompts(3, () => 0.999)

    expect(new Set(drawn).size).to.equal(3)
    expect(new Set(somePrompts(99, () => 0)).size).to.equal(11)
  })
})

describe('a document', () => {
  it('is cut into pieces that end with words and share what they should', () => {
    const text = Array.from({ length: 400 }, (_, index) => `word${index}`).join(' ')
    const pieces = piecesOf(text, CUT)

    expect(CUT).to.deep.equal({ size: 1_000, overlap: 200 })

    expect(pieces.every((piece) => piece.length <= 1_000 && /^\S.*\d$/.test(piece))).to.equal(true)
    for (let index = 1; index < pieces.length; index += 1) {
      // The last full word of a piece stands in the next one too.
      expect(pieces[index]).to.include(pieces[index - 1]?.split(' ').at(-1))
    }
    expect(new Set(pieces.join(' ').split(' ')).size).to.be.at.least(400)
  })

  it('of one endless word is cut all the same, and nothing makes no piece', () => {
    expect(
      piecesOf('x'.repeat(2_500), { size: 1_000, overlap: 200 }).map(({ length }) => length),
    ).to.deep.equal([1_000, 1_000, 900])
    expect(piecesOf(' \n\t ', { size: 10, overlap: 2 })).to.deep.equal([])
  })

  it('of a million characters without a line or a word is cut while one waits', function () {
    // What is quadratic in these takes minutes; this takes a fraction of a second.
    this.timeout(30_000)
    const many = 1_000_000

    expect(piecesOf('\u00a0'.repeat(many), { size: 1_000, overlap: 200 })).to.deep.equal([])
    expect(piecesOf(`a${'\r'.repeat(many)}b`, { size: 1_000, overlap: 200 })).to.deep.equal(['a\nb'])
    expect(piecesOf(`a${'\u00a0'.repeat(many)}b`, { size: 1_000, overlap: 200 }).length).to.be.at.least(2)
    expect(piecesOf('x'.repeat(many), { size: 1_000, overlap: 200 })).to.have.length(1_250)
  })

  it('keeps its lines, whatever they end with, and no blank ones', () => {
    expect(piecesOf(' a \t b\r\n\r\n \u00a0c\rd \n', { size: 100, overlap: 0 })).to.deep.equal(['a b\nc\nd'])
  })

  it('is asked by its nearest pieces: at most seven, none below 0.15', () => {
    const items = [0.1, 0.14, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8].map((score) => ({
      vector: [score, 0],
    }))
    const found = nearest([1, 0], items, { most: 7, least: 0.15 })

    expect(found.map(({ score }) => score)).to.deep.equal([0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    expect(nearest([1, 0], items.slice(0, 3), { most: 7, least: 0.15 })).to.have.length(1)
  })

  it('goes to the embed pod in calls of what the pod reads at once', () => {
    const calls = inCalls(['aaaa', 'bbbb', 'cccc', 'd'.repeat(99)], 14)

    expect(calls).to.deep.equal([['aaaa', 'bbbb'], ['cccc'], ['d'.repeat(99)]])
  })
})
