import { refused } from '../../sdk/errors.ts'
import type { PodKind } from '../../sdk/protocol/manifest.ts'
import type { LoadEngine } from './engine.ts'

/** One engine per kind of pod. Imported only when asked for: a slot loads one kind. */
const LOADERS: Partial<Record<PodKind, () => Promise<LoadEngine>>> = {
  chat: async () => (await import('./chat/load.ts')).loadChat,
  translate: async () => (await import('./translate/load.ts')).loadTranslate,
  embed: async () => (await import('./embed/load.ts')).loadEmbed,
  image: async () => (await import('./image/load.ts')).loadImage,
}

/** @throws `engine.unknown` (refused) for a kind that no engine here runs. */
export async function loaderOf(kind: PodKind): Promise<LoadEngine> {
  const load = LOADERS[kind]
  if (load === undefined) {
    throw refused('engine.unknown', `No engine here runs pods of kind ${kind}`, {
      fix: `Serve a pod of kind ${Object.keys(LOADERS).join(' or ')}.`,
    })
  }
  return load()
}
