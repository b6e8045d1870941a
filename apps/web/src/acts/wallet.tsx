import { erc20Abi } from 'viem'
import { straight } from '../../shares/straight.ts'
import { Button } from '../parts/button.tsx'
import { LINK } from '../parts/link.tsx'
import { Short } from '../parts/text.tsx'
import { DEMO_RDNS } from './demo.ts'
import { Dollars, Heu } from './figure.tsx'
import { ProblemText } from './problem.tsx'
import { useBeat, useReading, useScene, useWho } from './scene.ts'

/** Who acts: which wallet, which account, what it holds; and what is in the way. */
export function WalletBar() {
  const { wallet, account, wrongChain, doing, problem } = useWho()
  const { config, who } = useScene()
  return (
    <section aria-label="Wallet" className="rounded-md border border-line bg-raised px-3.5 py-2.5">
      {wallet && account ? <Connected /> : <Choices />}
      {wrongChain !== undefined && (
        <div className="mt-2 flex flex-wrap items-center gap-3" data-wrong-chain={wrongChain}>
          <p>
            Your wallet is on chain {wrongChain}; this network is chain {config.chainId}.
          </p>
          <Button onClick={() => void who.switchChain()}>Switch network</Button>
        </div>
      )}
      <div aria-live="polite">
        {doing !== undefined && <p className="mt-2 text-muted">{doing}</p>}
        {problem && (
          <p className="mt-2" data-problem={problem.code}>
            <ProblemText problem={problem} />
          </p>
        )}
      </div>
    </section>
  )
}

function Choices() {
  const { wallets, doing } = useWho()
  const { who } = useScene()
  const { problem: down } = useBeat()
  const offered = wallets.filter(({ rdns }) => rdns !== DEMO_RDNS)
  const busy = doing !== undefined
  return (
    <>
      {offered.length === 0 && (
        <p data-no-wallet>
          No wallet was found in this browser. Install one that announces itself (EIP-6963), such as those on{' '}
          <a
            className={LINK}
            href="https://ethereum.org/wallets/find-wallet/"
            target="_blank"
            rel="noreferrer"
          >
            ethereum.org
          </a>
          , then load this page again. Reading needs none.
        </p>
      )}
      <p className={`flex flex-wrap items-center gap-2 ${offered.length === 0 ? 'mt-2' : ''}`}>
        {offered.map((wallet, index) => (
          <Button
            key={wallet.id}
            tone={index === 0 ? 'main' : 'quiet'}
            disabled={busy}
            className="[overflow-wrap:anywhere]"
            onClick={() => void who.connect(wallet)}
          >
            Connect <Name>{wallet.name}</Name>
          </Button>
        ))}
        {who.allowsDemo && (
          <Button
            tone={offered.length === 0 ? 'main' : 'quiet'}
            disabled={busy || down !== undefined}
            onClick={() => void who.demo()}
          >
            Use a demo wallet
          </Button>
        )}
        {who.allowsDemo && <span className="label">local chain: play money, a key in this browser</span>}
      </p>
    </>
  )
}

/** As a wallet calls itself, of any length and in any direction. */
const Name = ({ children }: { children: string }) => (
  <bdi className="inline-block max-w-[16rem] truncate align-bottom">{straight(children)}</bdi>
)

function Connected() {
  const { wallet, account, doing } = useWho()
  const { who } = useScene()
  const { value } = useReading(account, async ({ chain, economy }) => {
    const { heu, asset } = await economy()
    const held = { abi: erc20Abi, functionName: 'balanceOf', args: [account ?? '0x'] } as const
    const [free, dollars, gas] = await Promise.all([
      chain.client.readContract({ address: heu, ...held }),
      chain.client.readContract({ address: asset, ...held }),
      chain.client.getBalance({ address: account ?? '0x' }),
    ])
    return { free, dollars, gas }
  })
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-5 gap-y-1.5" data-account={account}>
      <p className="[overflow-wrap:anywhere]">
        {wallet && <Name>{wallet.name}</Name>} <Short hex={account ?? ''} />
      </p>
      {value && (
        <p className="label flex flex-wrap gap-x-4">
          <span data-figure="free" data-value={value.free.toString()}>
            <Heu amount={value.free} />
          </span>
          <span data-figure="dollars" data-value={value.dollars.toString()}>
            <Dollars amount={value.dollars} />
          </span>
          {value.gas === 0n && <strong className="text-ink">no gas</strong>}
        </p>
      )}
      <p className="flex gap-2">
        {wallet?.rdns === DEMO_RDNS && (
          <Button tone="plain" disabled={doing !== undefined} onClick={() => void who.demo()}>
            More play money
          </Button>
        )}
        <Button tone="plain" onClick={who.leave}>
          Disconnect
        </Button>
      </p>
    </div>
  )
}
