import { Command } from 'commander'
import { heuApproval } from '../../sdk/chain/approvals.ts'
import { type BurnState, burnCall, type Offer, readBurn } from '../../sdk/chain/burns.ts'
import { later, refused } from '../../sdk/errors.ts'
import { formatHeu, formatUsd, heu } from '../../sdk/units.ts'
import { countdown, type EconomyOptions, economyOptions, openScene, type Scene } from '../economy.ts'
import { addressOf } from '../trust.ts'

interface Options extends EconomyOptions {
  carried?: boolean
  most?: string
  to?: string
}

/** `heurist burn`: protocol fees are sold for HEU, whole, at a falling price, and the HEU is burnt. */
export function burnCommand(): Command {
  const burn = new Command('burn').description('Protocol fees for sale; what is paid for them is burnt')
  economyOptions(burn.command('show').description('what is for sale, until when, at which price'))
    .addHelpText('after', '\nExample:\n  $ heurist burn show')
    .action(async (options: Options) => {
      const scene = await openScene(options)
      const state = await readBurn(scene.place.chain, scene.economy.burner)
      printBurn(scene, state)
      scene.print.result(state)
    })
  economyOptions(burn.command('buy').description('buy the whole lot of the last epoch, burning your HEU'))
    .option('--carried', 'buy what earlier sales left over instead')
    .option('--most <heu>', 'the most it may cost in all; default: what it costs now')
    .option('--to <address>', 'who receives the fees; default: who pays')
    .addHelpText('after', '\nExample:\n  $ heurist burn buy --most 250 --key-file buyer.json')
    .action(buy)
  return burn
}

/** @throws `sale.empty`, `sale.dear` (refused), `sale.closed` (later). */
async function buy(options: Options): Promise<void> {
  const scene = await openScene(options)
  const { place, economy, account } = scene
  const state = await readBurn(place.chain, economy.burner)
  const offer = options.carried ? state.carried : state.lot
  mustSell(state, offer, options)
  const most = options.most === undefined ? offer.cost : heu(options.most)
  if (most < offer.cost && !options.dryRun) {
    throw refused('sale.dear', `it costs ${formatHeu(offer.cost)} HEU now, more than ${formatHeu(most)}`, {
      fix: 'Raise --most, or wait: the price falls.',
      details: { cost: offer.cost.toString(), most: most.toString() },
    })
  }
  const to = options.to === undefined ? account : addressOf(options.to, '--to')
  // A call that is signed later may pay what the price has fallen to by then; one that is sent now pays the cost of now.
  const amount = options.dryRun ? most : offer.cost
  const approval = await heuApproval(place.chain, economy.heu, {
    from: account,
    spender: economy.burner,
    amount,
  })
  const verb = options.carried ? burnCall.buyCarried : burnCall.buy
  scene.print.line(`$${formatUsd(offer.amount)} for at most ${formatHeu(amount)} HEU, which are burnt`)
  const outcome = await scene.send([...approval, verb(economy.burner, amount, to)])
  scene.print.result({ ...outcome, amount: offer.amount, most: amount, to })
}

function mustSell(state: BurnState, offer: Offer, options: Options): void {
  const { lot, now } = state
  if (offer.amount === 0n || (!options.carried && lot.burnt > 0n)) {
    throw refused(
      'sale.empty',
      options.carried ? 'nothing is carried' : `no lot of epoch ${lot.epoch} is left`,
      {
        fix: 'See `heurist burn show`; fees are gathered with `heurist epoch gather`.',
      },
    )
  }
  if (offer.price > 0n) return
  throw later('sale.closed', `it is not for sale in this second`, {
    fix:
      now < lot.opensAt
        ? `The sale opens in ${countdown(lot.opensAt - now)}.`
        : 'See `heurist burn show` for the next sale.',
    details: { now, opensAt: lot.opensAt, closesAt: lot.closesAt },
  })
}

function printBurn({ print }: Scene, { now, lot, carried, waiting, median }: BurnState): void {
  const when =
    now < lot.opensAt
      ? `opens in ${countdown(lot.opensAt - now)}`
      : now < lot.closesAt
        ? `closes in ${countdown(lot.closesAt - now)}`
        : 'closed'
  print.rows([
    [`lot of epoch ${lot.epoch}`, `$${formatUsd(lot.amount)}, ${when}`],
    ...(lot.burnt > 0n ? [['sold', `${formatHeu(lot.burnt)} HEU were burnt for it`] as const] : []),
    ['its price', priceText(lot)],
    ['carried', `$${formatUsd(carried.amount)}`],
    ['its price', priceText(carried)],
    ...(waiting > 0n ? [['for the next sale', `$${formatUsd(waiting)}`] as const] : []),
    ['median', `${formatHeu(median)} HEU per dollar`],
  ])
}

const priceText = ({ price, cost }: Offer): string =>
  price === 0n
    ? 'not for sale now'
    : `${formatHeu(price)} HEU per dollar, ${formatHeu(cost)} HEU for all of it`
