import { z } from 'zod'
import { asHeuristError } from '../../../../sdk/errors.ts'
import { askServer } from '../network/server.ts'

/** What is shared, at this page's server: `POST <api>`, `DELETE <api>/<id>`. */

export interface ShareKey {
  id: string
  secret: string
}

export async function createShare(api: string, body: object): Promise<ShareKey> {
  const answer = await askServer(api, { method: 'POST', body })
  return z.object({ id: z.string(), secret: z.string() }).parse(await answer.json())
}

/** Done as well where its secret link did it before, in any browser. */
export async function deleteShare(api: string, { id, secret }: ShareKey): Promise<void> {
  try {
    await askServer(`${api}/${id}`, { method: 'DELETE', body: { secret } })
  } catch (cause) {
    if (asHeuristError(cause).code !== 'share.unknown') throw cause
  }
}
