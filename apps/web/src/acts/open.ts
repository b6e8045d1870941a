import type { Chain } from '../../../../sdk/chain/clients.ts'
import type { PageConfig } from '../network/config.ts'
import { openIntents } from './intents.ts'
import { createActs } from './machine.ts'
import { storage } from './shelf.ts'
import type { Acts } from './view.ts'

let opened: Acts | undefined

/** One for the whole visit, whoever acts: the pages of the portal, and the session of each door. */
export function openActs(config: PageConfig, chain: Chain): Acts {
  if (opened) return opened
  opened = createActs({ chain, intents: openIntents(storage, config), locks: navigator.locks })
  opened.resume()
  return opened
}
