import { startOf } from '../protocol/epochs.ts'
import { CASE_WORDS } from './words/cases.ts'
import { CODE_WORDS } from './words/code.ts'
import { MONEY_WORDS } from './words/money.ts'
import { PEOPLE_WORDS } from './words/people.ts'
import { type Args, date, first, heu, last, percent, type Wording, type Words } from './words/say.ts'

/** `Ballot` of the contracts. */
const target = (ballot: string | undefined): string => (ballot === '0' ? 'node' : 'pod')

/** Of locks, votes, stakes, emission and burns, and what many contracts share. */
const ECONOMY: Wording = {
  // ------------------------------------------------------------------------------------------------------ tokens
  ERC20InsufficientBalance: ({ sender, balance, needed }) => ({
    says: `${sender} holds ${balance} base units, ${needed} are needed`,
    fix: 'Send it the rest first, or name less.',
  }),
  ERC20InsufficientAllowance: ({ spender, allowance, needed }) => ({
    says: `${spender} may take ${allowance} base units, ${needed} are needed`,
    fix: 'Approve it for the amount first.',
  }),
  // ------------------------------------------------------------------------------------------------------- locks
  LockExpired: ({ end }) => ({
    says: `the lock was over with epoch ${end}`,
    fix: 'Withdraw it with `heurist lock withdraw`, then create a new one.',
  }),
  NoLock: ({ account }) => ({ says: `${account} has no lock`, fix: 'Make one with `heurist lock create`.' }),
  EndTooSoon: ({ end, least }) => ({
    says: `a lock cannot end with epoch ${end}: the first possible end is ${least}`,
    fix: 'Lock for more weeks.',
  }),
  EndTooFar: ({ end, most }) => ({
    says: `a lock cannot last until epoch ${end}: the last possible end is ${most}`,
    fix: 'Lock for fewer weeks, at most 104.',
  }),
  EndNotLater: ({ end, present }) => ({
    says: `the lock ends with epoch ${present} already, which is no earlier than ${end}`,
    fix: 'A lock never becomes shorter: name more weeks.',
  }),
  NotExpired: ({ end }) => ({
    says: `the lock runs until epoch ${end}`,
    fix: `Come back at ${date(String(startOf(Number(end))))}.`,
  }),
  PastUnknown: ({ asked }) => ({
    says: `the escrow has no power of ${asked}: that epoch is over, or that second is not`,
    fix: 'Ask for the power of the present or a coming epoch, and for past votes of a second that is over.',
  }),
  NoDelegation: () => ({
    says: 'votes are not delegated',
    fix: 'Vote with the account that holds the lock.',
  }),
  // ------------------------------------------------------------------------------------------------------- votes
  OverAllocated: ({ bps }) => ({
    says: `the votes would be ${percent(bps)} of the power`,
    fix: 'Take votes back, or give no more than 100 % on each ballot.',
  }),
  LockTooShort: ({ end, least }) => ({
    says: `the lock ends with epoch ${end} and has no power when votes bind; it must last until ${least}`,
    fix: 'Extend it with `heurist lock extend`.',
  }),
  UnknownTarget: ({ id }) => ({
    says: `there is no target ${id}`,
    fix: 'Vote for a registered node or pod.',
  }),
  InactiveTarget: ({ ballot, id }) => ({
    says: `${target(ballot)} ${id} does not count in the next epoch`,
    fix: 'Vote for another one; removing votes always works.',
  }),
  EpochTooFar: ({ epoch, most }) => ({
    says: `weights of epoch ${epoch} are not known yet, only up to ${most}`,
    fix: 'Ask for an earlier epoch.',
  }),
  LengthMismatch: ({ ids, bps }) => ({
    says: `${ids} ids and ${bps} shares do not fit together`,
    fix: 'Name one share per id.',
  }),
  // ------------------------------------------------------------------------------------------------------- stake
  UnknownNode: ({ node }) => ({
    says: `there is no node ${node}`,
    fix: 'Register one with `heurist node up`.',
  }),
  NotNodeOwner: ({ caller, owner }) => ({
    says: `the node belongs to ${owner}, not to ${caller}`,
    fix: "Name its owner's key with --key-file.",
  }),
  AmountTooLarge: ({ amount, most }) => ({
    says: `${heu(amount)} are more than the ${heu(most)} there can be`,
    fix: 'Name no more than that.',
  }),
  StillUnbonding: ({ until }) => ({
    says: 'the stake still unbonds',
    fix: `Come back at ${date(until)}.`,
  }),
  StakeFrozen: ({ frozen }) => ({
    says: `open cases hold ${heu(frozen)} of the stake`,
    fix: 'Wait until they are decided, or leave so much behind.',
  }),
  NothingToWithdraw: () => ({
    says: 'nothing of this stake unbonds',
    fix: 'Begin with `heurist stake unbond`.',
  }),
  SlashTooLarge: ({ amount, most }) => ({
    says: `${heu(amount)} are more than a fault may cost here: ${heu(most)}`,
    fix: 'Slash no more than that.',
  }),
  RewardTooLarge: ({ amount, most }) => ({
    says: `a reporter gets at most ${heu(most)} of this, not ${heu(amount)}`,
    fix: 'Give the reporter less.',
  }),
  // ---------------------------------------------------------------------------------------------------- emission
  TipTooHigh: ({ bps, most }) => ({
    says: `a tip of ${percent(bps)} is above the most, ${percent(most)}`,
    fix: 'Name a lower one.',
  }),
  ParamOutOfBounds: ({ value, least, most }) => ({
    says: `${value} is outside ${least} to ${most}`,
    fix: 'Choose a value within the bounds.',
  }),
  WashingWouldPay: ({ lambdaTimesBeta, most }) => ({
    says: `lambda times beta would be ${lambdaTimesBeta}, above ${most}: washing would pay`,
    fix: 'Lower lambda or beta.',
  }),
  NotVotes: ({ caller }) => ({
    says: `only the VoteController draws tips, not ${caller}`,
    fix: 'Use `heurist epoch close`.',
  }),
  AlreadyFinal: ({ epoch }) => ({
    says: `epoch ${epoch} is final`,
    fix: 'There is nothing left to do for it.',
  }),
  OutOfOrder: ({ epoch, expected }) => ({
    says: `epoch ${expected} comes before epoch ${epoch}`,
    fix: 'Finalize epochs in order: `heurist epoch show` names the next one.',
  }),
  AlreadyReported: ({ epoch }) => ({ says: `epoch ${epoch} is reported`, fix: 'An epoch has one report.' }),
  NotReported: ({ epoch }) => ({
    says: `epoch ${epoch} has no valid report`,
    fix: 'Without one no base is issued for it.',
  }),
  NotChallenged: ({ epoch }) => ({
    says: `nobody challenges the report of epoch ${epoch}`,
    fix: 'There is nothing to judge.',
  }),
  BadProof: ({ node, seq }) =>
    node === undefined
      ? {
          says: `the leaf does not stand under the root of batch ${seq}`,
          fix: 'Take leaf and proof from the published data of that batch.',
        }
      : {
          says: `the proof does not lead to the report for node ${node}`,
          fix: "Take units and proof from the prober's published log.",
        },
  BondTooSmall: ({ bond, least }) => ({
    says: `the bond is ${heu(bond)}, less than ${heu(least)}`,
    fix: 'Add to it first.',
  }),
  BondHeld: ({ epoch }) => ({
    says: `the bond is held for epoch ${epoch}`,
    fix: 'Wait until its report can be challenged no more.',
  }),
  NoPayout: ({ node, id }) => ({
    says: `the Registry knows nobody to pay for ${node ?? id}`,
    fix: 'Register it first.',
  }),
  // ------------------------------------------------------------------------------------------------------- burns
  NotOpen: ({ from, until }) => ({
    says: `the sale is open from ${date(from)} until ${date(until)}`,
    fix: 'Come back then: `heurist burn show` tells when.',
  }),
  NothingForSale: () => ({ says: 'nothing is for sale', fix: 'See `heurist burn show`.' }),
  TooDear: ({ cost, most }) => ({
    says: `it costs ${heu(cost)}, more than the ${heu(most)} that you would pay`,
    fix: 'Raise --most, or wait: the price falls.',
  }),
  // ------------------------------------------------------------------------------------------------------- times
  TooEarly: (args) => ({
    says: `it is too early, by the clock of the chain ${date(first(args))}`,
    fix: `Come back at ${date(args.from ?? last(args))}.`,
  }),
  TooLate: ({ until }) => ({ says: `it was possible until ${date(until)}`, fix: 'It is over.' }),
  // ----------------------------------------------------------------------------------------------------- amounts
  ZeroAmount: () => ({ says: 'nothing is no amount', fix: 'Name more than 0.' }),
  ZeroAddress: () => ({ says: 'the zero address can take no part', fix: 'Name another address.' }),
  ZeroPrice: () => ({ says: 'a price of nothing is none', fix: 'Name a price above 0.' }),
}

const CONTRACTS: Wording = {
  ...CODE_WORDS,
  ...PEOPLE_WORDS,
  ...MONEY_WORDS,
  ...CASE_WORDS,
  ...ECONOMY,
}

/**
 * What a custom error of any of the contracts says to a person.
 *
 * @param args  As text, by the names that the contract gives them.
 */
export const wordsFor = (error: string, args: Args): Words | undefined => CONTRACTS[error]?.(args)
