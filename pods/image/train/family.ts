import { philox, type Words } from '../../../worker/engines/image/philox.ts'
import type { Random } from '../../training/random.ts'

/** What the image pod can draw: one shape of one colour, in one of two sizes and nine places, on a plain ground. */
export const COLOURS = {
  red: [220, 40, 40],
  yellow: [250, 220, 50],
  green: [40, 160, 70],
  blue: [40, 80, 200],
  white: [245, 245, 245],
  black: [25, 25, 25],
} as const
export const SHAPES = ['circle', 'square', 'triangle', 'cross'] as const
/** Half of the shape's width in units of the picture's width: from … to. */
export const SIZES = { small: [0.155, 0.175], large: [0.215, 0.235] } as const
/** Where the shape's middle is, in units of the picture's width and height. */
export const POSITIONS = {
  'top left': [0.25, 0.25],
  top: [0.5, 0.25],
  'top right': [0.75, 0.25],
  left: [0.25, 0.5],
  centre: [0.5, 0.5],
  right: [0.75, 0.5],
  'bottom left': [0.25, 0.75],
  bottom: [0.5, 0.75],
  'bottom right': [0.75, 0.75],
} as const

export type Colour = keyof typeof COLOURS
export type Shape = (typeof SHAPES)[number]
export type Size = keyof typeof SIZES
export type Position = keyof typeof POSITIONS

/** One combination of attributes: what a prompt asks for and what a picture shows. */
export interface Combination {
  colour: Colour
  shape: Shape
  size: Size
  position: Position
  background: Colour
}

export const colours = Object.keys(COLOURS) as Colour[]
export const sizes = Object.keys(SIZES) as Size[]
export const positions = Object.keys(POSITIONS) as Position[]

const SPLIT_SEED = 20_251
const HELD_OUT_SHARE = 0.15

/**
 * Whether a combination is kept out of training. The split is by (colour, shape, position): a held-out triple is
 * never shown in any size on any background, so the model must put together what it never saw together.
 */
export function isHeldOut({ colour, shape, position }: Combination): boolean {
  const words: Words = [0, 0, 0, 0]
  const at: Words = [colours.indexOf(colour), SHAPES.indexOf(shape), positions.indexOf(position), 2]
  philox(SPLIT_SEED, 0, at, words)
  return words[0] / 4294967296 < HELD_OUT_SHARE
}

/** Every combination there is; the background always differs from the shape's colour. */
export function* allCombinations(): Generator<Combination> {
  for (const colour of colours)
    for (const shape of SHAPES)
      for (const size of sizes)
        for (const position of positions)
          for (const background of colours)
            if (background !== colour) yield { colour, shape, size, position, background }
}

export function drawCombination(random: Random): Combination {
  const colour = random.pick(colours)
  return {
    colour,
    shape: random.pick(SHAPES),
    size: random.pick(sizes),
    position: random.pick(positions),
    background: random.pick(colours.filter((other) => other !== colour)),
  }
}

/** A combination that training may show. */
export function drawForTraining(random: Random): Combination {
  for (;;) {
    const combination = drawCombination(random)
    if (!isHeldOut(combination)) return combination
  }
}
