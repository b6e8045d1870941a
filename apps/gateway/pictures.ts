import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { refused } from '../../sdk/errors.ts'

/** How long a picture asked for as `url` can be fetched: OpenAI's hour. */
export const PICTURE_LIFE_MS = 60 * 60 * 1000
/** How long a picture with a name can be: as long as its job is remembered. */
export const NAMED_LIFE_MS = 24 * PICTURE_LIFE_MS

/** Thirty-two digits that nobody guesses; on disk a picture's own name, if it has one, follows behind a dot. */
const NAME = /^[0-9a-f]{32}(\.[A-Za-z0-9._-]{1,200})?\.png$/

/** Pictures given out as URLs: files under unguessable names, gone after an hour, or after a day if they are named. */
export interface Pictures {
  /** Where they are. */
  readonly folder: string
  /**
   * @param called  A name that the URL is to end in, without `.png`; letters, digits and `._-`.
   * @returns What to put in a URL: `<digits>.png` or `<digits>/<called>.png`.
   */
  keep(png: Uint8Array, called?: string): Promise<string>
  /** @throws `picture.unknown` (refused) for a name never given out, or too old. */
  read(name: string): Promise<Uint8Array>
  /** Removes what is too old. */
  sweep(): Promise<void>
}

/** @param now  Milliseconds; injected so that age can be tested. */
export function openPictures(folder: string, now: () => number = Date.now): Pictures {
  const isOld = (file: string, modifiedMs: number) =>
    now() - modifiedMs > (file.split('.').length === 2 ? PICTURE_LIFE_MS : NAMED_LIFE_MS)

  return {
    folder,

    async keep(png, called) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const digits = randomBytes(16).toString('hex')
      const file = called === undefined ? `${digits}.png` : `${digits}.${called}.png`
      await writeFile(join(folder, file), png, { mode: 0o600, flag: 'wx' })
      return called === undefined ? file : `${digits}/${called}.png`
    },

    async read(name) {
      const unknown = refused('picture.unknown', 'There is no such picture, or it is no longer kept', {
        fix: "Ask for 'b64_json' to receive pictures in the answer itself.",
      })
      const file = name.replace('/', '.')
      if (!NAME.test(file)) throw unknown
      const path = join(folder, file)
      const facts = await stat(path).catch(() => undefined)
      if (facts === undefined || isOld(file, facts.mtimeMs)) throw unknown
      return readFile(path)
    },

    async sweep() {
      const names = await readdir(folder).catch(() => [])
      for (const name of names.filter((each) => NAME.test(each))) {
        const facts = await stat(join(folder, name)).catch(() => undefined)
        if (facts !== undefined && isOld(name, facts.mtimeMs)) await rm(join(folder, name), { force: true })
      }
    },
  }
}
