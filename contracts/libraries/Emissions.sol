// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";

/// @title Emissions
/// @notice The formulas of the emission, rounded as they are paid. `sdk/protocol/emission.ts` has the same to the wei.
/// @dev Points are units with 64 binary places, so that splitting a node moves its reward by less than a wei.
library Emissions {
    uint256 internal constant BPS = 10_000;
    uint256 internal constant EPOCHS_PER_YEAR = 52;
    uint256 internal constant RECOVERABLE_BPS = 2_500;
    /// @dev Bounds of {IEmissionController.Params}. No cap above the 5 % of the public promise; no boost above the 2.5 of
    ///      every ve-system that voters know; half a node's quota at least counts as there, whoever answers.
    uint256 internal constant MOST_CAP_BPS = 500;
    uint256 internal constant MOST_BETA_BPS = 25_000;
    uint256 internal constant LEAST_ETA_BPS = 2_500;
    uint256 internal constant MOST_QUOTA = 1_000_000_000;
    uint256 private constant ONE = 1 << 64;

    /// @notice Units, and what votes add: at most beta times, and at most the voted part of the last epoch's units.
    /// @param lastUnits Of the whole pool in the epoch before.
    /// @param weight Of the node, of `total` of its ballot.
    /// @return At most 2^168 for units below 2^88.
    function points(uint256 units, uint256 betaBps, uint256 lastUnits, uint256 weight, uint256 total)
        internal
        pure
        returns (uint256)
    {
        uint256 whole = units * ONE;
        if (weight == 0 || total == 0) return whole;
        uint256 boost = betaBps - BPS;
        uint256 budget = Math.mulDiv(lastUnits * boost * ONE, weight, total * BPS);
        return whole + Math.min(units * boost * ONE / BPS, budget);
    }

    /// @notice A yearly rate of the supply for one epoch, wei.
    function perEpoch(uint256 supply, uint256 bps) internal pure returns (uint256) {
        return supply * bps / BPS / EPOCHS_PER_YEAR;
    }

    /// @notice What of the base is issued: all of it if at least eta of all quotas is used, else in proportion.
    /// @param shared Sum of base points.
    /// @param quotas Of all stakes together, probe units.
    function baseOf(uint256 base, uint256 shared, uint256 quotas, uint256 etaBps) internal pure returns (uint256) {
        if (shared == 0) return 0;
        return Math.mulDiv(base, shared, Math.max(shared, quotas * ONE * etaBps / BPS));
    }

    /// @notice The dynamic part: matched to the burn of the same epoch, within the cap.
    function dynamicOf(uint256 room, uint256 lambdaBps, uint256 burnt) internal pure returns (uint256) {
        return Math.min(room, burnt * lambdaBps / BPS);
    }

    /// @dev The one inequality under which no wash trade pays: lambda * beta <= 1 - RECOVERABLE.
    function check(IEmissionController.Params memory p) internal pure {
        uint256 product = uint256(p.lambdaBps) * p.betaBps;
        uint256 most = (BPS - RECOVERABLE_BPS) * BPS;
        if (product > most) revert IEmissionController.WashingWouldPay(product, most);
        _within(p.capBps, 0, MOST_CAP_BPS);
        _within(p.baseBps, 0, p.capBps);
        _within(p.betaBps, BPS, MOST_BETA_BPS);
        _within(p.etaBps, LEAST_ETA_BPS, BPS);
        _within(p.quota, 1, MOST_QUOTA);
    }

    function pack(IEmissionController.Params memory p) internal pure returns (uint208) {
        return uint208(p.quota) << 80 | uint208(p.capBps) << 64 | uint208(p.baseBps) << 48 | uint208(p.lambdaBps) << 32
            | uint208(p.betaBps) << 16 | p.etaBps;
    }

    function unpack(uint208 packed) internal pure returns (IEmissionController.Params memory p) {
        p.quota = uint64(packed >> 80);
        p.capBps = uint16(packed >> 64);
        p.baseBps = uint16(packed >> 48);
        p.lambdaBps = uint16(packed >> 32);
        p.betaBps = uint16(packed >> 16);
        p.etaBps = uint16(packed);
    }

    function _within(uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert IEmissionController.ParamOutOfBounds(value, least, most);
    }
}
