import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { draw } from '../../apps/web/src/imagine/draw.ts'
import type { Drawing } from '../../apps/web/src/imagine/drawing.ts'
import { askedOf, emptyForm, fieldsOf, pictureMost } from '../../apps/web/src/imagine/fields.ts'
import type { Drawings } from '../../apps/web/src/imagine/store.ts'
import type { Session } from '../../apps/web/src/session/view.ts'
import { wordsOf } from '../../apps/web/src/session/words.ts'
import { IMAGE_SEED_MOST } from '../../sdk/documents.ts'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import type { CallOptions, Client } from '../../sdk/index.ts'
import { type Manifest, parseManifest } from '../../sdk/protocol/manifest.ts'
import { maxPriceOf, unitLimitsOf } from '../../sdk/protocol/price.ts'
import { PODS } from '../market.ts'

/** Two versions of a pod: the one that the page shows, and a dearer one that was published meanwhile. */
const shown = parseManifest(readFileSync(join(PODS, 'image', 'pod.yaml')))
const priced: Manifest = { ...shown, pricing: { ...shown.pricing, input: 7, output: 100, minimum: 1 } }
const dearer: Manifest = { ...priced, pricing: { ...priced.pricing, output: 101 } }

const neededOf = (manifest: Manifest, input: object): bigint =>
  maxPriceOf(manifest, unitLimitsOf(manifest, input, new TextEncoder().encode(JSON.stringify(input)).length))

/** A router's rule (`refusalOfPrice`): a request that allows less than its input can cost is refused. */
function routerOf(manifest: Manifest, allowed: bigint[]): Client {
  const run = async (_: string | number, input: object | string, { maxPrice }: CallOptions = {}) => {
    const needed = neededOf(manifest, input as object)
    allowed.push(maxPrice ?? needed)
    if ((maxPrice ?? needed) < needed)
      throw refused('price.too_low', 'maxPrice is below what this input can cost.')
    throw refused('test.served', 'it would be drawn')
  }
  return { run } as unknown as Client
}

const session = { refresh: async () => undefined, report: () => undefined } as unknown as Session

/** A store of pictures that keeps the last word on one. */
function keptDrawings(): { drawings: Drawings; ended: Promise<Drawing> } {
  let kept: Drawing | undefined
  let end: (drawing: Drawing) => void
  const ended = new Promise<Drawing>((resolve) => (end = resolve))
  const drawings = {
    add(drawing: Drawing) {
      kept = drawing
    },
    patch(_: string, part: Partial<Drawing>) {
      if (kept) kept = { ...kept, ...part }
      if (kept && kept.state !== 'drawing') end(kept)
    },
  } as unknown as Drawings
  return { drawings, ended }
}

describe('the price of a picture that is shown', () => {
  const form = { ...emptyForm(fieldsOf(priced)), prompt: 'a red fox' }

  // What a browser has: a feed that does not answer says nothing, and the call goes on without it.
  class NoFeed {
    onopen?: () => void
    constructor() {
      setImmediate(() => this.onopen?.())
    }
    close() {}
  }
  before(() => Object.assign(globalThis, { window: globalThis, EventSource: NoFeed }))
  after(() => {
    for (const name of ['window', 'EventSource']) Reflect.deleteProperty(globalThis, name)
  })

  it('is enough for every seed, by the formula that the router has', () => {
    for (const seed of [0, 7, IMAGE_SEED_MOST]) {
      const needed = neededOf(priced, askedOf(fieldsOf(priced), form, seed))
      expect(pictureMost(priced, form) >= needed, String(seed)).to.equal(true)
    }
  })

  for (const [now, code, reads] of [
    [priced, 'test.served', 0],
    [dearer, 'price.rose', 1],
  ] as const) {
    it(`binds the call: ${code === 'test.served' ? 'the same version draws' : 'a dearer one is refused, and read again'}`, async () => {
      const allowed: bigint[] = []
      let reread = 0
      const { drawings, ended } = keptDrawings()
      draw({
        drawings,
        session,
        client: routerOf(now, allowed),
        routerUrl: 'http://127.0.0.1:9',
        model: 'image',
        asked: askedOf(fieldsOf(priced), form, 5),
        most: pictureMost(priced, form),
        reread: () => (reread += 1),
      })
      const { problem } = await ended

      expect(allowed).to.deep.equal([pictureMost(priced, form)])
      expect(problem?.code).to.equal(code)
      expect(reread).to.equal(reads)
    })
  }

  it('is said to have risen, in words', () => {
    const { says, fix } = wordsOf(asHeuristError(refused('price.too_low', 'maxPrice is below.')))

    expect(says).to.equal('The price rose meanwhile.')
    expect(fix).to.match(/Nothing was signed or charged/)
  })
})
