import type { Manifest } from '../../../../../sdk/protocol/manifest.ts'

/** The call of a form as a person would make it from elsewhere: each runs as it stands. Pure. */

export interface Snippet {
  name: string
  /** What must be there before it runs. */
  needs: string
  code: string
}

interface Where {
  routerUrl: string
  /** Undefined where this network has none. */
  gatewayUrl: string | undefined
}

export interface Called {
  /** The pod's name; its number where the name means another pod. */
  called: string | number
  kind: Manifest['kind']
}

export function snippetsOf(pod: Called, input: object, { routerUrl, gatewayUrl }: Where): Snippet[] {
  const throughGateway = gatewayUrl === undefined ? [] : gatewaySnippets(pod, input, gatewayUrl)
  return [...throughGateway, cliSnippet(pod, input, routerUrl), sdkSnippet(pod, input, routerUrl)]
}

const KEY_NEEDS =
  'A key of the gateway in HEURIST_API_KEY: it prints one when it starts, and gives one to every wallet.'
const CHECKOUT = 'A checkout of the repository, and'
const PAYER_NEEDS = 'the key of an account with credit at this router in HEURIST_KEY.'

/** Why a pod has no line for curl; undefined if it has one, or if there is no gateway that it could be of. */
export function whyNoCurl({ called, kind }: Called, { gatewayUrl }: Where): string | undefined {
  if (gatewayUrl === undefined) return undefined
  if (typeof called === 'number') {
    return 'No line for curl: the gateway calls pods by name, and this one’s name is that of another pod, which had it first.'
  }
  return ROUTES[kind] !== undefined
    ? undefined
    : 'No line for curl: the gateway speaks OpenAI’s API, which has nothing for this kind of pod, and a call to the router itself is signed. The command and the SDK sign it.'
}

/** OpenAI's route for each kind, and the method of its client. The gateway has none for the other kinds. */
const ROUTES: Partial<Record<Manifest['kind'], { path: string; method: string; shows: string }>> = {
  chat: {
    path: 'chat/completions',
    method: 'chat.completions.create',
    shows: 'answer.choices[0].message.content',
  },
  image: { path: 'images/generations', method: 'images.generate', shows: 'answer.data[0].b64_json.length' },
  embed: { path: 'embeddings', method: 'embeddings.create', shows: 'answer.data[0].embedding.length' },
}

function gatewaySnippets({ called, kind }: Called, input: object, gatewayUrl: string): Snippet[] {
  const route = ROUTES[kind]
  if (!route || typeof called === 'number') return []
  const base = new URL('/v1', gatewayUrl).href
  const body = JSON.stringify({ model: called, ...input })
  return [
    {
      name: 'curl',
      needs: KEY_NEEDS,
      code: [
        `curl -sS ${base}/${route.path} \\`,
        '  -H "Authorization: Bearer $HEURIST_API_KEY" \\',
        '  -H "Content-Type: application/json" \\',
        `  -d ${quoted(body)}`,
      ].join('\n'),
    },
    {
      name: 'openai',
      needs: `${KEY_NEEDS} And: npm install openai`,
      code: [
        "import OpenAI from 'openai'",
        '',
        `const client = new OpenAI({ baseURL: ${JSON.stringify(base)}, apiKey: process.env.HEURIST_API_KEY })`,
        `const answer = await client.${route.method}(${literal({ model: called, ...input })})`,
        `console.log(${route.shows})`,
      ].join('\n'),
    },
  ]
}

function cliSnippet({ called }: Called, input: object, routerUrl: string): Snippet {
  return {
    name: 'heurist',
    needs: `${CHECKOUT} ${PAYER_NEEDS}`,
    code: `npx heurist run ${called} ${quoted(JSON.stringify(input))} \\\n  --router ${routerUrl}`,
  }
}

function sdkSnippet({ called, kind }: Called, input: object, routerUrl: string): Snippet {
  const shows: Partial<Record<Manifest['kind'], string>> = {
    chat: 'answer.text',
    translate: 'answer.text',
    embed: 'answer.embeddings.map((vector) => vector.length)',
  }
  return {
    name: 'sdk',
    needs: `${CHECKOUT} ${PAYER_NEEDS} Run it with: npx tsx`,
    code: [
      "import { createClient, formatUsd } from './sdk/index.ts'",
      '',
      `const client = createClient({ routerUrl: ${JSON.stringify(routerUrl)}, key: process.env.HEURIST_KEY })`,
      `const answer = await client.run(${JSON.stringify(called)}, ${literal(input)})`,
      `console.log(${shows[kind] ?? 'answer.bytes.length'}, formatUsd(answer.price), answer.request)`,
      'await client.close()',
    ].join('\n'),
  }
}

/** A JavaScript literal that reads well. JSON is one. */
const literal = (value: object): string => JSON.stringify(value, null, 2)

/** As one word of a POSIX shell, whatever stands in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
