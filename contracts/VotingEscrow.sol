// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {IVotingEscrow} from "./interfaces/IVotingEscrow.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Locks} from "./libraries/Locks.sol";
import {Powers} from "./libraries/Powers.sol";
import {Weights} from "./libraries/Weights.sol";

/// @title VotingEscrow
/// @notice The manual is {IVotingEscrow}.
/// @dev Always: HEU held >= sum of amounts; totalPowerIn(e) = sum of powerIn(e), to the wei; what ends in a coming epoch is
///      the sum of the locks that end there; and what every epoch began with is known for good, each and in total, if the
///      past is kept. HEU calls nobody back, and every transfer comes last.
contract VotingEscrow is IVotingEscrow {
    using SafeERC20 for IHEU;
    using Locks for Locks.History;
    using Powers for Powers.Sums;
    using Powers for uint256;
    using Weights for Weights.Target;

    /// @inheritdoc IVotingEscrow
    uint32 public constant MOST_EPOCHS = Powers.MOST_EPOCHS;

    /// @inheritdoc IVotingEscrow
    IHEU public immutable heu;

    /// @inheritdoc IVotingEscrow
    bool public immutable keepsPast;

    /// @dev Of all locks together, by the epoch in which one last changed.
    Weights.Target private _total;
    mapping(address account => Locks.History) private _locks;

    constructor(IHEU heu_, bool keepsPast_) {
        if (address(heu_) == address(0)) revert ZeroAddress();

        (heu, keepsPast) = (heu_, keepsPast_);
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
        uint256 slot = _locks[account].newest;
        (uint256 held, uint256 end) = Locks.read(slot);
        if (amount == 0) revert ZeroAmount();
        if (held == 0) revert NoLock(account);
        if (end <= Epochs.current()) revert LockExpired(uint32(end));

        _change(account, slot, amount, uint32(end), Epochs.current());
    }

    /// @inheritdoc IVotingEscrow
    function withdraw() external returns (uint256 amount) {
        Locks.History storage history = _locks[msg.sender];
        uint256 slot = history.newest;
        uint256 end;
        (amount, end) = Locks.read(slot);
        if (amount == 0) revert NoLock(msg.sender);
        if (Epochs.current() < end) revert NotExpired(uint32(end));

        history.withdraw(slot);
        emit Withdrawn(msg.sender, amount);

        heu.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IVotingEscrow
    function checkpoint() external {
        _total.head = _total.open(Epochs.current(), keepsPast).pack();
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IVotingEscrow
    function lastCheckpoint() external view returns (uint32) {
        return uint32(_total.head.unpack().epoch);
    }

    /// @inheritdoc IVotingEscrow
    function lockOf(address account) external view returns (Lock memory) {
        (uint256 amount, uint256 end) = Locks.read(_locks[account].newest);
        return Lock(uint96(amount), uint32(end));
    }

    /// @inheritdoc IVotingEscrow
    function powerIn(address account, uint32 epoch) public view returns (uint256) {
        if (epoch < Epochs.current()) revert PastUnknown(epoch);
        (uint256 amount, uint256 end) = Locks.read(_locks[account].newest);
        return Powers.power(amount, end, epoch);
    }

    /// @inheritdoc IVotingEscrow
    function totalPowerIn(uint32 epoch) public view returns (uint256) {
        if (epoch < Epochs.current()) revert PastUnknown(epoch);
        return _total.weightIn(epoch);
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
        return _votesIn(account, Epochs.current());
    }

    /// @inheritdoc IVotingEscrow
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        return _votesIn(account, _pastEpoch(timepoint));
    }

    /// @inheritdoc IVotingEscrow
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        uint32 epoch = _pastEpoch(timepoint);
        if (!keepsPast) revert PastUnknown(epoch);
        return _total.openingIn(epoch);
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
        uint256 slot = _locks[msg.sender].newest;
        (uint256 held, uint256 oldEnd) = Locks.read(slot);
        uint32 current = Epochs.current();
        if (end == 0) end = uint32(oldEnd);
        if (held != 0 && oldEnd <= current) revert LockExpired(uint32(oldEnd));
        if (amount == 0 && (held == 0 || end == oldEnd)) revert ZeroAmount();
        if (end < oldEnd) revert EndNotLater(end, uint32(oldEnd));
        if (end <= current) revert EndTooSoon(end, current + 1);
        if (end - current > MOST_EPOCHS) revert EndTooFar(end, current + MOST_EPOCHS);

        _change(msg.sender, slot, amount, end, current);
    }

    /// @dev The one place where a lock grows, in amount or in time. `slot` is its history's newest: alive, or none.
    function _change(address account, uint256 slot, uint256 added, uint32 end, uint256 current) private {
        (uint256 held, uint256 oldEnd) = Locks.read(slot);
        uint256 amount;
        unchecked {
            uint256 most = type(uint96).max - held;
            if (added > most) revert AmountTooLarge(added, most);
            amount = held + added;
        }

        Powers.Sums memory sums = _total.open(current, keepsPast);
        sums.replace(_total.ends, held, oldEnd, amount, end);
        _total.head = sums.pack();
        _locks[account].put(keepsPast ? slot : 0, amount, end, current);
        emit Locked(account, msg.sender, added, amount, end);

        if (added != 0) heu.safeTransferFrom(msg.sender, address(this), added);
    }

    /// @dev What the account had locked when the epoch began.
    function _votesIn(address account, uint256 epoch) private view returns (uint256) {
        if (!keepsPast) revert PastUnknown(epoch);
        (uint256 amount, uint256 end) = _locks[account].at(epoch - 1);
        return Powers.power(amount, end, epoch);
    }

    /// @return The epoch of a second that is over.
    function _pastEpoch(uint256 timepoint) private view returns (uint32) {
        if (timepoint >= block.timestamp || timepoint < Epochs.LENGTH) revert PastUnknown(timepoint);
        return Epochs.at(timepoint);
    }
}
