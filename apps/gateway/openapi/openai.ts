import { z } from 'zod'
import { chatParameters } from '../chat.ts'
import { completionParameters } from '../completions.ts'
import { embeddingParameters } from '../embeddings.ts'
import { imageParameters } from '../images.ts'
import { responseParameters } from '../responses.ts'
import type { Operation } from './operation.ts'
import * as shapes from './shapes.ts'

const messages = [{ role: 'user', content: 'What is a receipt?' }]
const paid = { method: 'post', room: 'OpenAI', opens: 'either' } as const

/** OpenAI's API. */
export const openAiOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/models',
    room: 'OpenAI',
    does: 'The pods of the network, as models, with prices and limits.',
    opens: 'nothing',
    answers: { 200: { shape: shapes.models } },
  },
  {
    method: 'get',
    path: '/v1/models/{id}',
    room: 'OpenAI',
    does: 'One of them.',
    opens: 'nothing',
    answers: { 200: { shape: shapes.model } },
  },
  {
    ...paid,
    path: '/v1/chat/completions',
    does: 'Answers a conversation; each of `n` choices is a paid job.',
    body: chatParameters,
    example: { model: 'chat', messages, max_completion_tokens: 64, temperature: 0 },
    answers: { 200: { shape: shapes.chatCompletion, event: shapes.chatChunk } },
  },
  {
    ...paid,
    path: '/v1/completions',
    does: 'Answers one prompt or several, read as what a user says.',
    body: completionParameters,
    example: { model: 'chat', prompt: 'What is a pod?', max_tokens: 32 },
    answers: { 200: { shape: shapes.textCompletion, event: shapes.textChunk } },
  },
  {
    ...paid,
    path: '/v1/responses',
    does: 'Answers a text or a conversation; nothing is kept.',
    body: responseParameters,
    example: { model: 'chat', input: 'What is a router?', instructions: 'Be brief.' },
    answers: { 200: { shape: shapes.response, event: shapes.responseEvent } },
  },
  {
    ...paid,
    path: '/v1/embeddings',
    does: 'One vector for each text; all of them are one paid job.',
    body: embeddingParameters,
    example: { model: 'embed', input: ['a red circle', 'a circle that is red'] },
    answers: { 200: { shape: shapes.embeddings } },
  },
  {
    ...paid,
    path: '/v1/images/generations',
    does: 'Draws; each of `n` images is a paid job with a seed of its own.',
    body: imageParameters,
    example: { model: 'image', prompt: 'a small red circle', size: '256x256', seed: 7 },
    answers: { 200: { shape: shapes.images } },
  },
]

/** What the gateway says of itself, and the files that it gives out. */
export const gatewayOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/healthz',
    room: 'Gateway',
    does: 'Whether the process lives.',
    opens: 'nothing',
    answers: { 200: { shape: z.strictObject({ status: z.literal('ok') }) } },
  },
  {
    method: 'get',
    path: '/readyz',
    room: 'Gateway',
    does: 'Whether its router answers.',
    opens: 'nothing',
    answers: { 200: { shape: z.strictObject({ status: z.literal('ready') }) } },
  },
  {
    method: 'get',
    path: '/pictures/{name}',
    room: 'Gateway',
    does: 'A picture that was given out as a URL, for an hour.',
    opens: 'nothing',
    answers: { 200: { type: 'image/png' } },
  },
  {
    method: 'get',
    path: '/openapi.json',
    room: 'Gateway',
    does: 'This document.',
    opens: 'nothing',
    answers: { 200: { shape: z.looseObject({ openapi: z.literal('3.1.0') }) } },
  },
  {
    method: 'get',
    path: '/docs',
    room: 'Gateway',
    does: 'This document to read.',
    opens: 'nothing',
    answers: { 200: { type: 'text/html' } },
  },
]
