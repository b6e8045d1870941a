// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {Books} from "./ledger/Books.sol";
import {Payouts} from "./ledger/Payouts.sol";
import {Settlement} from "./ledger/Settlement.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Role} from "./libraries/Roles.sol";
import {Splits} from "./libraries/Splits.sol";

/// @title ComputeLedger
/// @notice The manual is {IComputeLedger}.
/// @dev One contract, because a call between contracts would cost as much as a line of a batch; four rooms: `ledger/Books`
///      is what it holds, `Accounts` the payers', `Settlement` the routers', `Payouts` the payees'. Here: the two powers of
///      the Authority, and the views.
contract ComputeLedger is Settlement, Payouts {
    constructor(Terms memory terms) Books(terms) {}

    // -------------------------------------------------------------------------------------------- the Authority

    /// @inheritdoc IComputeLedger
    function setSplit(Split calldata split) external restricted {
        _setSplit(split);
    }

    /// @inheritdoc IComputeLedger
    function pause() external restricted {
        uint256 last = _rules.pausedUntil;
        uint256 pausableAt = last == 0 ? 0 : last + PAUSE_SECONDS;
        if (block.timestamp < pausableAt) revert PausedLately(block.timestamp, pausableAt);

        uint256 until = block.timestamp + PAUSE_SECONDS;
        _rules.pausedUntil = uint40(until);
        emit Paused(until);
    }

    /// @inheritdoc IComputeLedger
    function unpause() external restricted {
        if (block.timestamp < _rules.pausedUntil) _rules.pausedUntil = uint40(block.timestamp);
        emit Unpaused();
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IComputeLedger
    function pausedUntil() external view returns (uint256) {
        return _rules.pausedUntil;
    }

    /// @inheritdoc IComputeLedger
    function splitIn(uint32 epoch) external view returns (Split memory) {
        return Splits.unpack(_splitIn(epoch));
    }

    /// @inheritdoc IComputeLedger
    function accountOf(address router, address key) external view returns (Account memory account) {
        account = _accounts[router][key];
        account.owner = _ownerOf(router, key);
    }

    /// @inheritdoc IComputeLedger
    function creditOf(address router, address key) external view returns (uint256) {
        Account storage account = _accounts[router][key];
        return account.deposited - account.spent;
    }

    /// @inheritdoc IComputeLedger
    function routerOf(address router) external view returns (Router memory state) {
        Book storage book = _books[router];
        (state.earned, state.float, state.seq, state.batchHash) = (book.earned, book.float, book.seq, book.batchHash);
        (state.gross, state.collected, state.epoch) = (book.past + book.gross, book.collected, book.epoch);
        state.allowed = book.allowed;
    }

    /// @inheritdoc IComputeLedger
    function rootOf(address router, uint64 seq) external view returns (bytes32) {
        return _roots[router][seq];
    }

    /// @inheritdoc IComputeLedger
    function grossOf(address router, Role role, uint32 id) public view returns (uint256) {
        Role line = role == Role.Voters ? Role.Pod : role;
        return _past[router][line][id].gross + uint96(_payees[router][line][id]);
    }

    /// @inheritdoc IComputeLedger
    function claimedOf(address router, Role role, uint32 id) external view returns (uint256) {
        return _paid[router][role][id].drawn;
    }

    /// @inheritdoc IComputeLedger
    function protocolOwed(address router) external view returns (uint256) {
        return _books[router].earned - _books[router].collected;
    }

    /// @inheritdoc IComputeLedger
    function shareBpsOf(Role role, uint32 id) public view returns (uint256) {
        if (role == Role.Frontend && id == 0) return 0;
        return _bps(_splitIn(Epochs.current()), role);
    }

    /// @inheritdoc IComputeLedger
    function unitsIn(address router, Role role, uint32 id, uint32 epoch) public view returns (uint256) {
        return _unitsIn(router, role == Role.Voters ? Role.Pod : role, id, epoch);
    }

    /// @inheritdoc IComputeLedger
    function volumeIn(address router, uint32 epoch) external view returns (uint256) {
        return _volumeIn(router, epoch);
    }

    /// @inheritdoc IComputeLedger
    function lastEpochOf(address router) external view returns (uint32) {
        Book storage book = _books[router];
        return book.epoch < Epochs.current() ? book.epoch : book.previous;
    }

    /// @inheritdoc IComputeLedger
    function exposureOf(address router, Role role, uint32 id, uint32 epoch)
        external
        view
        returns (Exposure memory seen)
    {
        seen.gross = grossOf(router, role, id);
        (, uint256 back) = _drawable(router, role, id);
        seen.advanced = _paid[router][role][id].advanced - back;
        seen.bps = shareBpsOf(role, id);
        seen.units = unitsIn(router, role, id, epoch);
        seen.volume = _volumeIn(router, epoch);
    }

    /// @inheritdoc IComputeLedger
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
}
