import { useEffect, useRef } from 'react'
import type { FeedEvent, Node } from '../network/documents.ts'
import { useLive, useView, useWidth } from '../network/use.ts'
import { layoutMap, ROUTER_RADIUS } from './layout.ts'
import { SlotSquares } from './slots.tsx'
import { type Leg, travel } from './travel.ts'

const MOST_PAYERS = 4
const MOST_NODES = 8

/** Payers, the router, nodes; a dot for every job that moves between them. */
export function LiveMap() {
  const { nodes, accounts, running, known } = useView()
  const [measure, width] = useWidth()
  const payers = [...new Set([...running.map((job) => job.payer), ...accounts.map((each) => each.payer)])]
  const shownPayers = payers.slice(0, MOST_PAYERS)
  const shownNodes = nodes
    .filter((node) => node.state !== 'offline' || node.jobs > 0)
    .sort((a, b) => Number(a.state === 'offline') - Number(b.state === 'offline') || a.id - b.id)
    .slice(0, MOST_NODES)
  const layout = layoutMap(
    width,
    shownPayers,
    shownNodes.map((node) => node.id),
  )
  const paths = useRef(new Map<string, SVGPathElement>())
  const dots = useRef<SVGGElement>(null)
  useTravellers(paths.current, dots)

  const keep = (key: string) => (element: SVGPathElement | null) => {
    if (element) paths.current.set(key, element)
    else paths.current.delete(key)
  }
  const live = shownNodes.filter((node) => node.state === 'live').length
  const summary = !known.nodes
    ? 'not known yet'
    : `${live} live ${live === 1 ? 'node' : 'nodes'}, ${running.length} running ${running.length === 1 ? 'call' : 'calls'}, ${shownPayers.length} recent ${shownPayers.length === 1 ? 'payer' : 'payers'}`

  return (
    <div ref={measure} className="min-h-[184px]">
      {width > 0 && (
        <svg
          role="img"
          aria-label={`Map of the network: ${summary}`}
          width={width}
          height={layout.height}
          className="block"
        >
          <g className="fill-none stroke-line" strokeWidth="1.5">
            {layout.payers.map(({ payer }) => (
              <path
                key={payer}
                ref={keep(`payer ${payer}`)}
                d={layout.toRouter.get(payer)}
                className="wire"
              />
            ))}
            {layout.nodes.map(({ node }) => (
              <path key={node} ref={keep(`node ${node}`)} d={layout.toNode.get(node)} className="wire" />
            ))}
          </g>
          {layout.payers.map(({ payer, x, y }) => (
            <g key={payer}>
              <circle cx={x} cy={y} r="4" className="fill-paper stroke-edge" strokeWidth="1.5" />
              <text x="0" y={y} dominantBaseline="middle" className="fill-ink font-mono text-[12px]">
                {width >= 640 ? `${payer.slice(0, 6)}…${payer.slice(-4)}` : payer.slice(0, 8)}
              </text>
            </g>
          ))}
          <g>
            <circle
              cx={layout.router.x}
              cy={layout.router.y}
              r={ROUTER_RADIUS}
              className="fill-raised stroke-edge"
              strokeWidth="1.5"
            />
            <text
              x={layout.router.x}
              y={layout.router.y}
              textAnchor="middle"
              dominantBaseline="central"
              className="fill-ink text-[12px]"
            >
              router
            </text>
          </g>
          {layout.nodes.map(({ node: id, x, y }) => {
            const node = shownNodes.find((each) => each.id === id)
            return node && <NodeMark key={id} node={node} x={x} y={y} wide={width >= 640} />
          })}
          <g ref={dots} />
        </svg>
      )}
    </div>
  )
}

function NodeMark({ node, x, y, wide }: { node: Node; x: number; y: number; wide: boolean }) {
  const offline = node.state !== 'live'
  return (
    <g>
      <circle
        cx={x}
        cy={y}
        r="5"
        className={offline ? 'fill-paper stroke-edge' : 'fill-accent stroke-accent'}
        strokeWidth="1.5"
      />
      <text
        x={x + 16}
        y={y - (node.slots.length > 0 ? 9 : 0)}
        dominantBaseline="middle"
        className="fill-ink text-[13px]"
      >
        node {node.id}
        {(offline || wide) && (
          <tspan className="fill-muted" dx="6">
            {offline ? node.state : `${node.jobs} served`}
          </tspan>
        )}
      </text>
      <SlotSquares slots={node.slots} x={x + 16} y={y + 4} most={wide ? 12 : 5} />
    </g>
  )
}

/** Sends a dot along the lines whenever the feed says that a job moved. */
function useTravellers(paths: Map<string, SVGPathElement>, dots: React.RefObject<SVGGElement | null>): void {
  const live = useLive()
  useEffect(
    () =>
      live.onEvent((event) => {
        const layer = dots.current
        const legs = legsOf(event).flatMap(({ key, back }): Leg[] => {
          const path = paths.get(key)
          return path ? [{ path, back }] : []
        })
        if (layer && legs.length > 0) void travel(layer, legs)
      }),
    [live, paths, dots],
  )
}

/** Which lines an event runs along, and in which direction. */
function legsOf(event: FeedEvent): { key: string; back: boolean }[] {
  if (event.type === 'job' && event.status === 'admitted')
    return [{ key: `payer ${event.payer}`, back: false }]
  if (event.type === 'job' && event.status === 'dispatched')
    return [{ key: `node ${event.node}`, back: false }]
  if (event.type !== 'receipt') return []
  return [
    { key: `node ${event.node}`, back: true },
    { key: `payer ${event.payer}`, back: true },
  ]
}
