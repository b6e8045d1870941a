import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { podFolders } from '../../deploy/local.ts'
import { later } from '../../sdk/errors.ts'
import { openLog } from '../../sdk/program.ts'
import { benchMachine, isMeasured, lastBench } from '../../worker/bench.ts'
import { slotConfigSchema } from '../../worker/config.ts'
import { examine } from '../../worker/doctor.ts'
import { joinNetwork } from '../../worker/identity.ts'
import { refuseLoss } from '../../worker/loss.ts'
import { readPod } from '../../worker/pods.ts'
import { networkFor } from '../account.ts'
import { homeDir, PODS_DIR, ROOT } from '../home.ts'
import { createPrinter, type Printer } from '../print.ts'
import { programArgv } from '../program.ts'
import { homeCommand, tipCommand } from './choices.ts'

interface Options {
  router?: string
  home?: string
  pods?: string
  once?: boolean
  acceptLoss?: boolean
  json?: boolean
}

/** `heurist node`: serve with this machine. */
export function nodeCommand(): Command {
  const node = new Command('node').description('Serve pods with this machine')
  const common = (command: Command) =>
    command
      .option('--router <url>', 'a router; default: the network of this home')
      .option('--home <folder>', "the node's keys and receipts; default: nodes/mine in the home")
      .option('--json', 'print one JSON object')

  common(
    node
      .command('up')
      .description('register if needed, measure the machine, dial the router, serve until Ctrl-C'),
  )
    .option('--pods <names>', 'pods to serve, separated by commas; default: all')
    .option(
      '--accept-loss',
      'begin new receipts although this node has served before and its old ones are gone',
    )
    .option('--once', 'stop as soon as the router has admitted the node')
    .addHelpText('after', '\nExample:\n  $ heurist node up --pods chat')
    .action(async (options: Options) => up(options, createPrinter(options.json ?? false)))

  common(node.command('doctor').description('what is wrong with this machine as a node, and how to mend it'))
    .addHelpText('after', '\nExample:\n  $ heurist node doctor')
    .action(async (options: Options) => {
      const print = createPrinter(options.json ?? false)
      const network = await networkFor(options)
      const checks = await examine({ network, home: nodeHome(options), podsDir: PODS_DIR })
      print.rows(
        checks.map(({ name, ok, detail, fix }) => [
          `${ok ? '✓' : '✗'} ${name}`,
          `${detail}${fix === undefined ? '' : `\n      → ${fix}`}`,
        ]),
      )
      print.result(checks)
      if (checks.some((check) => !check.ok)) process.exitCode = 1
    })
  return node.addCommand(tipCommand()).addCommand(homeCommand())
}

const nodeHome = (options: Options): string => resolve(options.home ?? join(homeDir(), 'nodes', 'mine'))

async function up(options: Options, print: Printer): Promise<void> {
  const network = await networkFor(options)
  const home = nodeHome(options)
  const identity = await joinNetwork({ network, home })
  print.line(`node ${identity.node}, earning for ${identity.owner}`)
  if (identity.homeRouter) print.line(`emission for what router ${identity.homeRouter} settles`)
  const acceptLoss = options.acceptLoss ?? false
  const serving = {
    node: identity.node,
    routerUrl: network.router.url,
    rpcUrl: network.rpcUrl,
    dataDir: home,
  }
  if (!acceptLoss) await refuseLoss({ ...serving, network })
  const pods = options.pods?.split(',') ?? podFolders(PODS_DIR)
  await measure(home, pods, print)
  const config = {
    ...serving,
    signerKeyFile: identity.signerKeyFile,
    podsDir: PODS_DIR,
    acceptLoss,
    slots: pods.map((pod) => ({ pod, warm: true })),
  }
  mkdirSync(home, { recursive: true })
  const configFile = join(home, 'worker.json')
  writeFileSync(configFile, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
  await serve(configFile, options.once ?? false, print)
  print.result({ node: identity.node, owner: identity.owner, pods })
}

/** What the machine does is measured before it serves, and again after a week or for other pods. */
async function measure(home: string, names: string[], print: Printer): Promise<void> {
  const pods = await Promise.all(names.map((name) => readPod(PODS_DIR, name)))
  if (isMeasured(lastBench(home), pods, Math.floor(Date.now() / 1000))) return
  print.line('measuring this machine')
  const slots = names.map((pod) => slotConfigSchema.parse({ pod }))
  const bench = await benchMachine({ home, podsDir: PODS_DIR, slots }, openLog('worker', process.stderr))
  for (const [pod, { provider, unitsPerSecond }] of Object.entries(bench.pods)) {
    print.line(`  ${pod}: ${unitsPerSecond} units a second on ${provider}`)
  }
}

/** Runs the worker in the foreground; a Ctrl-C drains it. */
async function serve(configFile: string, once: boolean, print: Printer): Promise<void> {
  const worker = spawn(process.execPath, [...programArgv('worker/main.ts'), configFile], {
    cwd: ROOT,
    stdio: ['ignore', print.json ? 'ignore' : 'inherit', 'inherit', 'ipc'],
    detached: true,
  })
  const exited = new Promise<number | null>((done) => worker.once('exit', done))
  let asked = false
  const stop = () => {
    asked = true
    worker.kill('SIGTERM')
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  worker.on('message', (message: { event: string }) => {
    if (message.event !== 'ready') return
    print.line('serving; Ctrl-C stops')
    if (once) stop()
  })
  const code = await exited
  if (!asked)
    throw later('node.ended', `the worker ended by itself (code ${code})`, {
      fix: 'Run `heurist node doctor`.',
    })
}
