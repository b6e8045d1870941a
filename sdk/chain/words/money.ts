import { date, last, percent, type Wording } from './say.ts'

/** Of the ledger and of the routers' bonds. Amounts are base units. */
export const MONEY_WORDS: Wording = {
  // ------------------------------------------------------------------------------------------------------ ledger
  SplitOutOfBounds: ({ bps, bound }) => ({
    says: `a share of ${percent(bps)} is beyond its bound, ${percent(bound)}`,
    fix: 'Choose a split within the bounds of the ledger.',
  }),
  ThawTooShort: ({ thawSeconds, least }) => ({
    says: `a waiting time of ${thawSeconds} s is shorter than the least, ${least} s`,
    fix: 'Deploy with a longer one.',
  }),
  NotAccountOwner: ({ caller, owner }) => ({
    says: `the account belongs to ${owner}, not to ${caller}`,
    fix: "Act with its owner's key.",
  }),
  NotSignedByKey: ({ recovered, key }) => ({
    says: `the signature is that of ${recovered}, not of the key ${key}`,
    fix: 'Sign the opening with the key itself.',
  }),
  AlreadyOpened: ({ key, owner }) => ({
    says: `the key ${key} has named its owner, ${owner}`,
    fix: 'A key names its owner once: use that owner, or another key.',
  }),
  InsufficientCredit: ({ wanted, credit }) => ({
    says: `the account holds ${credit} base units, not ${wanted}`,
    fix: 'Name no more than that; `heurist credits show` tells what is there.',
  }),
  NotThawing: ({ router }) => ({
    says: `no withdrawal from router ${router} is announced`,
    fix: 'Announce it first: `heurist credits --help` says how.',
  }),
  StillThawing: ({ thawedAt }) => ({
    says: 'the announced withdrawal still waits',
    fix: `Come back at ${date(thawedAt)}.`,
  }),
  FloatExhausted: ({ needed, float }) => ({
    says: `lines that cannot be charged cost ${needed} base units, and the router's float is ${float}`,
    fix: 'The router adds to its float first.',
  }),
  RouterStopped: ({ router }) => ({
    says: `router ${router} may not settle: its bond does not suffice, or it was convicted`,
    fix: 'See `heurist bond show`; payees file what it owes.',
  }),
  LedgerPaused: ({ until }) => ({
    says: 'deposits and settlements are paused',
    fix: `The pause lapses at ${date(until)}; withdrawing and claiming work meanwhile.`,
  }),
  PausedLately: ({ pausableAt }) => ({
    says: 'the last pause ended too short a time ago',
    fix: `The next may begin at ${date(pausableAt)}.`,
  }),
  NotBond: ({ caller }) => ({
    says: `only the RouterBond does this, not ${caller}`,
    fix: 'Call the RouterBond instead.',
  }),
  NoBurner: () => ({
    says: 'this ledger has no burner',
    fix: 'Nothing burns here: use a network with an economy.',
  }),
  ShortTransfer: ({ received, expected }) => ({
    says: `${received} base units arrived where ${expected} were due`,
    fix: 'This token keeps a part of each transfer: it cannot be used here.',
  }),
  BadAuthorization: ({ length }) => ({
    says: `a signature of ${length} bytes is none`,
    fix: 'Sign the authorization again.',
  }),
  // ----------------------------------------------------------------------------------------------------- batches
  BadLength: ({ length, expected }) => ({
    says: `the batch has ${length} bytes, and its header says ${expected}`,
    fix: 'The router packs it again.',
  }),
  BadSequence: ({ seq, expected }) => ({
    says: `this is batch ${seq}, and ${expected} is the next`,
    fix: 'It was settled before, or one before it is missing: the router posts them in order.',
  }),
  BadChain: ({ prev, expected }) => ({
    says: `the batch follows ${prev}, and the last one is ${expected}`,
    fix: 'The router builds it upon the last settled batch.',
  }),
  UnorderedIds: ({ id, previous }) => ({
    says: `id ${id} stands after ${previous}, and ids must rise`,
    fix: 'Sort the ids, each once, from 1 on.',
  }),
  Unbalanced: ({ credits, charges }) => ({
    says: `a section credits ${credits} base units, and the payers are charged ${charges}`,
    fix: 'Credit exactly what is charged.',
  }),
  OverMaxPrice: ({ price, maxPrice }) => ({
    says: `a price of ${price} is above the ${maxPrice} that the payer signed`,
    fix: 'Ask for no more than that.',
  }),
  WrongNode: ({ node, asked }) => ({
    says: `node ${node} is to be paid, and the request names node ${asked}`,
    fix: 'Pay the node that the payer asked.',
  }),
  VoucherExpired: ({ expiry }) => ({
    says: `the voucher expired at ${date(expiry)}`,
    fix: 'The payer signs a new one.',
  }),
  // ------------------------------------------------------------------------------------------------------- bonds
  NotTheLedgersBond: ({ bond }) => ({
    says: `the ledger was made for the bond ${bond}`,
    fix: 'Deploy bond and ledger together.',
  }),
  WaitTooShort: ({ waitSeconds, least }) => ({
    says: `a waiting time of ${waitSeconds} s is shorter than the least, ${least} s`,
    fix: 'Deploy with a longer one.',
  }),
  AlreadyConvicted: ({ router }) => ({
    says: `router ${router} is convicted: its bond is for its payees and the fire`,
    fix: 'Payees file the Statements that it owes.',
  }),
  NotConvicted: ({ router }) => ({
    says: `router ${router} is not convicted`,
    fix: 'Its fault must be proven first.',
  }),
  NotExiting: ({ router }) => ({
    says: `router ${router} has announced no exit`,
    fix: 'The router announces its exit first.',
  }),
  ClaimsOpen: ({ reserved }) => ({
    says: `open claims hold ${reserved} base units of the bond`,
    fix: 'Wait until they are resolved.',
  }),
  NoStatement: () => ({
    says: 'this role, or this id, has no Statements',
    fix: 'Nodes, pods and frontends have them; check role and id.',
  }),
  NotSignedByRouter: ({ recovered, router }) => ({
    says: `the Statement is signed by ${recovered}, not by router ${router}`,
    fix: 'Name the Statement as the router sent it.',
  }),
  StatementTooYoung: (args) => ({
    says: 'the Statement is less than a day old: its router is not late yet',
    fix: `Come back at ${date(last(args))}.`,
  }),
  NoShortfall: ({ stated, settled }) => ({
    says: `${settled} base units are settled or paid, and the Statement says ${stated}`,
    fix: 'Nothing is missing: claim what is there with `heurist claim`.',
  }),
  Superseded: ({ gross, filed }) => ({
    says: `${filed} base units are filed for this payee, no less than ${gross}`,
    fix: 'File a higher Statement, or wait for the next round.',
  }),
  RoundClosed: ({ nextAt }) => ({
    says: 'this round takes no more claims',
    fix: `The next opens at ${date(nextAt)}.`,
  }),
  NothingBonded: () => ({
    says: 'nothing is left in the bond that could be paid',
    fix: 'Wait: the router may add to it.',
  }),
  NoClaim: ({ round, id }) => ({
    says: `id ${id} has no open claim in round ${round}`,
    fix: 'File a Statement of the router first.',
  }),
  NotOfLeaf: ({ given, inLeaf }) => ({
    says: `the leaf carries ${inLeaf}, not ${given}`,
    fix: 'Name the receipt or request whose hash the leaf carries.',
  }),
  SameLeaf: ({ leaf }) => ({
    says: `both are the same leaf, ${leaf}`,
    fix: 'An overlap takes two leaves.',
  }),
  DifferentPayees: ({ a, b }) => ({
    says: `the leaves name payees ${a} and ${b}`,
    fix: 'Two leaves of one payee prove something; name those.',
  }),
  NoContradiction: () => ({
    says: 'these agree with each other: they prove nothing',
    fix: 'Check which two pieces contradict each other.',
  }),
  // ------------------------------------------------------------------------------------------------- the dollar
  FaucetCapExceeded: ({ cap }) => ({
    says: `the faucet gives ${cap} base units at most`,
    fix: 'Ask for less.',
  }),
  NotLocalChain: ({ chainId }) => ({
    says: `chain ${chainId} is no local chain, and the test dollar lives on those only`,
    fix: 'Use the payment asset of this chain.',
  }),
}
