import { Suspense, useState } from 'react'
import type { Address } from 'viem'
import { accountsOf, type RoutedAccount, readThawSeconds } from '../../../../../sdk/chain/accounts.ts'
import { accountCall } from '../../../../../sdk/chain/deposits.ts'
import { formatUsd } from '../../../../../sdk/units.ts'
import { Dollars, Figure, Figures } from '../../acts/figure.tsx'
import { ActsFrame, Unread } from '../../acts/frame.tsx'
import { type Scene, useBeat, useReading, useWho } from '../../acts/scene.ts'
import { countdown, dateOf, Until } from '../../acts/time.tsx'
import { TxButton } from '../../acts/tx.tsx'
import { Button } from '../../parts/button.tsx'
import { late } from '../../parts/late.tsx'
import { Empty, Section } from '../../parts/section.tsx'
import { Short } from '../../parts/text.tsx'
import { deedId } from '../../session/deeds.ts'
import { useSession } from '../../session/use.ts'
import type { Phase } from '../../session/view.ts'
import { Spend } from './spend.tsx'

const SessionPanel = late(() => import('../../session/panel/panel.tsx'))

/** `/credits`: what pays for calls, where it lies, where it went, and the way back. */
export default function CreditsPage() {
  return (
    <ActsFrame
      title="Credits"
      about="Calls are paid by keys that hold credit with a router. Each belongs to an owner, who alone takes it back: announced today, paid out after the waiting time of the ledger."
    >
      <SessionKey />
      <Accounts />
      <Spend />
    </ActsFrame>
  )
}

function SessionKey() {
  const { view, session } = useSession()
  const { wallet } = useWho()
  const [open, setOpen] = useState(false)
  const { account, phase, doing } = view
  return (
    <Section title="The key of this browser" note={account && <Short hex={account.key} />}>
      <KeyFigures />
      <p className="mt-4 flex flex-wrap gap-2">
        <Button tone="main" disabled={phase === 'opening'} onClick={() => setOpen(true)}>
          {account ? 'Add or take back' : 'Deposit'}
        </Button>
        {account && (
          <Button
            disabled={doing !== undefined || phase === 'revoking'}
            onClick={() => void session.revoke(wallet)}
          >
            Revoke this key
          </Button>
        )}
      </p>
      <KeyNews />
      {open && (
        <Suspense fallback={null}>
          <SessionPanel onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </Section>
  )
}

function KeyFigures() {
  const { account, phase, problem } = useSession().view
  if (account)
    return (
      <Figures>
        <Figure name="left" label="left" value={account.left}>
          <Dollars amount={account.left} />
        </Figure>
        <Figure name="charged" label="charged" value={account.charged}>
          <Dollars amount={account.charged} />
        </Figure>
        <Figure name="deposited" label="deposited" value={account.deposited}>
          <Dollars amount={account.deposited} />
        </Figure>
      </Figures>
    )
  const why = problem && `${problem.says} ${problem.fix}`
  return <p data-phase={phase}>{WORDS[phase] ?? why ?? 'It is being looked up.'}</p>
}

const WORDS: Partial<Record<Phase, string>> = {
  none: 'There is none yet. The first deposit makes it: one signature, and no prompt after that.',
  revoked: 'It is revoked: no router serves it, and a new deposit makes a new one.',
  unfunded: 'Its deposit is signed, and not on the chain yet.',
}

/** What is being done with the key, what went wrong, and what waits. */
function KeyNews() {
  const { account, doing, problem, former, phase } = useSession().view
  return (
    <div aria-live="polite">
      {doing !== undefined && <p className="mt-2 text-muted">{doing}</p>}
      {phase === 'revoking' && (
        <p className="mt-2">It is being revoked: until that is decided, it signs nothing.</p>
      )}
      {problem && account && (
        <p className="mt-2" data-problem={problem.code}>
          {problem.says} {problem.fix}
        </p>
      )}
      {former.map(({ key, left, thawing, thawedAt, isRevoked }) => (
        <p key={key} className="label mt-2" data-going-back={key}>
          <Dollars amount={thawing > 0n ? thawing : left} /> of {isRevoked ? 'the revoked' : 'another'} key{' '}
          <Short hex={key} />{' '}
          {thawing > 0n
            ? `is on its way back, until ${dateOf(thawedAt)}.`
            : isRevoked
              ? 'waits to be taken back.'
              : 'pays once the present one has less than a cent left.'}
        </p>
      ))}
    </div>
  )
}

async function read({ chain, config }: Scene, owner: Address) {
  const [accounts, thawSeconds] = await Promise.all([
    accountsOf(chain, config.ledger, { owner }),
    readThawSeconds(chain, config.ledger),
  ])
  return { accounts, thawSeconds }
}

function Accounts() {
  const { account } = useWho()
  const { view } = useSession()
  // What the session does changes the ledger too.
  const former = view.former.map(({ key, thawing }) => `${key} ${thawing}`).join()
  const about = account && `accounts ${account} ${view.account?.deposited} ${former}`
  const reading = useReading(about, (scene) => read(scene, account ?? '0x'))
  return (
    <Section title="Accounts of your wallet">
      {!account && <p>Connect a wallet to see the credit that belongs to it.</p>}
      {account && !reading.value && <Unread reading={reading} />}
      {account && reading.value && <Routers {...reading.value} />}
    </Section>
  )
}

interface RoutersProps {
  accounts: readonly RoutedAccount[]
  thawSeconds: number
}

function Routers({ accounts, thawSeconds }: RoutersProps) {
  const routers = [...new Set(accounts.map(({ router }) => router))]
  if (accounts.length === 0) return <Empty>No credit belongs to this account.</Empty>
  return (
    <div className="space-y-6">
      {routers.map((router) => {
        const mine = accounts.filter((each) => each.router === router)
        const credit = mine.reduce((sum, each) => sum + each.credit, 0n)
        return (
          <section key={router} aria-label={`Router ${router}`} data-router={router.toLowerCase()}>
            <p className="mb-2" data-figure="credit" data-value={credit.toString()}>
              router <Short hex={router} />: <Dollars amount={credit} />
            </p>
            <ul className="divide-y divide-line/70">
              {mine.map((each) => (
                <AccountRow key={each.key} account={each} thawSeconds={thawSeconds} />
              ))}
            </ul>
          </section>
        )
      })}
    </div>
  )
}

interface RowProps {
  account: RoutedAccount
  thawSeconds: number
}

function AccountRow({ account, thawSeconds }: RowProps) {
  const { view } = useSession()
  const { clock } = useBeat()
  const { key, credit, spent, thawing, thawedAt } = account
  const inUse = view.key?.address === key.toLowerCase() ? IN_USE[view.phase] : undefined
  const isDue = clock !== undefined && clock.now >= thawedAt
  return (
    <li className="space-y-3 py-3" data-key={key.toLowerCase()} data-credit={credit.toString()}>
      <p className="flex flex-wrap gap-x-5">
        <span>
          key <Short hex={key} />
        </span>
        <span>
          <Dollars amount={credit} /> <span className="label">credit</span>
        </span>
        <span>
          <Dollars amount={spent} /> <span className="label">spent</span>
        </span>
        {thawing > 0n && (
          <span data-figure="thawing" data-value={thawing.toString()}>
            <Dollars amount={thawing} />{' '}
            <span className="label">
              on its way back, <Until at={thawedAt} />
            </span>
          </span>
        )}
      </p>
      {inUse !== undefined && thawing === 0n && <p className="label">{inUse}</p>}
      {inUse === undefined && thawing === 0n && credit > 0n && (
        <Announce account={account} thawSeconds={thawSeconds} />
      )}
      {thawing > 0n && <Thawing account={account} isDue={isDue} />}
    </li>
  )
}

/** Where a key that is in use is taken back. One that nobody can use, whoever is down, is taken back on the chain. */
const IN_USE: Partial<Record<Phase, string>> = {
  ready: 'This browser calls with it: revoke it above.',
  revoking: 'This browser calls with it: it is being revoked.',
  elsewhere: 'Another tab of this browser calls with it: revoke it there.',
}

function Announce({ account: { router, key, credit }, thawSeconds }: RowProps) {
  return (
    <TxButton
      id={deedId('thaw', key)}
      title={`Withdraw $${formatUsd(credit)}`}
      tone="quiet"
      why={`Announced now: the router serves the key no more, and the money can be taken after ${countdown(thawSeconds)}.`}
      plan={async ({ config }) => [{ to: config.ledger, data: accountCall.thaw(router, key, credit) }]}
    />
  )
}

function Thawing({ account: { router, key, thawedAt }, isDue }: { account: RoutedAccount; isDue: boolean }) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <TxButton
        id={deedId('withdraw', key)}
        title="Take it"
        disabled={!isDue}
        why={isDue ? 'It is paid to this account.' : `Possible from ${dateOf(thawedAt)} on.`}
        plan={async ({ config }) => [{ to: config.ledger, data: accountCall.withdraw(router, key) }]}
      />
      <TxButton
        id={deedId('cancel', key)}
        title="Leave it there"
        tone="quiet"
        why="The router serves the key again."
        plan={async ({ config }) => [{ to: config.ledger, data: accountCall.cancelThaw(router, key) }]}
      />
    </div>
  )
}
