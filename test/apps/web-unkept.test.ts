import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type BrowserContext, chromium } from 'playwright-core'
import { findChromium } from './chromium.ts'
import { type House, openHouse } from './visitor.ts'

/** A real Chromium whose person lets no site store anything: "block all cookies". */

describe('a Chromium that lets no site store anything', function () {
  this.timeout(300_000)
  let house: House
  let context: BrowserContext
  let profile: string
  before(async () => {
    house = await openHouse({ pictures: true })
    profile = mkdtempSync(join(tmpdir(), 'heurist-profile-'))
    mkdirSync(join(profile, 'Default'))
    const prefs = { profile: { default_content_setting_values: { cookies: 2 } } }
    writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(prefs))
    context = await chromium.launchPersistentContext(profile, {
      executablePath: findChromium() ?? '',
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    })
  })
  after(async () => {
    await context?.close()
    await house?.close()
    if (profile) rmSync(profile, { recursive: true })
  })

  for (const [path, keeps] of [
    ['/', undefined],
    ['/pondera', 'chats'],
    ['/imagine/m/image', 'pictures'],
    ['/search', 'searches'],
    ['/stake', undefined],
    ['/credits', undefined],
  ] as const) {
    it(`${path} stands there${keeps ? `, and says that ${keeps} are gone with the page` : ''}`, async () => {
      const page = await context.newPage()
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(String(error)))
      await page.goto(house.stage.url + path)
      const forbids = await page.evaluate(`(() => {
        try { localStorage.getItem('x'); return false } catch { return true }
      })()`)
      await page.getByRole('main').getByRole('heading').first().waitFor()
      if (keeps)
        await page.getByText(`This browser keeps nothing: ${keeps} are gone with the page.`).waitFor()

      expect(forbids).to.equal(true)
      expect(errors).to.deep.equal([])
      await page.close()
    })
  }
})
