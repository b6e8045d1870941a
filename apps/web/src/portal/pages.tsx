import { type ComponentType, lazy } from 'react'
import type { Params, PortalAddress } from './addresses.ts'

/** What one address of the portal shows. */
export interface PortalPage {
  /** Of the browser's tab. */
  title: string
  /** Its word in the navigation; pages without one are reached from others. */
  nav?: string
  /** Calls are made or credit is managed there: the session's button stands in the header. */
  pays?: boolean
  Page: ComponentType<{ params: Params }>
}

const LivePage = lazy(() => import('./live.tsx'))

const CreditsPage = lazy(() => import('../credits/page.tsx'))
const StakePage = lazy(() => import('../stake/page.tsx'))
const LockPage = lazy(() => import('../lock/page.tsx'))
const VotePage = lazy(() => import('../vote/page.tsx'))
const ClaimPage = lazy(() => import('../claim/page.tsx'))

/** Every page, in the order of the navigation; each is a chunk of its own. `addresses.ts` has its address too. */
export const PAGES: Record<PortalAddress, PortalPage> = {
  '/': { title: 'Heurist network', nav: 'Network', Page: LivePage },
  '/credits': { title: 'Credits', nav: 'Credits', pays: true, Page: CreditsPage },
  '/stake': { title: 'Stake', nav: 'Stake', Page: StakePage },
  '/lock': { title: 'Lock', nav: 'Lock', Page: LockPage },
  '/vote': { title: 'Vote', nav: 'Vote', Page: VotePage },
  '/claim': { title: 'Claim', nav: 'Claim', Page: ClaimPage },
  // The receipt lies over the page that it was opened from.
  '/r/:request': { title: 'Receipt', Page: LivePage },
}
