// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {IRouterBond} from "./interfaces/IRouterBond.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Messages} from "./libraries/Messages.sol";
import {Role} from "./libraries/Roles.sol";

/// @title RouterBond
/// @notice The manual is {IRouterBond}.
/// @dev Always: asset held >= sum of asset; heu held >= sum of heu; reserved <= asset of each router, because the caps of
///      a round sum to at most six tenths of its base, or 84 % if the split changes within it, and its base is what was
///      not reserved.
contract RouterBond is IRouterBond, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeERC20 for IHEU;
    using SafeCast for uint256;

    /// @dev The first slot is all that a claim reads and writes.
    struct Deposit {
        uint64 asset;
        uint64 reserved;
        uint96 heu;
        uint16 round;
        bool owing;
        bool convicted;
        uint64 owedAsset;
        uint96 owedHeu;
        uint40 exitAt;
        uint40 convictedAt;
    }

    /// @dev One slot.
    struct Filing {
        uint64 base;
        uint64 newcomers;
        uint40 openedAt;
        uint32 epoch;
        uint32 open;
    }

    /// @dev One slot.
    struct Filed {
        uint64 asked;
        uint128 gross;
        bool newcomer;
    }

    /// @inheritdoc IRouterBond
    uint256 public constant EXIT_SECONDS = 30 days;
    /// @inheritdoc IRouterBond
    uint256 public constant STATEMENT_SECONDS = 24 hours;
    /// @inheritdoc IRouterBond
    uint256 public constant FILING_SECONDS = 7 days;
    /// @inheritdoc IRouterBond
    uint256 public constant GRACE_SECONDS = 7 days;
    /// @dev A forced call has this long to land after the L1 -> L2 queue's own deadline.
    uint256 private constant FORCED_CALL_MARGIN = 1 hours;
    uint256 private constant BPS = 10_000;
    /// @dev Of a round's base: the most that all payees with a history can be paid, divided by their shares.
    uint256 private constant KNOWN_PARTS = 2;
    /// @dev Of a round's base: the most that all newcomers can be paid.
    uint256 private constant NEWCOMERS_PARTS = 10;
    /// @dev Of a round's base: the most that one newcomer can be paid.
    uint256 private constant NEWCOMER_PARTS = 1_000;

    /// @inheritdoc IRouterBond
    IComputeLedger public immutable ledger;
    /// @inheritdoc IRouterBond
    IERC20 public immutable asset;
    /// @inheritdoc IRouterBond
    IHEU public immutable heu;
    /// @inheritdoc IRouterBond
    uint256 public immutable leastAsset;
    /// @inheritdoc IRouterBond
    uint256 public immutable leastHeu;

    mapping(address router => Deposit) private _deposits;
    mapping(address router => mapping(uint256 round => Filing)) private _rounds;
    /// @dev Removed when it is resolved.
    mapping(address router => mapping(uint256 round => mapping(Role role => mapping(uint32 id => Filed)))) private _claims;

    /// @param priorityDeadline The longest the chain's L1 -> L2 queue may delay a forced call; 0 on a chain without one.
    constructor(IComputeLedger ledger_, IHEU heu_, uint96 leastAsset_, uint96 leastHeu_, uint40 priorityDeadline) {
        if (address(ledger_) == address(0) || address(heu_) == address(0)) revert ZeroAddress();
        if (address(ledger_.bond()) != address(this)) revert NotTheLedgersBond(address(ledger_.bond()));
        uint256 least = priorityDeadline + FORCED_CALL_MARGIN;
        if (STATEMENT_SECONDS < least) revert WaitTooShort(STATEMENT_SECONDS, least);

        ledger = ledger_;
        asset = ledger_.asset();
        heu = heu_;
        leastAsset = leastAsset_;
        leastHeu = leastHeu_;
    }

    // ------------------------------------------------------------------------------------------------- routers

    /// @inheritdoc IRouterBond
    function deposit(address router, uint256 assets, uint256 heus) external nonReentrant {
        Deposit storage bond = _deposits[router];
        if (router == address(0)) revert ZeroAddress();
        if (assets == 0 && heus == 0) revert ZeroAmount();
        if (bond.convicted) revert AlreadyConvicted(router);

        bond.asset += assets.toUint64();
        bond.heu += heus.toUint96();
        bond.owedAsset -= uint64(Math.min(bond.owedAsset, assets));
        bond.owedHeu -= uint96(Math.min(bond.owedHeu, heus));
        bond.owing = bond.owedAsset != 0 || bond.owedHeu != 0;
        emit Bonded(router, msg.sender, assets, heus);
        _tell(router);

        if (assets != 0) _take(asset, assets);
        if (heus != 0) _take(heu, heus);
    }

    /// @inheritdoc IRouterBond
    function announceExit() external {
        Deposit storage bond = _deposits[msg.sender];
        if (bond.asset == 0 && bond.heu == 0) revert ZeroAmount();

        uint256 exitAt = block.timestamp + EXIT_SECONDS;
        bond.exitAt = uint40(exitAt);
        emit ExitAnnounced(msg.sender, exitAt);
    }

    /// @inheritdoc IRouterBond
    function cancelExit() external {
        Deposit storage bond = _deposits[msg.sender];
        if (bond.exitAt == 0) revert NotExiting(msg.sender);

        bond.exitAt = 0;
        emit ExitCancelled(msg.sender);
    }

    /// @inheritdoc IRouterBond
    function withdraw() external nonReentrant {
        Deposit storage bond = _deposits[msg.sender];
        if (bond.convicted) revert AlreadyConvicted(msg.sender);
        if (bond.exitAt == 0) revert NotExiting(msg.sender);
        if (block.timestamp < bond.exitAt) revert TooEarly(block.timestamp, bond.exitAt);
        if (bond.reserved != 0) revert ClaimsOpen(bond.reserved);

        (uint256 assets, uint256 heus) = (bond.asset, bond.heu);
        (bond.asset, bond.heu, bond.exitAt) = (0, 0, 0);
        emit Withdrawn(msg.sender, assets, heus);
        _tell(msg.sender);

        asset.safeTransfer(msg.sender, assets);
        heu.safeTransfer(msg.sender, heus);
    }

    // -------------------------------------------------------------------------------------------------- payees

    /// @inheritdoc IRouterBond
    function claimShortfall(address router, Messages.Statement calldata statement, bytes calldata signature)
        external
        returns (uint256 asked)
    {
        _checkStatement(router, statement, signature);
        Role role = Role(statement.role);
        (Filing storage round, uint256 number) = _joinRound(router);
        IComputeLedger.Exposure memory seen = ledger.exposureOf(router, role, statement.id, round.epoch);
        uint256 due = _due(statement.gross, seen);
        if (due == 0) revert NoShortfall(statement.gross, seen.gross);
        (uint256 cap, bool newcomer) = _cap(round.base, seen);
        asked = Math.min(due, cap);
        if (asked == 0) revert NothingBonded(round.base);

        asked = _file(router, number, role, statement, asked, newcomer);
    }

    /// @inheritdoc IRouterBond
    function resolveShortfall(address router, uint256 round, Role role, uint32 id)
        external
        nonReentrant
        returns (uint256 paid)
    {
        Filed memory filed = _claims[router][round][role][id];
        if (filed.asked == 0) revert NoClaim(round, role, id);
        uint256 readyAt = resolvableAt(router, round);
        if (block.timestamp < readyAt) revert TooEarly(block.timestamp, readyAt);

        uint256 most = _release(router, round, role, id, filed);
        paid = Math.min(most, _due(filed.gross, ledger.exposureOf(router, role, id, 0)));
        uint256 burnt = paid == 0 ? 0 : _spend(_deposits[router], paid, _rounds[router][round].base);
        emit ShortfallResolved(router, round, role, id, paid, burnt);

        if (paid == 0) return 0;
        address to = ledger.registry().payoutOf(role, id);
        if (to == address(0)) revert NoPayout(role, id);
        ledger.advance(router, role, id, paid);
        _tell(router);
        if (burnt != 0) heu.burn(burnt);
        asset.safeTransfer(to, paid);
    }

    // -------------------------------------------------------------------------------------------------- proofs

    /// @inheritdoc IRouterBond
    function proveOverlap(address router, Role role, Entry calldata a, Entry calldata b) external {
        bytes32 leaf = _checkEntry(router, a);
        if (_checkEntry(router, b) == leaf && a.seq == b.seq) revert SameLeaf(leaf);
        (uint32 payee, uint256 end) = _payeeOf(a.leaf, role);
        (uint32 other, uint256 otherEnd) = _payeeOf(b.leaf, role);
        if (payee != other || payee == 0) revert DifferentPayees(payee, other);
        // (end - price, end] meet exactly if each begins before the other ends.
        bool apart = end + b.receipt.price <= otherEnd || otherEnd + a.receipt.price <= end;
        if (apart) revert NoContradiction();

        _convict(router, leaf);
    }

    /// @inheritdoc IRouterBond
    function proveContradiction(address router, Entry calldata entry, Messages.Request calldata request) external {
        bytes32 leaf = _checkEntry(router, entry);
        bytes32 requestHash = Messages.hash(request);
        if (requestHash != entry.leaf.request) revert NotOfLeaf(requestHash, entry.leaf.request);
        if (_isAsAsked(entry, request)) revert NoContradiction();

        _convict(router, leaf);
    }

    /// @inheritdoc IRouterBond
    function burn(address router) external nonReentrant {
        Deposit storage bond = _deposits[router];
        if (!bond.convicted) revert NotConvicted(router);
        uint256 readyAt = bond.convictedAt + EXIT_SECONDS;
        if (block.timestamp < readyAt) revert TooEarly(block.timestamp, readyAt);
        address burner = ledger.burner();
        if (burner == address(0)) revert NoBurner();

        (uint256 assets, uint256 heus) = (bond.asset - bond.reserved, bond.heu);
        (bond.asset, bond.heu) = (bond.reserved, 0);
        emit Burnt(router, assets, heus);

        heu.burn(heus);
        asset.safeTransfer(burner, assets);
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IRouterBond
    function mayRoute(address router) public view returns (bool) {
        Deposit storage bond = _deposits[router];
        return bond.asset >= leastAsset && bond.heu >= leastHeu && !bond.owing && !bond.convicted;
    }

    /// @inheritdoc IRouterBond
    function bondOf(address router) external view returns (Bond memory) {
        Deposit memory bond = _deposits[router];
        return Bond({
            asset: bond.asset,
            heu: bond.heu,
            exitAt: bond.exitAt,
            convictedAt: bond.convictedAt,
            owedAsset: bond.owedAsset,
            owedHeu: bond.owedHeu,
            reserved: bond.reserved,
            round: bond.round
        });
    }

    /// @inheritdoc IRouterBond
    function roundOf(address router, uint256 round) external view returns (Round memory) {
        Filing memory filing = _rounds[router][round];
        return Round({
            base: filing.base,
            epoch: filing.epoch,
            openedAt: filing.openedAt,
            newcomers: filing.newcomers,
            open: filing.open
        });
    }

    /// @inheritdoc IRouterBond
    function claimOf(address router, uint256 round, Role role, uint32 id) external view returns (Claim memory) {
        Filed memory filed = _claims[router][round][role][id];
        return Claim({asked: filed.asked, gross: filed.gross, newcomer: filed.newcomer});
    }

    /// @inheritdoc IRouterBond
    /// @dev A router that could not settle because the ledger was paused gets the time back, once: the Authority cannot
    ///      hold claims off for longer.
    function resolvableAt(address router, uint256 round) public view returns (uint256) {
        uint256 closedAt = _rounds[router][round].openedAt + FILING_SECONDS;
        uint256 until = ledger.pausedUntil();
        // A pause that began after the grace time stops nothing any more.
        bool held = until > closedAt && until < closedAt + GRACE_SECONDS + ledger.PAUSE_SECONDS();
        return closedAt + (held ? 2 * GRACE_SECONDS : GRACE_SECONDS);
    }

    /// @inheritdoc IRouterBond
    function capOf(address router, Role role, uint32 id) public view returns (uint256) {
        uint256 number = _deposits[router].round;
        return _capAt(router, role, id, _epochOfNext(router, number, number == 0 ? 0 : resolvableAt(router, number)));
    }

    /// @inheritdoc IRouterBond
    function coverOf(address router, Role role, uint32 id) external view returns (uint256) {
        return Math.min(capOf(router, role, id), _capAt(router, role, id, Epochs.current()));
    }

    /// @inheritdoc IRouterBond
    function verifyLeaf(address router, uint64 seq, Messages.Leaf calldata leaf, bytes32[] calldata proof)
        public
        view
        returns (bool)
    {
        return MerkleProof.verifyCalldata(proof, ledger.rootOf(router, seq), Messages.hash(leaf));
    }

    // ------------------------------------------------------------------------------------------ private: claims

    function _checkStatement(address router, Messages.Statement calldata statement, bytes calldata signature)
        private
        view
    {
        if (statement.role > uint8(Role.Frontend) || statement.id == 0) {
            revert NoStatement(statement.role, statement.id);
        }
        uint256 readyAt = statement.asOf + STATEMENT_SECONDS;
        if (block.timestamp < readyAt) revert StatementTooYoung(block.timestamp, readyAt);
        bytes32 digest = MessageHashUtils.toTypedDataHash(ledger.domainSeparator(), Messages.hash(statement));
        address recovered = Messages.signerOf(digest, signature);
        if (recovered == address(0) || recovered != router) revert NotSignedByRouter(recovered, router);
    }

    /// @dev The round that takes claims now; opens the next if the last is over.
    function _joinRound(address router) private returns (Filing storage round, uint256 number) {
        Deposit storage bond = _deposits[router];
        number = bond.round;
        round = _rounds[router][number];
        if (number != 0 && block.timestamp < round.openedAt + FILING_SECONDS) return (round, number);
        uint256 nextAt = number == 0 ? 0 : resolvableAt(router, number);
        if (block.timestamp < nextAt) revert RoundClosed(block.timestamp, nextAt);
        // One round after a conviction, and no other: every round would let the router's own ids take their part.
        if (bond.convicted && round.openedAt >= bond.convictedAt) revert AlreadyConvicted(router);

        uint32 epoch = _epochOfNext(router, number, nextAt);
        number += 1;
        bond.round = number.toUint16();
        round = _rounds[router][number];
        uint64 base = bond.asset - bond.reserved;
        (round.base, round.openedAt, round.epoch) = (base, uint40(block.timestamp), epoch);
        emit RoundOpened(router, number, base, epoch);
    }

    /// @dev Whose shares the next round counts: those of the last closed epoch. Whoever this round locks out has the share
    ///      that it had when the round closed, if it comes within another filing time: what the router settled meanwhile,
    ///      for itself perhaps, counts for nothing.
    /// @param number The last round; 0 = there was none.
    /// @param nextAt When it was over.
    function _epochOfNext(address router, uint256 number, uint256 nextAt) private view returns (uint32 epoch) {
        epoch = ledger.lastEpochOf(router);
        if (number == 0 || block.timestamp >= nextAt + FILING_SECONDS) return epoch;
        Filing storage round = _rounds[router][number];
        uint32 closing = Epochs.at(round.openedAt + FILING_SECONDS);
        if (epoch >= closing) epoch = closing - 1;
        while (epoch > round.epoch && ledger.volumeIn(router, epoch) == 0) epoch--;
    }

    /// @dev What a new claim would be capped at, if shares were those of `epoch`.
    function _capAt(address router, Role role, uint32 id, uint32 epoch) private view returns (uint256 cap) {
        Deposit memory bond = _deposits[router];
        if (!mayRoute(router) || bond.exitAt != 0 || role == Role.Voters || id == 0) return 0;
        uint256 free = bond.asset - bond.reserved;
        Filing storage last = _rounds[router][bond.round];
        // The claims of a round may still come to six tenths of its base, which is what was free then, while it takes any.
        if (bond.round != 0 && block.timestamp < last.openedAt + FILING_SECONDS) {
            uint256 base = last.base;
            free = Math.min(free, base - base / KNOWN_PARTS - base / NEWCOMERS_PARTS);
        }
        (cap,) = _cap(free, ledger.exposureOf(router, role, id, epoch));
    }

    /// @dev The payee's share of what was stated and is not settled, less what the bond has paid of it.
    function _due(uint256 stated, IComputeLedger.Exposure memory seen) private pure returns (uint256) {
        if (stated <= seen.gross) return 0;
        uint256 share = (stated - seen.gross) * seen.bps / BPS;
        return share - Math.min(share, seen.advanced);
    }

    /// @return cap The payee's part of half the base.
    /// @return newcomer Whether a stranger's thousandth is more: then it is one, however little it settled.
    function _cap(uint256 base, IComputeLedger.Exposure memory seen) private pure returns (uint256 cap, bool newcomer) {
        if (seen.units != 0) cap = Math.mulDiv(base, seen.units * seen.bps, KNOWN_PARTS * seen.volume * BPS);
        newcomer = cap <= base / NEWCOMER_PARTS;
        if (newcomer) cap = base / NEWCOMER_PARTS;
    }

    function _file(
        address router,
        uint256 number,
        Role role,
        Messages.Statement calldata statement,
        uint256 asked,
        bool newcomer
    ) private returns (uint256) {
        Filed storage filed = _claims[router][number][role][statement.id];
        Filing storage round = _rounds[router][number];
        if (statement.gross <= filed.gross) revert Superseded(statement.gross, filed.gross);
        // What it is at its first filing it stays: its reserve was counted so.
        if (filed.asked == 0) round.open += 1;
        else newcomer = filed.newcomer;
        asked = Math.max(asked, filed.asked);

        uint256 more = asked - filed.asked;
        (filed.asked, filed.gross, filed.newcomer) = (uint64(asked), statement.gross, newcomer);
        if (newcomer) {
            uint256 tenth = round.base / NEWCOMERS_PARTS;
            uint256 before = Math.min(round.newcomers, tenth);
            round.newcomers += uint64(more);
            more = Math.min(round.newcomers, tenth) - before;
        }
        _deposits[router].reserved += uint64(more);
        emit ShortfallClaimed(router, number, role, statement.id, statement.gross, asked);
        return asked;
    }

    /// @dev Takes a claim out of its round and what it asked out of the reserve; newcomers' reserve is theirs together, until
    ///      the last claim of the round is resolved.
    /// @return most What it may be paid.
    function _release(address router, uint256 number, Role role, uint32 id, Filed memory filed)
        private
        returns (uint256 most)
    {
        Filing storage round = _rounds[router][number];
        uint256 tenth = round.base / NEWCOMERS_PARTS;
        most = filed.asked;
        if (filed.newcomer && round.newcomers > tenth) most = most * tenth / round.newcomers;

        delete _claims[router][number][role][id];
        round.open -= 1;
        uint256 part = filed.newcomer ? 0 : filed.asked;
        if (round.open == 0) part += Math.min(round.newcomers, tenth);
        _deposits[router].reserved -= uint64(part);
    }

    /// @dev Asset that was given after the claims were filed saves no HEU.
    /// @return burnt The part of the bond's HEU that goes with `paid` of its asset.
    function _spend(Deposit storage bond, uint256 paid, uint256 base) private returns (uint256 burnt) {
        burnt = uint256(bond.heu) * paid / Math.min(bond.asset, base);
        bond.asset -= uint64(paid);
        bond.heu -= uint96(burnt);
        bond.owedAsset += uint64(paid);
        bond.owedHeu += uint96(burnt);
        bond.owing = true;
    }

    /// @dev The ledger keeps the answer of `mayRoute` beside what each settlement reads anyway: every change of a bond
    ///      ends here.
    function _tell(address router) private {
        ledger.allow(router, mayRoute(router));
    }

    function _take(IERC20 token, uint256 amount) private {
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    // ------------------------------------------------------------------------------------------ private: proofs

    /// @return leaf Its hash, proven to stand under the router's root, with its own receipt.
    function _checkEntry(address router, Entry calldata entry) private view returns (bytes32 leaf) {
        if (!verifyLeaf(router, entry.seq, entry.leaf, entry.proof)) revert BadProof(entry.seq);
        bytes32 receipt = Messages.hash(entry.receipt);
        if (receipt != entry.leaf.receipt) revert NotOfLeaf(receipt, entry.leaf.receipt);
        return Messages.hash(entry.leaf);
    }

    function _payeeOf(Messages.Leaf calldata leaf, Role role) private pure returns (uint32 id, uint256 gross) {
        if (role == Role.Node) return (leaf.node, leaf.nodeGross);
        if (role == Role.Pod) return (leaf.pod, leaf.podGross);
        if (role == Role.Frontend) return (leaf.frontend, leaf.frontendGross);
        return (0, 0);
    }

    function _isAsAsked(Entry calldata entry, Messages.Request calldata request) private pure returns (bool) {
        Messages.Leaf calldata leaf = entry.leaf;
        if (leaf.payer != request.payer || leaf.pod != request.pod || leaf.frontend != request.frontend) return false;
        if (request.node != 0 && leaf.node != request.node) return false;
        if (entry.receipt.request != leaf.request || entry.receipt.node != leaf.node) return false;
        return entry.receipt.price <= request.maxPrice;
    }

    function _convict(address router, bytes32 leaf) private {
        Deposit storage bond = _deposits[router];
        if (bond.convicted) revert AlreadyConvicted(router);

        (bond.convicted, bond.convictedAt) = (true, uint40(block.timestamp));
        // A round that is not over takes claims anew, for its own base: nobody is locked out by what the router filed.
        uint256 number = bond.round;
        if (number != 0 && block.timestamp < resolvableAt(router, number)) {
            _rounds[router][number].openedAt = uint40(block.timestamp);
        }
        emit Convicted(router, leaf);
        _tell(router);
    }
}
