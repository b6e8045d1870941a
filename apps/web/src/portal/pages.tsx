import type { ComponentType } from 'react'
import { loadKeptDemo } from '../acts/demo.ts'
import { late } from '../parts/late.tsx'
import type { Params, PortalAddress } from './addresses.ts'

/** What one address of the portal shows. */
export interface PortalPage {
  /** Of the browser's tab. */
  title: string
  /** Its word in the navigation; pages without one are reached from others. */
  nav?: string
  /** Calls are made or credit is managed there: the session's button stands in the header. */
  pays?: boolean
  /**
   * What it shows and sends is the chain's: neither a router that does not answer nor a key in another tab makes it read only.
   */
  ofChain?: boolean
  Page: ComponentType<{ params: Params }>
  /** Brings its code; a page that is shown brings it by itself. */
  load(): Promise<unknown>
}

const chunk = (load: () => Promise<{ default: PortalPage['Page'] }>) => ({ Page: late(load), load })
/** A page that acts shows who does. */
const acting = (load: () => Promise<{ default: PortalPage['Page'] }>) =>
  chunk(async () => {
    const [page] = await Promise.all([load(), loadKeptDemo()])
    return page
  })
/** Signatures and proofs are checked in the browser; that code comes when a receipt is opened. */
export const loadReceipt = () => import('../receipt/sheet.tsx')

const live = chunk(() => import('./live.tsx'))

/** Every page, in the order of the navigation; each is a chunk of its own. `addresses.ts` has its address too. */
export const PAGES: Record<PortalAddress, PortalPage> = {
  '/': { title: 'Heurist network', nav: 'Network', ...live },
  '/pods': { title: 'Pods', nav: 'Pods', ...chunk(() => import('./pods.tsx')) },
  '/pods/:pod': { title: 'Pod', pays: true, ...chunk(() => import('./pod/page.tsx')) },
  '/nodes': { title: 'Nodes', nav: 'Nodes', ...chunk(() => import('./nodes.tsx')) },
  '/nodes/:node': { title: 'Node', ...chunk(() => import('./node/page.tsx')) },
  '/explorer': { title: 'Explorer', nav: 'Explorer', ...chunk(() => import('./explorer/page.tsx')) },
  '/explorer/batches/:router/:seq': { title: 'Batch', ...chunk(() => import('./explorer/batch.tsx')) },
  '/explorer/epochs/:epoch': { title: 'Epoch', ...chunk(() => import('./explorer/epoch.tsx')) },
  '/credits': {
    title: 'Credits',
    nav: 'Credits',
    pays: true,
    ofChain: true,
    ...acting(() => import('./credits/page.tsx')),
  },
  '/stake': { title: 'Stake', nav: 'Stake', ofChain: true, ...acting(() => import('./stake/page.tsx')) },
  '/lock': { title: 'Lock', nav: 'Lock', ofChain: true, ...acting(() => import('./lock/page.tsx')) },
  '/vote': { title: 'Vote', nav: 'Vote', ofChain: true, ...acting(() => import('./vote/page.tsx')) },
  '/claim': { title: 'Claim', nav: 'Claim', ofChain: true, ...acting(() => import('./claim/page.tsx')) },
  // The receipt lies over the page that it was opened from.
  '/r/:request': { title: 'Receipt', Page: live.Page, load: loadReceipt },
}
