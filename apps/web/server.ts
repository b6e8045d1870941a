import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { z } from 'zod'
import { loadKey } from '../../sdk/chain/keys.ts'
import { refused } from '../../sdk/errors.ts'
import { addressSchema } from '../../sdk/protocol/wire.ts'
import { usd } from '../../sdk/units.ts'
import { answerErrors } from './api/errors.ts'
import { relayRoutes } from './api/relay.ts'
import { DOOR_PAGES, doorRoutes, type Heads } from './doors.ts'
import { originOf, sentPicture } from './pictures/page.ts'
import { PICTURE_SHARE } from './pictures/record.ts'
import { pictureRoutes } from './pictures/routes.ts'
import { RESULT_SHARE } from './search/documents.ts'
import { openSearch, searchSchema } from './search/open.ts'
import { searchRoutes } from './search/routes.ts'
import { type SentShare, withShare } from './shares/page.ts'
import { shareRoutes } from './shares/routes.ts'
import { CHAT_SHARE } from './shares/snapshot.ts'
import { openShares, type ShareStore } from './shares/store.ts'
import { DOORS, type Door } from './src/network/config.ts'
import { chatBody } from './src/pondera/sent.ts'
import { resultBody } from './src/search/sent.ts'

const url = z.url({ protocol: /^https?$/ })

/** The page server's configuration file. */
export const configSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.number().int().min(0).max(65535),
  routerUrl: url,
  gatewayUrl: url.optional(),
  /** Chain and ledger that receipts are checked against: this page's own, and not what the router says of itself. */
  rpcUrl: url,
  /** The server's own way to the chain, for the case that it holds a secret: pages read by `rpcUrl`. Default: the same. */
  chainRpcUrl: url.optional(),
  chainId: z.number().int().positive(),
  ledger: addressSchema,
  /** The doors that are open, each with the frontend that earns its share; 0 = none does. */
  doors: z
    .partialRecord(z.enum(DOORS), z.strictObject({ frontend: z.number().int().nonnegative() }))
    .default({ portal: { frontend: 0 } }),
  /** How people reach this page, for links that others follow; default: as a request came in. */
  publicUrl: url.optional(),
  /** Where shared chats, results and pictures are kept. Without it nothing can be shared. */
  dataDir: z.string().min(1).optional(),
  /** Brings deposits that wallets signed to the chain, at the cost of this key. */
  relay: z
    .strictObject({
      keyFile: z.string().min(1),
      leastUsd: z.string().default('0.50'),
      /** So many deposits a day, whoever signed them. */
      mostADay: z.number().int().positive().default(500),
    })
    .optional(),
  /** What the search door finds its sources by. */
  search: searchSchema.prefault({}),
  /** So many shared chats are kept at all, and so many results. */
  mostShares: z.number().int().positive().default(20_000),
  /** So many new ones of each a day, whoever shares them: strangers cannot fill the room at once. */
  mostSharesADay: z.number().int().positive().default(500),
  /** So many shared pictures, and all of them together so large. */
  mostPictures: z.number().int().positive().default(5_000),
  mostPictureMiB: z.number().int().positive().default(2_048),
  /** Whose `X-Forwarded-For` names the caller. */
  trustedProxies: z
    .array(
      z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6(), z.enum(['loopback', 'linklocal', 'uniquelocal'])]),
    )
    .default([]),
})
export type WebConfig = z.output<typeof configSchema>

const DIST = join(import.meta.dirname, 'dist')

/**
 * What a browser may do for this page: run the page's own files, talk to the network's doors, nothing else. No inline
 * script or style, no frame, no third party.
 */
export function contentSecurityPolicy({ routerUrl, gatewayUrl, rpcUrl }: WebConfig): string {
  const doors = [routerUrl, gatewayUrl, rpcUrl].flatMap((each) =>
    each === undefined ? [] : [new URL(each).origin],
  )
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    // Pictures that the page itself made or received.
    "img-src 'self' blob:",
    "worker-src 'self'",
    `connect-src 'self' ${[...new Set(doors)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
}

/** With every answer, whatever it is. */
const headersOf = (config: WebConfig) => ({
  'content-security-policy': contentSecurityPolicy(config),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
})

/** Serves `dist/`, `/config.json` and the doors' addresses, which the pages read themselves; keeps what people share; searches. */
export function createWeb(config: WebConfig, log: FastifyBaseLogger): FastifyInstance {
  if (!existsSync(join(DIST, 'index.html'))) {
    throw refused('web.not_built', 'The page is not built', { fix: 'Run: npx tsx apps/web/build.ts' })
  }
  const { routerUrl, gatewayUrl, rpcUrl, chainId, ledger, doors, dataDir } = config
  const headers = headersOf(config)
  const chainRpcUrl = config.chainRpcUrl ?? rpcUrl
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    // An address that cannot be decoded comes by no hook.
    frameworkErrors: (_, __, { raw }) => {
      raw.writeHead(400, { ...headers, 'content-type': 'text/plain; charset=utf-8' })
      raw.end('This is no address.\n')
    },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustedProxies.length > 0 ? config.trustedProxies : false,
  })
  // JSON alone: what a form of another site could send is not read.
  app.removeContentTypeParser('text/plain')
  answerErrors(app)
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(headers)
  })
  app.register(fastifyStatic, {
    root: DIST,
    dotfiles: 'ignore',
    cacheControl: false,
    // The build laid compressed files beside the plain ones.
    preCompressed: true,
    setHeaders: (reply, path) => {
      // Names under assets/ carry a hash of their content.
      const forever = path.startsWith(join(DIST, 'assets'))
      reply.header('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  const page = { routerUrl, gatewayUrl, rpcUrl, chainId, ledger, doors, relay: config.relay !== undefined }
  app.get('/config.json', async (_, reply) => reply.header('cache-control', 'no-store').send(page))
  app.get('/healthz', async () => ({ status: 'ok' }))
  doorRoutes(app, config, dataDir === undefined ? {} : sharing(app, config, dataDir))
  if (doors.search) {
    const { frontend } = doors.search
    const { search } = config
    const parts = openSearch({
      search,
      routerUrl,
      rpcUrl: chainRpcUrl,
      chainId,
      ledger,
      dataDir,
      frontend,
      log,
    })
    searchRoutes(app, parts)
    app.addHook('onClose', () => parts.close())
  }
  if (config.relay !== undefined) {
    const { keyFile, leastUsd, mostADay } = config.relay
    const key = loadKey(keyFile).privateKey
    const least = usd(leastUsd)
    relayRoutes(app, { routerUrl, rpcUrl: chainRpcUrl, chainId, ledger, key, least, mostADay })
  }
  app.setNotFoundHandler(async ({ method, url, headers: { accept = '' } }, reply) => {
    const isRead = method === 'GET' && accept.includes('text/html')
    const plain = isRead ? withoutSlash(url) : undefined
    if (plain !== undefined) return reply.redirect(plain, 308)
    reply.code(404)
    if (isRead && doors.portal !== undefined)
      return reply.header('x-robots-tag', 'noindex').sendFile(DOOR_PAGES.portal.file)
    return reply.type('text/plain; charset=utf-8').send('Nothing here.\n')
  })
  return app
}

/** The address without a slash at its end; undefined if it has none, or could be read as another host's. */
function withoutSlash(url: string): string | undefined {
  const [path = '', ...query] = url.split('?')
  if (!path.endsWith('/') || path.includes('//') || !/^\/[\w-]/.test(path)) return undefined
  return [path.slice(0, -1), ...query].join('?')
}

/** Keeps what is shared, in a folder for each kind. @returns the pages of shares, with what they show in them. */
function sharing(app: FastifyInstance, config: WebConfig, dataDir: string): Heads {
  const { mostShares, mostSharesADay, mostPictures, mostPictureMiB, publicUrl, doors } = config
  const { routerUrl, rpcUrl, chainId, ledger } = config
  const now = Date.now
  const few = { most: mostShares, now }
  const daily = { mostADay: mostSharesADay, now }
  const heads: Heads = {}

  const chats = openShares(join(dataDir, 'shares'), CHAT_SHARE, few)
  shareRoutes(app, '/api/shares', CHAT_SHARE, chats, daily)
  heads['/pondera/s/:share'] = sentPages('pondera', chats, (id, chat) => {
    return { id, api: '/api/shares', title: chat.title, body: chatBody(chat) }
  })
  if (doors.search) {
    const results = openShares(join(dataDir, 'results'), RESULT_SHARE, few)
    shareRoutes(app, '/api/results', RESULT_SHARE, results, daily)
    heads['/search'] = sentPages('search', results, (id, result) => {
      return { id, api: '/api/results', title: result.query, body: resultBody(result) }
    })
  }
  if (doors.imagine) {
    const terms = { most: mostPictures, mostTotalBytes: mostPictureMiB * 1024 * 1024, now }
    const pictures = openShares(join(dataDir, 'pictures'), PICTURE_SHARE, terms)
    const network = { routerUrl, rpcUrl: config.chainRpcUrl ?? rpcUrl, chainId, ledger }
    pictureRoutes(app, { pictures, network, now })
    heads['/imagine/s/:share'] = sentPages('imagine', pictures, (id, picture, request) =>
      sentPicture(id, picture, publicUrl ?? originOf(request)),
    )
  }
  return heads
}

/** The page of a door with the share in it that its address names; as it was built if there is no such share. */
function sentPages<S>(
  door: Door,
  shares: Pick<ShareStore<S>, 'read'>,
  sent: (id: string, shared: S & { createdAt: number }, request: FastifyRequest) => SentShare,
): Heads[string] {
  const page = readFileSync(join(DIST, DOOR_PAGES[door].file), 'utf8')
  return async (request) => {
    const { share } = request.params as { share?: string }
    const { rid } = request.query as { rid?: unknown }
    const id = share ?? (typeof rid === 'string' ? rid : '')
    const shared = await shares.read(id).catch(() => undefined)
    return shared && withShare(page, sent(id, shared, request))
  }
}
