import { type HeuristError, refused } from '../sdk/errors.ts'
import type { SlotConfig } from './config.ts'
import type { Provider } from './engines/engine.ts'
import type { Machine } from './machine.ts'
import type { Pod } from './pods.ts'
import type { SlotSpec } from './slots.ts'

/** Share of the machine's memory that slots may take together; the rest is the system's. */
const MEMORY_SHARE = 0.9

/** The providers that a device stands for, best first; the slot's process tries no others. */
function providersOf(device: string): Provider[] {
  if (device === 'cpu') return ['cpu']
  return device === 'auto' ? ['cuda', 'webgpu', 'cpu'] : ['cuda']
}

/** As `CUDA_VISIBLE_DEVICES` takes it; '' hides every GPU, undefined leaves the choice to CUDA. */
export function cudaDevice(device: string): string | undefined {
  if (device === 'auto') return undefined
  if (device === 'cpu') return ''
  if (device.startsWith('mig:')) return `MIG-${device.slice('mig:'.length)}`
  return device.slice('cuda:'.length)
}

/** The execution providers that a slot of this pod may use on this device. */
export const allowedProviders = (device: string, pod: Pod): Provider[] =>
  providersOf(device).filter((one) => pod.manifest.resources.providers.includes(one))

/** Shows a slot's process one GPU slice, which inside it is device 0. */
export function deviceEnvironment(device: string): Record<string, string> {
  const visible = cudaDevice(device)
  return visible === undefined ? {} : { CUDA_VISIBLE_DEVICES: visible }
}

export interface Admission {
  admitted: SlotSpec[]
  refused: { slot: string; error: HeuristError }[]
}

/**
 * Which slots fit this machine, in the order asked for: what the manifests say they need, added up, against what is
 * there. A slot that does not fit is refused before it can take the others down with it.
 */
export function admitSlots(wanted: { config: SlotConfig; pod: Pod }[], machine: Machine): Admission {
  const admission: Admission = { admitted: [], refused: [] }
  const used = { memoryMiB: 0, vramMiB: new Map<string, number>() }
  const numbers = new Map<string, number>()
  for (const { config, pod } of wanted) {
    const number = numbers.get(config.pod) ?? 0
    numbers.set(config.pod, number + 1)
    const slot = `${config.pod}.${number}`
    const error = misfit(config, pod, machine, used)
    if (error) {
      admission.refused.push({ slot, error })
      continue
    }
    const { memoryMiB, vramMiB } = pod.manifest.resources
    used.memoryMiB += memoryMiB
    const gpu = gpuFor(config, pod, machine)
    if (gpu) used.vramMiB.set(gpu.device, (used.vramMiB.get(gpu.device) ?? 0) + vramMiB)
    admission.admitted.push({
      id: slot,
      pod,
      warm: config.warm,
      providers: allowedProviders(config.device, pod),
      environment: deviceEnvironment(config.device),
    })
  }
  return admission
}

function gpuFor(config: SlotConfig, pod: Pod, machine: Machine): Machine['gpus'][number] | undefined {
  if (config.device === 'cpu' || !pod.manifest.resources.providers.includes('cuda')) return undefined
  const device = cudaDevice(config.device) ?? '0'
  return machine.gpus.find((gpu) => gpu.device.toLowerCase() === device.toLowerCase())
}

function misfit(
  config: SlotConfig,
  pod: Pod,
  machine: Machine,
  used: { memoryMiB: number; vramMiB: Map<string, number> },
): HeuristError | undefined {
  const { resources } = pod.manifest
  if (allowedProviders(config.device, pod).length === 0) {
    return refused('device.unsuitable', `${config.pod} does not run on ${config.device}`, {
      fix: `It runs on: ${resources.providers.join(', ')}.`,
    })
  }
  const gpu = gpuFor(config, pod, machine)
  if (/^(cuda|mig):/.test(config.device) && !gpu) {
    return refused('device.missing', `There is no ${config.device} on this machine`, {
      fix: 'Look at `nvidia-smi -L`, and at `heurist node doctor`.',
    })
  }
  const most = Math.floor(machine.memoryMiB * MEMORY_SHARE)
  if (used.memoryMiB + resources.memoryMiB > most) {
    return refused('memory.short', `${config.pod} needs ${resources.memoryMiB} MiB of memory`, {
      fix: 'Offer fewer slots, or a smaller pod.',
      details: { needed: resources.memoryMiB, free: Math.max(0, most - used.memoryMiB) },
    })
  }
  const usedVram = gpu ? (used.vramMiB.get(gpu.device) ?? 0) : 0
  if (gpu && usedVram + resources.vramMiB > gpu.memoryMiB) {
    return refused('vram.short', `${config.pod} needs ${resources.vramMiB} MiB on GPU ${gpu.device}`, {
      fix: 'Put the slot on another GPU, or offer fewer slots.',
      details: { needed: resources.vramMiB, free: gpu.memoryMiB - usedVram },
    })
  }
  return undefined
}
