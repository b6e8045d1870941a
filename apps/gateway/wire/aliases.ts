import { refused } from '../../../sdk/errors.ts'
import type { PodKind } from '../../../sdk/protocol/manifest.ts'
import type { Model } from '../catalog.ts'

/** The image models that Heurist's clients know by name, and the types that its catalogue gives them. */
export const IMAGE_MODELS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'flux-dev': ['FLUX.1-dev'],
    'flux-dev-lora': ['HeuristLogo'],
    sdxl10: [
      'SDXL',
      'AnimagineXL',
      'CyberRealisticXL',
      'DreamShaperXL',
      'AAMXLAnimeMix',
      'SDXLUnstableDiffusersV11',
    ],
    compositexl: ['PepeXL', 'Zeek', 'Philand'],
    sd15: [
      'BrainDance',
      'BlazingDrive',
      'BluePencilRealistic',
      'YamersCartoonArcadia',
      'ArchitectureRealMix',
      'HelloWorldFilmGrain',
      'ArthemyComics',
      'ArthemyReal',
      'Aurora',
      'ChilloutMix',
    ],
    composite15: ['MagusDevon'],
  }).flatMap(([type, names]) => names.map((name) => [name, type] as const)),
)

/** Other names of pods, as an operator wrote them: name → pod. */
export type Aliases = Readonly<Record<string, string>>

/**
 * The pod that stands in for a name which is none: the operator's choice, or for an image model of Heurist's
 * catalogue the network's only image pod. Language models have no such default: they were asked to follow
 * instructions, which a small pod may not do, and a wrong answer is worse than none (SmartGen draws the plain
 * description when its language model is unknown).
 *
 * @throws `pod.ambiguous` (refused) if several image pods could stand in.
 */
export function aliasOf(
  name: string,
  kind: PodKind,
  models: readonly Model[],
  aliases: Aliases,
): Model | undefined {
  const chosen = Object.hasOwn(aliases, name) ? aliases[name] : undefined
  if (chosen !== undefined) return models.find((each) => each.name === chosen)
  if (kind !== 'image' || !IMAGE_MODELS.has(name)) return undefined
  const pods = models.filter((each) => each.manifest.kind === 'image')
  if (pods.length <= 1) return pods[0]
  throw refused(
    'pod.ambiguous',
    `'${name}' could be any of ${pods.map((each) => `'${each.name}'`).join(', ')}`,
    {
      field: 'model',
      fix: "Ask for one of them by its own name, or let the operator choose in the gateway's 'aliases'.",
    },
  )
}
