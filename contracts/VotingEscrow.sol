// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {IVotingEscrow} from "./interfaces/IVotingEscrow.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Powers} from "./libraries/Powers.sol";

/// @title VotingEscrow
/// @notice The manual is {IVotingEscrow}.
/// @dev Always: HEU held >= sum of amounts; totalPowerIn(e) = sum of powerIn(e), to the wei; what ends in a coming epoch is
///      the sum of the locks that end there. HEU calls nobody back, and every transfer comes last.
contract VotingEscrow is IVotingEscrow {
    using SafeERC20 for IHEU;
    using Checkpoints for Checkpoints.Trace208;
    using Powers for Powers.Sums;
    using Powers for uint256;

    /// @inheritdoc IVotingEscrow
    uint32 public constant MOST_EPOCHS = Powers.MOST_EPOCHS;

    /// @inheritdoc IVotingEscrow
    IHEU public immutable heu;
    /// @inheritdoc IVotingEscrow
    bool public immutable keepsHistory;

    /// @dev Packed, of the epoch in which a lock last changed.
    uint256 private _sums;
    Powers.Ends private _ends;
    /// @dev amount 96 (low) | end.
    mapping(address account => uint256) private _locks;
    /// @dev The same, by the second since which they are so. A withdrawal changes no power and leaves no trace.
    mapping(address account => Checkpoints.Trace208) private _pastLocks;
    /// @dev amount 96 (low) | product 112 of the sums in the epoch of their second.
    Checkpoints.Trace208 private _pastSums;

    /// @param keepsHistory_ Whether past powers can be asked for; each change of a lock then costs about half as much again.
    constructor(IHEU heu_, bool keepsHistory_) {
        if (address(heu_) == address(0)) revert ZeroAddress();

        heu = heu_;
        keepsHistory = keepsHistory_;
    }

    // --------------------------------------------------------------------------------------------------- locks

    /// @inheritdoc IVotingEscrow
    function lock(uint256 amount, uint32 end) external {
        _lock(amount, end);
    }

    /// @inheritdoc IVotingEscrow
    function lockWithPermit(uint256 amount, uint32 end, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        // Whoever saw the permit may have presented it first: then the allowance is there and this call is not needed.
        try heu.permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _lock(amount, end);
    }

    /// @inheritdoc IVotingEscrow
    function lockFor(address account, uint256 amount) external {
        uint256 old = _locks[account];
        uint32 end = uint32(old >> 96);
        uint32 current = Epochs.current();
        if (amount == 0) revert ZeroAmount();
        if (old == 0) revert NoLock(account);
        if (end <= current) revert LockExpired(end);

        _change(account, old, amount, end, current);
    }

    /// @inheritdoc IVotingEscrow
    function withdraw() external returns (uint256 amount) {
        uint256 old = _locks[msg.sender];
        uint32 end = uint32(old >> 96);
        if (old == 0) revert NoLock(msg.sender);
        if (Epochs.current() < end) revert NotExpired(end);

        amount = uint96(old);
        delete _locks[msg.sender];
        emit Withdrawn(msg.sender, amount);

        heu.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IVotingEscrow
    function checkpoint() external {
        Powers.Sums memory sums = _sums.unpack();
        sums.advance(_ends, Epochs.current());
        _sums = sums.pack();
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IVotingEscrow
    function lockOf(address account) external view returns (Lock memory) {
        uint256 held = _locks[account];
        return Lock(uint96(held), uint32(held >> 96));
    }

    /// @inheritdoc IVotingEscrow
    function powerIn(address account, uint32 epoch) public view returns (uint256) {
        if (epoch < Epochs.current()) revert PastUnknown(epoch);
        uint256 held = _locks[account];
        return Powers.power(uint96(held), held >> 96, epoch);
    }

    /// @inheritdoc IVotingEscrow
    function totalPowerIn(uint32 epoch) public view returns (uint256) {
        if (epoch < Epochs.current()) revert PastUnknown(epoch);
        Powers.Sums memory sums = _sums.unpack();
        sums.advance(_ends, epoch);
        return sums.total();
    }

    /// @inheritdoc IVotingEscrow
    function balanceOf(address account) external view returns (uint256) {
        return powerIn(account, Epochs.current());
    }

    /// @inheritdoc IVotingEscrow
    function totalSupply() external view returns (uint256) {
        return totalPowerIn(Epochs.current());
    }

    // ----------------------------------------------------------------------------------------- for a Governor

    /// @inheritdoc IVotingEscrow
    function clock() external view returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @inheritdoc IVotingEscrow
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=timestamp";
    }

    /// @inheritdoc IVotingEscrow
    function getVotes(address account) external view returns (uint256) {
        return powerIn(account, Epochs.current());
    }

    /// @inheritdoc IVotingEscrow
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        _checkPast(timepoint);
        uint256 held = _pastLocks[account].upperLookupRecent(uint48(timepoint));
        return Powers.power(uint96(held), held >> 96, Epochs.at(timepoint));
    }

    /// @inheritdoc IVotingEscrow
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        _checkPast(timepoint);
        (uint256 held, uint48 since) = _sumsAt(timepoint);
        Powers.Sums memory sums = Powers.Sums(uint96(held), uint112(held >> 96), Epochs.at(since), 0);
        sums.advance(_ends, Epochs.at(timepoint));
        return sums.total();
    }

    /// @inheritdoc IVotingEscrow
    function delegates(address account) external pure returns (address) {
        return account;
    }

    /// @inheritdoc IVotingEscrow
    function delegate(address) external pure {
        revert NoDelegation();
    }

    // ------------------------------------------------------------------------------------------------- private

    function _lock(uint256 amount, uint32 end) private {
        uint256 old = _locks[msg.sender];
        uint32 oldEnd = uint32(old >> 96);
        uint32 current = Epochs.current();
        if (end == 0) end = oldEnd;
        if (old != 0 && oldEnd <= current) revert LockExpired(oldEnd);
        if (amount == 0 && (old == 0 || end == oldEnd)) revert ZeroAmount();
        if (end < oldEnd) revert EndNotLater(end, oldEnd);
        if (end <= current) revert EndTooSoon(end, current + 1);
        if (end - current > MOST_EPOCHS) revert EndTooFar(end, current + MOST_EPOCHS);

        _change(msg.sender, old, amount, end, current);
    }

    /// @dev The one place where a lock grows, in amount or in time. `old` is alive or empty.
    function _change(address account, uint256 old, uint256 added, uint32 end, uint256 current) private {
        uint256 amount;
        unchecked {
            uint256 most = type(uint96).max - uint96(old);
            if (added > most) revert AmountTooLarge(added, most);
            amount = uint96(old) + added;
        }

        Powers.Sums memory sums = _sums.unpack();
        sums.advance(_ends, current);
        if (end == old >> 96) {
            sums.add(_ends, added, end);
        } else {
            sums.remove(_ends, uint96(old), old >> 96);
            sums.add(_ends, amount, end);
        }
        uint256 packed = sums.pack();
        _sums = packed;
        uint256 held = uint256(end) << 96 | amount;
        _locks[account] = held;
        if (keepsHistory) {
            _pastLocks[account].push(uint48(block.timestamp), uint208(held));
            _pastSums.push(uint48(block.timestamp), uint208(packed));
        }
        emit Locked(account, msg.sender, added, amount, end);

        if (added != 0) heu.safeTransferFrom(msg.sender, address(this), added);
    }

    function _checkPast(uint256 timepoint) private view {
        if (!keepsHistory || timepoint >= block.timestamp) revert PastUnknown(timepoint);
    }

    /// @return held The sums as they were at `timepoint`; zero before the first lock.
    /// @return since The second since which they were so.
    function _sumsAt(uint256 timepoint) private view returns (uint256 held, uint48 since) {
        uint256 high = _pastSums.length();
        for (uint256 low; low < high;) {
            uint256 middle = (low + high) / 2;
            Checkpoints.Checkpoint208 memory seen = _pastSums.at(uint32(middle));
            if (seen._key > timepoint) {
                high = middle;
            } else {
                (held, since) = (seen._value, seen._key);
                low = middle + 1;
            }
        }
    }
}
