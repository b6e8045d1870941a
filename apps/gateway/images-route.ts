import type { FastifyInstance } from 'fastify'
import { addressOf } from './address.ts'
import type { Catalog } from './catalog.ts'
import { logError } from './door.ts'
import { toOpenAi } from './errors.ts'
import { imageInputs, parseImages } from './images.ts'
import { settleJobs } from './jobs.ts'
import type { ImageAnswer, Payer } from './payer.ts'
import type { Pictures } from './pictures.ts'
import { receiptHeaders } from './receipts.ts'
import { freshSeed } from './sampling.ts'
import { chargedUntilLeft } from './whole.ts'

interface Deps {
  catalog: Catalog
  payer: Payer
  pictures: Pictures
  /** How callers reach this door; undefined = as the request came in. */
  publicUrl: string | undefined
  stopping: AbortSignal
}

/**
 * Each image is one paid job. If some of several fail, the others, which are paid, are returned with the failures
 * beside them; if all fail, the first failure is the answer and nothing was paid.
 */
export function imagesRoute(app: FastifyInstance, deps: Deps): void {
  app.post('/images/generations', async (request, reply) => {
    const call = parseImages(request.body)
    const address = call.form === 'url' ? addressOf(request, deps.publicUrl) : undefined
    const { catalog } = deps
    const model = await (call.model === undefined ? catalog.only('image') : catalog.find(call.model, 'image'))
    const inputs = imageInputs(call, model.manifest, freshSeed())
    const options = chargedUntilLeft(request, reply, deps)
    const made = await settleJobs(inputs.map((input) => deps.payer.image(model.name, input, options)))
    const answers = made.answers.map(({ index, answer }) => ({ ...answer, seed: inputs[index]?.seed ?? 0 }))
    const { failures } = made
    for (const each of failures) logError(each, request)

    reply.headers(receiptHeaders(answers))
    return {
      created: Math.floor(Date.now() / 1000),
      background: 'opaque',
      output_format: 'png',
      ...(answers[0] === undefined ? {} : { size: sizeOf(answers[0].png) }),
      data: await Promise.all(answers.map((answer) => pictureOf(answer, deps.pictures, address))),
      ...(failures.length === 0 ? {} : { errors: failures.map((each) => toOpenAi(each).body.error) }),
    }
  })
}

export function picturesRoute(app: FastifyInstance, pictures: Pictures): void {
  app.get<{ Params: { name: string } }>('/pictures/:name', async (request, reply) => {
    const png = await pictures.read(request.params.name)
    return reply.type('image/png').header('cache-control', 'private, max-age=3600').send(png)
  })
}

/** @param address  Of this door, for pictures that are asked for as URLs. */
async function pictureOf(
  answer: ImageAnswer & { seed: number },
  pictures: Pictures,
  address: string | undefined,
) {
  const picture =
    address === undefined
      ? { b64_json: Buffer.from(answer.png).toString('base64') }
      : { url: new URL(`/pictures/${await pictures.keep(answer.png)}`, address).href }
  return { ...picture, seed: answer.seed, receipt: answer.request }
}

/** Width and height of a PNG, from its header. */
export function sizeOf(png: Uint8Array): string {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  return `${view.getUint32(16)}x${view.getUint32(20)}`
}
