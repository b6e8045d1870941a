/**
 * Every protocol number that a deployment chooses, once: value, unit, reason. `docs/parameters.md` is printed from
 * here. Numbers that the contracts fix for good are constants there and are read back by `deploy/verify.ts`.
 */
export interface Param<T extends number | bigint = number | bigint> {
  value: T
  unit: string
  reason: string
}

const param = <T extends number | bigint>(value: T, unit: string, reason: string): Param<T> => ({
  value,
  unit,
  reason,
})

const HEU = 10n ** 18n
const HOUR = 3_600
const DAY = 24 * HOUR

export const params = {
  nodeBps: param(
    7_000,
    'bps of gross',
    'The node pays for the hardware and the power; it is never below half.',
  ),
  podBps: param(1_000, 'bps of gross', 'The deployer keeps a pod alive for as long as it earns.'),
  frontendBps: param(1_000, 'bps of gross', 'Whoever brings the caller; burnt where nobody did.'),
  voterBps: param(500, 'bps of gross', "Pod voters' revenue; burnt where a pod has no votes."),
  thawSeconds: param(
    24 * HOUR,
    'seconds',
    'A router has a day to post what it holds against credit that leaves; anyone leaves without its consent.',
  ),
  priorityDeadline: param(
    0,
    'seconds',
    'How long the L1 to L2 queue may delay a forced call: 0 on a local chain; a real chain sets HEURIST_PRIORITY_DEADLINE.',
  ),
  upgradeDelay: param(
    7 * DAY,
    'seconds',
    'Everyone sees an upgrade of the Registry a week before it can happen.',
  ),
  adminDelay: param(
    7 * DAY,
    'seconds',
    'Whoever hands out roles at once can do at once what they can: on a real chain the admin waits as long as an upgrade.',
  ),
  paramsDelay: param(
    7 * DAY,
    'seconds',
    'Everyone sees a change of the split a week before it can be set; it binds from the next epoch.',
  ),
  pauseDelay: param(
    0,
    'seconds',
    'A pause that waits protects nobody; it lapses by itself and never stops an exit.',
  ),
  bondLeastAsset: param(
    1_000_000_000n,
    'base units of the asset',
    'The least bond: a newcomer node is covered for a thousandth of it, one dollar.',
  ),
  bondLeastHeu: param(
    10_000n * HEU,
    'wei of HEU',
    'What a router loses even where its own payees are paid from its bond.',
  ),
  escrowKeepsPast: param(
    1,
    '1 = yes, 0 = no',
    'A Governor can count locks as they stood. It can never be switched on later; without it no lock takes a slot for what it was.',
  ),
  emissionCapBps: param(500, 'bps of supply per 52 epochs', 'The most that is ever issued: 5 % a year.'),
  emissionBaseBps: param(
    125,
    'bps of supply per 52 epochs',
    'For being there and answering, whatever the demand: 1.25 % a year.',
  ),
  emissionLambdaBps: param(
    3_000,
    'bps of HEU burnt',
    'With beta the most for which washing loses: 0.30 x 2.5 = 1 - 0.25.',
  ),
  emissionBetaBps: param(25_000, 'bps of units', 'The most that votes multiply: 2.5 times.'),
  emissionEtaBps: param(
    5_000,
    'bps of quotas',
    'If the prober fails for most, the rest cannot share all of the base: five times their part at most.',
  ),
  emissionQuota: param(1n, 'probe units per HEU', 'The measure of base units; only their proportions count.'),
  emissionReserve: param(500_000_000n * HEU, 'wei of HEU', 'Half the supply: what the network ever issues.'),
  burnerPrice: param(
    25n * HEU,
    'wei of HEU per dollar',
    'The first median; eight sales later only the market counts.',
  ),
  burnerLeastLot: param(
    10_000_000n,
    'base units of the asset',
    'Ten dollars: the price of a smaller lot would say nothing and cost nothing to set.',
  ),
  localLeastLot: param(
    100n,
    'base units of the asset',
    'A local network burns the fees of a few calls: a hundredth of a cent is a lot there.',
  ),
  slashLeastBond: param(1_000n * HEU, 'wei of HEU', 'Accusing a node costs something if it is wrong.'),
  slashBondBps: param(1_000, 'bps of the amount frozen', 'And more, the more it freezes.'),
  slashReporterBps: param(1_000, 'bps of a slash', 'Enough to look; too little to slash oneself.'),
  slashEvidence: param(7 * DAY, 'seconds', "How long after its epoch's end a fault may be proposed."),
  slashDispute: param(3 * DAY, 'seconds', 'How long the owner has to dispute before anyone executes.'),
  localBond: param(
    2_000_000_000n,
    'base units of the asset',
    "A local router's bond: newcomer nodes are covered for two dollars each.",
  ),
  localFloat: param(
    100_000_000n,
    'base units of the asset',
    "A local router's float: pays lines that payers did not.",
  ),
  localCredit: param(
    25_000_000n,
    'base units of the asset',
    'What the gateway and the demo payer deposit on a local chain.',
  ),
  localKeeper: param(
    100_000n * HEU,
    'wei of HEU',
    "A local keeper's: its report bond, and what it buys fees with.",
  ),
  localHolder: param(
    10_000n * HEU,
    'wei of HEU',
    'What the demo payer of a local chain can stake, lock and vote with.',
  ),
  localKeeperPoll: param(15, 'seconds', 'How often a local keeper looks what the epoch needs.'),
  localGas: param(10n ** 18n, 'wei of the base token', 'Gas money that a local chain gives to a fresh key.'),
  settleMaxAge: param(
    HOUR,
    'seconds',
    'The oldest unposted receipt of a router on a real chain; payees may wait 4 h.',
  ),
  settleWorthGas: param(
    10,
    'times the gas',
    'Sooner than it must, a batch is posted only if its gross is so much more than its gas.',
  ),
  settleLargePayee: param(
    1_000_000n,
    'base units of the asset',
    'A payee with so much unposted is large: it is posted within 4 h; smaller ones within a day.',
  ),
  settleLargeAge: param(
    3.5 * HOUR,
    'seconds',
    'Half an hour less than the 4 h of a large payee: time for the transaction to land.',
  ),
  settleDailyAge: param(
    22 * HOUR,
    'seconds',
    'Two hours less than the day after which a Statement can be claimed.',
  ),
  settleExpiry: param(
    12 * HOUR,
    'seconds',
    'A voucher this near to its expiry forces its receipts out: expired ones are paid by the float.',
  ),
  settleStuck: param(
    60,
    'seconds',
    'A settlement that no block takes is replaced by one that pays an eighth more.',
  ),
  settleFinality: param(
    12,
    'blocks',
    'Until so many stand on it a settled batch is looked at again, and sent again if the chain drops it.',
  ),
  batchKeep: param(
    30 * DAY,
    'seconds',
    'Batch data is served this long after settlement: time to audit every total.',
  ),
  localSettleMaxAge: param(1, 'seconds', 'A local chain settles while you watch.'),
  settleMaxLeaves: param(
    1_000_000,
    'receipts',
    'Its gas depends on payers and payees alone; its data is a hundred documents of 10,000 receipts.',
  ),
} as const

export type ParamName = keyof typeof params

/** `docs/parameters.md`. */
export function parametersPage(): string {
  const rows = Object.entries(params).map(
    ([name, { value, unit, reason }]) =>
      `| \`${name}\` | ${value.toLocaleString('en-US')} | ${unit} | ${reason} |`,
  )
  return [
    '# Parameters',
    '',
    'Printed from `deploy/params.ts` by `npm run build`; what a deployment really has is read back by `heurist net params`.',
    '',
    '| name | value | unit | why |',
    '|---|---:|---|---|',
    ...rows,
    '',
  ].join('\n')
}
