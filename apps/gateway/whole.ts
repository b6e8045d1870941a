import type { FastifyReply, FastifyRequest } from 'fastify'
import { chargedTo } from './caller.ts'
import type { Catalog, Model } from './catalog.ts'
import { logError } from './door.ts'
import { type OpenAiErrorBody, toOpenAi } from './errors.ts'
import { type Naming, settleJobs } from './jobs.ts'
import type { Payer } from './payer.ts'
import { leaving, receiptHeaders } from './receipts.ts'
import { type AnswerHead, type ChatInput, type Finish, type Usage, usageOf } from './sampling.ts'

/** What the routes that end in a chat pod need. */
export interface TextDeps {
  catalog: Catalog
  payer: Payer
  stopping: AbortSignal
}

/** What one choice of a whole answer says. */
export interface Choice {
  index: number
  text: string
  finish: Finish
}

/** A call's answers at once. */
export interface Whole {
  /** Hash of the first paid request. */
  call: string
  choices: Choice[]
  usage: Usage
  /** Of choices that failed beside the paid ones. */
  failures: OpenAiErrorBody[]
}

/** Charged to the caller; aborted when it leaves or the gateway stops. */
export const chargedUntilLeft = (
  request: FastifyRequest,
  reply: FastifyReply,
  { stopping }: Pick<TextDeps, 'stopping'>,
) => ({ caller: chargedTo(request), signal: leaving(reply, stopping) })

/** Runs a call's jobs and puts what was paid into the headers. @throws the first failure if all fail. */
export async function answerWhole(
  request: FastifyRequest,
  reply: FastifyReply,
  model: Model,
  inputs: readonly ChatInput[],
  deps: TextDeps,
  naming: Naming,
): Promise<Whole> {
  const options = chargedUntilLeft(request, reply, deps)
  const jobs = inputs.map((input) => deps.payer.chat(model.name, input, options))
  const { answers, failures } = await settleJobs(jobs, naming)
  for (const each of failures) logError(each, request)
  const paid = answers.map(({ answer }) => answer)
  reply.headers(receiptHeaders(paid))
  return {
    call: paid[0]?.request ?? '0x',
    choices: answers.map(({ index, answer }) => ({ index, text: answer.text, finish: answer.finish })),
    usage: usageOf(...paid.map(({ receipt }) => receipt)),
    failures: failures.map((each) => toOpenAi(each).body),
  }
}

/** Beyond OpenAI's fields: what went wrong beside the choices that were made. */
export const errorsOf = (failures: readonly OpenAiErrorBody[]) =>
  failures.length === 0 ? {} : { errors: failures.map(({ error }) => error) }

/** The head of an answer; its id tells its first paid request. */
export const headOf = (prefix: string, model: Model, call: string): AnswerHead => ({
  id: `${prefix}-${call.slice(2, 34)}`,
  created: Math.floor(Date.now() / 1000),
  model: model.name,
  system_fingerprint: `fp_${model.manifestHash.slice(2, 12)}`,
})
