import type { Step } from './step.ts'

/** Who may do what and after which delay. The deployer administers it until it hands that on. */
export const authority: Step = {
  name: 'authority',
  async run(deployer) {
    await deployer.create('authority', 'Authority', [deployer.admin])
  },
}
