import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { verifyMessage } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { nameOf, operations } from '../../apps/gateway/openapi/document.ts'
import { type Operation, read } from '../../apps/gateway/openapi/operation.ts'
import { assemble } from '../../apps/gateway/x402/open.ts'
import { x402Schema } from '../../apps/gateway/x402/terms.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { openDoor } from './door.ts'
import { type MeteredDoor, openMeteredDoor } from './metered-door.ts'
import { Judge } from './published.ts'

const SEED = Number(process.env.HEURIST_SEED ?? 20_261_126)
const zero = `0x${'0'.repeat(40)}` as const
const chain = openChain({ chainId: 31_337, rpcUrl: 'http://127.0.0.1:1' })
const privateKey = localKey(LOCAL_KEY.frontend)
const account = { privateKey, address: privateKeyToAccount(privateKey).address }

/** A gateway with everything that it can have. */
const openWhole = () =>
  openMeteredDoor(
    ({ store, till }) => ({
      depositing: {
        chain,
        ledger: zero,
        asset: zero,
        router: zero,
        key: zero,
        confirmations: 0,
        verify: (message, address, signature) => verifyMessage({ message, address, signature }),
      },
      operator: { frontend: 1 },
      x402: assemble(
        x402Schema.parse({}),
        { name: 'Test Dollar', version: '1' },
        {
          chain,
          network: { chainId: 31_337, addresses: { asset: zero } as never },
          account,
          accounts: { store, till },
          log: { info: () => undefined, warn: () => undefined },
        },
      ),
    }),
    true,
  )
const bodied = operations.filter(
  (each): each is Operation & Required<Pick<Operation, 'body'>> => each.body !== undefined,
)

describe('the published form of the gateway', function () {
  this.timeout(120_000)
  let door: MeteredDoor
  let judge: Judge
  before(async () => {
    door = await openWhole()
    judge = await Judge.of(door.url)
  })
  after(() => door?.close())

  it('is OpenAPI 3.1 and has every route that the server has, each once', async () => {
    const published = Object.entries(judge.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    const served = servedOf(door.routes())
    const unnamed = new Set(published.map((name) => name.replace(/\{\w+\}/g, '{}')))
    const missing = [...served].filter(
      (name) => !unnamed.has(name) && !unnamed.has(name.replace(' ', ' /v1')),
    )

    expect(judge.document.openapi).to.equal('3.1.0')
    expect(served.size).to.be.greaterThan(40)
    expect(missing, 'describe these in apps/gateway/openapi').to.deep.equal([])
    expect(published).to.have.members(operations.map(nameOf))
    expect(new Set(operations.map(nameOf)).size).to.equal(operations.length)
  })

  it('leaves out what a gateway does not have', async () => {
    const small = await openDoor()
    const paths = Object.keys((await Judge.of(small.url)).document.paths)
    await small.close()

    expect(paths).to.include('/v1/chat/completions').and.include('/submit_job')
    expect(paths.filter((path) => /account|x402|operator/.test(path))).to.deep.equal([])
  })

  it('gives every body an example, which is what is published and what the route accepts', () => {
    for (const operation of bodied) {
      const name = nameOf(operation)
      const content = judge.operation(operation.method, operation.path).requestBody?.content[
        'application/json'
      ]

      expect(content?.example, name).to.deep.equal(operation.example)
      expect(judge.fault(content?.schema ?? {}, operation.example), name).to.equal(undefined)
      expect(() => read(operation.body, operation.example), name).not.to.throw()
    }
  })

  it('has examples that the server itself finds nothing wrong with', async () => {
    const key = `Bearer ${door.accounts.shown}`
    const token = `Bearer ${await signIn(door)}`
    const codes: string[] = []
    for (const { method, path, opens, example } of bodied) {
      const answer = await fetch(door.url + path, {
        method: method.toUpperCase(),
        headers: { 'content-type': 'application/json', authorization: opens === 'session' ? token : key },
        body: JSON.stringify(example),
      })
      await judge.check(method, path, answer)
      const { error } = (await answer.json()) as { error?: { code: string } | string | null }
      const code = typeof error === 'object' ? error?.code : error
      if (code !== undefined) codes.push(code)
    }

    const wrong = /parameter|invalid_value|invalid_json|route/
    expect(codes.filter((code) => wrong.test(code) && code !== 'unexpected')).to.deep.equal([])
  })

  it(`allows whatever its routes accept: 600 bodies each (seed ${SEED})`, () => {
    const value = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        false,
        0,
        1,
        2,
        0.5,
        -1,
        '',
        'x',
        'auto',
        'none',
        'url',
        '5',
        [],
        {},
        ['x'],
      ),
      fc.jsonValue({ maxDepth: 2 }),
    )
    let accepted = 0
    for (const operation of bodied) {
      const { schema = {} } =
        judge.operation(operation.method, operation.path).requestBody?.content['application/json'] ?? {}
      const names = Object.keys((schema as { properties?: object }).properties ?? {})
      const changes = fc.array(fc.tuple(fc.constantFrom(...names, 'x'), value), { maxLength: 3 })
      fc.assert(
        fc.property(changes, (pairs) => {
          const body = { ...(operation.example as object), ...Object.fromEntries(pairs) }
          try {
            read(operation.body, body)
          } catch {
            return
          }
          accepted += 1
          expect(judge.fault(schema, body), `${nameOf(operation)} ${JSON.stringify(body)}`).to.equal(
            undefined,
          )
        }),
        { seed: SEED, numRuns: 600 },
      )
    }

    expect(accepted).to.be.greaterThan(bodied.length * 50)
  })

  it('is what the pages of an account answer', async () => {
    const token = await signIn(door)
    const ask = async (method: string, path: string, body?: object, status = 200) => {
      const answer = await fetch(`${door.url}/v1/account${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      expect(answer.status, `${method} ${path}`).to.equal(status)
      await judge.check(method, `/v1/account${path}`, answer)
      return answer.status === 204 ? {} : ((await answer.json()) as Record<string, string>)
    }
    await ask('GET', '')
    await ask('PATCH', '', { low_mark: '0.5' })
    const { id, key } = await ask(
      'POST',
      '/keys',
      { name: 'k', quota: '1', pods: ['chat'], expires: '2099-01-01T00:00:00Z' },
      201,
    )
    await ask('GET', '/keys')
    const paid = await door.ask({ authorization: `Bearer ${key}` })
    await judge.check('POST', '/v1/chat/completions', paid)
    for (const by of ['day', 'key', 'pod']) await ask('GET', `/usage?by=${by}`)
    await ask('GET', '/webhook', undefined, 404)
    await ask('PUT', '/webhook', { url: 'http://127.0.0.1:1/x', low_mark: '0' })
    await ask('GET', '/webhook')
    await ask('DELETE', '/webhook', undefined, 204)
    await ask('DELETE', `/keys/${id}`)
    await ask('DELETE', '/keys/hk0', undefined, 404)
    await ask('POST', '/keys', { name: '' }, 400)
    await ask('DELETE', '/session', undefined, 204)
    await ask('GET', '', undefined, 401)
  })

  it('is a page too, that runs nothing and loads nothing but itself', async () => {
    const answer = await fetch(`${door.url}/docs`)
    const page = await answer.text()
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')

    expect(answer.headers.get('content-type')).to.equal('text/html; charset=utf-8')
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).to.include("default-src 'none'").and.include(`style-src 'sha256-${hash}'`)
    expect(policy).not.to.match(/unsafe|script-src|https?:/)
    expect(page).not.to.match(/<script|<link|<img|<iframe|\son\w+=|\sstyle=|@import|url\(/i)
    expect([...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).to.satisfy((all: string[]) =>
      all.every((href) => href.startsWith('#') || href === '/openapi.json'),
    )
    for (const { path, example } of operations) {
      expect(page).to.include(`<code>${path}</code>`)
      if (example !== undefined) expect(page).to.include('<h4>Example</h4>')
    }
  })
})

/** `get /v1/models/{}`, from the tree that Fastify prints. */
function servedOf(tree: string): Set<string> {
  const above: string[] = []
  const served = new Set<string>()
  for (const line of tree.split('\n')) {
    const [, indent = '', part = '', , methods = ''] =
      /^((?:[│ ] {3})*)[├└]── (\S+)( \((.*)\))?$/.exec(line) ?? []
    const depth = indent.length / 4
    above.splice(depth)
    above.push(part)
    const path = above
      .join('')
      .replace(/:\w+(\|:\w+)*/g, '{}')
      .replace(/(.)\/$/, '$1')
    for (const method of methods.split(', ')) {
      if (method !== '' && method !== 'HEAD' && method !== 'OPTIONS')
        served.add(`${method.toLowerCase()} ${path}`)
    }
  }
  return served
}

async function signIn(door: MeteredDoor): Promise<string> {
  const wallet = privateKeyToAccount(generatePrivateKey())
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${door.url}/v1/account${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return (await answer.json()) as { message: string; token: string }
  }
  const { message } = await post('/challenge', { address: wallet.address })
  door.account(wallet.address.toLowerCase(), 5_000_000n)
  return (await post('/session', { message, signature: await wallet.signMessage({ message }) })).token
}
