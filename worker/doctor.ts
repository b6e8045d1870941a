import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { examineCases } from './doctor/cases.ts'
import type { Check, Examination } from './doctor/check.ts'
import { examineCover } from './doctor/cover.ts'
import { examineMachine, examineProviders } from './doctor/machine.ts'
import { examineNetwork } from './doctor/network.ts'
import { examineNode } from './doctor/node.ts'
import { examinePod } from './doctor/pod.ts'
import { lookAtMachine } from './machine.ts'

/** Everything that can keep a machine from serving, one check each, with what mends it. */
export async function examine(examination: Examination): Promise<Check[]> {
  const { network, home, podsDir } = examination
  const machine = await lookAtMachine()
  const pods = examination.pods ?? podNames(podsDir)
  const [here, providers, there, node, cover, cases, ...perPod] = await Promise.all([
    examineMachine(home, machine),
    examineProviders(machine),
    examineNetwork(network),
    examineNode(examination),
    examineCover(examination),
    examineCases(examination),
    ...pods.map((pod) => examinePod(podsDir, pod, machine, network)),
  ])
  return [...here, ...providers, ...there, ...node, cover, cases, ...perPod.flat()]
}

const podNames = (podsDir: string): string[] =>
  readdirSync(podsDir)
    .filter((name) => existsSync(join(podsDir, name, 'pod.yaml')))
    .sort()
