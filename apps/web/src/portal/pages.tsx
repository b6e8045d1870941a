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

/** Every page, in the order of the navigation; each is a chunk of its own. `addresses.ts` has its address too. */
export const PAGES: Record<PortalAddress, PortalPage> = {
  '/': { title: 'Heurist network', nav: 'Network', Page: LivePage },
  '/pods': { title: 'Pods', nav: 'Pods', Page: lazy(() => import('./pods.tsx')) },
  '/pods/:pod': { title: 'Pod', pays: true, Page: lazy(() => import('./pod/page.tsx')) },
  '/nodes': { title: 'Nodes', nav: 'Nodes', Page: lazy(() => import('./nodes.tsx')) },
  '/nodes/:node': { title: 'Node', Page: lazy(() => import('./node/page.tsx')) },
  '/explorer': { title: 'Explorer', nav: 'Explorer', Page: lazy(() => import('./explorer/page.tsx')) },
  '/explorer/batches/:router/:seq': { title: 'Batch', Page: lazy(() => import('./explorer/batch.tsx')) },
  '/explorer/epochs/:epoch': { title: 'Epoch', Page: lazy(() => import('./explorer/epoch.tsx')) },
  '/credits': {
    title: 'Credits',
    nav: 'Credits',
    pays: true,
    Page: lazy(() => import('./credits/page.tsx')),
  },
  '/stake': { title: 'Stake', nav: 'Stake', Page: lazy(() => import('./stake/page.tsx')) },
  '/lock': { title: 'Lock', nav: 'Lock', Page: lazy(() => import('./lock/page.tsx')) },
  '/vote': { title: 'Vote', nav: 'Vote', Page: lazy(() => import('./vote/page.tsx')) },
  '/claim': { title: 'Claim', nav: 'Claim', Page: lazy(() => import('./claim/page.tsx')) },
  // The receipt lies over the page that it was opened from.
  '/r/:request': { title: 'Receipt', Page: LivePage },
}
