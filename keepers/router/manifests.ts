import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { asHeuristError, bug } from '../../sdk/errors.ts'
import { manifestHash } from '../../sdk/protocol/manifest.ts'
import { hashSchema, toWire } from '../../sdk/protocol/wire.ts'
import type { Log, Manifests } from '../world.ts'

const ownerSchema = z.object({
  pod: z.number().int(),
  block: z.coerce.bigint(),
  hash: hashSchema,
  /** An older router did not say what it had asked about, and asks again. */
  among: z.array(hashSchema).default([]),
})
/** Of a router that kept no more than a number: nothing tells whether the chain still says so, and it is asked anew. */
const unfoundedSchema = z.number().transform(() => undefined)
const ownersSchema = z.record(z.string(), z.union([ownerSchema, unfoundedSchema]))

/** Manifests from the pod folders of this machine, and those kept from earlier: versions stay served. */
export function folderManifests(podsDir: string, dataDir: string, log: Log): Manifests {
  const keptDir = join(dataDir, 'manifests')
  mkdirSync(keptDir, { recursive: true })
  const ownersFile = join(dataDir, 'names.json')
  const fileOf = (hash: string) => join(keptDir, `${hash}.yaml`)

  /** Kept files that are known to be whole. */
  const whole = new Set<string>()
  /** Files that could not be read when they were looked at last: said once. */
  const unreadable = new Set<string>()

  /** Nothing of a file that cannot be read, and of a kept one that has not the hash it is named after. */
  function contents(file: string, hash?: string): Uint8Array[] {
    try {
      const bytes = new Uint8Array(readFileSync(file))
      if (hash !== undefined && manifestHash(bytes) !== hash) {
        throw bug('manifest.torn', `${file} is not the manifest that was kept there`, {
          fix: 'It is written again once the pod folder with that version is back.',
        })
      }
      unreadable.delete(file)
      return [bytes]
    } catch (cause) {
      if (!unreadable.has(file))
        log.warn({ event: 'manifest.unreadable', file, ...asHeuristError(cause).toJSON() })
      unreadable.add(file)
      return []
    }
  }

  return {
    async read() {
      const pods = readdirSync(podsDir)
        .map((name) => join(podsDir, name, 'pod.yaml'))
        .filter((file) => existsSync(file))
      const hashes = readdirSync(keptDir).flatMap((name) => /^(0x[0-9a-f]{64})\.yaml$/.exec(name)?.[1] ?? [])
      const kept = hashes.flatMap((hash) => {
        const bytes = contents(fileOf(hash), hash)
        if (bytes.length > 0) whole.add(hash)
        else whole.delete(hash)
        return bytes
      })
      return [...pods.flatMap((file) => contents(file)), ...kept]
    },
    async keep(hash, bytes) {
      if (whole.has(hash) && existsSync(fileOf(hash))) return
      writeFileSync(`${fileOf(hash)}.new`, bytes, { flush: true })
      renameSync(`${fileOf(hash)}.new`, fileOf(hash))
      whole.add(hash)
    },
    async owners() {
      if (!existsSync(ownersFile)) return {}
      try {
        const kept = Object.entries(ownersSchema.parse(JSON.parse(readFileSync(ownersFile, 'utf8'))))
        return Object.fromEntries(kept.flatMap(([name, first]) => (first ? [[name, first]] : [])))
      } catch (cause) {
        const aside = `${ownersFile}.unreadable`
        renameSync(ownersFile, aside)
        throw bug('names.unreadable', `whose the pods' names are could not be read, and is now ${aside}`, {
          fix: 'The chain is asked again; there is nothing to do.',
          cause,
        })
      }
    },
    async keepOwners(owners) {
      writeFileSync(`${ownersFile}.new`, `${toWire(owners)}\n`, { flush: true })
      renameSync(`${ownersFile}.new`, ownersFile)
    },
  }
}
