import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ask, button, indexed, isReady, openHouse } from './visitor.ts'

/** `npx tsx test/apps/screens.ts` takes the pictures of `docs/screens/`: both themes, 360 and 1440 pixels. */

const folder = join(import.meta.dirname, '..', '..', 'docs', 'screens')
mkdirSync(folder, { recursive: true })
const house = await openHouse()
try {
  const page = await house.guest()
  await ask(page, 'What is a pod?')
  await ask(page, 'What is the chemical symbol of gold?')
  const chat = new URL(page.url()).pathname
  await indexed(house)
  await page.goto(`${house.stage.url}/search`)
  await isReady(page)
  await page.locator('[data-price]').waitFor()
  await button(page, 'What can a thief of my key do?').click()
  await page.locator('[data-state=done] .prose').waitFor()
  const { pathname, search } = new URL(page.url())
  const pages = {
    portal: '/',
    pondera: '/pondera',
    'pondera-chat': chat,
    search: '/search',
    'search-result': pathname + search,
  }
  for (const theme of ['light', 'dark'] as const) {
    for (const [width, height] of [
      [360, 740],
      [1440, 900],
    ] as const) {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme: theme })
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(house.stage.url + path)
        await page.waitForTimeout(2_500)
        await page.screenshot({ path: join(folder, `${name}-${theme}-${width}.png`) })
      }
    }
  }
} finally {
  await house.close()
}
process.exit(0)
