import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { toFloat16 } from '../../../pods/training/graph.ts'
import { chatEvidence } from '../../../worker/engines/chat/evidence.ts'
import { draw } from '../../../worker/engines/chat/sampler.ts'
import { StopFilter } from '../../../worker/engines/chat/stops.ts'
import { type ChatTokens, loadTokens, TextStream } from '../../../worker/engines/chat/tokens.ts'
import { fromFloat16 } from '../../../worker/engines/tensors.ts'

const MODEL = join(import.meta.dirname, '../../../pods/chat/model')

describe('drawing a token', () => {
  // Probabilities 1/2, 1/4, 1/8, 1/8.
  const logits = Float32Array.from([0.125, 0.5, 0.125, 0.25], Math.log)

  /** How often each token comes out over many positions of one seed. */
  function counts(temperature: number, topP: number, seed: number): number[] {
    const tally = [0, 0, 0, 0]
    for (let position = 0; position < 8000; position++) {
      const { token } = draw(logits, position, { temperature, topP, seed })
      tally[token] = (tally[token] ?? 0) + 1
    }
    return tally
  }

  /** Pearson's statistic; with 3 degrees of freedom it exceeds 16.3 once in a thousand seeds. */
  const chiSquare = (tally: number[], shares: number[]): number =>
    tally.reduce((sum, n, i) => sum + (n - 8000 * (shares[i] ?? 0)) ** 2 / (8000 * (shares[i] ?? 1)), 0)

  it('at temperature 0 takes the likeliest, the first of equals', () => {
    const greedy = { temperature: 0, topP: 1, seed: 1 }

    expect(draw(logits, 0, greedy).token).to.equal(1)
    expect(draw(Float32Array.of(0, 3, 3), 5, greedy).token).to.equal(1)
  })

  it('at temperature 1 follows the model’s probabilities (seed 11)', () => {
    expect(chiSquare(counts(1, 1, 11), [0.125, 0.5, 0.125, 0.25])).to.be.lessThan(16.3)
  })

  it('at temperature 1/2 follows their squares (seed 12)', () => {
    const squares = [1, 16, 1, 4].map((n) => n / 22)

    expect(chiSquare(counts(0.5, 1, 12), squares)).to.be.lessThan(16.3)
  })

  it('top_p leaves out what the likeliest already cover (seed 13)', () => {
    expect(counts(1, 0.75, 13)[0]).to.equal(0)
    expect(counts(1, 0.75, 13)[2]).to.equal(0)
    expect(counts(1, 0.75, 13)[3]).to.be.greaterThan(2000)
    expect(counts(1, 0.5, 13)).to.deep.equal([0, 8000, 0, 0])
  })

  it('depends on seed and position alone, both halves of the seed included', () => {
    const at = (seed: number) =>
      Array.from({ length: 50 }, (_, i) => draw(logits, i, { temperature: 1, topP: 1, seed }).token)

    expect(at(5)).to.deep.equal(at(5))
    expect(at(5)).to.not.deep.equal(at(6))
    expect(at(5)).to.not.deep.equal(at(5 + 2 ** 32))
  })

  it('reports log-probabilities of the model itself, likeliest first, equal ones by number', () => {
    const wide = Float32Array.from({ length: 20 }, (_, i) => (i === 7 || i === 3 ? 2 : -i))

    const { top, logprob, token } = draw(wide, 0, { temperature: 0, topP: 1, seed: 0 })

    const total = Math.log(wide.reduce((sum, x) => sum + Math.exp(x), 0))
    expect(top.map((t) => t.token)).to.deep.equal([3, 7, 0, 1, 2, 4, 5, 6])
    expect(top[2]?.logprob).to.be.closeTo(-total, 1e-9)
    expect(token).to.equal(3)
    expect(logprob).to.be.closeTo(2 - total, 1e-9)
  })

  it('logits that are not numbers are a fault, not a token', () => {
    expect(() => draw(Float32Array.of(Number.NaN), 0, { temperature: 0, topP: 1, seed: 0 })).to.throw(
      RangeError,
    )
  })
})

describe('stop texts', () => {
  const through = (stops: string[], pieces: readonly string[]) => {
    const filter = new StopFilter(stops)
    const parts = pieces.map((piece) => filter.add(piece))
    return { text: parts.join('') + filter.end(), stopped: filter.stopped, parts }
  }

  it('cut the text at the first of them, even when it comes in pieces', () => {
    expect(through(['END', 'ST'], ['say S', 'T and EN', 'D'])).to.include({ text: 'say ', stopped: true })
  })

  it('hold back only what may still become one', () => {
    expect(through(['abc'], ['xa', 'b', 'd!']).parts).to.deep.equal(['x', '', 'abd!'])
  })

  it('what was held back comes out at the end', () => {
    expect(through(['abc'], ['xab'])).to.deep.include({ text: 'xab', stopped: false })
  })

  it('however the text is cut, what comes out is the text before the first stop', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 }), { maxLength: 12 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 }), {
          maxLength: 3,
        }),
        (pieces, stops) => {
          // The first piece in which some stop is complete decides; within it, the earliest place.
          let whole = ''
          let cut = -1
          for (const piece of pieces) {
            whole += piece
            const found = stops.map((stop) => whole.indexOf(stop)).filter((place) => place >= 0)
            if (found.length > 0) {
              cut = Math.min(...found)
              break
            }
          }
          const { text, stopped } = through(stops, pieces)
          expect(stopped).to.equal(cut >= 0)
          expect(text).to.equal(cut >= 0 ? whole.slice(0, cut) : whole)
        },
      ),
      { seed: 2024, numRuns: 500 },
    )
  })
})

describe('text from tokens', () => {
  let tokens: ChatTokens

  before(async () => {
    tokens = await loadTokens(MODEL)
  })

  it('never shows half a character, and loses none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const said = `a${text.toLowerCase()}z`
        const ids = tokens.prompt([{ role: 'user', content: said }])
        const stream = new TextStream(tokens)

        const parts = ids.map((id) => stream.add(id))

        for (const part of parts) expect(part).to.not.include('\uFFFD')
        expect(parts.join('') + stream.end()).to.equal(said)
      }),
      { seed: 2024, numRuns: 200 },
    )
  })

  it('a character that is never finished ends as the replacement mark', () => {
    const ids = tokens.prompt([{ role: 'user', content: '😀' }])
    const stream = new TextStream(tokens)

    // The mark of the user's turn says nothing; the first byte of the emoji alone says nothing yet.
    const parts = ids.slice(0, 2).map((id) => stream.add(id))

    expect(parts.join('')).to.equal('')
    expect(stream.end()).to.equal('\uFFFD')
  })
})

describe('chat evidence', () => {
  it('is laid out as its file says', () => {
    const top = Array.from({ length: 8 }, (_, i) => ({ token: 100 + i, logprob: -i }))
    const request = { messages: [], maxTokens: 1, temperature: 0.5, topP: 0.25, seed: 2 ** 32 + 7, stop: [] }

    const bytes = chatEvidence(request, 12, [{ token: 102, logprob: -2, top }])

    const view = new DataView(bytes.buffer)
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).to.equal('HCE1')
    expect(view.getBigUint64(4)).to.equal(4294967303n)
    expect([view.getFloat32(12), view.getFloat32(16)]).to.deep.equal([0.5, 0.25])
    expect([view.getUint32(20), view.getUint32(24), view.getUint8(28)]).to.deep.equal([12, 1, 8])
    expect([view.getUint32(29), view.getFloat32(33)]).to.deep.equal([102, -2])
    expect([view.getUint32(37 + 56), view.getFloat32(41 + 56)]).to.deep.equal([107, -7])
    expect(bytes.length).to.equal(29 + 72)
  })
})

describe('float16', () => {
  it('every pattern that is a number is read as the number that rounds to it', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromFloat16(bits)
      if (Number.isNaN(value)) expect(bits & 0x7fff).to.be.greaterThan(0x7c00)
      else if (toFloat16(Float32Array.of(value))[0] !== bits)
        throw new Error(`pattern ${bits} is read as ${value}`)
    }
  })
})
