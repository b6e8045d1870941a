import { join } from 'node:path'
import { Listr } from 'listr2'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { asHeuristError, refused } from '../../sdk/errors.ts'
import { createClient } from '../../sdk/index.ts'
import { fileJournal } from '../../sdk/journal-file.ts'
import { homeDir, type Ports } from '../home.ts'
import type { Printer } from '../print.ts'
import { type FirstCalls, makeFirstCalls, printFirstCalls } from './first-calls.ts'
import {
  babelPart,
  forget,
  gatewayPart,
  keeperPart,
  type LocalNetwork,
  raiseChain,
  routerPart,
  webPart,
  workerPart,
} from './network.ts'
import { lockHome, preflight } from './preflight.ts'
import { createSupervisor, type Supervisor } from './processes.ts'

export interface UpOptions {
  ports: Ports
  nodes: number
  /** Stop after the first receipt is settled. */
  once: boolean
  /** Forget the state of earlier starts first. */
  reset: boolean
}

/** Everything that runs, and how to end it. */
interface Standing {
  local: LocalNetwork
  supervisor: Supervisor
  apiKey: string
}

/** `heurist up`: the whole network on one machine, one paid chat call and one paid picture, settled. */
export async function up(options: UpOptions, print: Printer): Promise<void> {
  const home = homeDir()
  const unlock = lockHome(home)
  const interrupted = onInterrupt()
  const undo: (() => Promise<void>)[] = []
  try {
    if (options.reset) forget(home)
    await preflight(home, options.ports)
    const standing = await Promise.race([raise(home, options, undo, print), interrupted])
    if (standing === undefined) return
    const calls = await Promise.race([firstCalls(standing), interrupted])
    if (calls === undefined) return
    printFirstCalls(print, calls, standing.local.network, standing.apiKey)
    if (options.once) return

    const ended = Promise.race([interrupted, partLost(standing, print)])
    await Promise.race([ended, openBabel(standing, print)])
    print.line('\nCtrl-C stops everything.')
    const lost = await ended
    if (lost !== undefined) throw lost
  } finally {
    print.line('\nstopping…')
    for (const stop of undo.reverse()) await stop()
    unlock()
    print.line('stopped; nothing is left running.')
  }
}

/** Resolves with undefined at the first Ctrl-C or SIGTERM; a second one changes nothing. */
function onInterrupt(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolve(undefined))
  })
}

async function raise(
  home: string,
  options: UpOptions,
  undo: (() => Promise<void>)[],
  print: Printer,
): Promise<Standing> {
  const supervisor = createSupervisor(home)
  let local: LocalNetwork | undefined
  let apiKey = ''
  const at = (): LocalNetwork => {
    if (!local) throw refused('chain.not_started', 'the chain is not up')
    return local
  }

  const tasks = new Listr(
    [
      {
        title: 'chain and contracts',
        task: async (_, task) => {
          local = await raiseChain(home, options.ports, (step) => {
            task.output = step
          })
          undo.push(() => at().chain.stop())
          undo.push(() => supervisor.stop())
          task.title = `chain ${at().network.chainId} (${at().chain.engine}) and contracts`
        },
      },
      {
        title: 'router, workers, gateway, keeper and web page',
        task: async () => {
          const workers = Array.from({ length: options.nodes }, (_, index) => workerPart(at(), index + 1))
          const router = supervisor.start(routerPart(at()))
          const others = [
            ...workers.map(async (part) => {
              const known = await part
              await router
              await supervisor.start(known)
            }),
            router.then(async () => {
              apiKey = (await supervisor.start(gatewayPart(at()))).ready.apiKey ?? ''
            }),
            router.then(() => supervisor.start(keeperPart(at()))),
            supervisor.start(webPart(at())),
          ]
          await Promise.all([router, ...others])
        },
      },
    ],
    { renderer: print.json ? 'silent' : process.stdout.isTTY ? 'default' : 'simple' },
  )
  await tasks.run()
  return { local: at(), supervisor, apiKey }
}

async function firstCalls({ local }: Standing): Promise<FirstCalls> {
  const { network, home } = local
  const client = createClient({
    routerUrl: network.router.url,
    key: localKey(LOCAL_KEY.payer),
    chain: { rpcUrl: network.rpcUrl, chainId: network.chainId, ledger: network.addresses.ledger },
    frontend: local.seeded.frontend,
    journal: fileJournal(join(home, 'journal')),
  })
  try {
    return await makeFirstCalls(client, network)
  } finally {
    await client.close()
  }
}

/** The Discord bot, where there is a token for it. That it does not start is said, and ends nothing. */
async function openBabel({ supervisor, local }: Standing, print: Printer): Promise<void> {
  try {
    const part = await babelPart(local)
    if (part === undefined) return print.line(`\n${BABEL_OFF}`)
    const { ready } = await supervisor.start(part)
    print.line(`\nbabel is on Discord; what it earns: ${ready.url}`)
  } catch (cause) {
    const { message, fix } = asHeuristError(cause)
    print.line(`\nbabel did not start: ${message}${fix === undefined ? '' : `\n  ${fix}`}`)
  }
}

const BABEL_OFF =
  'babel, the Discord bot, is off: HEURIST_DISCORD_TOKEN=… npm start switches it on (docs/quickstart-babel.md)'

/** Everything but the bot is needed. */
function partLost({ supervisor, local }: Standing, print: Printer): Promise<Error> {
  return new Promise((resolve) => {
    const tell = (name: string, code: number | null) =>
      resolve(
        refused('process.lost', `${name} ended by itself (code ${code})`, {
          fix: `Read ${join(local.home, 'logs', `${name}.log`)} and start again: nothing acknowledged is lost.`,
        }),
      )
    supervisor.onLost((name, code) => {
      if (name === 'babel') print.line(`babel ended by itself (code ${code}); the network goes on`)
      else tell(name, code)
    })
    local.chain.process.once('exit', (code) => tell('chain', code))
  })
}
