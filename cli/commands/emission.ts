import { Command } from 'commander'
import { type EmissionState, type EpochEmission, readEmission } from '../../sdk/chain/emission.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { refused } from '../../sdk/errors.ts'
import { formatHeu } from '../../sdk/units.ts'
import { dateOf, type EconomyOptions, economyOptions, openScene, type Scene } from '../economy.ts'

interface Options extends EconomyOptions {
  epochs: string
}

const MOST_EPOCHS = 520

/** `heurist net emission`: what the network issued, burnt and kept, epoch by epoch. */
export function emissionCommand(): Command {
  return economyOptions(
    new Command('emission').description('what was issued and burnt by epoch, the reserve and the reservoir'),
  )
    .option('--epochs <n>', 'how many, back from the last one that is over', '8')
    .addHelpText('after', '\nExample:\n  $ heurist net emission --epochs 52 --json')
    .action(async (options: Options) => {
      const count = countOf(options.epochs)
      const scene = await openScene(options)
      const { place, economy, print } = scene
      const { epoch } = await readClock(place.chain)
      const state = await readEmission(place.chain, economy.emission, { epoch, count })
      printEmission(scene, state)
      print.result(state)
    })
}

function countOf(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_EPOCHS) return count
  throw refused('epochs.invalid', `'${text}' is no number of epochs`, {
    fix: `Write --epochs N, N from 1 to ${MOST_EPOCHS}.`,
  })
}

function printEmission({ print }: Scene, state: EmissionState): void {
  const { reserve, reservoir, owed, firstEpoch, nextEpoch, finalizableAt, epochs } = state
  print.rows([
    ['reserve', `${formatHeu(reserve)} HEU`],
    ['reservoir', `${formatHeu(reservoir)} HEU of caps that were not issued`],
    ['owed', `${formatHeu(owed)} HEU issued and not yet claimed`],
    ['first epoch', String(firstEpoch)],
    ['next to finalize', `${nextEpoch}, from ${dateOf(finalizableAt)} on`],
    ...epochs.map((each) => [`epoch ${each.epoch}`, epochText(each)] as const),
  ])
}

function epochText({ finalizedAt, cap, base, dynamic, burnt, issued }: EpochEmission): string {
  if (finalizedAt === 0) return `not final; at most ${formatHeu(cap)} HEU`
  return `issued ${formatHeu(issued)} HEU (base ${formatHeu(base)}, dynamic ${formatHeu(dynamic)}), burnt ${formatHeu(burnt)}`
}
