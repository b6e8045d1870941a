import { createDeployer, type Deployer, type DeployerOptions } from './deployer.ts'
import { authority } from './steps/01-authority.ts'
import { tokens } from './steps/02-tokens.ts'
import { registry } from './steps/03-registry.ts'
import { stakes } from './steps/04-stakes.ts'
import { ledger } from './steps/05-ledger.ts'
import { economy } from './steps/06-economy.ts'
import { roles } from './steps/07-roles.ts'
import type { Step } from './steps/step.ts'
import { assertRight, verify } from './verify.ts'

export const STEPS: Step[] = [authority, tokens, registry, stakes, ledger, economy, roles]

/**
 * Deploys what is missing, in order, and reads everything back. Running it again changes nothing. What the operator has to
 * say is looked at before anything is sent.
 *
 * @param onStep  Told before each step, for progress.
 */
export async function deploy(
  options: DeployerOptions,
  onStep: (name: string) => void = () => {},
): Promise<Deployer> {
  const deployer = await createDeployer(options)
  for (const step of STEPS) await step.check?.(deployer)
  for (const step of STEPS) {
    onStep(step.name)
    await step.run(deployer)
  }
  onStep('verify')
  assertRight(await verify(deployer))
  return deployer
}
