import { runProgram } from '../../sdk/program.ts'
import { routerConfigSchema } from './config.ts'
import { startRouter } from './router.ts'

/** `node --import tsx keepers/router/main.ts <config.json>`: routes and settles. */
await runProgram('router', routerConfigSchema, async (config, { log, fail, stopWith }) => {
  const router = await startRouter(config, log, fail)
  stopWith(() => router.stop())
  return { url: router.url }
})
