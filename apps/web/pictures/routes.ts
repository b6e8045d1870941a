import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { later, refused } from '../../../sdk/errors.ts'
import { parseWire } from '../../../sdk/protocol/wire.ts'
import { openAllowance } from '../api/allowance.ts'
import { keptRoutes, sharingAllowance } from '../shares/routes.ts'
import type { ShareStore } from '../shares/store.ts'
import { readPng } from './png.ts'
import { type Network, provePicture } from './prove.ts'
import {
  askedSchema,
  MOST_INPUT_BYTES,
  MOST_PICTURE_BYTES,
  type Picture,
  picturePath,
  sharingSchema,
} from './record.ts'

/** Of one address an hour: each is looked up at the router and on the chain. */
const MOST_TRIES = 60
const HOUR_MS = 3_600_000
/** Of all addresses together a day. */
const MOST_A_DAY = 1_000
/** So many are looked up at a time. */
const MOST_AT_ONCE = 8
/** In base64, with the input and what stands around them. Bytes. */
const BODY_LIMIT = Math.ceil((MOST_PICTURE_BYTES * 4) / 3) + 2 * MOST_INPUT_BYTES + 1024

const fileSchema = z.object({ file: z.string().max(64) })

export interface PictureTerms {
  pictures: ShareStore<Picture>
  network: Network
  now(): number
}

/** `POST /api/pictures`, `GET` and `DELETE /api/pictures/:id`, and the picture itself at `/imagine/p/:id.png`. */
export function pictureRoutes(app: FastifyInstance, { pictures, network, now }: PictureTerms): void {
  const trying = openAllowance({ most: MOST_TRIES, windowMs: HOUR_MS, now })
  const sharing = sharingAllowance(now)
  const everybody = openAllowance({ most: MOST_A_DAY, windowMs: 24 * HOUR_MS, now })
  let running = 0

  app.post('/api/pictures', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const { picture, input, request: call } = parseWire(sharingSchema, request.body, 'picture.invalid')
    const png = Buffer.from(picture, 'base64')
    const sides = readPng(png)
    checkInput(input)
    trying.take(request.ip)
    if (running >= MOST_AT_ONCE) {
      throw later('pictures.busy', 'many pictures are being shared just now', {
        fix: 'Try again in a few seconds.',
      })
    }
    running += 1
    try {
      const model = await provePicture({ request: call, input: Buffer.from(input), png }, network)
      sharing.take(request.ip)
      everybody.take('')
      return reply.code(201).send(await pictures.create({ request: call, input, model, ...sides }, png))
    } finally {
      running -= 1
    }
  })

  keptRoutes(app, '/api/pictures', pictures)

  app.get(picturePath(':file').replace('.png', ''), async (request, reply) => {
    const { file } = parseWire(fileSchema, request.params, 'share.invalid')
    const png = await pictures.beside(file.replace(/\.png$/, ''))
    reply.headers({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
      'content-disposition': 'inline; filename="picture.png"',
      // Previews of the link show it wherever they stand.
      'cross-origin-resource-policy': 'cross-origin',
    })
    return reply.type('image/png').send(png)
  })
}

/** @throws `picture.invalid` (refused) if no image pod was ever asked that. */
function checkInput(input: string): void {
  try {
    parseWire(askedSchema, JSON.parse(input), 'picture.invalid')
  } catch (cause) {
    throw refused('picture.invalid', 'input: is nothing that an image pod is asked', {
      field: 'input',
      fix: 'Send the very text that the pod was asked with.',
      cause,
    })
  }
}
