import { Command } from 'commander'
import { refused } from '../../sdk/errors.ts'

/** Commands whose subject is not built yet. They say so and do nothing. */
const ABSENT: Record<string, string> = {
  route: 'replaying of routing decisions comes with the router simulation',
}

export const absentCommands = (): Command[] =>
  Object.entries(ABSENT).map(([name, why]) =>
    new Command(name)
      .description(`not part of this release: ${why}`)
      .argument('[words...]')
      .allowUnknownOption()
      .option('--json', 'print one JSON object')
      .action(() => {
        throw refused(
          'command.absent',
          `heurist ${name} is not part of this release: ${why}. Nothing was done.`,
        )
      }),
  )
