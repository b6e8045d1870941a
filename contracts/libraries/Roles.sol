// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @notice Who is paid from a call. The number is part of the signed Statement: never reorder.
/// @dev `Voters` of a pod have no identity of their own: their id is the pod's, and the Registry knows no such entry.
enum Role {
    Node,
    Pod,
    Frontend,
    Voters
}
