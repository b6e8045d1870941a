import { runProgram } from '../../sdk/program.ts'
import { configSchema, createWeb } from './server.ts'

/** `node --import tsx apps/web/serve.ts <config.json>`: serves the pages. */
await runProgram('web', configSchema, async (config, { log, stopWith }) => {
  const app = createWeb(config, log)
  stopWith(() => app.close())
  return { url: await app.listen({ host: config.host, port: config.port }) }
})
