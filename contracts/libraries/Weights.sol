// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Powers} from "./Powers.sol";

/// @title Weights
/// @notice What stands behind one target, or is locked by all, as sums that can be asked for any epoch: the newest state,
///         and every one before it.
library Weights {
    using Powers for Powers.Sums;
    using Powers for uint256;

    /// @param head Packed sums, effective from their own epoch on, which is at most the next one.
    /// @param past Those before it, by number, epochs rising. Never changed.
    struct Target {
        uint256 head;
        mapping(uint256 number => uint256) past;
        Powers.Ends ends;
    }

    /// @notice The sums of `epoch`, to be changed and put back.
    /// @param keep Whether what they were before is kept: else no epoch before can be asked for.
    function open(Target storage target, uint256 epoch, bool keep) internal returns (Powers.Sums memory sums) {
        uint256 head = target.head;
        sums = head.unpack();
        if (sums.epoch >= epoch) return sums;
        if (keep && head != 0) target.past[sums.count++] = head;
        sums.advance(target.ends, epoch);
    }

    /// @return Token-weeks in `epoch`, which is at most the next one.
    function weightIn(Target storage target, uint256 epoch) internal view returns (uint256) {
        return _weight(target, epoch, epoch);
    }

    /// @return Token-weeks that `epoch` began with: what was changed in it is not in them. It is after epoch 0.
    function openingIn(Target storage target, uint256 epoch) internal view returns (uint256) {
        return _weight(target, epoch - 1, epoch);
    }

    /// @dev In `epoch`, of the last state that is not later than `last`.
    function _weight(Target storage target, uint256 last, uint256 epoch) private view returns (uint256) {
        Powers.Sums memory sums = target.head.unpack();
        if (last < sums.epoch) sums = _before(target, sums.count, last);
        sums.advance(target.ends, epoch);
        return sums.total();
    }

    /// @dev The last of the past states that is not later than `epoch`; the nearest ones are looked at first.
    function _before(Target storage target, uint256 count, uint256 epoch) private view returns (Powers.Sums memory sums) {
        uint256 high = count;
        uint256 low = count;
        for (uint256 step = 1; low != 0; step <<= 1) {
            low = low > step ? low - step : 0;
            sums = target.past[low].unpack();
            if (sums.epoch <= epoch) break;
            high = low;
        }
        if (high == 0) return Powers.Sums(0, 0, 0, 0);
        // `low` is not later than `epoch`, `high` is, or does not exist.
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            Powers.Sums memory seen = target.past[middle].unpack();
            if (seen.epoch <= epoch) (low, sums) = (middle, seen);
            else high = middle;
        }
    }
}
