import type { Deployer } from '../deployer.ts'

/** One numbered step. Doing it again changes nothing. */
export interface Step {
  name: string
  run(deployer: Deployer): Promise<void>
}
