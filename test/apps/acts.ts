import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { seedDoors } from '../../deploy/local.ts'
import { testDollarAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { openSeason, type Season } from '../cli/season.ts'
import { freePort, PODS } from '../market.ts'
import { openNetwork } from '../network.ts'
import type { Stage } from './pondera.ts'

/** Weeks of a real market with its economy, and the portal on it. */
export interface ActsStage extends Stage {
  season: Season
}

/** No worker runs: what is settled is settled by hand, in weeks that pass at once. */
export async function openActsStage(): Promise<ActsStage> {
  const pods = mkdtempSync(join(tmpdir(), 'heurist-pods-'))
  for (const name of ['chat', 'embed']) cpSync(join(PODS, name), join(pods, name), { recursive: true })
  const season = await openSeason(pods)
  const { market } = season
  const { portal } = await seedDoors(market.deployer, ['portal'])
  const network = await openNetwork(market, 0, [], pods)
  const port = await freePort()
  const keyFile = join(market.home, 'keys', 'relay.key')
  saveKey(keyFile, (await market.payer(0n)).key)
  await network.start({
    name: 'web',
    entry: 'apps/web/serve.ts',
    config: {
      port,
      routerUrl: network.routerUrl,
      rpcUrl: market.chain.rpcUrl,
      chainId: market.domain.chainId,
      ledger: market.addresses.ledger,
      doors: { portal: { frontend: portal } },
      relay: { keyFile },
    },
  })
  return {
    season,
    market,
    network,
    url: `http://127.0.0.1:${port}`,
    frontend: portal,
    async purse(dollars) {
      const payer = await market.payer(0n)
      const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
      const args = [payer.account.address, dollars] as const
      await market.deployer.send({ ...asset, functionName: 'faucet', args }, payer.account)
      return payer
    },
    async close() {
      await network.stop()
      await season.close()
      rmSync(pods, { recursive: true, force: true })
    },
  }
}

/** So many stops a page has at most. */
const MOST_STOPS = 150

/** Goes on with Tab until the keyboard is at what has this name, as a screen reader says it. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    await page.keyboard.press('Tab')
    const found = (await page.evaluate(
      `(() => {
        const at = document.activeElement
        if (!at) return ''
        const label = at.labels?.[0]?.textContent
        return (at.getAttribute('aria-label') ?? label ?? at.textContent ?? '').trim()
      })()`,
    )) as string
    if (found === name) return
  }
  throw new Error(`Tab never comes to '${name}'`)
}

/** What the chain said of a figure on the page. */
export const figure = async (page: Page, name: string): Promise<bigint> =>
  BigInt((await page.locator(`[data-figure="${name}"]`).first().getAttribute('data-value')) ?? '-1')

/** Waits until an act is in a state. */
export const reaches = (page: Page, id: string, state: string) =>
  page.locator(`[data-act="${id}"][data-tx="${state}"]`).waitFor()
