import { useState } from 'react'
import { isLocalChain } from '../../../../../sdk/chain/local-chains.ts'
import { Button } from '../../parts/button.tsx'
import { useSession } from '../use.ts'
import { useWallet } from './wallet.tsx'

const AMOUNTS = ['1', '5', '20']

/** Money for the key that pays, or for a new one. */
export function Deposit() {
  const { view, session, config } = useSession()
  const wallet = useWallet(view.account?.owner)
  const [dollars, setDollars] = useState('5')
  const busy = view.doing !== undefined
  const { account } = view
  const isOwn = account !== undefined && account.owner === account.key
  const wrong = whatIsWrong(dollars)
  const valid = wrong === undefined
  return (
    <form
      className={`space-y-3 ${account === undefined ? '' : 'border-t border-line pt-4'}`}
      onSubmit={(event) => {
        event.preventDefault()
        if (wallet && valid) void session.fund(wallet, dollars)
      }}
    >
      <p className="text-muted">
        A deposit belongs to a {view.phase === 'revoked' && 'new '}key in this browser. You sign once; after
        that every answer is paid by the key, without asking you again, and never more than what you
        deposited.
      </p>
      <label className="flex flex-wrap items-center gap-2">
        Dollars
        <input
          value={dollars}
          onChange={(event) => setDollars(event.target.value.trim())}
          inputMode="decimal"
          aria-invalid={!valid}
          aria-describedby={valid ? undefined : 'amount-wrong'}
          className="w-24 rounded border border-edge bg-paper px-2 py-1"
        />
        {AMOUNTS.map((each) => (
          <Button key={each} tone="plain" onClick={() => setDollars(each)}>
            ${each}
          </Button>
        ))}
      </label>
      {wrong !== undefined && (
        <p id="amount-wrong" className="label" aria-live="polite" data-amount="wrong">
          {wrong}
        </p>
      )}
      <p className="flex flex-wrap gap-2">
        {wallet && !isOwn && (
          <Button tone="main" type="submit" disabled={busy || !valid} className="[overflow-wrap:anywhere]">
            Deposit with {wallet.name}
          </Button>
        )}
        {isLocalChain(config.chainId) && (account === undefined || isOwn) && (
          <Button
            tone={wallet ? 'quiet' : 'main'}
            disabled={busy || !valid}
            onClick={() => void session.tryOut(dollars)}
          >
            {isOwn ? 'Add play money' : 'Try without a wallet'}
          </Button>
        )}
      </p>
      {!wallet && !isOwn && (
        <p data-no-wallet>
          No wallet was found in this browser.{' '}
          {isLocalChain(config.chainId)
            ? 'This is a local chain: its play money needs none.'
            : 'Install one that announces itself (EIP-6963), then open this again. Reading needs none.'}
        </p>
      )}
    </form>
  )
}

/** Why an amount cannot be deposited, if it cannot. Dollars. */
function whatIsWrong(dollars: string): string | undefined {
  if (dollars === '') return 'Say how many dollars.'
  if (!/^\d+(\.\d{1,6})?$/.test(dollars)) return 'Write it like 5 or 1.50, with at most 6 decimals.'
  if (Number(dollars) === 0) return 'It has to be more than nothing.'
  if (Number(dollars) >= 1_000_000) return 'It has to be less than a million at once.'
  return undefined
}
