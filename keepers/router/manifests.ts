import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { bug } from '../../sdk/errors.ts'
import type { Manifests } from '../world.ts'

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
        return z.record(z.string(), z.number().int()).parse(JSON.parse(readFileSync(ownersFile, 'utf8')))
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
      writeFileSync(`${ownersFile}.new`, `${JSON.stringify(owners, undefined, 2)}\n`, { flush: true })
      renameSync(`${ownersFile}.new`, ownersFile)
    },
  }
}
