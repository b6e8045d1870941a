import { CASE_STATES } from '../../protocol/cases.ts'
import type { Wording } from './say.ts'

const state = (index: string | undefined): string => CASE_STATES[Number(index)] ?? `state ${index}`

/** Of the SlashingManager. */
export const CASE_WORDS: Wording = {
  DifferentRegistries: ({ ledgers, stakes }) => ({
    says: `ledger and stakes speak of different nodes: Registry ${ledgers} and ${stakes}`,
    fix: 'Deploy it with a ledger and a NodeStaking of one Registry.',
  }),
  OutlastsUnbonding: ({ total, unbonding }) => ({
    says: `an epoch, the time for evidence and the time to dispute last ${total} s, longer than the ${unbonding} s after which stake leaves`,
    fix: 'Shorten the time for evidence or the time to dispute.',
  }),
  DifferentNodes: ({ a, b }) => ({
    says: `one receipt is of node ${a}, the other of node ${b}`,
    fix: 'Two receipts of one node prove something; name those.',
  }),
  DifferentRequests: ({ a, b }) => ({
    says: `these speak of two requests: ${a} and ${b}`,
    fix: 'Name the request, voucher and receipts of one request.',
  }),
  SameReceipt: ({ receipt }) => ({
    says: `both are the same receipt, ${receipt}`,
    fix: 'A node may send a receipt twice. Only two that differ prove a fault.',
  }),
  NotNodeSigner: ({ node, signer, at }) => ({
    says: `${signer} did not sign for node ${node} at second ${at}`,
    fix: 'Check the signature and `completedAt`: only the key of that second is evidence.',
  }),
  NotPayer: ({ signer, payer }) => ({
    says: `the voucher is signed by ${signer}, the request is of ${payer}`,
    fix: 'Name the voucher that came with the request.',
  }),
  AlreadyPunished: ({ node, request }) => ({
    says: `node ${node} was punished for request ${request}`,
    fix: 'One request costs a node once: there is nothing left to do.',
  }),
  NothingToSlash: ({ node }) => ({
    says: `node ${node} has no stake, or this epoch has cost it all that an epoch may`,
    fix: 'See `heurist stake show`; if it has stake, come back in the next epoch.',
  }),
  EpochAhead: ({ epoch, current }) => ({
    says: `epoch ${epoch} has not begun: this is ${current}`,
    fix: 'Name the epoch in which the fault happened.',
  }),
  NotInState: ({ actual, asked }) => ({
    says: `the case is ${state(actual)}, and this needs one that is ${state(asked)}`,
    fix: 'See `heurist case show`: it names the next step.',
  }),
}
