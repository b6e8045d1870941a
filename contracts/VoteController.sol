// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IEmissionController} from "./interfaces/IEmissionController.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IVoteController} from "./interfaces/IVoteController.sol";
import {IVotingEscrow} from "./interfaces/IVotingEscrow.sol";
import {Ballot} from "./libraries/Ballots.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Papers} from "./libraries/Papers.sol";
import {Powers} from "./libraries/Powers.sol";
import {Role} from "./libraries/Roles.sol";
import {Streams} from "./libraries/Streams.sol";
import {Weights} from "./libraries/Weights.sol";

/// @title VoteController
/// @notice The manual is {IVoteController}.
/// @dev Always, for every epoch up to the next one: the weights of a ballot's targets sum to the ballot's, and a target's is
///      the sum of its voters'; an account's votes are at most its lock's power. What closed epochs owe is held: revenue is
///      counted down per epoch, and the ledger pays the sum of them, counted down once.
contract VoteController is IVoteController, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using Papers for Papers.Paper;
    using Powers for Powers.Sums;
    using Streams for Streams.Stream;
    using Weights for Weights.Target;

    /// @param amount Of the lock that the account last voted with, 0 before its first vote.
    /// @param number Of that lock. The ones before it are in `_locks`.
    /// @param used Basis points that stand on the ballot.
    struct Voter {
        uint96 amount;
        uint32 end;
        uint16 number;
        uint16 used;
    }

    /// @param to The last epoch that the account was paid for.
    /// @param count Of entries up to it.
    struct Claimed {
        uint32 to;
        uint32 count;
    }

    /// @dev One call of `vote`, in memory.
    struct Casting {
        Ballot ballot;
        uint32 next;
        bool alive;
        uint32 lockEnd;
        uint32 end;
        uint256 amount;
        uint256 number;
        uint256 used;
        Powers.Sums total;
    }

    /// @inheritdoc IVoteController
    uint256 public constant LEAST_WEIGHT = 1e18;
    /// @inheritdoc IVoteController
    uint256 public constant MOST_CLOSED = 52;
    uint256 private constant BPS = 10_000;

    /// @inheritdoc IVoteController
    IVotingEscrow public immutable escrow;
    /// @inheritdoc IVoteController
    IRegistry public immutable registry;
    /// @inheritdoc IVoteController
    IComputeLedger public immutable ledger;
    /// @inheritdoc IVoteController
    IEmissionController public immutable emission;
    /// @inheritdoc IVoteController
    address public immutable burner;
    /// @inheritdoc IVoteController
    uint32 public immutable firstEpoch;
    IERC20 private immutable _asset;
    IHEU private immutable _heu;

    /// @dev Id 0 is the whole ballot.
    mapping(Ballot => mapping(uint32 id => Weights.Target)) private _targets;
    mapping(Ballot => mapping(address account => Voter)) private _voters;
    /// @dev Locks that an account voted with before its present one: amount 96 (low) | end.
    mapping(Ballot => mapping(address account => mapping(uint256 number => uint256))) private _locks;
    mapping(Ballot => mapping(address account => mapping(uint32 id => Papers.Paper))) private _papers;
    /// @dev Router zero: tips.
    mapping(Ballot => mapping(address router => mapping(uint32 id => Streams.Stream))) private _streams;
    mapping(Ballot => mapping(address router => mapping(uint32 id => mapping(address account => Claimed)))) private
        _claimed;

    /// @param ledger_ Pays its voters' part to this contract, and names the registry, the asset and the burner.
    constructor(IVotingEscrow escrow_, IComputeLedger ledger_, IEmissionController emission_) {
        if (address(escrow_) == address(0) || address(emission_) == address(0)) revert ZeroAddress();
        if (ledger_.podVoters() != address(this)) revert NotTheLedgersVoters(ledger_.podVoters());
        if (ledger_.burner() == address(0)) revert ZeroAddress();

        escrow = escrow_;
        ledger = ledger_;
        emission = emission_;
        registry = ledger_.registry();
        burner = ledger_.burner();
        firstEpoch = Epochs.current();
        _asset = ledger_.asset();
        _heu = escrow_.heu();
    }

    // --------------------------------------------------------------------------------------------------- votes

    /// @inheritdoc IVoteController
    function vote(Ballot ballot, uint32[] calldata ids, uint16[] calldata bps) external {
        if (ids.length != bps.length) revert LengthMismatch(ids.length, bps.length);

        mapping(uint32 id => Weights.Target) storage targets = _targets[ballot];
        mapping(uint32 id => Papers.Paper) storage papers = _papers[ballot][msg.sender];
        Voter storage voter = _voters[ballot][msg.sender];
        Casting memory casting = _open(ballot, voter, targets[0]);
        for (uint256 i; i < ids.length; i++) {
            uint32 id = ids[i];
            _cast(casting, targets[id], targets[0].ends, papers[id], id, bps[i]);
        }
        if (casting.used > BPS) revert OverAllocated(casting.used);
        targets[0].head = Powers.pack(casting.total);
        if (casting.used != voter.used) voter.used = uint16(casting.used);
    }

    /// @inheritdoc IVoteController
    function roll(Ballot ballot, uint32 id) external {
        uint32 current = Epochs.current();
        Weights.Target storage target = _targets[ballot][id];
        Powers.Sums memory sums = target.open(current);
        if (sums.epoch != current) return;
        target.head = Powers.pack(sums);
        emit Rolled(ballot, id, current, sums.total());
    }

    // ------------------------------------------------------------------------------------------------- rewards

    /// @inheritdoc IVoteController
    function closeRevenue(address router, uint32 pod) external nonReentrant returns (uint256 amount) {
        Streams.Stream storage stream = _streams[Ballot.Pod][router][pod];
        uint32 epoch = _openFrom(stream);
        uint256 end = Epochs.current();
        if (end > epoch + MOST_CLOSED) end = epoch + MOST_CLOSED;
        uint256 burnt;
        for (; epoch < end; epoch++) {
            uint256 reward = _revenueIn(router, pod, epoch);
            amount += reward;
            burnt += _close(Ballot.Pod, router, pod, epoch, reward);
        }
        stream.open = epoch;
        if (amount == 0) return 0;

        uint32[] memory pods = new uint32[](1);
        pods[0] = pod;
        ledger.claim(router, Role.Voters, pods);
        if (burnt != 0) _asset.safeTransfer(burner, burnt);
    }

    /// @inheritdoc IVoteController
    function closeTips(uint32 node) external nonReentrant returns (uint256 amount) {
        Streams.Stream storage stream = _streams[Ballot.Node][address(0)][node];
        uint256 received = _heu.balanceOf(address(this));
        (uint32[] memory epochs, uint256[] memory amounts) = emission.drawTips(node);
        received = _heu.balanceOf(address(this)) - received;
        uint256 burnt;
        for (uint256 i; i < epochs.length; i++) {
            uint32 least = _openFrom(stream);
            if (epochs[i] < least || epochs[i] >= Epochs.current()) revert TipOutOfOrder(epochs[i], least);
            amount += amounts[i];
            burnt += _close(Ballot.Node, address(0), node, epochs[i], amounts[i]);
            stream.open = epochs[i] + 1;
        }
        if (received < amount) revert ShortTransfer(received, amount);

        if (burnt != 0) _heu.burn(burnt);
    }

    /// @inheritdoc IVoteController
    function claimRevenue(address router, uint32[] calldata pods, address to)
        external
        nonReentrant
        returns (uint256 amount)
    {
        amount = _claim(Ballot.Pod, router, pods, to);
        if (amount != 0) _asset.safeTransfer(to, amount);
    }

    /// @inheritdoc IVoteController
    function claimTips(uint32[] calldata nodes, address to) external nonReentrant returns (uint256 amount) {
        amount = _claim(Ballot.Node, address(0), nodes, to);
        if (amount != 0) IERC20(_heu).safeTransfer(to, amount);
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IVoteController
    function claimable(address account, Ballot ballot, address router, uint32 id) external view returns (uint256 due) {
        (due,) = _due(account, ballot, router, id);
    }

    /// @inheritdoc IVoteController
    function usedBps(address account, Ballot ballot) external view returns (uint256) {
        return _voters[ballot][account].used;
    }

    /// @inheritdoc IVoteController
    function weightIn(Ballot ballot, uint32 id, uint32 epoch) public view returns (uint256) {
        uint32 most = Epochs.current() + 1;
        if (epoch > most) revert EpochTooFar(epoch, most);
        return _targets[ballot][id].weightIn(epoch);
    }

    /// @inheritdoc IVoteController
    function ballotWeightIn(Ballot ballot, uint32 epoch) external view returns (uint256) {
        return weightIn(ballot, 0, epoch);
    }

    /// @inheritdoc IVoteController
    function votesIn(address account, Ballot ballot, uint32 id, uint32 epoch) external view returns (uint256) {
        uint32 most = Epochs.current() + 1;
        if (epoch > most) revert EpochTooFar(epoch, most);
        Papers.Paper storage paper = _papers[ballot][account][id];
        Papers.Walk memory walk = paper.begin();
        (uint256 bps, uint256 number, uint256 from) = paper.next(walk);
        while (from > epoch) (bps, number, from) = paper.next(walk);
        (uint256 amount, uint256 end) = _lockOf(ballot, account, number);
        return Powers.power(amount * bps / BPS, end, epoch);
    }

    /// @inheritdoc IVoteController
    function voteOf(address account, Ballot ballot, uint32 id)
        external
        view
        returns (uint16, uint96, uint32, uint32)
    {
        (uint256 bps, uint256 number, uint256 from) = Papers.read(_papers[ballot][account][id].newest);
        (uint256 amount, uint256 end) = _lockOf(ballot, account, number);
        if (bps == 0) end = 0;
        return (uint16(bps), uint96(amount * bps / BPS), uint32(end), uint32(from));
    }

    /// @inheritdoc IVoteController
    function openFrom(Ballot ballot, address router, uint32 id) external view returns (uint32) {
        return _openFrom(_streams[ballot][router][id]);
    }

    // ------------------------------------------------------------------------------------------ private: votes

    /// @dev Takes the caller's lock as it stands, if it has power in the next epoch.
    function _open(Ballot ballot, Voter storage voter, Weights.Target storage all)
        private
        returns (Casting memory casting)
    {
        IVotingEscrow.Lock memory lock = escrow.lockOf(msg.sender);
        casting.ballot = ballot;
        casting.next = Epochs.current() + 1;
        casting.alive = lock.end > casting.next;
        casting.lockEnd = lock.end;
        (casting.amount, casting.end) = (voter.amount, voter.end);
        (casting.number, casting.used) = (voter.number, voter.used);
        if (casting.alive && (lock.amount != casting.amount || lock.end != casting.end)) {
            if (casting.amount != 0) {
                _locks[ballot][msg.sender][casting.number] = uint256(casting.end) << 96 | casting.amount;
            }
            casting.number += 1;
            (casting.amount, casting.end) = (lock.amount, lock.end);
            (voter.amount, voter.end, voter.number) = (lock.amount, lock.end, casting.number.toUint16());
        }
        casting.total = all.open(casting.next);
    }

    /// @param all What ends when of the whole ballot.
    function _cast(
        Casting memory casting,
        Weights.Target storage target,
        Powers.Ends storage all,
        Papers.Paper storage paper,
        uint32 id,
        uint256 bps
    ) private {
        Ballot ballot = casting.ballot;
        uint256 newest = paper.newest;
        (uint256 oldBps, uint256 oldNumber,) = Papers.read(newest);
        if (bps == 0 && oldBps == 0) return;
        if (oldBps == 0) _checkTarget(ballot, id, casting.next);
        if (bps != 0 && !casting.alive) revert LockTooShort(casting.lockEnd, casting.next + 1);

        Powers.Sums memory sums = target.open(casting.next);
        uint256 oldAmount;
        uint256 oldEnd = casting.end;
        if (oldBps != 0) {
            oldAmount = casting.amount;
            if (oldNumber != casting.number) (oldAmount, oldEnd) = _pastLock(ballot, msg.sender, oldNumber);
            oldAmount = oldAmount * oldBps / BPS;
        }
        uint256 amount = casting.amount * bps / BPS;
        sums.replace(target.ends, oldAmount, oldEnd, amount, casting.end);
        casting.total.replace(all, oldAmount, oldEnd, amount, casting.end);
        target.head = Powers.pack(sums);
        // What stands on the ballot is at least what one target of it has; a call is too short for 2^256.
        unchecked {
            casting.used += bps - oldBps;
        }
        paper.put(newest, bps, casting.number, casting.next);
        emit Voted(msg.sender, ballot, id, uint16(bps), uint96(amount), casting.end, casting.next);
    }

    function _checkTarget(Ballot ballot, uint32 id, uint32 epoch) private view {
        Role role = ballot == Ballot.Node ? Role.Node : Role.Pod;
        if (registry.isActiveIn(role, id, epoch)) return;
        if (registry.ownerOf(role, id) == address(0)) revert UnknownTarget(ballot, id);
        revert InactiveTarget(ballot, id);
    }

    /// @return amount Of the lock with this number, as the account voted with it.
    function _lockOf(Ballot ballot, address account, uint256 number) private view returns (uint256 amount, uint256 end) {
        Voter memory voter = _voters[ballot][account];
        return number == voter.number ? (voter.amount, voter.end) : _pastLock(ballot, account, number);
    }

    function _pastLock(Ballot ballot, address account, uint256 number)
        private
        view
        returns (uint256 amount, uint256 end)
    {
        uint256 lock = _locks[ballot][account][number];
        return (uint96(lock), lock >> 96);
    }

    // ---------------------------------------------------------------------------------------- private: rewards

    /// @dev The voters' part of what a router settled for a pod in an epoch that is over.
    function _revenueIn(address router, uint32 pod, uint32 epoch) private view returns (uint256) {
        uint256 units = ledger.unitsIn(router, Role.Voters, pod, epoch);
        return units == 0 ? 0 : units * ledger.splitIn(epoch).voters / BPS;
    }

    /// @return burnt The reward, if nobody's votes are enough to share it.
    function _close(Ballot ballot, address router, uint32 id, uint32 epoch, uint256 reward)
        private
        returns (uint256 burnt)
    {
        if (reward == 0) return 0;
        uint256 weight = _targets[ballot][id].weightIn(epoch);
        bool dust = weight < LEAST_WEIGHT;
        emit RewardClosed(ballot, router, id, epoch, reward, weight, dust);
        if (dust) return reward;
        _streams[ballot][router][id].push(epoch, reward, weight);
    }

    function _claim(Ballot ballot, address router, uint32[] calldata ids, address to) private returns (uint256 total) {
        if (to == address(0)) revert ZeroAddress();
        for (uint256 i; i < ids.length; i++) {
            (uint256 amount, Claimed memory claimed) = _due(msg.sender, ballot, router, ids[i]);
            if (amount == 0) continue;
            _claimed[ballot][router][ids[i]][msg.sender] = claimed;
            total += amount;
            emit RewardClaimed(msg.sender, ballot, router, ids[i], to, amount);
        }
    }

    /// @dev Walks the account's votes back from the last closed epoch to the last one it was paid for.
    /// @return amount Rounded down once.
    /// @return claimed What is to be noted when it is paid.
    function _due(address account, Ballot ballot, address router, uint32 id)
        private
        view
        returns (uint256 amount, Claimed memory claimed)
    {
        Streams.Stream storage stream = _streams[ballot][router][id];
        Claimed memory last = _claimed[ballot][router][id][account];
        claimed = Claimed(_openFrom(stream) - 1, stream.count);
        if (claimed.count == last.count) return (0, claimed);

        Papers.Paper storage paper = _papers[ballot][account][id];
        Papers.Walk memory walk = paper.begin();
        uint256 high = claimed.to;
        while (high > last.to) {
            (uint256 bps, uint256 number, uint256 from) = paper.next(walk);
            if (from == 0) break;
            if (from > high) continue;
            uint256 low = from > last.to ? from - 1 : last.to;
            if (bps != 0) {
                (uint256 held, uint256 end) = _lockOf(ballot, account, number);
                if (end <= high) high = end - 1;
                if (high > low) amount += _part(stream, last, claimed, held * bps / BPS, end, low, high);
            }
            high = low;
        }
        amount /= Streams.ONE;
    }

    /// @dev A vote's part of the epochs (low, high], 128 binary places.
    function _part(
        Streams.Stream storage stream,
        Claimed memory last,
        Claimed memory claimed,
        uint256 amount,
        uint256 end,
        uint256 low,
        uint256 high
    ) private view returns (uint256) {
        uint256 to = high == claimed.to ? claimed.count : stream.countTo(high, last.count, claimed.count);
        uint256 from = low == last.to ? last.count : stream.countTo(low, last.count, to);
        (uint256 a, uint256 b) = stream.sumsAt(to);
        (uint256 oldA, uint256 oldB) = stream.sumsAt(from);
        return Streams.share(amount, end, a - oldA, b - oldB);
    }

    function _openFrom(Streams.Stream storage stream) private view returns (uint32) {
        return stream.open == 0 ? firstEpoch : stream.open;
    }
}
