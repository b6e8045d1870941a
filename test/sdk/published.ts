import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Stage } from './stage.ts'

/** Runs the published script, which imports viem and nothing of ours. */
export async function runScript(
  { folder }: Stage,
  ...args: string[]
): Promise<{ code: number | null; output: string }> {
  const file = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'verify-receipt.mjs')
  const child = spawn(process.execPath, [file, ...args], { env: { ...process.env, HEURIST_HOME: folder } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
