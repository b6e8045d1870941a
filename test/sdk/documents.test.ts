import { expect } from 'chai'
import { decode, decoderOf } from '../../sdk/decode.ts'
import { embedInputSchema, embedOutputSchema, translateInputSchema } from '../../sdk/documents.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const codeOf = (act: () => unknown): unknown => {
  try {
    act()
  } catch (cause) {
    return (cause as { code?: string }).code
  }
  return undefined
}

describe('the documents of embed and translate pods', () => {
  it('an embed pod reads one text or up to 256', () => {
    const many = (count: number) => ({ input: new Array<string>(count).fill('a') })

    for (const right of [{ input: 'a' }, many(1), many(256)]) {
      expect(embedInputSchema.safeParse(right).success).to.equal(true)
    }
    for (const wrong of [{}, { input: '' }, { input: ['a', ''] }, many(0), many(257), { input: [1] }]) {
      expect(embedInputSchema.safeParse(wrong).success, JSON.stringify(wrong).slice(0, 40)).to.equal(false)
    }
    expect(embedInputSchema.safeParse({ input: 'a', model: 'x' }).success).to.equal(false)
  })

  it('a translate pod reads a text that says something, and two language codes', () => {
    const request = { text: 'Good morning.', from: 'en', to: 'deu_Latn' }

    expect(translateInputSchema.parse(request)).to.deep.equal(request)
    for (const wrong of [{ text: ' ' }, { text: 7 }, { from: '' }, { to: 'english' }, { from: 'e__' }]) {
      expect(translateInputSchema.safeParse({ ...request, ...wrong }).success).to.equal(false)
    }
    expect(translateInputSchema.safeParse({ text: 'a', from: 'en' }).success).to.equal(false)
  })

  it('vectors arrive in pieces and are read when their line ends', () => {
    const embeddings = [
      [0.6, -0.8],
      [1, 0],
    ]
    const bytes = bytesOf(`${JSON.stringify({ embeddings })}\n`)
    const decoder = decoderOf('embed')

    const first = decoder.push(bytes.slice(0, 20))
    const second = decoder.push(bytes.slice(20))

    expect(first).to.deep.equal({ bytes: bytes.slice(0, 20) })
    expect(second.embeddings).to.deep.equal(embeddings)
    expect(decoder.end()).to.equal(undefined)
    expect(decode('embed', bytes)).to.deep.equal({ bytes, embeddings })
    expect(decode('embed', bytes.slice(0, -1)).embeddings).to.deep.equal(embeddings)
  })

  it('an answer that is not what the kind promises is a bug, whatever it cost', () => {
    for (const wrong of ['{"embeddings":[]}', '{"embeddings":[[2]]}', '{"text":"hello"}', 'hello']) {
      expect(codeOf(() => decode('embed', bytesOf(`${wrong}\n`)))).to.equal('output.unreadable')
    }
    expect(embedOutputSchema.safeParse({ embeddings: [[0, 1]], usage: 1 }).success).to.equal(false)
  })

  it('a translation is text in pieces and why it ended', () => {
    const bytes = bytesOf('{"text":"Guten "}\n{"text":"Morgen."}\n{"finish":"stop"}\n')

    expect(decode('translate', bytes)).to.deep.equal({ bytes, text: 'Guten Morgen.', finish: 'stop' })
  })
})
