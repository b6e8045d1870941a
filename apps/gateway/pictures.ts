import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { refused } from '../../sdk/errors.ts'

/** How long a picture asked for as `url` can be fetched: OpenAI's hour. */
export const PICTURE_LIFE_MS = 60 * 60 * 1000

const NAME = /^[0-9a-f]{32}\.png$/

/** Pictures asked for as `url`: files under unguessable names, gone after an hour. */
export interface Pictures {
  /** @returns The file name to put in a URL. */
  keep(png: Uint8Array): Promise<string>
  /** @throws `picture.unknown` (refused) for a name never given out, or older than an hour. */
  read(name: string): Promise<Uint8Array>
  /** Removes what is older than an hour. */
  sweep(): Promise<void>
}

/** @param now  Milliseconds; injected so that age can be tested. */
export function openPictures(folder: string, now: () => number = Date.now): Pictures {
  const isOld = (modifiedMs: number) => now() - modifiedMs > PICTURE_LIFE_MS

  return {
    async keep(png) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const name = `${randomBytes(16).toString('hex')}.png`
      await writeFile(join(folder, name), png, { mode: 0o600, flag: 'wx' })
      return name
    },

    async read(name) {
      const unknown = refused('picture.unknown', 'There is no such picture, or it is older than an hour', {
        fix: "Ask for 'b64_json' to receive pictures in the answer itself.",
      })
      if (!NAME.test(name)) throw unknown
      const file = join(folder, name)
      const facts = await stat(file).catch(() => undefined)
      if (facts === undefined || isOld(facts.mtimeMs)) throw unknown
      return readFile(file)
    },

    async sweep() {
      const names = await readdir(folder).catch(() => [])
      for (const name of names.filter((each) => NAME.test(each))) {
        const facts = await stat(join(folder, name)).catch(() => undefined)
        if (facts !== undefined && isOld(facts.mtimeMs)) await rm(join(folder, name), { force: true })
      }
    },
  }
}
