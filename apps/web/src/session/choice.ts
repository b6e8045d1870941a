import { useEffect, useSyncExternalStore } from 'react'
import { findWallets, onWallets, wallets } from './wallets.ts'

/** The wallets of this browser, as they announce themselves. */
export function useWallets() {
  useEffect(findWallets, [])
  return useSyncExternalStore(onWallets, wallets)
}
