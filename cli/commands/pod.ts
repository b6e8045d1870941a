import { Command } from 'commander'
import { z } from 'zod'
import { networkFor } from '../account.ts'
import { createPrinter } from '../print.ts'
import { askRouter } from '../router.ts'

const podsSchema = z.looseObject({
  pods: z.array(
    z.looseObject({ id: z.number(), name: z.string(), version: z.string(), description: z.string() }),
  ),
})

/** `heurist pod`: what can be called. */
export function podCommand(): Command {
  const pod = new Command('pod').description('The pods that can be called')
  pod
    .command('list')
    .description('every pod that the router serves')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ heurist pod list')
    .action(async (options: { router?: string; json?: boolean }) => {
      const print = createPrinter(options.json ?? false)
      const network = await networkFor(options)
      const { pods } = await askRouter(network.router.url, '/v1/pods', podsSchema)
      print.rows(pods.map(({ id, name, version, description }) => [`${id} ${name} ${version}`, description]))
      print.result(pods)
    })
  return pod
}
