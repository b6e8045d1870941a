// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IComputeLedger} from "../interfaces/IComputeLedger.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {IRouterBond} from "../interfaces/IRouterBond.sol";
import {Epochs} from "../libraries/Epochs.sol";
import {Role} from "../libraries/Roles.sol";
import {Splits} from "../libraries/Splits.sol";

/// @title Books
/// @notice What the ledger holds and how a payee's part of it is counted. The rooms beside this one write in it.
/// @dev Solvency, always: balance >= sum(deposited - spent) + sum(claimable + advanced) + sum(earned - collected)
///      + sum(float); what exceeds it was donated.
///
///      Shares are constant within a split period, which begins and ends with an epoch. A payee's counters begin afresh
///      with its first line in a new period, and what it earned before is kept as a sum: so shares are floored on the
///      totals of a period, and a payee loses less than one base unit per period, never one per job.
abstract contract Books is IComputeLedger, EIP712, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using Checkpoints for Checkpoints.Trace224;

    /// @dev One slot: all that every settlement reads and hardly any writes.
    /// @param split In force since epoch `since`.
    /// @param next In force from epoch `nextFrom` on; 0 = none is set.
    struct Rules {
        uint40 pausedUntil;
        uint64 split;
        uint32 since;
        uint64 next;
        uint32 nextFrom;
    }

    /// @param allowed Whether its bond lets it settle.
    /// @param gross Of the split period, like `start`: its part before `epoch`.
    /// @param previous The last epoch before `epoch` in which this router settled anything.
    struct Book {
        uint96 earned;
        uint96 float;
        uint56 seq;
        bool allowed;
        bytes32 batchHash;
        uint96 gross;
        uint96 start;
        uint32 epoch;
        uint32 previous;
        uint96 collected;
        uint96 owed;
        uint128 past;
    }

    /// @param owed Earned in split periods that are over.
    /// @param gross Settled in them.
    struct Past {
        uint128 owed;
        uint128 gross;
    }

    /// @dev One slot: no sum of dollars with six decimals comes near 2^96, no bond near 2^64.
    /// @param drawn From the payee's share: paid to it, or to the router's float for what the bond had advanced.
    /// @param advanced By the bond, and not yet back in the float.
    /// @param mark Up to here its earnings are its own, settled before the bond advanced anything: only what comes after
    ///        goes back. At least `drawn` while something is advanced.
    struct Paid {
        uint96 drawn;
        uint64 advanced;
        uint96 mark;
    }

    /// @inheritdoc IComputeLedger
    uint256 public constant BPS = Splits.BPS;
    /// @inheritdoc IComputeLedger
    uint256 public constant PAUSE_SECONDS = 7 days;
    /// @dev A forced call has this long to land after the L1 -> L2 queue's own deadline.
    uint256 private constant FORCED_CALL_MARGIN = 1 hours;

    /// @inheritdoc IComputeLedger
    IERC20 public immutable asset;
    /// @inheritdoc IComputeLedger
    IRegistry public immutable registry;
    /// @inheritdoc IComputeLedger
    IRouterBond public immutable bond;
    /// @inheritdoc IComputeLedger
    address public immutable podVoters;
    /// @inheritdoc IComputeLedger
    address public immutable burner;
    /// @inheritdoc IComputeLedger
    uint40 public immutable thawSeconds;

    Rules internal _rules;
    /// @dev Every split that was ever set, by the epoch it began with.
    Checkpoints.Trace224 private _splits;
    /// @dev spent <= deposited; spent never falls; every debit was under a ceiling that the key signed.
    mapping(address router => mapping(address key => Account)) internal _accounts;
    /// @dev seq counts the settled batches; earned is their gross less all shares of their payees, exactly. One small
    ///      batch may credit more than its own gross, the sums never do: collected <= collectable ever counted <= earned.
    mapping(address router => Book) internal _books;
    /// @dev Set once per settled batch.
    mapping(address router => mapping(uint64 seq => bytes32)) internal _roots;
    /// @dev gross 96 (low) | start 96 | epoch 32: gross of the split period, its part before the epoch, the epoch of the
    ///      last line. A router's nodes, pods and frontends have the same sum. Voters have no line: their pod's counts.
    mapping(address router => mapping(Role role => mapping(uint32 id => uint256))) internal _payees;
    /// @dev Of the split periods before the one in the payee's slot.
    mapping(address router => mapping(Role role => mapping(uint32 id => Past))) internal _past;
    /// @dev What a payee settled in an epoch that its slot has left. Written once per payee and epoch.
    mapping(address router => mapping(Role role => mapping(uint32 id => mapping(uint32 epoch => uint256)))) private
        _units;
    /// @dev The same of a whole router.
    mapping(address router => mapping(uint32 epoch => uint256)) private _volumes;
    /// @dev drawn is never above the payee's earned share.
    mapping(address router => mapping(Role role => mapping(uint32 id => Paid))) internal _paid;

    modifier whenRunning() {
        if (block.timestamp < _rules.pausedUntil) revert LedgerPaused(_rules.pausedUntil);
        _;
    }

    modifier onlyBond() {
        if (msg.sender != address(bond)) revert NotBond(msg.sender);
        _;
    }

    constructor(Terms memory terms) EIP712("Heurist", "1") AccessManaged(terms.authority) {
        if (address(terms.asset) == address(0) || address(terms.registry) == address(0)) revert ZeroAddress();
        if (terms.authority == address(0) || address(terms.bond) == address(0)) revert ZeroAddress();
        uint256 leastThaw = terms.priorityDeadline + FORCED_CALL_MARGIN;
        if (terms.thawSeconds < leastThaw) revert ThawTooShort(terms.thawSeconds, leastThaw);
        Splits.check(terms.split);

        asset = terms.asset;
        registry = terms.registry;
        bond = terms.bond;
        podVoters = terms.podVoters;
        burner = terms.burner;
        thawSeconds = terms.thawSeconds;
        _rules.split = Splits.pack(terms.split);
        _splits.push(0, Splits.pack(terms.split));
    }

    // ---------------------------------------------------------------------------------------------- the split

    function _setSplit(Split memory split) internal {
        Splits.check(split);

        uint32 current = Epochs.current();
        Rules memory rules = _rules;
        if (rules.nextFrom != 0 && rules.nextFrom <= current) (rules.split, rules.since) = (rules.next, rules.nextFrom);
        (rules.next, rules.nextFrom) = (Splits.pack(split), current + 1);
        _rules = rules;
        _splits.push(current + 1, rules.next);
        emit SplitSet(split, current + 1);
    }

    /// @return split In force in the present epoch, packed.
    /// @return since The epoch it began with.
    function _splitNow(Rules memory rules, uint32 epoch) internal pure returns (uint64 split, uint32 since) {
        bool turned = rules.nextFrom != 0 && rules.nextFrom <= epoch;
        return turned ? (rules.next, rules.nextFrom) : (rules.split, rules.since);
    }

    /// @dev The last two splits are in the slot that is read anyway.
    function _splitIn(uint32 epoch) internal view returns (uint64 split) {
        if (epoch < _rules.since) return uint64(_splits.upperLookupRecent(epoch));
        (split,) = _splitNow(_rules, epoch);
    }

    /// @dev The one place that knows who has which share.
    function _bps(uint64 split, Role role) internal view returns (uint256) {
        if (role == Role.Voters && podVoters == address(0)) return 0;
        return Splits.shareOf(split, role);
    }

    /// @dev What no payee has a share of.
    function _protocolBps(uint64 split) internal view returns (uint256 rest) {
        rest = BPS;
        for (uint256 role; role <= uint256(Role.Voters); role++) {
            rest -= _bps(split, Role(role));
        }
    }

    /// @dev Rounded down: what rounding leaves over is the protocol's. A gross is below 2^128, a share below 2^14.
    function _share(uint256 gross, uint256 bps) internal pure returns (uint256) {
        unchecked {
            return gross * bps / BPS;
        }
    }

    // ------------------------------------------------------------------------------------------------ counting

    /// @dev The first line of a payee in an epoch closes its last one, and its split period if another began since.
    /// @return The payee's slot for `epoch`.
    function _turn(address router, Role role, uint32 id, uint256 slot, uint32 epoch, uint32 since)
        internal
        returns (uint256)
    {
        (uint256 gross, uint32 last) = (uint96(slot), uint32(slot >> 192));
        uint256 units = gross - uint96(slot >> 96);
        if (units != 0) _units[router][role][id][last] = units;
        if (gross != 0 && last < since) {
            uint64 split = _splitIn(last);
            Past storage past = _past[router][role][id];
            past.owed += uint128(_share(gross, _bps(split, role)));
            past.gross += uint128(gross);
            if (role == Role.Pod) _past[router][Role.Voters][id].owed += uint128(_share(gross, _bps(split, Role.Voters)));
            gross = 0;
        }
        return gross | gross << 96 | uint256(epoch) << 192;
    }

    /// @dev The same for a router's own totals.
    function _turn(address router, Book storage book, uint32 epoch, uint32 since) internal {
        (uint96 gross, uint32 last) = (book.gross, book.epoch);
        if (last != 0) _volumes[router][last] = gross - book.start;
        if (gross != 0 && last < since) {
            book.owed += _share(gross, _protocolBps(_splitIn(last))).toUint96();
            book.past += gross;
            gross = 0;
        }
        (book.gross, book.start, book.epoch, book.previous) = (gross, gross, epoch, last);
    }

    /// @dev All that a payee ever earned. Frontend 0 is nobody: its part is the protocol's.
    function _earned(address router, Role role, uint32 id) internal view returns (uint256) {
        uint256 slot = _payees[router][role == Role.Voters ? Role.Pod : role][id];
        if (slot == 0) return 0;
        uint256 bps = _bps(_splitIn(uint32(slot >> 192)), role);
        return _past[router][role][id].owed + _share(uint96(slot), bps);
    }

    function _unitsIn(address router, Role role, uint32 id, uint32 epoch) internal view returns (uint256) {
        uint256 slot = _payees[router][role][id];
        if (uint32(slot >> 192) == epoch) return uint96(slot) - uint96(slot >> 96);
        return _units[router][role][id][epoch];
    }

    function _volumeIn(address router, uint32 epoch) internal view returns (uint256) {
        Book storage book = _books[router];
        return book.epoch == epoch ? book.gross - book.start : _volumes[router][epoch];
    }

    // ------------------------------------------------------------------------------------------------- the till

    /// @dev The one transfer that precedes a write, because what arrives is known only afterwards. Every function that
    ///      moves tokens shares one guard, so nothing else can move the balance in between.
    function _receive(uint256 amount) internal returns (uint256 received) {
        uint256 before = asset.balanceOf(address(this));
        asset.safeTransferFrom(msg.sender, address(this), amount);
        received = asset.balanceOf(address(this)) - before;
        if (received == 0) revert ZeroAmount();
    }
}
