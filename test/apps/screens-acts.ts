import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { HEU, USD } from '../cli/season.ts'
import { openActsStage } from './acts.ts'
import { button, isReady, openHouse } from './visitor.ts'
import { giveWallet } from './wallet.ts'

/** `npx tsx test/apps/screens-acts.ts` takes the pictures of the pages that act: both themes, 360 and 1440 pixels. */

const folder = join(import.meta.dirname, '..', '..', 'docs', 'screens')
mkdirSync(folder, { recursive: true })
const stage = await openActsStage()
const { season, market } = stage
const house = await openHouse({ stage })

/** Somebody with a wallet, a node and a lock, whose node served for forty dollars last week. */
async function person() {
  const holder = await season.holder('person', 5_000n * HEU)
  const node = await season.nodeOf(holder)
  const run = (...argv: string[]) => season.home.run(...argv, '--key-file', holder.file, '--json')
  await run('lock', 'create', '1000', '--weeks', '52')
  await run('vote', 'set', '--node', `${node}=60`, '--pod', '1=70,2=30')
  await run('stake', 'add', node, '2000')
  await run('stake', 'unbond', node, '500')
  await stage.season.nextEpoch()
  const payer = await market.payer(50n * USD)
  await season.settle(payer.key, 40n * USD, { node: Number(node), pod: 1 })
  await season.nextEpoch()
  return holder
}

try {
  const guest = await house.open(await house.visitor(), '/credits')
  await button(guest, 'Use a demo wallet').click()
  await guest.locator('[data-account]').waitFor()
  await button(guest, 'Deposit').click()
  await button(guest, 'Deposit with Demo wallet').click()
  await isReady(guest)
  await guest.keyboard.press('Escape')
  const { account } = await person()
  const context = await house.visitor()
  await giveWallet(context, { account, rpcUrl: market.chain.rpcUrl, chainId: market.domain.chainId })
  const page = await house.open(context, '/lock')
  await button(page, 'Connect Test Wallet').click()
  for (const theme of ['light', 'dark'] as const) {
    for (const [width, height] of [
      [360, 740],
      [1440, 900],
    ] as const) {
      for (const name of ['lock', 'vote', 'stake', 'claim', 'credits'] as const) {
        const on = name === 'credits' ? guest : page
        await on.setViewportSize({ width, height })
        await on.emulateMedia({ colorScheme: theme })
        await on.goto(`${stage.url}/${name}`)
        await on.locator('[data-figure=free]').waitFor()
        if (name === 'lock') {
          await on.getByLabel('HEU to add').fill('250')
          await on.getByLabel('Weeks', { exact: true }).fill('80')
        }
        await on.waitForTimeout(1_500)
        await on.screenshot({ path: join(folder, `portal-${name}-${theme}-${width}.png`) })
      }
    }
  }
} finally {
  await house.close()
}
process.exit(0)
