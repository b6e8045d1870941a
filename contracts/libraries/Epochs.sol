// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Epochs
/// @notice The one clock of the protocol: split changes, votes, points and capacity all turn on it.
library Epochs {
    /// @dev Seconds. An epoch begins on a Thursday, 00:00 UTC, because the Unix epoch did.
    uint256 internal constant LENGTH = 604800;

    /// @notice The epoch that holds second `time`. A boundary second belongs to the epoch it begins.
    function at(uint256 time) internal pure returns (uint32) {
        return uint32(time / LENGTH);
    }

    /// @notice The epoch of this block.
    function current() internal view returns (uint32) {
        return at(block.timestamp);
    }

    /// @notice The first second of `epoch`.
    function startOf(uint32 epoch) internal pure returns (uint256) {
        return uint256(epoch) * LENGTH;
    }
}
