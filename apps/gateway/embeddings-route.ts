import type { FastifyInstance } from 'fastify'
import { embeddingList, fitDimensions, parseEmbedding, vectorsIn } from './embeddings.ts'
import { namedAs } from './jobs.ts'
import { receiptHeaders } from './receipts.ts'
import { usageOf } from './sampling.ts'
import { chargedUntilLeft, type TextDeps } from './whole.ts'

const naming = namedAs('input')

/** All texts of a call are one paid job. */
export function embeddingsRoute(app: FastifyInstance, deps: TextDeps): void {
  app.post('/embeddings', async (request, reply) => {
    const call = parseEmbedding(request.body)
    const model = await deps.catalog.find(call.model, 'embed')
    fitDimensions(call.dimensions, model.manifest)
    const options = chargedUntilLeft(request, reply, deps)
    const answer = await deps.payer.embed(model.name, call.input, options).catch((cause: unknown) => {
      throw naming(cause)
    })
    reply.headers(receiptHeaders([answer]))
    const vectors = vectorsIn(answer.bytes, call.texts)
    return embeddingList(model.name, vectors, call.form, usageOf(answer.receipt))
  })
}
