import { runProgram } from '../program.ts'
import { keeperConfigSchema } from './config.ts'
import { startKeeper } from './keeper.ts'

/** `node --import tsx keepers/epoch/main.ts <config.json>`: turns the epochs. */
await runProgram('keeper', keeperConfigSchema, startKeeper)
