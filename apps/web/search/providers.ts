import { z } from 'zod'
import { asHeuristError, later } from '../../../sdk/errors.ts'
import { openAllowance } from '../api/allowance.ts'
import { isWebAddress, MOST_SOURCES, type Source } from './documents.ts'
import { plainText, shortened } from './text.ts'

/** Searches of the web at hosts that the operator names: nothing a person types chooses where a request goes. */

export interface Provider {
  name: string
  /** @throws `provider.silent`, `provider.limited`, `provider.rationed`, `provider.failed`, `provider.unreadable` (later). */
  find(query: string): Promise<Source[]>
}

const MOST_MS = 5_000
const MOST_BYTES = 1024 * 1024

/** More of a title is not read. */
const MOST_TITLE = 1_000

const hitSchema = z.object({
  title: z.string(),
  url: z.string().max(2_048).refine(isWebAddress),
  text: z.string().nullish(),
})
/** One bad line does not spoil the others. */
const linesOf = (lines: readonly unknown[]): Source[] =>
  lines
    .flatMap((line) => {
      const read = hitSchema.safeParse(line)
      return read.success ? [sourceOf(read.data)] : []
    })
    .filter((source, at, all) => all.findIndex(({ url }) => url === source.url) === at)
    .slice(0, MOST_SOURCES)

function sourceOf({ title, url, text }: z.output<typeof hitSchema>): Source {
  const from = new URL(url).host
  return {
    title: shortened(plainText(title, MOST_TITLE), 160) || from,
    from: shortened(from, 160),
    url,
    text: shortened(plainText(text ?? ''), 640),
  }
}

/** Of a provider so much is asked in a day; what is asked of it counts against the operator's quota. */
export function rationed(provider: Provider, { most, now }: { most: number; now(): number }): Provider {
  const allowance = openAllowance({ most, windowMs: 24 * 3_600_000, now })
  return {
    name: provider.name,
    async find(query) {
      try {
        allowance.take('')
      } catch (cause) {
        throw later('provider.rationed', `the web search ${provider.name} was asked enough for today`, {
          fix: 'Try again tomorrow.',
          cause,
        })
      }
      return provider.find(query)
    },
  }
}

const searxngSchema = z.object({ results: z.array(z.unknown()) })

/** A SearXNG instance with its JSON format switched on: `GET <base>/search?q=…&format=json`. */
export function searxng({ url }: { url: string }): Provider {
  const base = new URL(url.endsWith('/') ? url : `${url}/`)
  return {
    name: 'searxng',
    async find(query) {
      const { results } = await ask(
        'searxng',
        new URL('search', base),
        { q: query, format: 'json' },
        searxngSchema,
      )
      return linesOf(
        results.map((each) => {
          const { title, url: at, content } = (each ?? {}) as Record<string, unknown>
          return { title, url: at, text: content }
        }),
      )
    },
  }
}

const braveSchema = z.object({ web: z.object({ results: z.array(z.unknown()) }).nullish() })

/** Brave's web search: `GET <base>/res/v1/web/search?q=…`, with its key in a header. */
export function brave({ url, key }: { url: string; key: string }): Provider {
  return {
    name: 'brave',
    async find(query) {
      const { web } = await ask(
        'brave',
        new URL('/res/v1/web/search', url),
        { q: query, count: String(MOST_SOURCES), text_decorations: 'false' },
        braveSchema,
        { 'x-subscription-token': key },
      )
      return linesOf(
        (web?.results ?? []).map((each) => {
          const { title, url: at, description } = (each ?? {}) as Record<string, unknown>
          return { title, url: at, text: description }
        }),
      )
    },
  }
}

async function ask<T extends z.ZodType>(
  name: string,
  url: URL,
  query: Record<string, string>,
  schema: T,
  headers: Record<string, string> = {},
): Promise<z.output<T>> {
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value)
  try {
    const answer = await fetch(url, {
      headers: { accept: 'application/json', ...headers },
      // The key and the query go to the host that was configured and to no other.
      redirect: 'manual',
      signal: AbortSignal.timeout(MOST_MS),
    })
    if (answer.status === 429) throw failure('provider.limited', name, 'is asked too often just now')
    if (answer.status !== 200) throw failure('provider.failed', name, `answers ${answer.status}`)
    const read = schema.safeParse(parsed(await bodyOf(name, answer)))
    if (!read.success) throw failure('provider.unreadable', name, 'answers in no known form')
    return read.data
  } catch (cause) {
    const { code } = asHeuristError(cause)
    if (code.startsWith('provider.')) throw cause
    throw later('provider.silent', `the web search ${name} does not answer`, { fix: 'Try again.', cause })
  }
}

const failure = (code: string, name: string, what: string) =>
  later(code, `the web search ${name} ${what}`, { fix: 'Try again in a minute.' })

async function bodyOf(name: string, answer: Response): Promise<string> {
  const reader = answer.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    bytes += part.value.length
    if (bytes > MOST_BYTES) {
      await reader?.cancel()
      throw failure('provider.unreadable', name, 'answers with too much')
    }
    text += decoder.decode(part.value, { stream: true })
  }
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
