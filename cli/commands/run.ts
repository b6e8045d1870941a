import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { refused } from '../../sdk/errors.ts'
import type { Input } from '../../sdk/index.ts'
import { formatUsd } from '../../sdk/units.ts'
import { openClient } from '../account.ts'
import { createPrinter } from '../print.ts'

interface RunOptions {
  router?: string
  keyFile?: string
  out?: string
  seed?: string
  maxTokens?: string
  json?: boolean
}

/** `heurist run <pod> "<prompt>"`: one paid call, its answer, what it cost. */
export function runCommand(): Command {
  return new Command('run')
    .description('run a pod once and pay for it')
    .argument('<pod>', 'pod name: chat, image, embed, translate')
    .argument('<prompt>', 'what to ask, or the whole input document as JSON')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--key-file <file>', 'the key that pays; on a local chain default: the demo payer')
    .option('--out <file>', 'where a picture goes; default: heurist-<id>.png')
    .option('--seed <number>', 'the same seed and prompt give the same answer')
    .option('--max-tokens <number>', 'the longest answer')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ heurist run chat "What is a pod?"\n  $ heurist run image "a red circle on a blue background"\n  $ heurist run translate \'{"text": "The cat sleeps.", "from": "en", "to": "de"}\'',
    )
    .action(async (pod: string, prompt: string, options: RunOptions) => {
      const { client } = await openClient(options)
      try {
        if (pod === 'image') await runImage(client, prompt, options)
        else await runText(client, pod, prompt, options)
      } finally {
        await client.close()
      }
    })
}

type Client = Awaited<ReturnType<typeof openClient>>['client']

const number = (name: string, text: string | undefined) =>
  text === undefined ? {} : { [name]: Number(text) }

/** The document that was given, else what a prompt means to the pod. @throws `input.malformed` (refused). */
function inputOf(prompt: string, options: RunOptions): Input {
  if (prompt.trimStart().startsWith('{')) {
    try {
      return JSON.parse(prompt) as object
    } catch (cause) {
      throw refused(
        'input.malformed',
        `The input begins like a document and is none: ${(cause as Error).message}`,
        {
          fix: 'Mend the JSON, or ask in words.',
        },
      )
    }
  }
  if (options.seed === undefined && options.maxTokens === undefined) return prompt
  return {
    messages: [{ role: 'user', content: prompt }],
    ...number('seed', options.seed),
    ...number('max_tokens', options.maxTokens),
  }
}

async function runText(client: Client, pod: string, prompt: string, options: RunOptions): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const input = inputOf(prompt, options)
  const stream = client.stream(pod, input)
  let text = ''
  for await (const chunk of stream) {
    text += chunk.text ?? ''
    if (!print.json) process.stdout.write(chunk.text ?? '')
  }
  const answer = await stream.answer
  for (const vector of answer.embeddings ?? []) print.line(JSON.stringify(vector))
  print.line('\n')
  print.rows(costRows(answer))
  print.result({
    text,
    ...(answer.embeddings === undefined ? {} : { embeddings: answer.embeddings }),
    request: answer.request,
    price: answer.price,
    node: answer.node,
    receipt: answer.receipt,
  })
}

async function runImage(client: Client, prompt: string, options: RunOptions): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const answer = await client.run('image', { prompt, ...number('seed', options.seed) })
  const file = options.out ?? `heurist-${answer.request.slice(2, 10)}.png`
  writeFileSync(file, answer.bytes)
  print.line(`wrote ${file} (${answer.bytes.length} bytes)`)
  print.rows(costRows(answer))
  print.result({
    file,
    request: answer.request,
    price: answer.price,
    node: answer.node,
    receipt: answer.receipt,
  })
}

const costRows = (answer: { price: bigint; node: number; request: string }) =>
  [
    ['price', `$${formatUsd(answer.price)}`],
    ['node', String(answer.node)],
    ['receipt', answer.request],
  ] as const
