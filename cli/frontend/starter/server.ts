import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { loadKey } from '../../../sdk/chain/keys.ts'
import { type ClientOptions, createClient, formatUsd, usd } from '../../../sdk/index.ts'

type Config = Pick<ClientOptions, 'routerUrl' | 'frontend' | 'chain'> & { port: number; perDay: string }
const { port, perDay, ...network } = JSON.parse(readFileSync('frontend.json', 'utf8')) as Config
const client = createClient({
  ...network,
  key: loadKey('payer.key', process.env.HEURIST_PASSWORD).privateKey,
})
const page = readFileSync('page.html', 'utf8')
const csp = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': csp }
const offers = new Map<string, { input: object; most: bigint }>()

const html = (text: string) => text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)
const refuse = (status: number, message: string) => Object.assign(new Error(message), { status })

async function price(form: URLSearchParams): Promise<string> {
  const content = form.get('prompt')?.trim() ?? ''
  if (content === '' || content.length > 2_000)
    throw refuse(400, 'Ask something, in at most 2,000 characters.')
  const input = { messages: [{ role: 'user', content }], max_tokens: 200 }
  const { maxPrice: most } = await client.quote('chat', input)
  const offer = randomUUID()
  if (offers.set(offer, { input, most }).size > 1_000) offers.delete([...offers.keys()][0] ?? '')
  return `<blockquote>${html(content)}</blockquote><form method="post" action="/ask">
    <button name="offer" value="${offer}">Ask, for at most $${formatUsd(most)}</button></form>`
}

async function ask(form: URLSearchParams): Promise<string> {
  const offer = offers.get(form.get('offer') ?? '')
  if (!offer) throw refuse(409, 'This was asked already, or is forgotten: see the price again.')
  offers.delete(form.get('offer') ?? '') // Once: a page that is loaded again pays nothing.
  const file = `spent-${new Date().toISOString().slice(0, 10)}`
  const spent = offer.most + (existsSync(file) ? usd(readFileSync(file, 'utf8')) : 0n)
  if (spent > usd(perDay)) throw refuse(429, 'This page has spent its dollars of today.')
  writeFileSync(file, formatUsd(spent)) // Before it is spent, so that a restart forgets nothing.
  const answer = await client.run('chat', offer.input, { maxPrice: offer.most })
  return `<pre>${html(answer.text ?? '')}</pre><p>Paid $${formatUsd(answer.price)} to node ${answer.node},
    <a href="${network.routerUrl}/v1/receipts/${answer.request}">receipt ${answer.request}</a></p>`
}

const acts = new Map([['POST /price', price]]).set('POST /ask', ask).set('GET /', async () => '')
const server = createServer({ requestTimeout: 30_000 }, async (request, response) => {
  const show = (status: number, result: string) =>
    response.writeHead(status, headers).end(page.replace('<!-- result -->', () => result))
  try {
    const { 'transfer-encoding': chunked, 'content-length': length = 0 } = request.headers
    const act = acts.get(`${request.method} ${request.url}`)
    if (!act) throw refuse(404, 'There is no such page.')
    if (chunked || Number(length) > 20_000) throw refuse(413, 'This is too long: at most 2,000 characters.')
    show(200, await act(new URLSearchParams(Buffer.concat(await request.toArray()).toString())))
  } catch (cause) {
    const { code, message, status } = cause as Error & { code?: string; status?: number }
    const shown = status ?? (code?.startsWith('input.') ? 400 : 503)
    if (shown === 503) console.error(cause)
    show(shown, `<p role="alert">${shown === 503 ? 'No answer came. Try again.' : html(message)}</p>`)
  }
})
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`))
process.once('SIGTERM', () => server.close(() => client.close().then(() => process.exit())))
