import type { Deployer } from '../deployer.ts'

/** One numbered step. Doing it again changes nothing. */
export interface Step {
  name: string
  /** Looks at what the operator has to say before any step sends anything. @throws HeuristError (refused). */
  check?(deployer: Deployer): Promise<void>
  run(deployer: Deployer): Promise<void>
}
