/**
 * Looks at a picture's pixels and says what it shows. It shares only the names and the palette with the generator
 * and knows nothing of the model: colours are medians; shape, size and place are those of the ideal outline that
 * covers the figure best.
 */
import { COLOURS, type Colour, type Combination, colours, type Position, type Shape } from './family.ts'

/** RGB, row by row, three bytes per pixel. */
export interface Pixels {
  data: Uint8Array
  side: number
}

/** What was seen; `undefined` where the picture is not clear enough to say. */
export type Seen = { [K in keyof Combination]: Combination[K] | undefined }

type Rgb = [number, number, number]

/** A colour farther than this from every colour of the palette has no name. Distance in RGB, of 441. */
const COLOUR_REACH = 55
/** The least share of the border, and of the figure, that must have its median colour within that reach. */
const LEAST_PLAIN = 0.7
/** Ground and shape closer than this are one plain area. */
const LEAST_CONTRAST = 50

export function judge(picture: Pixels): Seen {
  const border = borderOf(picture)
  const ground = median(border)
  const background = plain(border, ground) ? nameOf(ground) : undefined
  const blank: Seen = {
    colour: undefined,
    shape: undefined,
    size: undefined,
    position: undefined,
    background,
  }
  const distance = distances(picture, ground)
  const contrast = [...distance].sort((a, b) => b - a)[Math.floor(distance.length * 0.005)] ?? 0
  if (contrast < LEAST_CONTRAST) return blank
  const figure = largestPiece(
    distance.map((d) => (d > 0.42 * contrast ? 1 : 0)),
    picture.side,
  )
  if (figure === undefined) return blank
  const fit = bestFit(
    figure,
    distance.map((d) => Math.min(1, d / contrast)),
    picture.side,
  )
  if (fit === undefined) return blank

  const core: number[] = []
  for (const [pixel, of] of figure.mask.entries())
    if (of === 1 && (distance[pixel] ?? 0) > 0.8 * contrast) core.push(pixel)
  const inked = core.map((pixel) => rgbAt(picture, pixel))
  const ink = median(inked)
  if (!plain(inked, ink)) return blank
  return {
    background,
    colour: nameOf(ink),
    shape: fit.shape,
    size: fit.half / picture.side < 0.195 ? 'small' : 'large',
    position: positionOf(fit.x / picture.side, fit.y / picture.side),
  }
}

/** Whether the picture shows exactly the combination. */
export function shows(picture: Pixels, wanted: Combination): boolean {
  const seen = judge(picture)
  return (Object.keys(wanted) as (keyof Combination)[]).every(
    (attribute) => seen[attribute] === wanted[attribute],
  )
}

// ---- colours

function rgbAt({ data }: Pixels, pixel: number): Rgb {
  return [data[3 * pixel] ?? 0, data[3 * pixel + 1] ?? 0, data[3 * pixel + 2] ?? 0]
}

function borderOf(picture: Pixels): Rgb[] {
  const { side } = picture
  const border: Rgb[] = []
  for (let i = 0; i < side; i++)
    for (const pixel of [i, (side - 1) * side + i, i * side, i * side + side - 1])
      border.push(rgbAt(picture, pixel))
  return border
}

function median(of: readonly Rgb[]): Rgb {
  const channel = (c: 0 | 1 | 2) => of.map((rgb) => rgb[c]).sort((a, b) => a - b)[of.length >> 1] ?? 0
  return [channel(0), channel(1), channel(2)]
}

/** Whether nearly all of these pixels have one colour. */
function plain(of: readonly Rgb[], colour: Rgb): boolean {
  return of.filter((rgb) => apart(rgb, colour) <= COLOUR_REACH).length >= LEAST_PLAIN * of.length
}

function apart(a: Readonly<Rgb>, b: Readonly<Rgb>): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
}

function nameOf(rgb: Rgb): Colour | undefined {
  const [nearest] = [...colours].sort((a, b) => apart(rgb, [...COLOURS[a]]) - apart(rgb, [...COLOURS[b]]))
  return nearest !== undefined && apart(rgb, [...COLOURS[nearest]]) <= COLOUR_REACH ? nearest : undefined
}

function distances(picture: Pixels, from: Rgb): Float32Array {
  return Float32Array.from({ length: picture.side ** 2 }, (_, pixel) => apart(rgbAt(picture, pixel), from))
}

// ---- the figure

interface Figure {
  mask: Uint8Array
  left: number
  right: number
  top: number
  bottom: number
}

/** The largest connected piece, if it is nearly all there is: crumbs beside it make the picture unclear. */
function largestPiece(marked: Float32Array, side: number): Figure | undefined {
  const piece = new Int32Array(marked.length)
  const sizes = [0]
  for (let start = 0; start < marked.length; start++) {
    if (marked[start] !== 1 || piece[start] !== 0) continue
    const id = sizes.push(0) - 1
    const open = [start]
    piece[start] = id
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      sizes[id] = (sizes[id] ?? 0) + 1
      for (const next of neighbours(at, side)) {
        if (marked[next] !== 1 || piece[next] !== 0) continue
        piece[next] = id
        open.push(next)
      }
    }
  }
  const all = sizes.reduce((sum, size) => sum + size, 0)
  const largest = sizes.indexOf(Math.max(...sizes))
  if (largest === 0 || (sizes[largest] ?? 0) < 0.9 * all) return undefined
  return boxed(
    Uint8Array.from(piece, (id) => (id === largest ? 1 : 0)),
    side,
  )
}

function neighbours(pixel: number, side: number): number[] {
  const column = pixel % side
  return [
    ...(column > 0 ? [pixel - 1] : []),
    ...(column < side - 1 ? [pixel + 1] : []),
    ...(pixel >= side ? [pixel - side] : []),
    ...(pixel < side * (side - 1) ? [pixel + side] : []),
  ]
}

function boxed(mask: Uint8Array, side: number): Figure {
  let [left, right, top, bottom] = [side, -1, side, -1]
  for (const [pixel, of] of mask.entries()) {
    if (of !== 1) continue
    const column = pixel % side
    const row = (pixel - column) / side
    left = Math.min(left, column)
    right = Math.max(right, column)
    top = Math.min(top, row)
    bottom = Math.max(bottom, row)
  }
  return { mask, left, right, top, bottom }
}

/** The cell of the three-by-three grid that a point lies in, in shares of the picture. */
function positionOf(x: number, y: number): Position {
  const third = (at: number) => (at < 0.375 ? 0 : at < 0.625 ? 1 : 2)
  const names = [
    ['top left', 'top', 'top right'],
    ['left', 'centre', 'right'],
    ['bottom left', 'bottom', 'bottom right'],
  ] as const
  return names[third(y)]?.[third(x)] ?? 'centre'
}

// ---- the ideal outlines

/** Is (u, v) inside the ideal shape? From -1 to 1 over its box, v downwards. */
const OUTLINES: { [S in Shape]: (u: number, v: number) => boolean } = {
  circle: (u, v) => Math.hypot(u, v) < 1,
  square: (u, v) => Math.max(Math.abs(u), Math.abs(v)) < 1,
  triangle: (u, v) => v < 1 && 2 * Math.abs(u) - v < 1,
  cross: (u, v) => Math.max(Math.abs(u), Math.abs(v)) < 1 && Math.min(Math.abs(u), Math.abs(v)) < 1 / 3,
}

/** Figure and outline must share this much of all that either covers, and the runner-up this much less. */
const LEAST_OVERLAP = 0.6
const LEAST_LEAD = 0.04

interface Fit {
  shape: Shape
  overlap: number
  /** Middle and half width of the outline, pixels. */
  x: number
  y: number
  half: number
}

/** The outline that overlaps the figure best, over half-pixel places and sizes around its box; none if two do. */
function bestFit(figure: Figure, share: Float32Array, side: number): Fit | undefined {
  const [first, second] = (Object.keys(OUTLINES) as Shape[])
    .map((shape) => fitOf(shape, figure, share, side))
    .sort((a, b) => b.overlap - a.overlap)
  if (first === undefined || first.overlap < LEAST_OVERLAP) return undefined
  return first.overlap - (second?.overlap ?? 0) < LEAST_LEAD ? undefined : first
}

function fitOf(shape: Shape, figure: Figure, share: Float32Array, side: number): Fit {
  const { left, right, top, bottom } = figure
  const half = (right - left + bottom - top + 2) / 4
  let best: Fit = { shape, overlap: 0, x: 0, y: 0, half }
  for (const wider of [-2, -1.5, -1, -0.5, 0, 0.5])
    for (const dx of [-1, -0.5, 0, 0.5, 1])
      for (const dy of [-1, -0.5, 0, 0.5, 1]) {
        const at = { x: (left + right + 1) / 2 + dx, y: (top + bottom + 1) / 2 + dy, half: half + wider }
        const overlap = overlapOf(shape, at, figure, share, side)
        if (overlap > best.overlap) best = { shape, overlap, ...at }
      }
  return best
}

/** Σ min / Σ max of what the figure and the outline cover of each pixel in and just around the figure's box. */
function overlapOf(
  shape: Shape,
  { x, y, half }: { x: number; y: number; half: number },
  { left, right, top, bottom }: Figure,
  share: Float32Array,
  side: number,
): number {
  const inside = OUTLINES[shape]
  let [both, either] = [0, 0]
  for (let row = Math.max(0, top - 1); row <= Math.min(side - 1, bottom + 1); row++) {
    for (let column = Math.max(0, left - 1); column <= Math.min(side - 1, right + 1); column++) {
      let covered = 0
      for (const sub of [0.25, 0.75])
        for (const over of [0.25, 0.75])
          if (inside((column + over - x) / half, (row + sub - y) / half)) covered += 0.25
      const seen = share[row * side + column] ?? 0
      both += Math.min(covered, seen)
      either += Math.max(covered, seen)
    }
  }
  return both / either
}
