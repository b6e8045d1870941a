// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {IVoteController} from "../interfaces/IVoteController.sol";
import {IVotingEscrow} from "../interfaces/IVotingEscrow.sol";
import {Ballot} from "../libraries/Ballots.sol";
import {Epochs} from "../libraries/Epochs.sol";
import {Papers} from "../libraries/Papers.sol";
import {Powers} from "../libraries/Powers.sol";
import {Role} from "../libraries/Roles.sol";
import {Weights} from "../libraries/Weights.sol";

/// @title Votes
/// @notice The voters' room: the two ballots, what every account has voted with which lock, and what each target weighs.
/// @dev Always, for every epoch up to the next one: the weights of a ballot's targets sum to the ballot's, and a target's is
///      the sum of its voters'; an account's votes are at most its lock's power.
abstract contract Votes is IVoteController {
    using SafeCast for uint256;
    using Papers for Papers.Paper;
    using Powers for Powers.Sums;
    using Weights for Weights.Target;

    /// @param amount Of the lock that the account last voted with, in whole ten-thousandths.
    /// @param number Of that lock, from 1; 0 before its first vote. The ones before it are in `_locks`.
    /// @param used Basis points that stand on the ballot.
    struct Voter {
        uint96 amount;
        uint32 end;
        uint16 number;
        uint16 used;
    }

    /// @dev One call of `vote`, in memory.
    /// @param added To what ends on the whole ballot when the lock does: modular, less is its complement.
    /// @param total Of the whole ballot, once a vote with another end leaves it.
    struct Casting {
        Ballot ballot;
        uint32 next;
        bool alive;
        uint32 lockEnd;
        uint32 end;
        uint256 amount;
        uint256 number;
        uint256 used;
        uint256 added;
        Powers.Sums total;
    }

    uint256 internal constant BPS = 10_000;

    /// @inheritdoc IVoteController
    IVotingEscrow public immutable escrow;
    /// @inheritdoc IVoteController
    IRegistry public immutable registry;

    /// @dev Id 0 is the whole ballot.
    mapping(Ballot => mapping(uint32 id => Weights.Target)) internal _targets;
    mapping(Ballot => mapping(address account => Voter)) private _voters;
    /// @dev Locks that an account voted with before its present one: amount 96 (low) | end.
    mapping(Ballot => mapping(address account => mapping(uint256 number => uint256))) private _locks;
    mapping(Ballot => mapping(address account => mapping(uint32 id => Papers.Paper))) internal _papers;

    constructor(IVotingEscrow escrow_, IRegistry registry_) {
        (escrow, registry) = (escrow_, registry_);
    }

    /// @inheritdoc IVoteController
    function vote(Ballot ballot, uint32[] calldata ids, uint16[] calldata bps) external {
        _vote(ballot, ids, bps);
    }

    /// @inheritdoc IVoteController
    function voteBoth(
        uint32[] calldata nodes,
        uint16[] calldata nodeBps,
        uint32[] calldata pods,
        uint16[] calldata podBps
    ) external {
        _vote(Ballot.Node, nodes, nodeBps);
        _vote(Ballot.Pod, pods, podBps);
    }

    /// @inheritdoc IVoteController
    function roll(Ballot ballot, uint32 id) external {
        uint32 next = Epochs.current() + 1;
        if (lastRoll(ballot, id) == next) return;
        Weights.Target storage target = _targets[ballot][id];
        Powers.Sums memory sums = target.open(next, true);
        target.head = Powers.pack(sums);
        emit Rolled(ballot, id, next, sums.total());
    }

    /// @inheritdoc IVoteController
    function lastRoll(Ballot ballot, uint32 id) public view returns (uint32) {
        return uint32(Powers.unpack(_targets[ballot][id].head).epoch);
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
    function voteOf(address account, Ballot ballot, uint32 id) external view returns (uint16, uint96, uint32, uint32) {
        (uint256 bps, uint256 number, uint256 from) = Papers.read(_papers[ballot][account][id].newest);
        (uint256 amount, uint256 end) = _lockOf(ballot, account, number);
        if (bps == 0) end = 0;
        return (uint16(bps), uint96(amount * bps / BPS), uint32(end), uint32(from));
    }

    /// @return amount Of the lock with this number, as the account voted with it.
    function _lockOf(Ballot ballot, address account, uint256 number)
        internal
        view
        returns (uint256 amount, uint256 end)
    {
        Voter storage voter = _voters[ballot][account];
        return number == voter.number ? (voter.amount, voter.end) : _pastLock(ballot, account, number);
    }

    function _vote(Ballot ballot, uint32[] calldata ids, uint16[] calldata bps) private {
        if (ids.length != bps.length) revert LengthMismatch(ids.length, bps.length);

        mapping(uint32 id => Weights.Target) storage targets = _targets[ballot];
        mapping(uint32 id => Papers.Paper) storage papers = _papers[ballot][msg.sender];
        Voter storage voter = _voters[ballot][msg.sender];
        Weights.Target storage all = targets[0];
        Casting memory casting = _open(ballot, voter);
        uint256 used = casting.used;
        for (uint256 i; i < ids.length; i++) {
            uint32 id = ids[i];
            _cast(casting, targets[id], all, papers[id], id, bps[i]);
        }
        if (casting.used > BPS) revert OverAllocated(casting.used);
        if (casting.used != used) voter.used = uint16(casting.used);
        if (casting.added != 0) {
            _openTotal(casting, all);
            casting.total.add(all.ends, casting.added, casting.end);
        }
        if (casting.total.epoch != 0) all.head = Powers.pack(casting.total);
    }

    /// @dev Takes the caller's lock as it stands, if it has power in the next epoch. It votes with whole ten-thousandths, so
    ///      that its parts sum to the same however it is divided: votes that only move leave the whole ballot as it is.
    function _open(Ballot ballot, Voter storage voter) private returns (Casting memory casting) {
        IVotingEscrow.Lock memory lock = escrow.lockOf(msg.sender);
        casting.ballot = ballot;
        casting.next = Epochs.current() + 1;
        casting.alive = lock.end > casting.next;
        casting.lockEnd = lock.end;
        (casting.amount, casting.end) = (voter.amount, voter.end);
        (casting.number, casting.used) = (voter.number, voter.used);
        lock.amount -= uint96(lock.amount % BPS);
        if (casting.alive && (lock.amount != casting.amount || lock.end != casting.end)) {
            if (casting.number != 0) {
                _locks[ballot][msg.sender][casting.number] = uint256(casting.end) << 96 | casting.amount;
            }
            casting.number += 1;
            (casting.amount, casting.end) = (lock.amount, lock.end);
            (voter.amount, voter.end, voter.number) = (lock.amount, lock.end, casting.number.toUint16());
        }
    }

    /// @dev A vote that changes nothing leaves everything as it is, so a claim does not meet it.
    /// @param all The whole ballot.
    function _cast(
        Casting memory casting,
        Weights.Target storage target,
        Weights.Target storage all,
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
        if (bps == oldBps && oldNumber == casting.number) return;

        uint256 oldAmount;
        uint256 oldEnd = casting.end;
        if (oldBps != 0) {
            oldAmount = casting.amount;
            if (oldNumber != casting.number) (oldAmount, oldEnd) = _pastLock(ballot, msg.sender, oldNumber);
            oldAmount = oldAmount * oldBps / BPS;
        }
        // What has ended weighs nothing any more.
        if (oldEnd <= casting.next) oldAmount = 0;
        uint256 amount = casting.amount * bps / BPS;
        Powers.Sums memory sums = target.open(casting.next, true);
        sums.replace(target.ends, oldAmount, oldEnd, amount, casting.end);
        target.head = Powers.pack(sums);
        // What stands on the ballot is at least what one target of it has; a call is too short for 2^256.
        unchecked {
            casting.used += bps - oldBps;
            casting.added += amount;
            if (oldEnd == casting.end) casting.added -= oldAmount;
        }
        if (oldEnd != casting.end && oldAmount != 0) {
            _openTotal(casting, all);
            casting.total.remove(all.ends, oldAmount, oldEnd);
        }
        paper.put(newest, bps, casting.number, casting.next);
        emit Voted(msg.sender, ballot, id, uint16(bps), uint96(amount), casting.end, casting.next);
    }

    function _openTotal(Casting memory casting, Weights.Target storage all) private {
        if (casting.total.epoch == 0) casting.total = all.open(casting.next, true);
    }

    function _checkTarget(Ballot ballot, uint32 id, uint32 epoch) private view {
        Role role = ballot == Ballot.Node ? Role.Node : Role.Pod;
        if (registry.isActiveIn(role, id, epoch)) return;
        if (registry.ownerOf(role, id) == address(0)) revert UnknownTarget(ballot, id);
        revert InactiveTarget(ballot, id);
    }

    function _pastLock(Ballot ballot, address account, uint256 number)
        private
        view
        returns (uint256 amount, uint256 end)
    {
        uint256 lock = _locks[ballot][account][number];
        return (uint96(lock), lock >> 96);
    }
}
