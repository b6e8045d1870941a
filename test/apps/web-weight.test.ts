import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { openVisit, PLACES, type Place, type Visit } from './places.ts'

/** What a page of the web weighs for a newcomer who opens its address, in a real Chromium on a network that was used. */

/** Gzipped bytes of JavaScript. */
const MOST_BYTES = 250_000
/** What comes without being asked for has begun to come by then. */
const UNTOUCHED_MS = 5_000

describe('a page that is opened directly', function () {
  this.timeout(600_000)
  let visit: Visit
  before(async () => {
    visit = await openVisit()
    // A page that is open reads every few seconds.
    await visit.page.context().close()
  })
  after(() => visit?.house.close())

  /** All the JavaScript that comes while nobody touches the page, preloads and workers among it. */
  async function weightOf(path: string): Promise<number> {
    const context = await visit.house.visitor()
    const scripts = new Map<string, Promise<Buffer>>()
    context.on('response', (response) => {
      const { pathname } = new URL(response.url())
      if (/\.m?js$/.test(pathname)) scripts.set(pathname, response.body())
    })
    const page = await visit.house.open(context, path)
    await page.locator('footer').waitFor()
    await page.waitForTimeout(UNTOUCHED_MS)
    const bodies = await Promise.all(scripts.values())
    await context.close()
    return bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
  }

  for (const place of Object.keys(PLACES) as Place[]) {
    it(`${place} fetches 250 kB of JavaScript at most, all that comes untouched`, async () => {
      const bytes = await weightOf(visit.paths[place])

      process.stdout.write(`      ${place} ${Math.round(bytes / 1_000)} kB\n`)
      expect(bytes).to.be.within(50_000, MOST_BYTES)
    })
  }
})
