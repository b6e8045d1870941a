import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { DRAWN, type Example } from '../../apps/web/src/imagine/known.ts'
import { loadPod } from '../../pods/image/score.ts'
import { PODS } from '../market.ts'

/** `npx tsx test/apps/examples.ts` draws imagine's examples by the shipped pod, into `apps/web/public/imagine/examples/`. */

const PUBLIC = join(import.meta.dirname, '..', '..', 'apps', 'web', 'public')
export const fileOf = ({ picture }: Example): string => join(PUBLIC, picture)

/** What the pod's own engine delivers for the request of each example. */
export async function drawExamples(): Promise<Uint8Array[]> {
  const engine = await loadPod(join(PODS, 'image'))
  const pictures: Uint8Array[] = []
  for (const { asked } of DRAWN) {
    const parts: Uint8Array[] = []
    await engine.run(new TextEncoder().encode(JSON.stringify(asked)), {
      emit: (bytes) => void parts.push(bytes),
      signal: new AbortController().signal,
    })
    pictures.push(Buffer.concat(parts))
  }
  return pictures
}

/** Processors round otherwise: so far apart may be what two of them draw of one request. Of 255. */
export const ROUNDING = 3

/** How far the colours of two pictures are apart where they are furthest. Of 255. */
export async function apart(one: Uint8Array, other: Uint8Array): Promise<number> {
  const [a, b] = await Promise.all([one, other].map((bytes) => sharp(bytes).removeAlpha().raw().toBuffer()))
  if (a === undefined || b === undefined || a.length !== b.length) return 255
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? 0))), 0)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [index, bytes] of (await drawExamples()).entries()) {
    const path = fileOf(DRAWN[index] as Example)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  }
  process.exit(0)
}
