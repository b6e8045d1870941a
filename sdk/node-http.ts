import { Agent } from 'undici'
import type { Http } from './http.ts'

/**
 * HTTP for processes with many calls at once (Node only): undici without what `fetch` puts around it, which is an eighth of a
 * gateway's processor time. Connections are kept and shared. A router may be silent for as long as its job takes: the
 * caller's signal ends a call, not a clock of the connection's.
 */
export function nodeHttp(): Http {
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 })
  return async (url, { method = 'GET', headers = {}, body = null, signal }) => {
    const { origin, pathname, search } = new URL(url)
    const answer = await agent.request({
      origin,
      path: pathname + search,
      method,
      headers,
      body,
      ...(signal === undefined ? {} : { signal }),
    })
    return {
      status: answer.statusCode,
      header(name) {
        const value = answer.headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      },
      body: answer.body,
    }
  }
}
