import { Suspense, startTransition, useCallback, useEffect, useRef, useState } from 'react'
import { go, usePath } from '../network/address.ts'
import { useLive, useView } from '../network/use.ts'
import { ReadOnly } from '../parts/banner.tsx'
import { late } from '../parts/late.tsx'
import { Link } from '../parts/link.tsx'
import { Revenue } from '../parts/revenue.tsx'
import { Empty, PageHead } from '../parts/section.tsx'
import { DoorHeader, SkipLink } from '../parts/shell.tsx'
import { ReadOnlyBanner, SessionButton } from '../session/button.tsx'
import { SessionContext } from '../session/use.ts'
import { CODE_WORDS } from '../session/words.ts'
import { hashIn, matchAddress, type PortalAddress } from './addresses.ts'
import { loadReceipt, PAGES } from './pages.tsx'
import { usePaying } from './paying.ts'

const ReceiptSheet = late(loadReceipt)

/** The portal: header, navigation, the page of the address, and a receipt over it. */
export function PortalDoor() {
  const { config } = useLive()
  const { path, request } = usePlace()
  const place = matchAddress(path)
  const page = place && PAGES[place.address]
  const paying = usePaying(config, page?.pays === true)
  const main = useFocusOnChange(path, page?.title ?? 'No such page')
  // Whoever comes for a receipt sees it first, then the page that it lies over.
  const [waits, setWaits] = useState(request !== undefined)
  const onShown = useCallback(() => startTransition(() => setWaits(false)), [])
  return (
    <SessionContext value={paying}>
      <SkipLink to="main">Skip to the page</SkipLink>
      <div className="mx-auto max-w-[76rem] px-4 sm:px-8">
        <DoorHeader door="portal" config={config}>
          <LinkState />
          {paying && <SessionButton />}
        </DoorHeader>
        <Navigation current={place?.address} />
        <main id="main" ref={main} tabIndex={-1} className="min-h-dvh space-y-6 pt-6 pb-16 outline-none">
          <Banner paying={paying !== undefined} ofChain={page?.ofChain === true} />
          {waits && request !== undefined ? null : page ? (
            <Suspense fallback={<Empty>Loading…</Empty>}>
              <page.Page key={path} params={place.params} />
            </Suspense>
          ) : (
            <>
              <PageHead title="There is no such page" />
              <p>
                <Link href="/" className="underline underline-offset-4">
                  The network
                </Link>{' '}
                is the first one; the others stand above.
              </p>
            </>
          )}
        </main>
        <Footer />
      </div>
      {request !== undefined && (
        <Suspense fallback={null}>
          <ReceiptSheet key={request} request={request} onShown={onShown} onClose={() => go(path)} />
        </Suspense>
      )}
    </SessionContext>
  )
}

/** The page that is shown, and the receipt that lies over it. */
function usePlace(): { path: string; request: string | undefined } {
  const path = usePath()
  const [beneath, setBeneath] = useState('/')
  const found = matchAddress(path)
  const request = found?.address === '/r/:request' ? hashIn(found.params.request) : undefined
  useEffect(() => {
    if (request === undefined) setBeneath(path)
  }, [path, request])
  return { path: request === undefined ? path : beneath, request }
}

/** Whoever goes to another page is at its beginning, with eyes, keyboard and screen reader. */
function useFocusOnChange(path: string, title: string) {
  const main = useRef<HTMLElement>(null)
  const shown = useRef(path)
  useEffect(() => {
    document.title = path === '/' ? PAGES['/'].title : `${title} · Heurist`
    if (shown.current === path) return
    shown.current = path
    window.scrollTo({ top: 0, behavior: 'instant' })
    main.current?.focus({ preventScroll: true })
  }, [path, title])
  return main
}

function Navigation({ current }: { current: PortalAddress | undefined }) {
  const entries = Object.entries(PAGES).filter(([, { nav }]) => nav !== undefined)
  return (
    <nav aria-label="Portal" className="-mx-2 border-b border-line pb-2">
      <ul className="flex flex-wrap gap-0.5">
        {entries.map(([address, { nav }]) => (
          <li key={address}>
            <Link
              href={address}
              aria-current={isWithin(current, address) ? 'page' : undefined}
              className="block rounded px-2 py-1 text-[0.92rem] text-muted hover:bg-accent-soft hover:text-ink aria-[current]:text-ink aria-[current]:underline aria-[current]:decoration-accent aria-[current]:decoration-2 aria-[current]:underline-offset-[0.6rem]"
            >
              {nav}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** A page of one pod is within the pods. */
const isWithin = (current: string | undefined, address: string): boolean =>
  current === address || (address !== '/' && current?.startsWith(`${address}/`) === true)

function Banner({ paying, ofChain }: { paying: boolean; ofChain: boolean }) {
  const { link } = useView()
  const words = CODE_WORDS['router.unreachable']
  if (link === 'lost' && !ofChain)
    return (
      <ReadOnly name="router">
        {words?.says} {words?.fix}
      </ReadOnly>
    )
  return paying && !ofChain ? <ReadOnlyBanner /> : null
}

function LinkState() {
  const { link } = useView()
  const words = { connecting: 'connecting', live: 'live', lost: 'reconnecting' } as const
  return (
    <span className="label">
      <span
        aria-hidden="true"
        className={`mr-1.5 inline-block size-1.5 rounded-full align-middle ${link === 'live' ? 'bg-accent' : 'border border-edge'}`}
      />
      {words[link]}
    </span>
  )
}

function Footer() {
  const { config } = useLive()
  return (
    <footer className="label flex flex-wrap gap-x-6 gap-y-1 border-t border-line py-6">
      <Revenue door="portal" config={config} />
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
