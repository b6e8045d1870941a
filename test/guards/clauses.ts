/**
 * The guards that are no reverts: conditions that skip, least and most, what is written down so that it counts once.
 * `⟦ ⟧` marks what is switched off; the text around it says which one is meant.
 */
export interface Clause {
  readonly file: string
  readonly text: string
  readonly before: string
  readonly after: string
}

/** The condition counts as met. */
const met = (file: string, ...texts: string[]) =>
  texts.map((text) => ({ file, text, before: '(OFF || (', after: '))' }))
/** The condition counts as not met. */
const unmet = (file: string, ...texts: string[]) =>
  texts.map((text) => ({ file, text, before: '(!OFF && (', after: '))' }))
/** The statement is not carried out. */
const undone = (file: string, ...texts: string[]) =>
  texts.map((text) => ({ file, text, before: 'if (!OFF) ', after: '' }))
/** Another value stands in its place. */
const instead = (file: string, value: string, text: string) => ({
  file,
  text,
  before: `(OFF ? ${value} : (`,
  after: '))',
})

const BOOKS = 'contracts/ledger/Books.sol'
const ACCOUNTS = 'contracts/ledger/Accounts.sol'
const SETTLEMENT = 'contracts/ledger/Settlement.sol'
const PAYOUTS = 'contracts/ledger/Payouts.sol'
const LEDGER = 'contracts/ComputeLedger.sol'
const BOND = 'contracts/RouterBond.sol'
const REGISTRY = 'contracts/Registry.sol'
const SIGNATURES = 'contracts/libraries/Signatures.sol'
const AUTHORIZATIONS = 'contracts/libraries/Authorizations.sol'

export const clauses: readonly Clause[] = [
  // A payer line is debited only if all of these hold, and covered by the float otherwise.
  ...met(
    SETTLEMENT,
    'if (⟦charge != 0⟧ && key',
    '&& ⟦key != address(0)⟧ && block',
    '&& ⟦block.timestamp <= expiry⟧ &&',
    '&& ⟦spent <= ceiling⟧ &&',
    '&& ⟦spent <= deposited⟧) {',
    '⟦role == Role.Frontend⟧ && id == 0 && i == 0',
    '&& ⟦i == 0⟧;',
    'if (⟦!none⟧) credited',
    'if (⟦role != Role.Frontend || id != 0⟧) credited',
  ),
  ...unmet(
    SETTLEMENT,
    '⟦uint32(slot >> 192) != epoch⟧',
    '⟦uint32(slot >> 192) != turn.epoch⟧',
    '⟦role == Role.Pod⟧) voters',
    '⟦book.epoch != turn.epoch⟧',
    '⟦price < request.maxPrice⟧) asset',
  ),
  ...undone(
    SETTLEMENT,
    '⟦previous = id;⟧',
    '⟦skipped += charge;⟧',
    '⟦account.spent = uint128(spent);⟧',
    '⟦book.batchHash = batchHash;⟧',
    '⟦book.float -= uint96(amount);⟧',
    '⟦_roots[msg.sender][head.seq] = head.root;⟧',
  ),
  instead(SETTLEMENT, '0', 'book.float - ⟦uint96(floatUsed)⟧'),
  instead(SETTLEMENT, '0', '+ gross - ⟦credited⟧)'),

  ...unmet(ACCOUNTS, 'if (⟦owner == address(0)⟧ || _accounts'),
  ...met(
    ACCOUNTS,
    '|| ⟦_accounts[router][key].owner != owner⟧) _open',
    'if (⟦open_.length != 0⟧ &&',
    '&& ⟦_accounts[router][key].owner != owner⟧) _open',
  ),
  ...undone(
    ACCOUNTS,
    '⟦account.thawing = 0;⟧\n        account.deposited',
    '⟦account.deposited -= uint128(amount);⟧',
  ),
  ...undone(ACCOUNTS, '⟦account.thawing = 0;⟧\n        emit'),
  instead(
    ACCOUNTS,
    'uint256(account.thawing)',
    '⟦Math.min(account.thawing, account.deposited - account.spent)⟧',
  ),
  instead(ACCOUNTS, 'amount', 'received = ⟦asset.balanceOf(address(this)) - before⟧'),
  instead(ACCOUNTS, 'address(0)', 'abi.encode(⟦router⟧, key, owner, salt)'),
  instead(ACCOUNTS, 'address(0)', 'abi.encode(router, ⟦key⟧, owner, salt)'),
  instead(ACCOUNTS, 'address(0)', 'abi.encode(router, key, ⟦owner⟧, salt)'),
  instead(ACCOUNTS, 'bytes32(0)', 'abi.encode(router, key, owner, ⟦salt⟧)'),

  // What was paid is written down, and what the bond advanced comes back once.
  ...undone(
    PAYOUTS,
    '⟦_books[router].collected += amount.toUint96();⟧',
    '⟦_recoup(router, role, id, back);⟧\n        Paid',
    '⟦_recoup(router, role, id, back);⟧\n        _paid',
    '⟦paid.mark = _earned(router, role, id);⟧',
    '⟦paid.advanced += uint128(amount);⟧',
    '⟦_paid[router][role][id].drawn += uint128(amount);⟧',
    '⟦paid.drawn += uint128(back);⟧',
    '⟦paid.advanced -= uint128(back);⟧',
    '⟦paid.mark += back;⟧',
    '⟦_books[router].float += uint96(back);⟧',
  ),
  ...unmet(PAYOUTS, '⟦role == Role.Frontend && id == 0⟧'),
  instead(PAYOUTS, 'uint256(paid.advanced)', '⟦Math.min(paid.advanced, earned - paid.mark)⟧'),
  instead(PAYOUTS, 'earned - paid.mark', 'back = ⟦Math.min(paid.advanced, earned - paid.mark)⟧;'),
  instead(PAYOUTS, '0', 'earned - paid.drawn - ⟦back⟧'),
  instead(PAYOUTS, 'book.earned', '⟦own + _earned(router, Role.Frontend, 0)⟧'),

  ...undone(BOOKS, '⟦Splits.check(split);⟧', '⟦Splits.check(terms.split);⟧'),
  ...met(
    BOOKS,
    'if (⟦rules.nextFrom != 0⟧ && rules.nextFrom <= current)',
    '&& ⟦rules.nextFrom <= current⟧)',
    'turned = ⟦rules.nextFrom != 0⟧ &&',
    '&& ⟦rules.nextFrom <= epoch⟧;',
    '&& ⟦last < since⟧) {\n            Split memory split',
    '&& ⟦last < since⟧) {\n            book.owed',
  ),
  ...unmet(
    BOOKS,
    'if (⟦rules.nextFrom != 0 && rules.nextFrom <= current⟧)',
    '⟦gross != 0 && last < since⟧) {\n            Split memory split',
    '⟦gross != 0 && last < since⟧) {\n            book.owed',
    '⟦podVoters == address(0)⟧ ?',
    '⟦units != 0⟧',
    '⟦last != 0⟧',
    'if (⟦role == Role.Pod⟧) _past',
  ),
  instead(BOOKS, 'uint32(0)', '(Splits.pack(split), current + ⟦1⟧)'),
  instead(BOOKS, 'uint32(0)', '_splits.push(current + ⟦1⟧,'),
  instead(BOOKS, 'gross * bps + BPS - 1', 'return ⟦gross * bps⟧ / BPS'),
  instead(BOOKS, 'amount', 'received = ⟦asset.balanceOf(address(this)) - before⟧'),

  ...met(LEDGER, '⟦block.timestamp < _rules.pausedUntil⟧', '⟦book.epoch < Epochs.current()⟧'),
  ...unmet(LEDGER, '⟦role == Role.Frontend && id == 0⟧'),
  ...undone(LEDGER, '⟦seen.advanced -= back;⟧'),

  ...met(
    BOND,
    'return ⟦bond.asset >= leastAsset⟧ &&',
    '&& ⟦bond.heu >= leastHeu⟧ &&',
    '&& ⟦!bond.owing⟧ &&',
    '&& ⟦!bond.convicted⟧;',
    '⟦filed.asked == 0⟧) round.open',
    'filed.newcomer && ⟦round.newcomers > tenth⟧',
    '⟦round.open == 0⟧',
  ),
  ...unmet(
    BOND,
    'bond.owing = ⟦bond.owedAsset != 0⟧ ||',
    '|| ⟦bond.owedHeu != 0⟧;',
    'if (⟦!mayRoute(router)⟧ ||',
    '|| ⟦bond.exitAt != 0⟧ || role == Role.Voters',
    '|| ⟦role == Role.Voters⟧ || id',
    '|| ⟦id == 0⟧) return 0;',
    '⟦bond.round != 0 && block.timestamp < resolvableAt(router, bond.round)⟧',
    'held = ⟦until > closedAt⟧ &&',
    '⟦number != 0 && block.timestamp < round.openedAt + FILING_SECONDS⟧',
    'if (⟦stated <= seen.gross⟧) return 0',
    'if (⟦newcomer⟧) cap',
    'if (⟦newcomer⟧) {\n            uint256 tenth',
    'if (⟦filed.newcomer && round.newcomers > tenth⟧)',
    '⟦filed.newcomer⟧ ? 0',
    // Two leaves overlap, or a leaf is not as asked.
    'apart = ⟦end + b.receipt.price <= otherEnd⟧ ||',
    '|| ⟦otherEnd + a.receipt.price <= end⟧;',
    'if (⟦leaf.payer != request.payer⟧ ||',
    '|| ⟦leaf.pod != request.pod⟧ ||',
    '|| ⟦leaf.frontend != request.frontend⟧)',
    '⟦request.node != 0⟧ && leaf.node != request.node',
    '&& ⟦leaf.node != request.node⟧) return',
    'if (⟦entry.receipt.request != leaf.request⟧ ||',
    '|| ⟦entry.receipt.node != leaf.node⟧)',
  ),
  ...met(
    BOND,
    '&& ⟦until < closedAt + GRACE_SECONDS + ledger.PAUSE_SECONDS()⟧',
    'newcomer = ⟦cap <= base / NEWCOMER_PARTS⟧',
  ),
  ...met(BOND, '⟦request.node != 0⟧ && leaf', 'return ⟦entry.receipt.price <= request.maxPrice⟧'),
  ...undone(
    BOND,
    '⟦_tell(router);⟧\n\n        if (assets',
    '⟦_tell(msg.sender);⟧',
    '⟦_tell(router);⟧\n        if (burnt',
    'emit Convicted(router, leaf);\n        ⟦_tell(router);⟧',
    '⟦(bond.asset, bond.heu, bond.exitAt) = (0, 0, 0);⟧',
    '⟦(bond.asset, bond.heu) = (bond.reserved, 0);⟧',
    '⟦ledger.advance(router, role, id, paid);⟧',
    '⟦_deposits[router].reserved += uint64(more);⟧',
    '⟦round.newcomers += uint64(more);⟧',
    '⟦delete _claims[router][number][role][id];⟧',
    '⟦_deposits[router].reserved -= uint64(part);⟧',
    '⟦bond.owing = true;⟧',
    '⟦bond.asset -= uint64(paid);⟧',
    '⟦bond.heu -= uint96(burnt);⟧',
    '⟦bond.owedAsset += uint64(paid);⟧',
    '⟦bond.owedHeu += uint96(burnt);⟧',
  ),
  instead(BOND, 'assets', '⟦Math.min(bond.owedAsset, assets)⟧'),
  instead(BOND, 'heus', '⟦Math.min(bond.owedHeu, heus)⟧'),
  instead(BOND, 'due', 'asked = ⟦Math.min(due, cap)⟧'),
  instead(BOND, 'most', 'paid = ⟦Math.min(most, _due(filed.gross, ledger.exposureOf(router, role, id, 0)))⟧'),
  instead(BOND, '0', 'share - ⟦Math.min(share, seen.advanced)⟧'),
  instead(BOND, '0', 'base = bond.asset - ⟦bond.reserved⟧'),
  instead(BOND, '0', 'free = bond.asset - ⟦bond.reserved⟧'),
  instead(BOND, '1', '⟦KNOWN_PARTS⟧ * ledger'),
  instead(BOND, 'asked', 'asked = ⟦Math.max(asked, filed.asked)⟧'),
  instead(BOND, 'uint256(0)', '⟦uint256(bond.heu) * paid / Math.min(bond.asset, base)⟧'),
  instead(BOND, 'free', 'free = ⟦Math.min(free, base - base / KNOWN_PARTS - base / NEWCOMERS_PARTS)⟧'),
  instead(BOND, 'uint256(bond.asset)', '/ ⟦Math.min(bond.asset, base)⟧'),
  instead(BOND, 'end + b.receipt.price < otherEnd', '⟦end + b.receipt.price <= otherEnd⟧'),
  instead(BOND, 'otherEnd + a.receipt.price < end', '⟦otherEnd + a.receipt.price <= end⟧'),

  ...met(
    SIGNATURES,
    '⟦recovered != address(0)⟧ &&',
    '&& ⟦recovered == signer⟧) return',
    'return ⟦answered⟧',
    '&& ⟦answer.length >= 32⟧',
    '&& ⟦bytes32(answer) == bytes32(IERC1271.isValidSignature.selector)⟧',
  ),
  ...unmet(SIGNATURES, '⟦signer.code.length == 0⟧'),
  instead(SIGNATURES, 'gasleft()', '{gas: ⟦WALLET_GAS⟧}'),
  instead(AUTHORIZATIONS, 'gasleft()', '{gas: ⟦TOKEN_GAS⟧}'),
  ...unmet(AUTHORIZATIONS, '⟦from.code.length != 0⟧'),

  ...unmet(
    REGISTRY,
    'if (⟦replaced != address(0)⟧) $.lifeOf',
    'if (⟦entry.owner == address(0)⟧ || epoch',
    '|| ⟦epoch < entry.activeFrom⟧) return',
    'return ⟦entry.inactiveFrom == 0⟧ ||',
    '|| ⟦epoch < entry.inactiveFrom⟧;',
    'if (⟦node == 0⟧ || life',
    '|| ⟦life.node != node⟧ ||',
    '|| ⟦at < life.since⟧) return',
    'return ⟦life.until == 0⟧ || (at',
  ),
  ...met(
    REGISTRY,
    'return ⟦life.until == 0⟧ ? life.node',
    '(⟦at <= life.until⟧ &&',
    '&& ⟦block.timestamp <= life.until + EVIDENCE_SECONDS⟧)',
    'if (⟦inactiveFrom <= current⟧)',
  ),
  ...undone(REGISTRY, '⟦entry.heir = address(0);⟧', '⟦_registry().isVersion[pod][manifest] = true;⟧'),
]
