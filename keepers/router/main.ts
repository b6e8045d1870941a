import { runProgram } from '../program.ts'
import { routerConfigSchema } from './config.ts'
import { startRouter } from './router.ts'

/** `node --import tsx keepers/router/main.ts <config.json>`: routes and settles. */
await runProgram('router', routerConfigSchema, startRouter)
