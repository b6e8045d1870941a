// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IComputeLedger} from "../interfaces/IComputeLedger.sol";
import {Role} from "./Roles.sol";

/// @title Splits
/// @notice The bounds of a split, and its packed form: four shares of 16 bits, in the order of the roles.
library Splits {
    uint256 internal constant BPS = 10_000;
    uint256 internal constant LEAST_NODE_BPS = 5_000;
    uint256 internal constant MOST_SHARE_BPS = 2_500;
    uint256 internal constant LEAST_PROTOCOL_BPS = 200;
    uint256 internal constant MOST_PROTOCOL_BPS = 2_000;

    function check(IComputeLedger.Split memory split) internal pure {
        if (split.node < LEAST_NODE_BPS) revert IComputeLedger.SplitOutOfBounds(split.node, LEAST_NODE_BPS);
        uint256 largest = Math.max(split.pod, Math.max(split.frontend, split.voters));
        if (largest > MOST_SHARE_BPS) revert IComputeLedger.SplitOutOfBounds(largest, MOST_SHARE_BPS);
        uint256 shares = uint256(split.node) + split.pod + split.frontend + split.voters;
        if (shares > BPS - LEAST_PROTOCOL_BPS) {
            revert IComputeLedger.SplitOutOfBounds(shares, BPS - LEAST_PROTOCOL_BPS);
        }
        if (shares < BPS - MOST_PROTOCOL_BPS) revert IComputeLedger.SplitOutOfBounds(shares, BPS - MOST_PROTOCOL_BPS);
    }

    function pack(IComputeLedger.Split memory split) internal pure returns (uint64) {
        return uint64(split.node) << 48 | uint64(split.pod) << 32 | uint64(split.frontend) << 16 | split.voters;
    }

    /// @return bps The share of `role` in a packed split.
    function shareOf(uint64 packed, Role role) internal pure returns (uint256 bps) {
        return uint16(packed >> (48 - 16 * uint256(role)));
    }

    function unpack(uint64 packed) internal pure returns (IComputeLedger.Split memory split) {
        split.node = uint16(shareOf(packed, Role.Node));
        split.pod = uint16(shareOf(packed, Role.Pod));
        split.frontend = uint16(shareOf(packed, Role.Frontend));
        split.voters = uint16(shareOf(packed, Role.Voters));
    }
}
