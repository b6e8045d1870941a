import { Command } from 'commander'
import { type Address, zeroAddress } from 'viem'
import { registryAbi } from '../../sdk/chain/abi.ts'
import type { Call } from '../../sdk/chain/call.ts'
import { emissionCall, readChoices } from '../../sdk/chain/emission.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { refused } from '../../sdk/errors.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { formatPercent, percent } from '../../sdk/units.ts'
import { type EconomyOptions, economyOptions, epochDate, idOf, openScene, type Scene } from '../economy.ts'
import { addressOf } from '../trust.ts'

/** What a node's owner chooses for its emission. Both bind from the next epoch on, so that nobody is surprised. */

const MOST_TIP_BPS = 5_000

/** `heurist node tip`. */
export function tipCommand(): Command {
  return economyOptions(
    new Command('tip')
      .description("part of the node's emission for those who vote for it")
      .argument('<node>', 'id of the node')
      .argument('<percent>', `0 to ${MOST_TIP_BPS / 100}`),
  )
    .addHelpText('after', '\nExample:\n  $ heurist node tip 1 20 --key-file owner.json')
    .action(async (id: string, text: string, options: EconomyOptions) => {
      const bps = percent(text)
      if (bps > MOST_TIP_BPS) {
        throw refused('tip.too_high', `a tip is at most ${formatPercent(MOST_TIP_BPS)}`, {
          fix: 'Name a lower one.',
        })
      }
      await choose(options, id, ({ economy }, node) => emissionCall.setTip(economy.emission, node, bps))
    })
}

/** `heurist node home`. */
export function homeCommand(): Command {
  return economyOptions(
    new Command('home')
      .description('the one router whose batches earn the node emission')
      .argument('<node>', 'id of the node')
      .argument('<address>', "the router's address, 'here' for the network's, or 'none'"),
  )
    .addHelpText('after', '\nExample:\n  $ heurist node home 1 here --key-file owner.json')
    .action((id: string, text: string, options: EconomyOptions) =>
      choose(options, id, ({ economy, place }, node) =>
        emissionCall.setHome(economy.emission, node, routerOf(text, place.router)),
      ),
    )
}

const routerOf = (text: string, here: Address): Address => {
  if (text === 'here') return here
  return text === 'none' ? zeroAddress : addressOf(text, 'router')
}

/** @throws `node.unknown`, `node.foreign` (refused). */
async function choose(
  options: EconomyOptions,
  id: string,
  callOf: (scene: Scene, node: number) => Call,
): Promise<void> {
  const node = idOf(id, 'node')
  const scene = await openScene(options, node)
  const { place, economy, print, account } = scene
  const owner = await place.chain.client.readContract({
    address: economy.registry,
    abi: registryAbi,
    functionName: 'ownerOf',
    args: [ROLE.node, node],
  })
  if (owner === zeroAddress) throw refused('node.unknown', `there is no node ${node}`)
  if (owner.toLowerCase() !== account.toLowerCase()) {
    throw refused('node.foreign', `node ${node} belongs to ${owner}, not to ${account}`, {
      fix: "Name its owner's key with --key-file.",
      details: { owner, account },
    })
  }
  const outcome = await scene.send([callOf(scene, node)])
  const { epoch } = await readClock(place.chain)
  const choices = await readChoices(place.chain, economy.emission, node, epoch)
  if (!outcome.dryRun) {
    print.rows([
      ['now', `tip ${formatPercent(choices.tip)}, home ${nameOf(choices.home)}`],
      [
        `from ${epochDate(epoch + 1)}`,
        `tip ${formatPercent(choices.nextTip)}, home ${nameOf(choices.nextHome)}`,
      ],
    ])
  }
  print.result({ node, ...choices, ...outcome })
}

const nameOf = (router: Address): string => (router === zeroAddress ? 'none' : router)
