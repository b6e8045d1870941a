import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { EXAMPLES } from '../../apps/web/src/imagine/prompts.ts'
import { ask, button, indexed, isReady, openHouse, until } from './visitor.ts'

/** `npx tsx test/apps/screens.ts` takes the pictures of `docs/screens/`: both themes, 360 and 1440 pixels. */

const folder = join(import.meta.dirname, '..', '..', 'docs', 'screens')
mkdirSync(folder, { recursive: true })
const house = await openHouse({ pods: ['chat', 'embed', 'translate'], pictures: true })
const { market, network, url } = house.stage
const { pods } = market.seeded

/** Fills the form of a pod and runs it, so that its answer and receipt are in the picture. */
async function run(page: Page, label: string, text: string): Promise<void> {
  await isReady(page)
  await page.getByLabel(label, { exact: true }).fill(text)
  await button(page, 'Run').click()
  await page.locator('[data-run=done]').waitFor()
}

try {
  const page = await house.guest()
  await ask(page, 'What is a pod?')
  await ask(page, 'What is the chemical symbol of gold?')
  const chat = new URL(page.url()).pathname
  await page.goto(`${url}/pods/${pods.image}`)
  await run(page, 'Prompt', 'a large red circle in the centre on a blue background')
  const request = (await page.locator('[data-receipt]').getAttribute('data-receipt')) ?? ''
  await until(async () => (await house.receipt(request)).status === 'settled')
  const { batch } = await house.receipt(request)
  await page.goto(`${url}/explorer`)
  const epoch = await page.locator('[data-epoch] a').first().getAttribute('href')

  await page.goto(`${url}/imagine/m/image`)
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
  await page.goto(`${url}/search`)
  await isReady(page)
  await page.locator('[data-price]').waitFor()
  await button(page, 'What can a thief of my key do?').click()
  await page.locator('[data-state=done] .prose').waitFor()
  const { pathname, search } = new URL(page.url())
  const pages: Record<string, { path: string; before?: () => Promise<void> }> = {
    portal: { path: '/' },
    'portal-pods': { path: '/pods' },
    'portal-pod-chat': {
      path: `/pods/${pods.chat}`,
      before: () => run(page, 'Message', 'What is a pod?'),
    },
    'portal-pod-image': {
      path: `/pods/${pods.image}`,
      before: () => run(page, 'Prompt', 'a large red circle in the centre on a blue background'),
    },
    'portal-nodes': { path: '/nodes' },
    'portal-node': { path: `/nodes/${network.nodes[0]}` },
    'portal-explorer': { path: '/explorer' },
    'portal-batch': { path: `/explorer/batches/${market.router.address}/${batch?.seq}` },
    'portal-epoch': { path: epoch ?? '/explorer' },
    'portal-receipt': {
      path: `/r/${request}`,
      before: () => page.locator('[data-check=split]').waitFor(),
    },
    pondera: { path: '/pondera' },
    'pondera-chat': { path: chat },
    imagine: { path: '/imagine' },
    'imagine-model': { path: '/imagine/m/image' },
    'imagine-shared': { path: shared },
    search: { path: '/search' },
    'search-result': { path: pathname + search },
  }
  for (const theme of ['light', 'dark'] as const) {
    for (const [width, height] of [
      [360, 740],
      [1440, 900],
    ] as const) {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme: theme })
      for (const [name, { path, before }] of Object.entries(pages)) {
        await page.goto(url + path)
        await before?.()
        await page.waitForTimeout(1_500)
        await page.screenshot({ path: join(folder, `${name}-${theme}-${width}.png`) })
      }
    }
  }
} finally {
  await house.close()
}
process.exit(0)
