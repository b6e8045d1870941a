import { execFile } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { promisify } from 'node:util'

export interface Gpu {
  /** As `CUDA_VISIBLE_DEVICES` takes it: an index or `MIG-<uuid>`. */
  device: string
  name: string
  memoryMiB: number
}

export interface Machine {
  cpu: string
  cores: number
  /** What this process may use: the container's limit if there is one. */
  memoryMiB: number
  gpus: Gpu[]
}

const MIB = 1024 * 1024
const run = promisify(execFile)

function memoryMiB(): number {
  const limit = process.constrainedMemory()
  const bytes = limit > 0 && limit < totalmem() ? limit : totalmem()
  return Math.floor(bytes / MIB)
}

/** Lines `index, name, MiB` of `nvidia-smi --query-gpu`. */
export function parseGpus(text: string): Gpu[] {
  return text
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 3 && /^\d+$/.test(cells[2] ?? ''))
    .map(([device = '', name = '', memory = '0']) => ({ device, name, memoryMiB: Number(memory) }))
}

/** MIG slices in `nvidia-smi -L`; the profile's name tells the memory: `MIG 1g.10gb`. */
export function parseSlices(text: string): Gpu[] {
  const slices = text.matchAll(/MIG (\d+g\.(\d+)gb\S*)\s.*?UUID: (MIG-[0-9a-fA-F-]{36})/g)
  return [...slices].map(([, name = '', gigabytes = '0', device = '']) => ({
    device,
    name: `MIG ${name}`,
    memoryMiB: Number(gigabytes) * 1024,
  }))
}

/** NVIDIA's devices, as its own tool reports them; none if the tool is missing or does not answer. */
async function gpus(): Promise<Gpu[]> {
  const ask = (...args: string[]) =>
    run('nvidia-smi', args, { timeout: 5_000 }).then(
      ({ stdout }) => stdout,
      () => '',
    )
  const whole = await ask('--query-gpu=index,name,memory.total', '--format=csv,noheader,nounits')
  if (whole === '') return []
  return [...parseGpus(whole), ...parseSlices(await ask('-L'))]
}

export async function lookAtMachine(): Promise<Machine> {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryMiB: memoryMiB(),
    gpus: await gpus(),
  }
}
