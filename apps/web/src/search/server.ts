import { z } from 'zod'
import {
  type AskedSearch,
  type Found,
  foundSchema,
  type Result,
  resultSchema,
} from '../../search/documents.ts'
import { askServer } from '../network/server.ts'

/** What this page's server is asked for a search. */

const stateSchema = z.object({ pod: z.string().optional() })

/** The pod whose vectors a query is compared with; undefined = words alone. */
export async function vectorPod(): Promise<string | undefined> {
  const answer = await askServer('/api/search', { method: 'GET' })
  return stateSchema.parse(await answer.json()).pod
}

export async function findSources(asked: AskedSearch, signal: AbortSignal): Promise<Found> {
  const answer = await askServer('/api/search', { method: 'POST', body: asked, signal })
  return foundSchema.parse(await answer.json())
}

/** Shared results at this page's server. */
export const RESULTS = '/api/results'

const sharedSchema = resultSchema.extend({ createdAt: z.number() })
export type SharedResult = Result & { createdAt: number }

export async function readResult(id: string): Promise<SharedResult> {
  const answer = await askServer(`${RESULTS}/${encodeURIComponent(id)}`, { method: 'GET' })
  return sharedSchema.parse(await answer.json())
}
