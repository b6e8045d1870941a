import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { EXAMPLES } from '../../apps/web/src/imagine/prompts.ts'
import { ask, button, indexed, isReady, openHouse } from './visitor.ts'

/** `npx tsx test/apps/screens.ts` takes the pictures of `docs/screens/`: both themes, 360 and 1440 pixels. */

const folder = join(import.meta.dirname, '..', '..', 'docs', 'screens')
mkdirSync(folder, { recursive: true })
const house = await openHouse({ pictures: true })
try {
  const page = await house.guest()
  await ask(page, 'What is a pod?')
  await ask(page, 'What is the chemical symbol of gold?')
  const chat = new URL(page.url()).pathname
  await page.goto(`${house.stage.url}/imagine/m/image`)
  await isReady(page)
  for (const prompt of EXAMPLES) {
    await page.getByLabel('Prompt', { exact: true }).fill(prompt)
    await button(page, 'Draw').click()
    await page.getByRole('status').getByText('The picture is complete').waitFor()
    await page.getByRole('img', { name: `Drawn from: ${prompt}` }).waitFor()
  }
  await button(page, 'Share').click()
  await button(page, 'Make a link').click()
  const shared = new URL((await page.locator('[data-share]').getAttribute('href')) ?? '').pathname
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
    imagine: '/imagine',
    'imagine-model': '/imagine/m/image',
    'imagine-shared': shared,
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
