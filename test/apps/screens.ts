import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openVisit, PLACES, type Place, RED_CIRCLE, runPod } from './places.ts'
import { isReady } from './visitor.ts'

/** `npx tsx test/apps/screens.ts` takes the pictures of `docs/screens/`: both themes, 360 and 1440 pixels. */

/** `screens-acts.ts` takes these, of somebody with a wallet and a stake in weeks of a market. */
const ACTS: readonly Place[] = ['/credits', '/stake', '/lock', '/vote', '/claim']

const folder = join(import.meta.dirname, '..', '..', 'docs', 'screens')
mkdirSync(folder, { recursive: true })
const { house, page, paths } = await openVisit()

/** What is done there first, so that answers and receipts are in the picture. */
const BEFORE: Partial<Record<Place, () => Promise<void>>> = {
  '/pods/:chat': () => runPod(page, 'Message', 'What is a pod?'),
  '/pods/:image': () => runPod(page, 'Prompt', RED_CIRCLE),
  '/pods/:translate': () => runPod(page, 'Text', 'My sister buys a red hat at the market today.'),
  async '/pods/:embed'() {
    await isReady(page)
    await page.getByLabel('Another text', { exact: true }).fill('A cat is asleep.')
    await runPod(page, 'Text', 'The cat sleeps.')
  },
  '/r/:request': () => page.locator('[data-check=split]').waitFor(),
  '/pondera/s/:share': () => page.locator('[data-role=assistant]').last().waitFor(),
}

try {
  // Whoever follows the link of somebody else's result has none of their own.
  const stranger = await house.open(await house.visitor(), '/search')
  for (const theme of ['light', 'dark'] as const) {
    for (const [width, height] of [
      [360, 740],
      [1440, 900],
    ] as const) {
      for (const place of Object.keys(PLACES) as Place[]) {
        if (ACTS.includes(place)) continue
        const on = place === '/search?q&rid (shared)' ? stranger : page
        await on.setViewportSize({ width, height })
        await on.emulateMedia({ colorScheme: theme })
        await on.goto(house.stage.url + paths[place])
        await BEFORE[place]?.()
        await on.waitForTimeout(1_500)
        await on.screenshot({ path: join(folder, `${PLACES[place]}-${theme}-${width}.png`) })
      }
    }
  }
} finally {
  await house.close()
}
process.exit(0)
