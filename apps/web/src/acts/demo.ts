import { isLocalChain } from '../../../../sdk/chain/local-chains.ts'
import type { PageConfig } from '../network/config.ts'
import { shelf } from './shelf.ts'

/** Where there is a demo wallet. What signs and pays with it comes once there is one, or somebody wants one. */

export const DEMO_RDNS = 'heurist.demo'
/** Its key is kept under this name. */
export const KEPT = 'heurist-demo-wallet'
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** Only where the chain is local by its id and by its address: anywhere else such a key has no place. */
export const allowsDemo = ({ chainId, rpcUrl }: Pick<PageConfig, 'chainId' | 'rpcUrl'>): boolean =>
  isLocalChain(chainId) && LOOPBACK.has(new URL(rpcUrl).hostname)

let code: typeof import('./demo-wallet.ts') | undefined

export async function loadDemo(): Promise<typeof import('./demo-wallet.ts')> {
  code = await import('./demo-wallet.ts')
  return code
}

/** Where a demo wallet was made, its code comes with the page that shows it: nothing moves once it is there. */
export const loadKeptDemo = async (): Promise<void> => {
  if (shelf.getItem(KEPT) !== null) await loadDemo()
}

/** What {@link loadKeptDemo} brought. */
export const demoCode = (): typeof import('./demo-wallet.ts') | undefined => code
