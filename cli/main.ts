import { Command, CommanderError } from 'commander'
import { absentCommands } from './commands/absent.ts'
import { auditCommand } from './commands/audit.ts'
import { bondCommand } from './commands/bond.ts'
import { burnCommand } from './commands/burn.ts'
import { caseCommand } from './commands/case.ts'
import { claimCommand } from './commands/claim.ts'
import { creditsCommand } from './commands/credits.ts'
import { epochCommand } from './commands/epoch.ts'
import { lockCommand } from './commands/lock.ts'
import { netCommand } from './commands/net.ts'
import { nodeCommand } from './commands/node.ts'
import { podCommand } from './commands/pod.ts'
import { receiptCommand } from './commands/receipt.ts'
import { runCommand } from './commands/run.ts'
import { stakeCommand } from './commands/stake.ts'
import { upCommand } from './commands/up.ts'
import { voteCommand } from './commands/vote.ts'
import { frontendCommand } from './frontend/command.ts'
import { printFailure } from './print.ts'

/** `heurist`: every command is a noun and a verb, has `--json` and an example in `--help`; exit codes 0, 1, 2. */
const program = new Command('heurist')
  .description('A decentralized, serverless GPU cloud: run pods, serve them, pay per call.')
  .version('0.1.0')
  .showHelpAfterError('(see --help)')
  .exitOverride()

for (const command of [
  upCommand(),
  runCommand(),
  receiptCommand(),
  nodeCommand(),
  podCommand(),
  creditsCommand(),
  claimCommand(),
  frontendCommand(),
  auditCommand(),
  bondCommand(),
  stakeCommand(),
  caseCommand(),
  lockCommand(),
  voteCommand(),
  epochCommand(),
  burnCommand(),
  netCommand(),
  ...absentCommands(),
]) {
  program.addCommand(withExit(command))
}

/** A usage error of a command, however deep, is thrown and not the end of the process. */
function withExit(command: Command): Command {
  for (const inner of command.commands) withExit(inner)
  return command.exitOverride()
}

try {
  await program.parseAsync(process.argv)
} catch (cause) {
  const isUsage = cause instanceof CommanderError
  process.exitCode = isUsage
    ? cause.exitCode === 0
      ? 0
      : 2
    : printFailure(cause, process.argv.includes('--json'))
}
// A command that is done ends, whatever still holds a socket open.
process.exit(process.exitCode ?? 0)
