// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Streams
/// @notice Rewards of one target, epoch by epoch, shared by weights that fall: a claim over any number of epochs needs two
///         differences of two running sums.
/// @dev With R the reward and W the weight of epoch e: A += R / W, B += R * e / W. A lock of amount a and end E has
///      a * (E - e) of W in every e before E, so its part of the epochs (d, h] is a * (E * (A_h - A_d) - (B_h - B_d)).
///      128 binary places; A is rounded down, B up: never more than the exact part. No overflow: a * (E - e) <= W.
library Streams {
    /// @dev One whole, 128 binary places.
    uint256 internal constant ONE = 1 << 128;

    /// @param a Running sum of reward / weight.
    /// @param b Running sum of reward * epoch / weight.
    struct Entry {
        uint32 epoch;
        uint224 a;
        uint256 b;
    }

    /// @param open The first epoch that is not closed; 0 = none is.
    /// @param count Of epochs that paid something.
    struct Stream {
        uint32 open;
        uint32 count;
        mapping(uint256 number => Entry) entries;
    }

    /// @param epoch What somebody was paid up to.
    /// @param count Of entries that are not later.
    struct Place {
        uint32 epoch;
        uint32 count;
    }

    /// @dev Goes from the newest entry to the oldest.
    /// @param count Of entries that are not later than `epoch`.
    /// @param a Their sums.
    struct Walk {
        uint256 epoch;
        uint256 count;
        uint256 a;
        uint256 b;
    }

    /// @notice What a reward adds to the two sums.
    function parts(uint256 reward, uint256 epoch, uint256 weight) internal pure returns (uint256 a, uint256 b) {
        a = Math.mulDiv(reward, ONE, weight);
        b = Math.mulDiv(reward * epoch, ONE, weight, Math.Rounding.Ceil);
    }

    /// @notice A lock's part of what two differences say, with 128 binary places.
    function share(uint256 amount, uint256 end, uint256 a, uint256 b) internal pure returns (uint256) {
        a *= end;
        return a > b ? amount * (a - b) : 0;
    }

    function push(Stream storage stream, uint32 epoch, uint256 reward, uint256 weight) internal {
        uint256 count = stream.count;
        (uint256 a, uint256 b) = parts(reward, epoch, weight);
        (uint256 oldA, uint256 oldB) = sumsAt(stream, count);
        stream.entries[count] = Entry(epoch, uint224(oldA + a), oldB + b);
        stream.count = uint32(count + 1);
    }

    /// @notice The sums after the first `count` entries.
    function sumsAt(Stream storage stream, uint256 count) internal view returns (uint256 a, uint256 b) {
        if (count == 0) return (0, 0);
        Entry storage entry = stream.entries[count - 1];
        return (entry.a, entry.b);
    }

    function begin(Stream storage stream, Place memory place) internal view returns (Walk memory) {
        (uint256 a, uint256 b) = sumsAt(stream, place.count);
        return Walk(place.epoch, place.count, a, b);
    }

    /// @notice Goes back to `epoch`, which is at most the walk's and not before `last`.
    /// @return a What the sums grew by after it, up to where the walk was.
    function back(Stream storage stream, Walk memory walk, uint256 epoch, Place memory last)
        internal
        view
        returns (uint256 a, uint256 b)
    {
        uint256 count = epoch == last.epoch ? last.count : _countTo(stream, walk, epoch, last.count);
        walk.epoch = epoch;
        if (count == walk.count) return (0, 0);
        (uint256 oldA, uint256 oldB) = sumsAt(stream, count);
        // Sums only rise. If ever they did not, `share` would overflow.
        unchecked {
            (a, b) = (walk.a - oldA, walk.b - oldB);
        }
        (walk.count, walk.a, walk.b) = (count, oldA, oldB);
    }

    /// @dev No epoch has two entries, so the walk passes at most as many of them as epochs. Where each of these paid, it is
    ///      that many, and one look is enough. Unchecked: both are below 2^32.
    /// @return How many entries are not later than `epoch`, known to be at least `low`.
    function _countTo(Stream storage stream, Walk memory walk, uint256 epoch, uint256 low) private view returns (uint256) {
        unchecked {
            uint256 high = walk.count;
            uint256 passed = walk.epoch - epoch;
            if (high > low + passed) low = high - passed;
            if (low < high && stream.entries[low].epoch > epoch) return low;
            while (low < high) {
                uint256 middle = (low + high) / 2;
                if (stream.entries[middle].epoch > epoch) high = middle;
                else low = middle + 1;
            }
            return low;
        }
    }
}
