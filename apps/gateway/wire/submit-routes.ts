import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { addressOf } from '../address.ts'
import { leaving } from '../receipts.ts'
import { fitChat, freshSeed } from '../sampling.ts'
import { MAX_WIRE_BYTES, receiptsOf, sendText, type WireContext } from './context.ts'
import { about } from './errors.ts'
import { checkSame } from './jobs.ts'
import { filled, imageInputOf, type Sd } from './picture.ts'
import { streamJob } from './stream-route.ts'
import { type LlmJob, parseJob, type SdJob } from './submit.ts'
import { aboutText, choicesOf } from './text.ts'

const SD = 'model_input.SD.'

/** `POST /submit_job` for pictures and text, `GET /stream/{job_id}`, and the pictures by their names. */
export function submitRoutes(app: FastifyInstance, context: WireContext): void {
  const { consumers, pictures } = context

  const askers = new WeakMap<FastifyRequest, string>()
  const consumerOf = (request: FastifyRequest): string => askers.get(request) ?? ''
  // A wrong key is refused before the body is read.
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
    const consumer = consumers.byHeader(request.headers.authorization)
    context.count(consumer, reply)
    askers.set(request, consumer)
  }

  app.post('/submit_job', { bodyLimit: MAX_WIRE_BYTES, onRequest }, async (request, reply) => {
    const consumer = consumerOf(request)
    const job = parseJob(request.body)
    if (job.type === 'SD') return draw(context, consumer, job, request, reply)
    return job.stream ? announce(context, consumer, job, reply) : tell(context, consumer, job, reply)
  })

  app.get<{ Params: { job: string } }>('/stream/:job', { onRequest }, async (request, reply) =>
    streamJob(context, consumerOf(request), request.params.job, request, reply),
  )

  app.get<{ Params: { digits: string; name: string } }>('/pictures/:digits/:name', async (request, reply) => {
    const { digits, name } = request.params
    const png = await pictures.read(`${digits}/${name}`)
    return reply.type('image/png').header('cache-control', 'private, max-age=86400').send(png)
  })
}

/** The names of these values in an image pod's own errors. */
const NAMES: Readonly<Record<string, keyof Sd>> = {
  steps: 'num_iterations',
  guidance: 'guidance_scale',
  size: 'width',
}

/** What an image pod refused, about the field as the caller knows it. */
const aboutPicture = (cause: unknown) => about(cause, (field) => `${SD}${NAMES[field] ?? field}`)

/** The picture's URL, `…/{job_id}-{miner_id}.png`. */
async function draw(
  context: WireContext,
  consumer: string,
  job: SdJob,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { jobs, payer, pictures, miners, consumers, stopping } = context
  const address = addressOf(request, context.publicUrl)
  const model = await find(context, job.model, 'image')
  const sd = filled(job.sd, model.manifest, freshSeed())
  const input = imageInputOf(sd, model.manifest, `${SD}num_iterations`)
  const answered = await jobs.run(
    { consumer, id: job.id, content: job.content },
    job.deadline,
    leaving(reply),
    async (signal) => {
      const left = AbortSignal.any([signal, stopping])
      const caller = consumers.callerOf(consumer)
      const { png, ...paid } = await payer
        .image(model.name, input, { caller, signal: left })
        .catch((cause: unknown) => {
          throw aboutPicture(cause)
        })
      const name = `${job.id}-${await miners.idOf(paid.receipt.node)}`
      return { ...paid, answer: await pictures.keep(png, name) }
    },
  )
  reply.headers(receiptsOf(answered)).header('x-heurist-pod', model.name)
  if (sd.neg_prompt !== '') reply.header('x-heurist-ignored', `${SD}neg_prompt`)
  return sendText(reply, new URL(`/pictures/${answered.row.answer}`, address).href)
}

async function find({ catalog }: WireContext, name: string, kind: 'image' | 'chat') {
  return catalog.find(name, kind).catch((cause: unknown) => {
    throw about(cause, () => 'model_id')
  })
}

async function fitted(context: WireContext, { model: name, input }: LlmJob) {
  const model = await find(context, name, 'chat')
  try {
    return { model, input: fitChat(input, model.manifest, freshSeed()) }
  } catch (cause) {
    throw aboutText(cause)
  }
}

async function tell(context: WireContext, consumer: string, job: LlmJob, reply: FastifyReply) {
  const { jobs, payer, consumers, stopping } = context
  const { model, input } = await fitted(context, job)
  const answered = await jobs.run(
    { consumer, id: job.id, content: job.content },
    job.deadline,
    leaving(reply),
    async (signal) => {
      const left = AbortSignal.any([signal, stopping])
      const caller = consumers.callerOf(consumer)
      const { text, finish, ...paid } = await payer
        .chat(model.name, input, { caller, signal: left })
        .catch((cause: unknown) => {
          throw aboutText(cause)
        })
      return { ...paid, answer: choicesOf(text, finish) }
    },
  )
  reply.headers(receiptsOf(answered)).header('x-heurist-pod', model.name)
  return sendText(reply, answered.row.answer)
}

/** A job whose answer is streamed begins, and costs something, when its stream is opened. Answers its id. */
async function announce(context: WireContext, consumer: string, job: LlmJob, reply: FastifyReply) {
  const { store, pending } = context
  const asked = { consumer, id: job.id, content: job.content }
  const done = store.job(consumer, job.id)
  const other = pending.find(consumer, job.id)
  if (done !== undefined) checkSame(asked, done.content)
  else if (other !== undefined) checkSame(asked, other.job.content)
  else {
    const { model, input } = await fitted(context, job)
    pending.add({
      consumer,
      job: { ...job, input },
      pod: model.name,
      until: Date.now() + 1000 * job.deadline,
    })
  }
  return sendText(reply, job.id)
}
