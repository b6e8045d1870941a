import { registryAbi } from '../../sdk/chain/abi.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import type { Network } from '../../sdk/chain/network.ts'
import { refused } from '../../sdk/errors.ts'
import { admitSlots } from '../admission.ts'
import type { Machine } from '../machine.ts'
import { podFileFaults } from '../podfiles.ts'
import { type Pod, readPod } from '../pods.ts'
import { listedPods } from '../registry.ts'
import { type Check, type Finding, look } from './check.ts'

/** Whether a pod's files are true, fit the machine, and are the version that the network knows. */
export async function examinePod(
  podsDir: string,
  name: string,
  machine: Machine,
  network: Network,
): Promise<Check[]> {
  let pod: Pod
  try {
    pod = await readPod(podsDir, name)
  } catch (cause) {
    return [await look(`pod.${name}.manifest`, () => Promise.reject(cause))]
  }
  return Promise.all([
    look(`pod.${name}.manifest`, () => `${pod.manifest.version}, ${pod.hash}`),
    look(`pod.${name}.files`, () => podFiles(pod)),
    look(`pod.${name}.fits`, () => podFits(name, pod, machine)),
    look(`pod.${name}.listed`, () => podListed(pod, network)),
  ])
}

async function podFiles(pod: Pod): Promise<Finding> {
  const [fault, ...more] = await podFileFaults(pod.folder, pod.manifest)
  if (!fault) return `${pod.manifest.files.length} files are what the manifest says`
  if (more.length === 0) throw fault
  const message = `${fault.message}, and ${more.length} more`
  throw refused(fault.code, message, fault.fix === undefined ? {} : { fix: fault.fix })
}

function podFits(name: string, pod: Pod, machine: Machine): Finding {
  const config = { pod: name, device: 'auto', warm: false }
  const [misfit] = admitSlots([{ config, pod }], machine).refused
  if (misfit) throw misfit.error
  return `${pod.manifest.resources.memoryMiB} MiB on ${pod.manifest.resources.providers.join(', ')}`
}

async function podListed(pod: Pod, network: Network): Promise<Finding> {
  const listed = await listedPods(network.router.url)
  const newest = listed.find((one) => one.manifest === pod.hash)
  if (newest) return `pod ${newest.id}, newest version`
  const { client } = openChain(network)
  for (const namesake of listed.filter((one) => one.name === pod.manifest.name)) {
    const args = [namesake.id, pod.hash] as const
    const registry = { address: network.addresses.registry, abi: registryAbi } as const
    if (!(await client.readContract({ ...registry, functionName: 'isVersion', args }))) continue
    return { detail: `pod ${namesake.id}, an older version`, fix: 'Fetch the newest version of the pod.' }
  }
  throw refused('pod.unlisted', 'the router lists no pod with this manifest', {
    fix: 'Fetch the pod folder that the router lists, or publish this version.',
  })
}
