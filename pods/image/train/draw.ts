import type { Random } from '../../training/random.ts'
import { COLOURS, type Combination, POSITIONS, type Shape, SIZES } from './family.ts'

/** Side of a picture in pixels. */
export const SIDE = 32
/** Sub-samples per pixel and axis: edges are smooth, as in a photo of a cut-out. */
const SAMPLES = 4
/** The middle wanders by up to this share of the width, each channel of a colour by this many of 255. */
const WANDER = 0.02
const SHADE = 8

/** Is (u, v) inside the shape? Both run from -1 to 1 over the shape's box, v downwards. */
const INSIDE: Record<Shape, (u: number, v: number) => boolean> = {
  circle: (u, v) => u * u + v * v <= 1,
  square: (u, v) => Math.abs(u) <= 1 && Math.abs(v) <= 1,
  triangle: (u, v) => Math.abs(u) <= (v + 1) / 2 && v <= 1,
  cross: (u, v) => (Math.abs(u) <= 1 / 3 && Math.abs(v) <= 1) || (Math.abs(v) <= 1 / 3 && Math.abs(u) <= 1),
}

/**
 * Draws one picture. The seeded chances move it a little (place, width, shade), so the same prompt has many
 * right answers and the model learns a distribution, not a table.
 *
 * @returns Channel-major RGB (3 × SIDE × SIDE), each value from -1 to 1.
 */
export function draw(combination: Combination, random: Random): Float32Array {
  const [x, y] = POSITIONS[combination.position]
  const [from, to] = SIZES[combination.size]
  const middleX = (x + spread(random, WANDER)) * SIDE
  const middleY = (y + spread(random, WANDER)) * SIDE
  const half = (from + (to - from) * random.uniform()) * SIDE
  const ground = COLOURS[combination.background].map((c) => (c + spread(random, SHADE)) / 127.5 - 1)
  const ink = COLOURS[combination.colour].map((c) => (c + spread(random, SHADE)) / 127.5 - 1)
  const inside = INSIDE[combination.shape]

  const plane = SIDE * SIDE
  const picture = new Float32Array(3 * plane)
  for (let channel = 0; channel < 3; channel++)
    picture.fill(ground[channel] ?? 0, channel * plane, (channel + 1) * plane)
  const lowX = Math.max(0, Math.floor(middleX - half))
  const highX = Math.min(SIDE - 1, Math.ceil(middleX + half))
  for (let row = Math.max(0, Math.floor(middleY - half)); row <= Math.min(SIDE - 1, middleY + half); row++) {
    for (let column = lowX; column <= highX; column++) {
      const covered = coverage(inside, (column - middleX) / half, (row - middleY) / half, 1 / half)
      if (covered === 0) continue
      for (let channel = 0; channel < 3; channel++) {
        const below = ground[channel] ?? 0
        picture[channel * plane + row * SIDE + column] = below + ((ink[channel] ?? 0) - below) * covered
      }
    }
  }
  for (let i = 0; i < picture.length; i++) picture[i] = Math.max(-1, Math.min(1, picture[i] ?? 0))
  return picture
}

/** The share of the pixel with corner (u, v) and this width that lies inside the shape. */
function coverage(inside: (u: number, v: number) => boolean, u: number, v: number, width: number): number {
  let hits = 0
  for (let i = 0; i < SAMPLES; i++)
    for (let j = 0; j < SAMPLES; j++)
      if (inside(u + ((i + 0.5) / SAMPLES) * width, v + ((j + 0.5) / SAMPLES) * width)) hits++
  return hits / (SAMPLES * SAMPLES)
}

/** Uniform between -by and by. */
function spread(random: Random, by: number): number {
  return by * (2 * random.uniform() - 1)
}
