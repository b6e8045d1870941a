import { useState } from 'react'
import type { Address } from 'viem'
import { heuApproval } from '../../../../../sdk/chain/approvals.ts'
import { entriesOf } from '../../../../../sdk/chain/payees.ts'
import { readStake, readUnbondSeconds, type StakeState, stakeCall } from '../../../../../sdk/chain/stakes.ts'
import { refused } from '../../../../../sdk/errors.ts'
import { formatHeu } from '../../../../../sdk/units.ts'
import { HeuField, heuIn } from '../../acts/amount.tsx'
import { Figure, Figures, Heu } from '../../acts/figure.tsx'
import { ActsFrame, Unread } from '../../acts/frame.tsx'
import { type Scene, useBeat, useReading, useWho } from '../../acts/scene.ts'
import { countdown, dateOf, Until } from '../../acts/time.tsx'
import { TxButton } from '../../acts/tx.tsx'
import { INPUT } from '../../parts/field.tsx'
import { Section } from '../../parts/section.tsx'
import { count } from '../../parts/text.tsx'

/** `/stake`: HEU that stands behind nodes. */
export default function StakePage() {
  return (
    <ActsFrame
      title="Stake"
      about="HEU that a node stands behind its work with. Stake earns base emission and can be slashed; taking it back takes weeks, and serving needs none."
    >
      <OwnStakes />
    </ActsFrame>
  )
}

const isNobody = (address: Address): boolean => /^0x0*$/.test(address)

interface Stakes {
  stakes: StakeState[]
  unbondSeconds: number
}

async function stakesOf(scene: Scene, account: Address): Promise<Stakes> {
  const economy = await scene.economy()
  const [entries, unbondSeconds] = await Promise.all([
    entriesOf(scene.chain, economy.registry, account),
    readUnbondSeconds(scene.chain, economy.staking),
  ])
  const nodes = entries.filter(({ role }) => role === 'node')
  const stakes = await Promise.all(nodes.map(({ id }) => readStake(scene.chain, economy, id)))
  return { stakes: stakes.filter(({ owner }) => owner.toLowerCase() === account), unbondSeconds }
}

function OwnStakes() {
  const { account } = useWho()
  const reading = useReading(account && `stakes ${account}`, (scene) => stakesOf(scene, account ?? '0x'))
  if (!account) return <p>Connect the wallet that owns a node to see its stake.</p>
  if (!reading.value) return <Unread reading={reading} />
  const { stakes, unbondSeconds } = reading.value
  return (
    <>
      {stakes.map((stake) => (
        <OwnNode key={stake.node} stake={stake} unbondSeconds={unbondSeconds} />
      ))}
      {stakes.length === 0 && (
        <p>This account owns no node. A node is registered by `heurist node up` on its machine.</p>
      )}
      <Behind />
    </>
  )
}

interface NodeProps {
  stake: StakeState
  unbondSeconds: number
}

function OwnNode({ stake, unbondSeconds }: NodeProps) {
  const { node, active, unbonding, unbondAt, frozen, counted, countsNext, total, quota } = stake
  return (
    <Section title={`Node ${node}`}>
      <div className="space-y-5" data-node={node}>
        <Figures>
          <Figure name="active" label="active" value={active}>
            <Heu amount={active} />
          </Figure>
          <Figure name="unbonding" label="unbonding" value={unbonding}>
            <Heu amount={unbonding} />
          </Figure>
          {unbonding > 0n && (
            <Figure name="unbond-at" label="can be withdrawn" value={unbondAt}>
              <Until at={unbondAt} />
            </Figure>
          )}
          {frozen > 0n && (
            <Figure name="frozen" label="held by open cases" value={frozen}>
              <Heu amount={frozen} />
            </Figure>
          )}
          <Figure name="counted" label="counts in this epoch" value={counted}>
            <Heu amount={counted} />
          </Figure>
          <Figure name="counts-next" label="in the next epoch" value={countsNext}>
            <Heu amount={countsNext} />
          </Figure>
          <Figure name="total" label="of all nodes, now" value={total}>
            <Heu amount={total} />
          </Figure>
          <Figure name="quota" label="probe units an epoch" value={quota}>
            {count(quota)}
          </Figure>
        </Figures>
        <div className="grid gap-6 sm:grid-cols-2">
          <Add node={node} />
          <Unbond stake={stake} unbondSeconds={unbondSeconds} />
        </div>
        {unbonding > 0n && <Unbonding stake={stake} />}
      </div>
    </Section>
  )
}

function Add({ node }: { node: number }) {
  const [text, setText] = useState('')
  const amount = heuIn(text)
  return (
    <div className="space-y-3">
      <HeuField label={`HEU to add to node ${node}`} text={text} onText={setText} />
      <TxButton
        id={`stake.add.${node}`}
        title={amount ? `Stake ${formatHeu(amount)} HEU on node ${node}` : `Stake on node ${node}`}
        disabled={!amount}
        why="Counts from the next epoch."
        plan={(scene, account) => addPlan(scene, account, node, amount ?? 0n)}
      />
    </div>
  )
}

/** @throws `node.unknown`, `heu.insufficient` (refused). */
async function addPlan(scene: Scene, account: Address, node: number, amount: bigint) {
  const economy = await scene.economy()
  const { owner } = await readStake(scene.chain, economy, node)
  if (isNobody(owner)) {
    throw refused('node.unknown', `there is no node ${node}`, { fix: 'Look its number up on the map.' })
  }
  const { heu, staking } = economy
  const approval = await heuApproval(scene.chain, heu, { from: account, spender: staking, amount })
  return [...approval, stakeCall.add(staking, node, amount)]
}

function Unbond({ stake: { node, active, unbonding }, unbondSeconds }: NodeProps) {
  const [text, setText] = useState('')
  const amount = heuIn(text)
  return (
    <div className="space-y-3">
      <HeuField
        label={`HEU to unbond from node ${node}`}
        text={text}
        onText={setText}
        most={{ amount: formatHeu(active), word: 'all' }}
      />
      <TxButton
        id={`stake.unbond.${node}`}
        title={amount ? `Unbond ${formatHeu(amount)} HEU` : 'Unbond'}
        tone="quiet"
        disabled={!amount}
        why={
          unbonding > 0n
            ? `What unbonds already waits afresh with it: ${countdown(unbondSeconds)} for all.`
            : `It stops counting at once, and can be withdrawn after ${countdown(unbondSeconds)}.`
        }
        plan={async (scene) => [stakeCall.unbond((await scene.economy()).staking, node, amount ?? 0n)]}
      />
    </div>
  )
}

function Unbonding({ stake: { node, unbonding, unbondAt } }: { stake: StakeState }) {
  const { clock } = useBeat()
  const isDue = clock !== undefined && clock.now >= unbondAt
  return (
    <div className="grid gap-6 sm:grid-cols-2">
      <TxButton
        id={`stake.withdraw.${node}`}
        title={`Withdraw ${formatHeu(unbonding)} HEU`}
        disabled={!isDue}
        why={isDue ? 'It is paid to this account.' : `Possible from ${dateOf(unbondAt)} on.`}
        plan={async (scene, account) => [stakeCall.withdraw((await scene.economy()).staking, node, account)]}
      />
      <TxButton
        id={`stake.cancel.${node}`}
        title="Keep it staked"
        tone="quiet"
        why="All that unbonds is active again, from the next epoch."
        plan={async (scene) => [stakeCall.cancel((await scene.economy()).staking, node)]}
      />
    </div>
  )
}

/** Anyone may add stake to any node; only its owner gets it back. */
function Behind() {
  const [text, setText] = useState('')
  const node = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
  return (
    <Section title="Behind another node">
      <p className="mb-3 text-muted">Anyone may add to any node; only its owner ever gets it back.</p>
      <div className="space-y-4">
        <label className="label block space-y-1">
          <span>Number of the node</span>
          <input
            value={text}
            onChange={(event) => setText(event.target.value.trim())}
            inputMode="numeric"
            autoComplete="off"
            className={`block w-24 text-[1rem] text-ink ${INPUT}`}
          />
        </label>
        {node !== undefined && <Add key={node} node={node} />}
      </div>
    </Section>
  )
}
