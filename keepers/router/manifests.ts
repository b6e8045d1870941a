import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { bug } from '../../sdk/errors.ts'
import { hashSchema, toWire } from '../../sdk/protocol/wire.ts'
import type { Manifests } from '../world.ts'

const firstSchema = z.object({ pod: z.number().int(), block: z.coerce.bigint(), hash: hashSchema })
/** Of a router that kept no more than a number: nothing tells whether the chain still says so, and it is asked anew. */
const unfoundedSchema = z.number().transform(() => undefined)
const ownersSchema = z.record(z.string(), z.union([firstSchema, unfoundedSchema]))

/** Manifests from the pod folders of this machine, and those kept from earlier: versions stay served. */
export function folderManifests(podsDir: string, dataDir: string): Manifests {
  const keptDir = join(dataDir, 'manifests')
  mkdirSync(keptDir, { recursive: true })
  const ownersFile = join(dataDir, 'names.json')
  const fileOf = (hash: string) => join(keptDir, `${hash}.yaml`)

  return {
    async read() {
      const pods = readdirSync(podsDir)
        .map((name) => join(podsDir, name, 'pod.yaml'))
        .filter((file) => existsSync(file))
      const kept = readdirSync(keptDir).filter((name) => name.endsWith('.yaml'))
      return [...pods, ...kept.map((name) => join(keptDir, name))].map(
        (file) => new Uint8Array(readFileSync(file)),
      )
    },
    async keep(hash, bytes) {
      if (existsSync(fileOf(hash))) return
      writeFileSync(`${fileOf(hash)}.new`, bytes)
      renameSync(`${fileOf(hash)}.new`, fileOf(hash))
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
