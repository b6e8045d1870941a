/**
 * Looks at a picture's pixels and says what it shows. It shares only the names and the palette with the generator
 * and knows nothing of the model: colours are medians, the shape is told by its outline, the place by its box.
 */
import {
  COLOURS,
  type Colour,
  type Combination,
  colours,
  type Position,
  type Shape,
  type Size,
} from './family.ts'

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
/** Ground and shape closer than this are one plain area. */
const LEAST_CONTRAST = 50

export function judge(picture: Pixels): Seen {
  const ground = median(borderOf(picture))
  const background = nameOf(ground)
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

  const core: number[] = []
  for (const [pixel, of] of figure.mask.entries())
    if (of === 1 && (distance[pixel] ?? 0) > 0.8 * contrast) core.push(pixel)
  return {
    background,
    colour: nameOf(median(core.map((pixel) => rgbAt(picture, pixel)))),
    shape: shapeOf(figure, picture.side),
    size: sizeOf(figure, picture.side),
    position: positionOf(figure, picture.side),
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

function sizeOf({ left, right, top, bottom }: Figure, side: number): Size {
  const half = (right - left + 1 + (bottom - top + 1)) / 4 / side
  return half < 0.2 ? 'small' : 'large'
}

function positionOf({ left, right, top, bottom }: Figure, side: number): Position {
  const x = (left + right + 1) / 2 / side
  const y = (top + bottom + 1) / 2 / side
  const third = (at: number) => (at < 0.375 ? 0 : at < 0.625 ? 1 : 2)
  const names = [
    ['top left', 'top', 'top right'],
    ['left', 'centre', 'right'],
    ['bottom left', 'bottom', 'bottom right'],
  ] as const
  return names[third(y)]?.[third(x)] ?? 'centre'
}

// ---- the outline

/** The share of the box's part (in shares of its width and height) that the figure covers. */
function filled(
  figure: Figure,
  side: number,
  fromX: number,
  toX: number,
  fromY: number,
  toY: number,
): number {
  const { mask, left, right, top, bottom } = figure
  const width = right - left + 1
  const height = bottom - top + 1
  let [hits, all] = [0, 0]
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = [(column + 0.5) / width, (row + 0.5) / height]
      if (x < fromX || x > toX || y < fromY || y > toY) continue
      all++
      hits += mask[(top + row) * side + left + column] ?? 0
    }
  }
  return all === 0 ? 0 : hits / all
}

/**
 * Names the shape by how much of which parts of its box it fills. Each rule also says what must hold besides, so an
 * outline between two shapes has no name.
 */
function shapeOf(figure: Figure, side: number): Shape | undefined {
  const ratio = (figure.right - figure.left + 1) / (figure.bottom - figure.top + 1)
  if (ratio < 0.75 || ratio > 1.34) return undefined
  const part = (fromX: number, toX: number, fromY: number, toY: number) =>
    filled(figure, side, fromX, toX, fromY, toY)
  const all = part(0, 1, 0, 1)
  const [first, second, third, fourth, fifth] = [0, 0.2, 0.4, 0.6, 0.8].map((y) =>
    part(0, 1, y, y + 0.2),
  ) as Five
  const corners =
    (part(0, 0.2, 0, 0.2) + part(0.8, 1, 0, 0.2) + part(0, 0.2, 0.8, 1) + part(0.8, 1, 0.8, 1)) / 4

  if (part(0.38, 0.62, 0.38, 0.62) < 0.5) {
    return corners < 0.5 && all > 0.38 && all < 0.75 ? 'ring' : undefined
  }
  if (all >= 0.9) return corners > 0.7 ? 'square' : undefined
  if (fifth - first > 0.45) return fourth > second && all > 0.4 && all < 0.7 ? 'triangle' : undefined
  if (all > 0.66 && second > 0.75 && fourth > 0.75) {
    return corners < 0.6 && Math.abs(second - fourth) < 0.15 ? 'circle' : undefined
  }
  // A cross fills its middle bar and leaves its corners.
  return corners < 0.2 && third > 0.85 && all < 0.7 && Math.abs(first - fifth) < 0.2 ? 'cross' : undefined
}

type Five = [number, number, number, number, number]
