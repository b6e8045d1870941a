import { lazy, Suspense } from 'react'
import { Figures } from './live/figures.tsx'
import { LiveMap } from './live/map.tsx'
import { Balances, Batches } from './live/money.tsx'
import { Nodes } from './live/nodes.tsx'
import { Receipts } from './live/receipts.tsx'
import { RunningJobs } from './live/running.tsx'
import { useReceiptAddress } from './network/address.ts'
import { useLive, useView } from './network/use.ts'
import { DoorHeader, SkipLink } from './parts/shell.tsx'

/** Signatures and proofs are checked here in the browser; that code comes when a receipt is opened. */
const ReceiptSheet = lazy(() => import('./receipt/sheet.tsx'))

export function App() {
  const request = useReceiptAddress()
  return (
    <>
      <SkipLink to="receipts">Skip to receipts</SkipLink>
      <div className="mx-auto max-w-[76rem] px-4 sm:px-8">
        <Header />
        <main className="space-y-10 pb-16">
          <section aria-labelledby="live" className="space-y-5">
            <h1 id="live" className="max-w-[38rem] text-[1.55rem] leading-snug sm:text-[1.9rem]">
              Every answer is priced, receipted and settled.{' '}
              <span className="text-muted">Watch it happen.</span>
            </h1>
            <LiveMap />
            <RunningJobs />
          </section>
          <Figures />
          <div className="grid gap-x-12 gap-y-10 lg:grid-cols-[minmax(0,1.75fr)_minmax(0,1fr)]">
            <div id="receipts" tabIndex={-1} className="min-w-0 outline-none">
              <Receipts />
            </div>
            <div className="min-w-0 space-y-10">
              <Nodes />
              <Balances />
              <Batches />
            </div>
          </div>
        </main>
        <Footer />
      </div>
      {request !== undefined && (
        <Suspense fallback={null}>
          <ReceiptSheet key={request} request={request} />
        </Suspense>
      )}
    </>
  )
}

function Header() {
  const { link } = useView()
  const { config } = useLive()
  const words = { connecting: 'connecting', live: 'live', lost: 'reconnecting' } as const
  return (
    <DoorHeader door="portal" config={config}>
      <span className="label">
        <span
          aria-hidden="true"
          className={`mr-1.5 inline-block size-1.5 rounded-full align-middle ${link === 'live' ? 'bg-accent' : 'border border-edge'}`}
        />
        {words[link]}
      </span>
    </DoorHeader>
  )
}

function Footer() {
  const { config } = useLive()
  return (
    <footer className="label flex flex-wrap gap-x-6 gap-y-1 border-t border-line py-6">
      <span>
        router{' '}
        <a className="underline underline-offset-4" href={new URL('/v1/network', config.routerUrl).href}>
          {new URL(config.routerUrl).host}
        </a>
      </span>
      {config.gatewayUrl !== undefined && (
        <span>
          OpenAI API{' '}
          <a className="underline underline-offset-4" href={new URL('/v1/models', config.gatewayUrl).href}>
            {new URL(config.gatewayUrl).host}/v1
          </a>
        </span>
      )}
    </footer>
  )
}
