import type { Address } from 'viem'
import { allCalls, type Due, type Dues, duesOf, readDues } from '../../../../../sdk/chain/dues.ts'
import type { Economy } from '../../../../../sdk/chain/economy.ts'
import { Dollars, Heu } from '../../acts/figure.tsx'
import { ActsFrame, Unread } from '../../acts/frame.tsx'
import { type Scene, useReading, useWho } from '../../acts/scene.ts'
import { TxButton } from '../../acts/tx.tsx'
import { Empty, Section } from '../../parts/section.tsx'
import { Short } from '../../parts/text.tsx'
import { Sources } from './sources.tsx'

/** `/claim`: everything that is owed to an account. */
export default function ClaimPage() {
  return (
    <ActsFrame
      title="Claim"
      about="What your votes, nodes, pods and frontends have earned, each from the contract that owes it. Nothing of it expires."
    >
      <Claims />
    </ActsFrame>
  )
}

async function read(scene: Scene, account: Address): Promise<{ economy: Economy; dues: Dues }> {
  const [economy, router] = await Promise.all([scene.economy(), scene.router()])
  return { economy, dues: await readDues(scene.chain, economy, { account, router }) }
}

function Claims() {
  const { account } = useWho()
  const reading = useReading(account && `dues ${account}`, (scene) => read(scene, account ?? '0x'))
  if (!account) return <p>Connect a wallet to see what it is owed.</p>
  if (!reading.value) return <Unread reading={reading} />
  const { economy, dues } = reading.value
  const items = duesOf(economy, dues)
  return (
    <>
      <Section title="Due to you">
        {items.length === 0 ? (
          <Empty>Nothing is due. Tips and revenue of an epoch come once it is over and closed.</Empty>
        ) : (
          <>
            <Sources items={items} />
            <ul className="mt-4 divide-y divide-line/70">
              {items.map((item) => (
                <Item key={`${item.kind} ${item.of}`} item={item} account={account} />
              ))}
            </ul>
          </>
        )}
      </Section>
      <Section title="All of it">
        <div className="mb-3 flex flex-wrap gap-x-8 gap-y-2">
          <Total items={items} unit="heu" />
          <Total items={items} unit="usd" />
        </div>
        <TxButton
          id="claim"
          title="Claim all"
          disabled={items.length === 0}
          why="One transaction for each contract that owes, and one for each thing that must be closed first."
          plan={async (scene, who) => {
            const found = await read(scene, who)
            return allCalls(found.economy, found.dues)
          }}
        />
      </Section>
    </>
  )
}

const WORDS: Record<Due['kind'], (of: string) => string> = {
  tips: (of) => `Tips for your votes for ${of}`,
  revenue: (of) => `Revenue for your votes for ${of}`,
  emission: (of) => `Emission of ${of}`,
  share: (of) => `Share of ${of} in what was paid`,
  refund: () => 'Owed to you by slashes',
}

function Item({ item, account }: { item: Due; account: Address }) {
  const { kind, of, unit, amount, open, to } = item
  const id = `claim.${kind}.${of.replace(' ', '.')}`
  return (
    <li
      className="grid gap-x-6 gap-y-2 py-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,11rem)_minmax(0,14rem)]"
      data-due={`${kind} ${of}`.trim()}
      data-value={amount.toString()}
    >
      <p>
        {WORDS[kind](of)}
        {to.toLowerCase() !== account && (
          <span className="label block">
            paid to <Short hex={to} />
          </span>
        )}
      </p>
      <p>
        {unit === 'heu' ? <Heu amount={amount} /> : <Dollars amount={amount} />}
        {open && <span className="label block">and what closing adds</span>}
      </p>
      <TxButton
        id={id}
        title={`Claim ${kind === 'refund' ? 'refund' : `${kind} of ${of}`}`}
        tone="quiet"
        plan={async (scene, who) => {
          const { economy, dues } = await read(scene, who)
          const now = duesOf(economy, dues).find((each) => each.kind === kind && each.of === of)
          return now?.calls ?? []
        }}
      />
    </li>
  )
}

function Total({ items, unit }: { items: readonly Due[]; unit: Due['unit'] }) {
  const sum = items.filter((each) => each.unit === unit).reduce((total, { amount }) => total + amount, 0n)
  return (
    <p className="text-[1.3rem]" data-figure={`due-${unit}`} data-value={sum.toString()}>
      {unit === 'heu' ? <Heu amount={sum} /> : <Dollars amount={sum} />}
    </p>
  )
}
