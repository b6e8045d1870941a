import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { z } from 'zod'
import { refused } from '../../sdk/errors.ts'
import { addressSchema } from '../../sdk/protocol/wire.ts'

const url = z.url({ protocol: /^https?$/ })

/** The page server's configuration file. */
export const configSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.number().int().min(0).max(65535),
  routerUrl: url,
  gatewayUrl: url.optional(),
  /** Chain and ledger that receipts are checked against: this page's own, and not what the router says of itself. */
  rpcUrl: url,
  chainId: z.number().int().positive(),
  ledger: addressSchema,
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
    "img-src 'self'",
    `connect-src 'self' ${[...new Set(doors)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
}

/** Serves `dist/` and `/config.json`; receipts have addresses of their own, which the page itself reads. */
export function createWeb(config: WebConfig, log: FastifyBaseLogger): FastifyInstance {
  if (!existsSync(join(DIST, 'index.html'))) {
    throw refused('web.not_built', 'The page is not built', { fix: 'Run: npx tsx apps/web/build.ts' })
  }
  const { routerUrl, gatewayUrl, rpcUrl, chainId, ledger } = config
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
  })
  const policy = contentSecurityPolicy(config)
  app.addHook('onRequest', async (_, reply) => {
    reply.headers({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    })
  })
  app.register(fastifyStatic, {
    root: DIST,
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders: (reply, path) => {
      // Names under assets/ carry a hash of their content.
      const forever = path.startsWith(join(DIST, 'assets'))
      reply.header('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  app.get('/config.json', async (_, reply) =>
    reply.header('cache-control', 'no-store').send({ routerUrl, gatewayUrl, rpcUrl, chainId, ledger }),
  )
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/r/:request', async (_, reply) => reply.sendFile('index.html'))
  app.setNotFoundHandler(async (_, reply) =>
    reply.code(404).type('text/plain; charset=utf-8').send('Nothing here.\n'),
  )
  return app
}
