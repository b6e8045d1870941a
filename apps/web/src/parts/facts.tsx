import type { ReactNode } from 'react'
import { Copy } from './copy.tsx'
import { Short } from './text.tsx'

/** Names and what they are, two columns. */
export const FactList = ({ children, wide = false }: { children: ReactNode; wide?: boolean }) => (
  <dl
    className={`grid gap-x-3 gap-y-1.5 text-[0.92rem] ${wide ? 'grid-cols-[8.5rem_minmax(0,1fr)]' : 'grid-cols-[6.5rem_minmax(0,1fr)]'}`}
  >
    {children}
  </dl>
)

/** @param is  Marks the figure for whoever compares it with the chain: its exact value in base units. */
export const Fact = ({
  name,
  is,
  children,
}: {
  name: string
  is?: string | number | bigint | undefined
  children: ReactNode
}) => (
  <>
    <dt className="text-muted">{name}</dt>
    <dd className="figures min-w-0" data-fact={name} data-is={is?.toString()}>
      {children}
    </dd>
  </>
)

/** A hash or an address that can be copied whole. */
export const HashFact = ({ name, hex }: { name: string; hex: string }) => (
  <Fact name={name} is={hex}>
    <Short hex={hex} /> <Copy text={hex} what={name} />
  </Fact>
)
