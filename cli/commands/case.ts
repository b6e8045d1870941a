import { Command } from 'commander'
import type { Hex } from 'viem'
import { z } from 'zod'
import { heuApproval } from '../../sdk/chain/approvals.ts'
import type { Call } from '../../sdk/chain/call.ts'
import {
  type AccusableEconomy,
  bondFor,
  bondsOwed,
  type Case,
  caseCall,
  countCases,
  economyWithCases,
  readCase,
  readCases,
} from '../../sdk/chain/cases.ts'
import { readClock } from '../../sdk/chain/epochs.ts'
import { readStake } from '../../sdk/chain/stakes.ts'
import { later, refused } from '../../sdk/errors.ts'
import { isOpen, nextStep, type Step } from '../../sdk/protocol/cases.ts'
import { hashSchema } from '../../sdk/protocol/wire.ts'
import { formatHeu, heu } from '../../sdk/units.ts'
import {
  countdown,
  dateOf,
  type EconomyOptions,
  economyOptions,
  idOf,
  openSceneOf,
  type Scene,
} from '../economy.ts'
import { addressOf } from '../trust.ts'
import { proofCommands } from './proof.ts'

interface Options extends EconomyOptions {
  node?: string
  open?: boolean
  epoch?: string
  evidence?: string
  of?: string
}

type Court = Scene<AccusableEconomy>

/** `heurist case`: accusations of nodes, which cost them stake. */
export function caseCommand(): Command {
  const cases = new Command('case').description('Cases against nodes: accuse, dispute, judge, execute')
  const verb = (name: string, what: string, example: string) =>
    economyOptions(cases.command(name).description(what)).addHelpText(
      'after',
      `\nExample:\n  $ heurist ${example}`,
    )

  verb('list', 'every case, its time left and the next step', 'case list --node 1 --open')
    .option('--node <node>', 'of this node only')
    .option('--open', 'undecided ones only')
    .action(list)
  verb('show', 'one case', 'case show 1').argument('<case>', 'id of the case').action(show)
  verb(
    'propose',
    'accuse a node, with a bond: it freezes that much of its stake',
    'case propose 1 500 --evidence 0x… --key-file accuser.json',
  )
    .argument('<node>', 'id of the node')
    .argument('<heu>', 'how much the fault should cost')
    .requiredOption('--evidence <hash>', 'of the published evidence, 32 bytes')
    .option('--epoch <epoch>', 'in which the fault happened; default: the present one')
    .action(propose)
  verb('dispute', "the node owner's answer, with as large a bond", 'case dispute 1 --key-file owner.json')
    .argument('<case>', 'id of the case')
    .action(dispute)
  verb('judge', "the judge's word on a disputed case", 'case judge 1 dismissed --key-file judge.json')
    .argument('<case>', 'id of the case')
    .argument('<verdict>', "'upheld' or 'dismissed'")
    .action(judge)
  verb('execute', 'slash for a case that nobody disputed, or that was upheld; anyone may', 'case execute 1')
    .argument('<case>', 'id of the case')
    .action((text: string, options: Options) => move(text, options, 'execute'))
  verb('lapse', 'end a case whose time is over; anyone may', 'case lapse 1')
    .argument('<case>', 'id of the case')
    .action((text: string, options: Options) => move(text, options, 'lapse'))
  verb(
    'claim',
    'pay the bonds that an account has back or won; anyone may',
    'case claim --key-file owner.json',
  )
    .option('--of <address>', 'whose; default: who acts')
    .action(claim)
  for (const proof of proofCommands()) cases.addCommand(proof)
  return cases
}

const openCourt = (options: Options, node?: number): Promise<Court> =>
  openSceneOf(economyWithCases, options, node)

// ------------------------------------------------------------------------------------------------------- to look

async function list(options: Options): Promise<void> {
  const node = options.node === undefined ? undefined : idOf(options.node, 'node')
  const { print, place, economy } = await openCourt(options)
  const [{ now }, all] = await Promise.all([readClock(place.chain), readCases(place.chain, economy.slashing)])
  const found = all
    .filter((one) => (node === undefined || one.node === node) && (!options.open || isOpen(one)))
    .map((one) => withNext(one, now))
  if (found.length === 0) print.line('no cases')
  print.rows(
    found.map((one) => [
      `case ${one.id}`,
      `node ${one.node}, ${formatHeu(one.amount)} HEU, ${one.state}: ${one.next}`,
    ]),
  )
  print.result({ cases: found })
}

async function show(text: string, options: Options): Promise<void> {
  const court = await openCourt(options)
  const one = await readCase(court.place.chain, court.economy.slashing, idOf(text, 'case'))
  court.print.result(await printCase(court, one))
}

/** The case, its next step, and that step in words. */
type Listed = Case & { step?: Step; secondsLeft?: number; next: string }

function withNext(one: Case, now: number): Listed {
  const step = nextStep(one, now)
  if (!step) return { ...one, next: DECIDED[one.state] ?? one.state }
  const left = step.until === undefined ? undefined : step.until - now
  const due = left === undefined ? '' : `, ${countdown(left)} left (until ${dateOf(step.until ?? 0)})`
  const next = `${WHO[step.act]} \`${commandOf(step, one.id)}\`${due}`
  return { ...one, step, ...(left === undefined ? {} : { secondsLeft: left }), next }
}

const WHO: Record<Step['act'], string> = {
  dispute: "the node's owner may dispute with",
  judge: 'the judge decides with',
  execute: 'anyone may slash with',
  lapse: 'its time is over, anyone may end it with',
}

const DECIDED: Partial<Record<Case['state'], string>> = {
  executed: 'the node was slashed',
  dismissed: 'the accusation was false; the disputer claims both bonds with `heurist case claim`',
  lapsed: 'nothing came of it; bonds are claimed with `heurist case claim`',
}

const commandOf = ({ act }: Step, id: number): string =>
  `heurist case ${act} ${id}${act === 'judge' ? ' upheld|dismissed' : ''}`

async function printCase({ print, place }: Court, one: Case): Promise<Listed> {
  const { now } = await readClock(place.chain)
  const listed = withNext(one, now)
  print.rows([
    [`case ${one.id}`, `${one.state}, against node ${one.node}, for epoch ${one.faultEpoch}`],
    ['frozen', `${formatHeu(one.amount)} HEU, slashed at most`],
    ['accused by', `${one.proposer}, with a bond of ${formatHeu(one.bond)} HEU`],
    ...(one.disputer === undefined ? [] : [['disputed by', `${one.disputer}, with as much`] as const]),
    ['evidence', one.evidence],
    ['next', listed.next],
  ])
  return listed
}

// -------------------------------------------------------------------------------------------------------- to act

async function propose(text: string, heuText: string, options: Options): Promise<void> {
  const node = idOf(text, 'node')
  const amount = heu(heuText)
  const evidence = evidenceOf(options.evidence)
  const court = await openCourt(options)
  const { chain } = court.place
  const { slashing } = court.economy
  const faultEpoch =
    options.epoch === undefined ? (await readClock(chain)).epoch : idOf(options.epoch, 'epoch')
  const calls = await bonded(court, await bondFor(chain, slashing, amount))
  const outcome = await court.send([
    ...calls,
    caseCall.propose(slashing, { node, faultEpoch, amount, evidence }),
  ])
  if (outcome.dryRun) return court.print.result(outcome)
  const proposed = await readCase(chain, slashing, await countCases(chain, slashing))
  court.print.result({ ...outcome, case: await printCase(court, proposed) })
}

/** @throws `evidence.invalid` (refused). */
function evidenceOf(text: string | undefined): Hex {
  const { success, data } = z.safeParse(hashSchema, text)
  if (success) return data as Hex
  throw refused('evidence.invalid', `'${text}' is no hash`, {
    fix: 'Publish the evidence and name its hash: 0x and 64 hexadecimal digits.',
  })
}

/** @throws `case.foreign`, `heu.insufficient` (refused), and what {@link caseFor} throws. */
async function dispute(text: string, options: Options): Promise<void> {
  const { court, one } = await caseFor(text, options, 'dispute')
  const { owner } = await readStake(court.place.chain, court.economy, one.node)
  if (owner.toLowerCase() !== court.account.toLowerCase()) {
    throw refused('case.foreign', `node ${one.node} belongs to ${owner}, not to ${court.account}`, {
      fix: "Its owner alone may dispute: name the owner's key with --key-file.",
      details: { owner, account: court.account },
    })
  }
  const calls = await bonded(court, one.bond)
  await act(court, one.id, [...calls, caseCall.dispute(court.economy.slashing, one.id)])
}

async function judge(text: string, verdict: string, options: Options): Promise<void> {
  if (verdict !== 'upheld' && verdict !== 'dismissed') {
    throw refused('verdict.invalid', `'${verdict}' is no verdict`, { fix: "Say 'upheld' or 'dismissed'." })
  }
  const { court, one } = await caseFor(text, options, 'judge')
  await act(court, one.id, [caseCall.resolve(court.economy.slashing, one.id, verdict === 'upheld')])
}

async function move(text: string, options: Options, how: 'execute' | 'lapse'): Promise<void> {
  const { court, one } = await caseFor(text, options, how)
  await act(court, one.id, [caseCall[how](court.economy.slashing, one.id)])
}

async function claim(options: Options): Promise<void> {
  const court = await openCourt(options)
  const { slashing } = court.economy
  const account = options.of === undefined ? court.account : addressOf(options.of, '--of')
  const amount = await bondsOwed(court.place.chain, slashing, account)
  if (amount === 0n) {
    throw refused('case.nothing', `no bonds wait for ${account}`, {
      fix: 'Bonds come back when a case is decided: see `heurist case list`.',
    })
  }
  court.print.line(`${formatHeu(amount)} HEU for ${account}`)
  court.print.result({ ...(await court.send([caseCall.claim(slashing, account)])), account, amount })
}

/**
 * The case, at the step that is asked for. With `--dry-run` the time does not matter: it is sent later.
 *
 * @throws `case.unknown`, `case.over` (refused), `case.early` (later).
 */
async function caseFor(
  text: string,
  options: Options,
  asked: Step['act'],
): Promise<{ court: Court; one: Case }> {
  const id = idOf(text, 'case')
  const found = await openCourt(options)
  const one = await readCase(found.place.chain, found.economy.slashing, id)
  // Who disputes is the node's owner: its key may lie in this home.
  const court = asked === 'dispute' ? await openCourt(options, one.node) : found
  const { now } = await readClock(court.place.chain)
  const listed = withNext(one, now)
  if (listed.step?.act === asked || (options.dryRun && listed.step)) return { court, one }
  const details = { state: one.state, until: one.until }
  if (!listed.step || asked === 'dispute') {
    throw refused('case.over', `case ${id} is ${one.state}: ${listed.next}`, {
      fix: 'See `heurist case show`: it names the next step.',
      details,
    })
  }
  throw later('case.early', `not yet or no longer: ${listed.next}`, {
    fix: 'See `heurist case show`: it names the next step.',
    details,
  })
}

/** What lets the contract take a bond of HEU from who acts. */
async function bonded(court: Court, bond: bigint): Promise<Call[]> {
  court.print.line(`a bond of ${formatHeu(bond)} HEU is taken; it comes back unless the other side is right`)
  const { heu: token, slashing } = court.economy
  return heuApproval(court.place.chain, token, { from: court.account, spender: slashing, amount: bond })
}

async function act(court: Court, id: number, calls: readonly Call[]): Promise<void> {
  const outcome = await court.send(calls)
  if (outcome.dryRun) return court.print.result(outcome)
  const one = await readCase(court.place.chain, court.economy.slashing, id)
  court.print.result({ ...outcome, case: await printCase(court, one) })
}
