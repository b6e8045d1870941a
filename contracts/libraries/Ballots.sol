// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @notice What an account votes for. The number is in events: never reorder.
enum Ballot {
    Node,
    Pod
}
