import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { DOORS } from '../../apps/web/src/network/config.ts'
import { seedDoors } from '../../deploy/local.ts'
import { openSeason, type Season } from '../cli/season.ts'
import { PODS } from '../market.ts'
import { openNetwork } from '../network.ts'
import { openDoors, type Stage } from './pondera.ts'

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
  const frontends = await seedDoors(market.deployer, DOORS)
  const network = await openNetwork(market, 0, [], pods)
  const doors = await openDoors(market, network, { frontends, relay: true })
  return {
    ...doors,
    season,
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
