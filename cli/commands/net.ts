import { Command } from 'commander'
import { privateKeyToAccount } from 'viem/accounts'
import { deploy } from '../../deploy/deploy.ts'
import { createDeployer } from '../../deploy/deployer.ts'
import { verify } from '../../deploy/verify.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { refused } from '../../sdk/errors.ts'
import { networkFor } from '../account.ts'
import { createPrinter } from '../print.ts'
import { emissionCommand } from './emission.ts'
import { epochOptions, showEpoch } from './epoch.ts'
import { paramsCommand } from './params.ts'

/** `heurist net`: what the network is made of; deploying it on a chain of your own. */
export function netCommand(): Command {
  const net = new Command('net').description('The network: addresses, parameters, deployment')

  net
    .command('show')
    .description('addresses and URLs of the network')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ heurist net show --router http://127.0.0.1:7800')
    .action(async (options: { router?: string; json?: boolean }) => {
      const print = createPrinter(options.json ?? false)
      const network = await networkFor(options)
      print.rows([
        ['chain', String(network.chainId)],
        ['rpc', network.rpcUrl],
        ...Object.entries(network.addresses),
        ['router', `${network.router.address} ${network.router.url}`],
        ...(network.gateway ? [['gateway', network.gateway.url] as const] : []),
        ...(network.web ? [['web', network.web.url] as const] : []),
      ])
      print.result(network)
    })

  net.addCommand(paramsCommand())
  net.addCommand(emissionCommand())
  epochOptions(net.command('epoch').description('the countdown of the epoch, and what is due'))
    .addHelpText('after', '\nExample:\n  $ heurist net epoch')
    .action(showEpoch)

  net
    .command('deploy')
    .description('deploy what is missing on HEURIST_RPC_URL and read it back')
    .requiredOption('--key-file <file>', 'key of the deployer (keystore v3, password in HEURIST_PASSWORD)')
    .option('--record <file>', 'where the addresses are kept; default: deployments/<chain>.json')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  $ HEURIST_RPC_URL=http://127.0.0.1:8545 heurist net deploy --key-file deployer.json',
    )
    .action(async (options: { keyFile: string; record?: string; json?: boolean }) => {
      const print = createPrinter(options.json ?? false)
      const deployment = await deploymentOptions(options)
      const deployer = await deploy(deployment, (step) => print.line(`  ${step}`))
      print.rows(Object.entries(deployer.record.addresses))
      print.result(deployer.record)
    })

  net
    .command('verify')
    .description('read a deployment back from the chain')
    .requiredOption('--key-file <file>', 'key of the deployer')
    .option('--record <file>', 'its addresses; default: deployments/<chain>.json')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  $ HEURIST_RPC_URL=http://127.0.0.1:8545 heurist net verify --key-file deployer.json',
    )
    .action(async (options: { keyFile: string; record?: string; json?: boolean }) => {
      const print = createPrinter(options.json ?? false)
      const findings = await verify(await createDeployer(await deploymentOptions(options)))
      print.rows(
        findings.map(({ what, expected, found }) => [
          what,
          expected === found ? `ok  ${found}` : `WRONG  ${found}, not ${expected}`,
        ]),
      )
      print.result(findings)
      if (findings.some(({ expected, found }) => expected !== found)) process.exitCode = 1
    })

  return net
}

async function deploymentOptions(options: { keyFile: string; record?: string }) {
  const rpcUrl = process.env.HEURIST_RPC_URL
  if (!rpcUrl) throw refused('rpc.unset', 'no chain is named', { fix: 'Set HEURIST_RPC_URL.' })
  const account = privateKeyToAccount(loadKey(options.keyFile, process.env.HEURIST_PASSWORD).privateKey)
  return { rpcUrl, account, recordFile: options.record ?? `deployments/${await chainIdText(rpcUrl)}.json` }
}

async function chainIdText(rpcUrl: string): Promise<number> {
  const { chainIdOf } = await import('../../deploy/chain.ts')
  const chainId = await chainIdOf(rpcUrl)
  if (chainId === undefined) throw refused('chain.unreachable', `no chain answers at ${rpcUrl}`)
  return chainId
}
