import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Serious and critical faults of accessibility that a page has now. @param where  For the message. */
export async function faultsOf(page: Page, where: string): Promise<string[]> {
  await page.evaluate(axe)
  const found = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  )) as { id: string; impact: string; nodes: { html: string }[] }[]
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${where}: ${id} ${nodes[0]?.html.slice(0, 160)}`)
}

/** Says so if the page is wider than its window. */
export async function overflowOf(page: Page, where: string): Promise<string[]> {
  const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
  return wide ? [`${where}: wider than its window`] : []
}

/** Both of a page as it stands, on a narrow phone, light and dark. */
export async function faultsInBothThemes(page: Page, where: string): Promise<string[]> {
  const faults: string[] = []
  const size = page.viewportSize()
  await page.setViewportSize({ width: 360, height: 800 })
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme })
    faults.push(
      ...(await faultsOf(page, `${where} ${theme}`)),
      ...(await overflowOf(page, `${where} ${theme}`)),
    )
  }
  if (size) await page.setViewportSize(size)
  return faults
}
