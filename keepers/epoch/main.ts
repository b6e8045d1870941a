import { runProgram } from '../../sdk/program.ts'
import { keeperConfigSchema } from './config.ts'
import { startKeeper } from './keeper.ts'

/** `node --import tsx keepers/epoch/main.ts <config.json>`: turns the epochs. */
await runProgram('keeper', keeperConfigSchema, async (config, { log, stopWith }) => {
  const keeper = await startKeeper(config, log)
  stopWith(() => keeper.stop())
  return { url: keeper.url }
})
