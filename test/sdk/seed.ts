import type { Parameters } from 'fast-check'

/** One seed for a whole run, printed, so that a failure can be repeated: `HEURIST_SEED=… npx mocha …`. */
if (process.env.HEURIST_SEED === undefined) {
  process.env.HEURIST_SEED = String(Math.floor(Math.random() * 2 ** 31))
  process.stdout.write(`  seed: HEURIST_SEED=${process.env.HEURIST_SEED}\n`)
}
export const SEED = Number(process.env.HEURIST_SEED)

/** Options of a property that uses the run's seed. */
export const seeded = <T>(options: Parameters<T>): Parameters<T> => ({ seed: SEED, ...options })
