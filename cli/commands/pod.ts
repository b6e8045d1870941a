import { Command } from 'commander'
import { z } from 'zod'
import { networkFor } from '../account.ts'
import { createPrinter } from '../print.ts'
import { askRouter } from '../router.ts'

const rowsSchema = z.array(
  z.looseObject({ id: z.number(), name: z.string(), version: z.string(), description: z.string() }),
)
const podsSchema = z.looseObject({ pods: rowsSchema, namesakes: rowsSchema.default([]) })

/** `heurist pod`: what can be called. */
export function podCommand(): Command {
  const pod = new Command('pod').description('The pods that can be called')
  pod
    .command('list')
    .description(
      'every pod that the router serves; last those whose name means another, to be called by their number',
    )
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ heurist pod list')
    .action(async (options: { router?: string; json?: boolean }) => {
      const print = createPrinter(options.json ?? false)
      const network = await networkFor(options)
      const { pods, namesakes } = await askRouter(network.router.url, '/v1/pods', podsSchema)
      const idOf = (wanted: string) => pods.find(({ name }) => name === wanted)?.id
      const others = namesakes.map((pod) => ({ ...pod, namesakeOf: idOf(pod.name) }))
      print.rows([
        ...pods.map(
          ({ id, name, version, description }) => [`${id} ${name} ${version}`, description] as const,
        ),
        ...others.map(
          ({ id, name, namesakeOf }) =>
            [`${id}`, `publishes '${name}' too, which means pod ${namesakeOf ?? 'another'}`] as const,
        ),
      ])
      print.result([...pods, ...others])
    })
  return pod
}
