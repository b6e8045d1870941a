import { picturePath, readAsked, type SharedPicture } from './record.ts'

/** What link previews show of a shared picture: OpenGraph and Twitter tags, the picture from this very origin. */

const MOST_TITLE = 90

/**
 * The page with the tags of one picture in its head.
 *
 * @param origin  How people reach the page: previews are asked for from elsewhere.
 */
export function withMeta(page: string, id: string, picture: SharedPicture, origin: string): string {
  const { prompt } = readAsked(picture.input)
  const title = prompt.length > MOST_TITLE ? `${prompt.slice(0, MOST_TITLE - 1)}…` : prompt
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
  const record = `/api/pictures/${id}`
  const tags = [
    // What the page shows first is asked for before its scripts are there.
    `<link rel="preload" as="image" href="${picturePath(id)}" fetchpriority="high" />`,
    `<link rel="preload" as="fetch" href="${record}" crossorigin="anonymous" />`,
    ...Object.entries(properties).map(
      ([key, value]) => `<meta property="${key}" content="${safe(value)}" />`,
    ),
    ...Object.entries(names).map(([key, value]) => `<meta name="${key}" content="${safe(value)}" />`),
  ]
  return page
    .replace(/<title>.*?<\/title>/, () => `<title>${safe(title)} · Imagine</title>`)
    .replace('</head>', () => `  ${tags.join('\n    ')}\n  </head>`)
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as it may stand in an element or in a quoted attribute; lines and other control characters become spaces. */
const safe = (text: string): string =>
  text.replace(/\p{Cc}/gu, ' ').replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '')
