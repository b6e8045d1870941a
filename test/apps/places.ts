import type { Page } from 'playwright-core'
import { EXAMPLES } from '../../apps/web/src/imagine/prompts.ts'
import { ask, button, type House, indexed, isReady, openHouse, until } from './visitor.ts'

/** Every page of every door as its address is written, with the name of its pictures. */
export const PLACES = {
  '/': 'portal',
  '/pods': 'portal-pods',
  '/pods/:chat': 'portal-pod-chat',
  '/pods/:image': 'portal-pod-image',
  '/pods/:embed': 'portal-pod-embed',
  '/pods/:translate': 'portal-pod-translate',
  '/nodes': 'portal-nodes',
  '/nodes/:node': 'portal-node',
  '/explorer': 'portal-explorer',
  '/explorer/batches/:router/:seq': 'portal-batch',
  '/explorer/epochs/:epoch': 'portal-epoch',
  '/r/:request': 'portal-receipt',
  '/credits': 'portal-credits',
  '/stake': 'portal-stake',
  '/lock': 'portal-lock',
  '/vote': 'portal-vote',
  '/claim': 'portal-claim',
  '/pondera': 'pondera',
  '/pondera/c/:chat': 'pondera-chat',
  '/pondera/s/:share': 'pondera-shared',
  '/imagine': 'imagine',
  '/imagine/m/:model': 'imagine-model',
  '/imagine/s/:share': 'imagine-shared',
  '/search': 'search',
  '/search?q&rid': 'search-result',
  '/search?q&rid (shared)': 'search-shared',
} as const
export type Place = keyof typeof PLACES

/** What a visitor leaves on a network so that no page of it is empty. */
export interface Visit {
  house: House
  /** The browser that asked, drew and searched: chats and results are kept there. */
  page: Page
  /** Where each page is, with what is really on this network in its address. */
  paths: Record<Place, string>
}

/** Fills the form of a pod and runs it. @param page  At the pod. */
export async function runPod(page: Page, label: string, text: string): Promise<void> {
  await isReady(page)
  await page.getByLabel(label, { exact: true }).fill(text)
  await button(page, 'Run').click()
  await page.locator('[data-run=done]').waitFor()
}

export const RED_CIRCLE = 'a large red circle in the centre on a blue background'

/** A network with every shipped pod and somebody who used all of its doors. */
export async function openVisit(): Promise<Visit> {
  const house = await openHouse({ pods: ['chat', 'embed', 'translate'], pictures: true })
  try {
    const page = await house.guest()
    return { house, page, paths: await visit(house, page) }
  } catch (cause) {
    await house.close()
    throw cause
  }
}

async function visit(house: House, page: Page): Promise<Record<Place, string>> {
  const { market, network, url } = house.stage
  const { pods } = market.seeded
  const here = () => page.url().slice(url.length)
  const shared = async (name: string) => {
    await button(page, name).click()
    await button(page, 'Make a link').click()
    const link = (await page.locator('[data-share]').getAttribute('href')) ?? ''
    await page.keyboard.press('Escape')
    return new URL(link, url).href.slice(url.length)
  }

  await ask(page, 'What is a pod?')
  await ask(page, 'What is the chemical symbol of gold?')
  const chat = here()
  const sharedChat = await shared('Share')

  await page.goto(`${url}/pods/${pods.image}`)
  await runPod(page, 'Prompt', RED_CIRCLE)
  const request = (await page.locator('[data-receipt]').getAttribute('data-receipt')) ?? ''
  await until(async () => (await house.receipt(request)).status === 'settled')
  const { batch } = await house.receipt(request)
  await page.goto(`${url}/explorer`)
  const epoch = (await page.locator('[data-epoch] a').first().getAttribute('href')) ?? ''

  await page.goto(`${url}/imagine/m/image`)
  await isReady(page)
  for (const prompt of EXAMPLES) {
    await page.getByLabel('Prompt', { exact: true }).fill(prompt)
    await button(page, 'Draw').click()
    await page.getByRole('status').getByText('The picture is complete').waitFor()
    await page.getByRole('img', { name: `Drawn from: ${prompt}` }).waitFor()
  }
  const picture = await shared('Share')

  await indexed(house)
  await page.goto(`${url}/search`)
  await isReady(page)
  await page.locator('[data-price]').waitFor()
  await button(page, 'What can a thief of my key do?').click()
  await page.locator('[data-state=done] .prose').waitFor()
  const result = here()
  const sharedResult = await shared('share')
  return {
    '/': '/',
    '/pods': '/pods',
    '/pods/:chat': `/pods/${pods.chat}`,
    '/pods/:image': `/pods/${pods.image}`,
    '/pods/:embed': `/pods/${pods.embed}`,
    '/pods/:translate': `/pods/${pods.translate}`,
    '/nodes': '/nodes',
    '/nodes/:node': `/nodes/${network.nodes[0]}`,
    '/explorer': '/explorer',
    '/explorer/batches/:router/:seq': `/explorer/batches/${market.router.address}/${batch?.seq}`,
    '/explorer/epochs/:epoch': epoch,
    '/r/:request': `/r/${request}`,
    '/credits': '/credits',
    '/stake': '/stake',
    '/lock': '/lock',
    '/vote': '/vote',
    '/claim': '/claim',
    '/pondera': '/pondera',
    '/pondera/c/:chat': chat,
    '/pondera/s/:share': sharedChat,
    '/imagine': '/imagine',
    '/imagine/m/:model': '/imagine/m/image',
    '/imagine/s/:share': picture,
    '/search': '/search',
    '/search?q&rid': result,
    '/search?q&rid (shared)': sharedResult,
  }
}
