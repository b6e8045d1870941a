import { Command } from 'commander'
import { params } from '../../deploy/params.ts'
import {
  computeLedgerAbi,
  emissionControllerAbi,
  feeBurnerAbi,
  nodeStakingAbi,
  routerBondAbi,
  voteControllerAbi,
  votingEscrowAbi,
} from '../../sdk/chain/abi.ts'
import { type Economy, economyOf } from '../../sdk/chain/economy.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { chainError } from '../../sdk/chain/errors.ts'
import { isLocalChain } from '../../sdk/chain/local-chains.ts'
import { HeuristError } from '../../sdk/errors.ts'
import { createPrinter } from '../print.ts'
import { openPlace, type Place, type TrustOptions } from '../trust.ts'

interface Options extends TrustOptions {
  json?: boolean
}

type Value = number | bigint

/** A number as the chain has it now; `unit` of those that no deployment chooses. */
interface OnChain {
  value: Value
  unit: string
}

/** `heurist net params`: what was planned, and beside it what the chain really has. */
export function paramsCommand(): Command {
  return new Command('params')
    .description('every protocol number, its unit and its reason, and what this network has')
    .option('--router <url>', 'a router; default: the network of this home')
    .option('--ledger <address>', 'the ledger that you trust; default: of this home')
    .option('--rpc <url>', 'the chain; default: of this home')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ heurist net params --json')
    .action(show)
}

async function show(options: Options): Promise<void> {
  const print = createPrinter(options.json ?? false)
  const chain = await readChain(options)
  const fixed = Object.entries(chain).filter(([name]) => !(name in params))
  print.rows([
    ...Object.entries(params).map(([name, { value, unit, reason }]) => {
      const found = chain[name]
      const differs = found !== undefined && BigInt(found.value) !== BigInt(value)
      const here = differs ? `${found.value} here, ` : ''
      return [name, `${here}${value} ${unit}. ${reason}`] as const
    }),
    ...fixed.map(([name, { value, unit }]) => [name, `${value} ${unit}. Fixed by the contracts.`] as const),
  ])
  if (Object.keys(chain).length === 0) print.line('  no network is known here: these are the planned numbers')
  const planned = Object.entries(params).map(([name, param]) => {
    const found = chain[name]
    return [name, found === undefined ? param : { ...param, chain: found.value }] as const
  })
  print.result({
    ...Object.fromEntries(planned),
    ...Object.fromEntries(fixed.map(([name, { value, unit }]) => [name, { chain: value, unit }])),
  })
}

/** What the network of this home, or the named one, has; nothing where there is none. */
async function readChain(options: Options): Promise<Record<string, OnChain>> {
  const place = await openPlace(options).catch((cause: unknown) => {
    if (cause instanceof HeuristError && cause.code === 'network.missing') return undefined
    throw cause
  })
  if (!place) return {}
  const economy = await economyOf(place.chain, place.ledger).catch((cause: unknown) => {
    if (cause instanceof HeuristError && cause.code === 'economy.absent') return undefined
    throw cause
  })
  try {
    return { ...(await readMoney(place)), ...(economy ? await readEconomy(place, economy) : {}) }
  } catch (cause) {
    throw chainError(cause)
  }
}

const BPS = 'bps'
const SECONDS = 'seconds'

async function readMoney({ chain, ledger, bond }: Place): Promise<Record<string, OnChain>> {
  const { client } = chain
  const { epoch } = await readClock(chain)
  const books = { address: ledger, abi: computeLedgerAbi } as const
  const pledge = { address: bond, abi: routerBondAbi } as const
  const [split, thaw, leastAsset, leastHeu] = await Promise.all([
    client.readContract({ ...books, functionName: 'splitIn', args: [epoch] }),
    client.readContract({ ...books, functionName: 'thawSeconds' }),
    client.readContract({ ...pledge, functionName: 'leastAsset' }),
    client.readContract({ ...pledge, functionName: 'leastHeu' }),
  ])
  return {
    nodeBps: { value: split.node, unit: BPS },
    podBps: { value: split.pod, unit: BPS },
    frontendBps: { value: split.frontend, unit: BPS },
    voterBps: { value: split.voters, unit: BPS },
    thawSeconds: { value: thaw, unit: SECONDS },
    bondLeastAsset: { value: leastAsset, unit: 'base units of the asset' },
    bondLeastHeu: { value: leastHeu, unit: 'wei of HEU' },
  }
}

async function readEconomy({ chain }: Place, economy: Economy): Promise<Record<string, OnChain>> {
  const { client } = chain
  const { epoch } = await readClock(chain)
  const emission = { address: economy.emission, abi: emissionControllerAbi } as const
  const escrow = { address: economy.escrow, abi: votingEscrowAbi } as const
  const burner = { address: economy.burner, abi: feeBurnerAbi } as const
  const staking = { address: economy.staking, abi: nodeStakingAbi } as const
  const [
    inForce,
    most,
    keepsPast,
    weight,
    unbond,
    final,
    record,
    report,
    challenge,
    bond,
    tip,
    gather,
    sale,
    lot,
  ] = await Promise.all([
    client.readContract({ ...emission, functionName: 'paramsIn', args: [epoch] }),
    client.readContract({ ...escrow, functionName: 'MOST_EPOCHS' }),
    client.readContract({ ...escrow, functionName: 'keepsPast' }),
    client.readContract({ address: economy.votes, abi: voteControllerAbi, functionName: 'LEAST_WEIGHT' }),
    client.readContract({ ...staking, functionName: 'UNBOND_SECONDS' }),
    client.readContract({ ...emission, functionName: 'FINAL_SECONDS' }),
    client.readContract({ ...emission, functionName: 'RECORD_SECONDS' }),
    client.readContract({ ...emission, functionName: 'REPORT_SECONDS' }),
    client.readContract({ ...emission, functionName: 'CHALLENGE_SECONDS' }),
    client.readContract({ ...emission, functionName: 'REPORT_BOND' }),
    client.readContract({ ...emission, functionName: 'MOST_TIP_BPS' }),
    client.readContract({ ...burner, functionName: 'GATHER_SECONDS' }),
    client.readContract({ ...burner, functionName: 'SALE_SECONDS' }),
    client.readContract({ ...burner, functionName: 'leastLot' }),
  ])
  return {
    emissionCapBps: { value: inForce.capBps, unit: 'bps of the initial supply a year' },
    emissionBaseBps: { value: inForce.baseBps, unit: 'bps of the initial supply a year' },
    emissionLambdaBps: { value: inForce.lambdaBps, unit: 'bps of the HEU burnt' },
    emissionBetaBps: { value: inForce.betaBps, unit: 'bps of units, the most that votes make of them' },
    emissionEtaBps: { value: inForce.etaBps, unit: 'bps of all quotas' },
    emissionQuota: { value: inForce.quota, unit: 'probe units per HEU of stake' },
    escrowKeepsPast: { value: Number(keepsPast), unit: '1 = yes, 0 = no' },
    mostLockEpochs: { value: most, unit: 'epochs' },
    leastWeight: { value: weight, unit: 'wei-epochs' },
    unbondSeconds: { value: unbond, unit: SECONDS },
    finalSeconds: { value: final, unit: SECONDS },
    recordSeconds: { value: record, unit: SECONDS },
    reportSeconds: { value: report, unit: SECONDS },
    challengeSeconds: { value: challenge, unit: SECONDS },
    reportBond: { value: bond, unit: 'wei of HEU' },
    mostTipBps: { value: tip, unit: BPS },
    gatherSeconds: { value: gather, unit: SECONDS },
    saleSeconds: { value: sale, unit: SECONDS },
    [isLocalChain(chain.id) ? 'localLeastLot' : 'burnerLeastLot']: {
      value: lot,
      unit: 'base units of the asset',
    },
  }
}
