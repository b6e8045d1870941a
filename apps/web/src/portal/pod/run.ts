import { useEffect, useRef, useState } from 'react'
import type { Answer } from '../../../../../sdk/calls.ts'
import type { Client } from '../../../../../sdk/client.ts'
import { refused } from '../../../../../sdk/errors.ts'
import type { Manifest } from '../../../../../sdk/protocol/manifest.ts'
import { keepDelivered } from '../../receipt/delivered.ts'
import { useSession } from '../../session/use.ts'
import { type Problem, wordsOf } from '../../session/words.ts'

/** One call of the playground, from its signature to its verified answer. */
export interface Run {
  state: 'running' | 'done' | 'failed'
  input: object
  /** What it might have cost. Base units. */
  most: bigint
  /** Known once it is signed: where its receipt stands. */
  request?: string
  /** As it comes; chat and translate. */
  text: string
  answer?: Answer
  problem?: Problem
}

/** Answers of these kinds are read while they are made. */
const STREAMS = new Set<Manifest['kind']>(['chat', 'translate'])

/** Calls of this very pod, whichever others have its name. */
export function useRun(
  pod: number,
  kind: Manifest['kind'],
): {
  run: Run | undefined
  start(input: object, most: bigint): void
  stop(): void
} {
  const { view, session } = useSession()
  const [run, setRun] = useState<Run>()
  const abort = useRef<AbortController>(undefined)
  // Who goes to another page leaves the call: only what was delivered is charged.
  useEffect(() => () => abort.current?.abort(), [])
  const patch = (part: Partial<Run>) => setRun((before) => before && { ...before, ...part })

  async function work(client: Client, input: object, most: bigint, signal: AbortSignal): Promise<void> {
    const options = { signal, maxPrice: most, signed: (request: string) => patch({ request }) }
    try {
      const answer = STREAMS.has(kind)
        ? await stream(client, input, options)
        : await client.run(pod, input, options)
      const sent = new TextEncoder().encode(JSON.stringify(input))
      keepDelivered(answer.request, { input: sent, bytes: answer.bytes })
      patch({
        state: 'done',
        answer,
        request: answer.request,
        ...(answer.text === undefined ? {} : { text: answer.text }),
      })
      await session.refresh()
    } catch (cause) {
      // Whatever a call that was left throws, it was left.
      const why = signal.aborted ? refused('call.left', 'the call was left') : cause
      patch({ state: 'failed', problem: wordsOf(why) })
      session.report(cause)
    }
  }

  async function stream(
    client: Client,
    input: object,
    options: Parameters<Client['run']>[2],
  ): Promise<Answer> {
    const pieces = client.stream(pod, input, options)
    pieces.answer.catch(() => undefined)
    let text = ''
    for await (const piece of pieces) {
      if (piece.text === undefined) continue
      text += piece.text
      patch({ text })
    }
    return pieces.answer
  }

  return {
    run,
    start(input, most) {
      const { client } = view
      if (!client || run?.state === 'running') return
      abort.current = new AbortController()
      setRun({ state: 'running', input, most, text: '' })
      void work(client, input, most, abort.current.signal)
    },
    stop: () => abort.current?.abort(),
  }
}
