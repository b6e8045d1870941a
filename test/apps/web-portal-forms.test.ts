import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { matchAddress, PORTAL_ADDRESSES } from '../../apps/web/src/portal/addresses.ts'
import {
  type Filled,
  fieldsOf,
  initialValues,
  inputOf,
  mostPrice,
} from '../../apps/web/src/portal/pod/input.ts'
import { snippetsOf, whyNoCurl } from '../../apps/web/src/portal/pod/snippets.ts'
import { limitWords, priceWords } from '../../apps/web/src/portal/pod/terms.ts'
import { type Manifest, parseManifest } from '../../sdk/protocol/manifest.ts'
import { requestParser as chatParser } from '../../worker/engines/chat/request.ts'
import { PODS } from '../market.ts'

const manifestOf = (pod: string): Manifest => parseManifest(readFileSync(join(PODS, pod, 'pod.yaml')))
const filledWith = (manifest: Manifest, values: Record<string, string>): Filled =>
  inputOf(manifest, { ...initialValues(fieldsOf(manifest)), ...values })
const inputIn = (filled: Filled): object => {
  if ('input' in filled) return filled.input
  throw new Error(filled.says)
}
const faultIn = (filled: Filled) => ('says' in filled ? filled : undefined)

const HOSTILE = `'; rm -rf $HOME; \`id\` $(id) "\\" <script> ☃ \n`

describe('the forms of the portal', () => {
  const chat = manifestOf('chat')
  const image = manifestOf('image')
  const embed = manifestOf('embed')
  const translate = manifestOf('translate')

  it('a form begins with the manifest’s own defaults, and its first field alone must be filled', () => {
    expect(faultIn(filledWith(chat, {}))?.field).to.equal('message')
    expect(inputIn(filledWith(chat, { message: ' hi ' }))).to.deep.equal({
      messages: [{ role: 'user', content: 'hi' }],
      max_tokens: chat.defaults.max_tokens,
      temperature: chat.defaults.temperature,
    })
    expect(inputIn(filledWith(image, { prompt: 'a red circle' }))).to.deep.equal({
      prompt: 'a red circle',
      steps: image.defaults.steps,
      guidance: image.defaults.guidance,
      size: image.defaults.size,
    })
    expect(fieldsOf(image).find(({ name }) => name === 'size')?.choices).to.deep.equal(image.choices?.size)
    expect(inputIn(filledWith(embed, { first: 'a' }))).to.deep.equal({ input: 'a' })
    expect(inputIn(filledWith(embed, { first: 'a', second: 'b' }))).to.deep.equal({ input: ['a', 'b'] })
    expect(inputIn(filledWith(translate, { text: 'a' }))).to.deep.equal({ text: 'a', from: 'en', to: 'de' })
  })

  it('what the chat form makes, the worker’s own parser reads', () => {
    const all = { message: 'x', system: 's', max_tokens: '7', temperature: '0.5', seed: '3' }
    const read = chatParser(chat)(new TextEncoder().encode(JSON.stringify(inputIn(filledWith(chat, all)))))

    expect(read).to.deep.include({ maxTokens: 7, temperature: 0.5, seed: 3 })
    expect(read.messages.map(({ role }) => role)).to.deep.equal(['system', 'user'])
  })

  it('figures outside the manifest’s limits are named with the limits, and are never sent', () => {
    const cases: [Manifest, Record<string, string>, string, RegExp][] = [
      [chat, { message: 'a', max_tokens: '257' }, 'max_tokens', /from 1 to 256/],
      [chat, { message: 'a', max_tokens: '1.5' }, 'max_tokens', /whole/],
      [chat, { message: 'a', temperature: '-1' }, 'temperature', /from 0 to 2/],
      [chat, { message: 'a'.repeat(16_384) }, 'message', /reads 16384/],
      [image, { prompt: 'a', steps: '51' }, 'steps', /from 1 to 50/],
      [image, { prompt: 'a', size: '1x1' }, 'size', /one of/],
      [image, { prompt: 'a', seed: 'x' }, 'seed', /from 0 to 4294967295/],
      [translate, { text: 'a', to: 'german' }, 'to', /language code/],
      [translate, { text: 'a', from: ' ' }, 'from', /empty/],
    ]
    for (const [manifest, values, field, says] of cases) {
      const fault = faultIn(filledWith(manifest, values))
      expect(fault?.field, JSON.stringify(values).slice(0, 80)).to.equal(field)
      expect(fault?.says).to.match(says)
    }
  })

  it('a kind without a form of its own is asked with its document', () => {
    const other = { ...chat, kind: 'prove' as const }

    expect(inputIn(filledWith(other, { document: '{"a":1}' }))).to.deep.equal({ a: 1 })
    for (const text of ['[1]', '7', 'null', '{'])
      expect(faultIn(filledWith(other, { document: text }))?.says).to.match(/one JSON object/)
  })

  it('the price before is the formula of the manifest: units times price, rounded up, at least the minimum', () => {
    const steps = mostPrice(image, inputIn(filledWith(image, { prompt: 'a', steps: '20' })))
    const least = mostPrice(image, inputIn(filledWith(image, { prompt: 'a', steps: '1' })))
    const asked = inputIn(filledWith(chat, { message: 'a', max_tokens: '10' }))
    const bytes = BigInt(JSON.stringify(asked).length)

    expect(steps).to.equal(20n * 100n)
    expect(least).to.equal(500n)
    expect(mostPrice(chat, asked)).to.equal((bytes * 1_000_000n + 10n * 4_000_000n) / 1_000_000n)
  })

  it('prices and limits read as words', () => {
    expect(priceWords(chat.pricing)).to.equal(
      '$1 per million tokens in, $4 per million tokens out, at least $0.00001 a call',
    )
    expect(priceWords(image.pricing)).to.equal('$0.0001 per step, at least $0.0005 a call')
    expect(limitWords(chat)).to.equal('512 tokens in, 256 tokens out, 60 s')
  })
})

describe('the snippets of the portal', () => {
  const where = { routerUrl: 'http://127.0.0.1:7800', gatewayUrl: 'http://127.0.0.1:7801/v1' }
  const chat = { called: 'chat', kind: 'chat' } as const
  const translate = { called: 'translate', kind: 'translate' } as const
  const code = (name: string, input: object, pod: Parameters<typeof snippetsOf>[0] = chat) =>
    snippetsOf(pod, input, where).find((each) => each.name === name)?.code ?? ''

  /** What a real shell hands to a program. */
  const shellArguments = (line: string): string[] =>
    execFileSync('sh', ['-c', line.replace(/^(?:curl|npx)\b/, "printf '%s\\0'")])
      .toString()
      .split('\0')
      .slice(0, -1)

  it('a shell hands over exactly what was written, whatever it is', () => {
    const input = { messages: [{ role: 'user', content: HOSTILE }] }
    const body = shellArguments(code('curl', input)).at(-1) ?? ''
    const [, , , document = ''] = shellArguments(code('heurist', input))

    expect(JSON.parse(body)).to.deep.equal({ model: 'chat', ...input })
    expect(JSON.parse(document)).to.deep.equal(input)
  })

  it('in JavaScript it is a literal: nothing of it is run', () => {
    const input = { prompt: `${HOSTILE}\u2028*/ \${process.exit(1)}` }
    const [, literal = ''] = /client\.run\("image", ([\s\S]*?)\)\nconsole/.exec(
      code('sdk', input, { called: 'image', kind: 'image' }),
    ) as RegExpExecArray

    expect(JSON.parse(literal)).to.deep.equal(input)
  })

  it('what the gateway has no route for is not shown as one, and says why', () => {
    const names = (pod: Parameters<typeof snippetsOf>[0], gateway: string | undefined = where.gatewayUrl) =>
      snippetsOf(pod, {}, { ...where, gatewayUrl: gateway }).map(({ name }) => name)

    expect(names(chat)).to.deep.equal(['curl', 'openai', 'heurist', 'sdk'])
    expect(names(translate)).to.deep.equal(['heurist', 'sdk'])
    expect(whyNoCurl(translate, where)).to.match(/The command and the SDK sign it/)
    expect(whyNoCurl(chat, where)).to.equal(undefined)
    expect(whyNoCurl(translate, { ...where, gatewayUrl: undefined })).to.equal(undefined)
    expect(snippetsOf(chat, {}, { ...where, gatewayUrl: undefined }).map(({ name }) => name)).to.deep.equal([
      'heurist',
      'sdk',
    ])
  })

  it('a pod whose name means another one is called by its number, and by no door that goes by names', () => {
    const second = { called: 4, kind: 'chat' } as const

    expect(snippetsOf(second, {}, where).map(({ name }) => name)).to.deep.equal(['heurist', 'sdk'])
    expect(code('heurist', {}, second)).to.match(/^npx heurist run 4 /)
    expect(code('sdk', {}, second)).to.contain('client.run(4, {})')
    expect(whyNoCurl(second, where)).to.match(/calls pods by name/)
  })
})

describe('the addresses of the portal', () => {
  it('each is found by its own path, with its parameters, and by no other', () => {
    for (const address of PORTAL_ADDRESSES) {
      const path = address.replace(/:(\w+)/g, (_, name: string) => `a-${name}`)
      const found = matchAddress(path)
      const names = [...address.matchAll(/:(\w+)/g)].map(([, name = '']) => name)

      expect(found?.address, path).to.equal(address)
      expect(found?.params).to.deep.equal(Object.fromEntries(names.map((name) => [name, `a-${name}`])))
    }
    for (const path of ['/pod', '/pods/1/2', '/nodes//', '/explorer/batches/1', '/r', '//'])
      expect(matchAddress(path)?.address, path).to.equal(undefined)
  })
})
