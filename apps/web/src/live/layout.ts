/** Where the map's parts stand, in pixels. Pure. */

export interface Point {
  x: number
  y: number
}

export interface MapLayout {
  height: number
  router: Point
  payers: (Point & { payer: string })[]
  nodes: (Point & { node: number })[]
  /** From a payer to the router, from the router to a node. */
  toRouter: Map<string, string>
  toNode: Map<number, string>
}

const ROW = 62
const TOP = 30
export const ROUTER_RADIUS = 26

export function layoutMap(width: number, payers: readonly string[], nodes: readonly number[]): MapLayout {
  const rows = Math.max(payers.length, nodes.length, 3)
  const height = TOP * 2 + (rows - 1) * ROW
  const middle = height / 2
  const wide = width >= 640
  const left = wide ? 118 : 76
  const right = width - (wide ? 176 : 88)
  const router = { x: (left + right) / 2, y: middle }
  const column = (count: number, index: number) => middle + (index - (count - 1) / 2) * ROW

  const payerPoints = payers.map((payer, index) => ({ payer, x: left, y: column(payers.length, index) }))
  const nodePoints = nodes.map((node, index) => ({ node, x: right, y: column(nodes.length, index) }))
  const west = { x: router.x - ROUTER_RADIUS, y: router.y }
  const east = { x: router.x + ROUTER_RADIUS, y: router.y }
  return {
    height,
    router,
    payers: payerPoints,
    nodes: nodePoints,
    toRouter: new Map(payerPoints.map((point) => [point.payer, curve(point, west)])),
    toNode: new Map(nodePoints.map((point) => [point.node, curve(east, point)])),
  }
}

/** An S from left to right, level at both ends. */
function curve(from: Point, to: Point): string {
  const bend = (to.x - from.x) / 2
  return `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`
}
