// Runs the chain binary given as arguments and makes sure that it never outlives whoever started it:
// a lost IPC channel (even by SIGKILL of the parent) or a signal ends it with SIGTERM, so its state is written.
import { spawn } from 'node:child_process'

const [binary, ...argv] = process.argv.slice(2)
const chain = spawn(binary, argv, { stdio: ['ignore', 'inherit', 'inherit'], detached: true })

const end = () => {
  if (chain.exitCode === null && chain.signalCode === null) chain.kill('SIGTERM')
}
process.on('disconnect', end)
process.on('SIGTERM', end)
process.on('SIGINT', end)
chain.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
chain.on('exit', (code) => process.exit(code ?? 0))
