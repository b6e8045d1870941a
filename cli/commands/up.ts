import { Command } from 'commander'
import { refused } from '../../sdk/errors.ts'
import { DEFAULT_PORT_BASE, portsFrom } from '../home.ts'
import { createPrinter } from '../print.ts'
import { up } from '../up/up.ts'

interface Options {
  once?: boolean
  reset?: boolean
  nodes: string
  portBase: string
  json?: boolean
}

/** `heurist up`, which is what `npm start` runs. */
export function upCommand(): Command {
  return new Command('up')
    .description('start the whole network on this machine and make one paid chat call and one paid picture')
    .option('--once', 'stop after the receipt is settled')
    .option('--reset', 'forget the chain and the ledger of earlier starts first')
    .option('--nodes <number>', 'how many nodes serve', '3')
    .option(
      '--port-base <port>',
      'router on this port, gateway +1, web +2, babel +4, chain +45',
      String(DEFAULT_PORT_BASE),
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ heurist up --once --port-base 17800')
    .action(async (options: Options) => {
      const nodes = Number(options.nodes)
      if (!Number.isInteger(nodes) || nodes < 1 || nodes > 16) {
        throw refused('nodes.invalid', `--nodes ${options.nodes} is not a number from 1 to 16`)
      }
      await up(
        {
          ports: portsFrom(Number(options.portBase)),
          nodes,
          once: options.once ?? false,
          reset: options.reset ?? false,
        },
        createPrinter(options.json ?? false),
      )
    })
}
