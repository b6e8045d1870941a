import type { FastifyRequest } from 'fastify'
import { attributeOf, type SentShare, titleOf } from '../shares/page.ts'
import { pictureBody } from '../src/imagine/sent.ts'
import { picturePath, readAsked, type SharedPicture } from './record.ts'

/**
 * The page of a shared picture, with what link previews read: OpenGraph and Twitter tags, the picture from this very origin.
 *
 * @param origin  How people reach the page: previews are asked for from elsewhere.
 */
export function sentPicture(id: string, picture: SharedPicture, origin: string): SentShare {
  const { prompt } = readAsked(picture.input)
  const title = titleOf(prompt)
  const image = new URL(picturePath(id), origin).href
  const properties = {
    'og:type': 'website',
    'og:site_name': 'Imagine',
    'og:title': title,
    'og:description': `Drawn by the model ${picture.model} on the Heurist network, with a receipt.`,
    'og:url': new URL(`/imagine/s/${id}`, origin).href,
    'og:image': image,
    'og:image:type': 'image/png',
    'og:image:width': String(picture.width),
    'og:image:height': String(picture.height),
    'og:image:alt': title,
  }
  const names = { 'twitter:card': 'summary_large_image', 'twitter:title': title, 'twitter:image': image }
  const tags = (kind: string, all: object) =>
    Object.entries(all).map(([key, value]) => `<meta ${kind}="${key}" content="${attributeOf(value)}" />`)
  return {
    id,
    api: '/api/pictures',
    title,
    head: [...tags('property', properties), ...tags('name', names)],
    body: pictureBody(id, picture),
  }
}

const HOST = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]{2,39}\])(?::\d{1,5})?$/

/** How people reach the page that a request is for, where its operator did not say it. */
export const originOf = (request: FastifyRequest): string =>
  HOST.test(request.host) ? `${request.protocol}://${request.host}` : 'http://localhost'
