// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Locks
/// @notice What one account has locked: its lock as it stands, and as it stood at the end of every epoch before.
/// @dev A lock is 120 bits: amount 96 (low) | the epoch that it is so since 16 | epochs from then to its end 7 | 1 if it was
///      withdrawn; epochs stay below 2^16 until the year 3226. Two of them share a slot, the newer one lower; the 16 bits
///      above say how many full slots were put away before. So most changes cost no new slot, and none is ever lost.
library Locks {
    uint256 private constant LOCK = 120;
    uint256 private constant COUNT = 2 * LOCK;
    uint256 private constant WITHDRAWN = 1 << 119;

    struct History {
        uint256 newest;
        mapping(uint256 number => uint256) past;
    }

    /// @param slot A history's newest.
    /// @return amount As it stands: zero if there is none, or none any more.
    /// @return end First epoch without power.
    function read(uint256 slot) internal pure returns (uint256 amount, uint256 end) {
        return slot & WITHDRAWN == 0 ? _unpack(slot) : (uint256(0), uint256(0));
    }

    /// @notice Replaces the newest lock if that is of the same epoch; else comes before it.
    /// @param slot The history's newest, which the caller has read; zero = what was before is forgotten.
    function put(History storage history, uint256 slot, uint256 amount, uint256 end, uint256 epoch) internal {
        uint256 lock = amount | epoch << 96 | (end - epoch) << 112;
        if (_since(slot) == epoch) {
            slot = slot >> LOCK << LOCK;
        } else if (uint120(slot >> LOCK) == 0) {
            slot = slot >> COUNT << COUNT | uint256(uint120(slot)) << LOCK;
        } else {
            uint256 count = slot >> COUNT;
            history.past[count] = slot;
            slot = count + 1 << COUNT;
        }
        history.newest = slot | lock;
    }

    /// @notice Nothing is locked any more. What was stays known.
    /// @param slot The history's newest, whose lock is over.
    function withdraw(History storage history, uint256 slot) internal {
        history.newest = slot | WITHDRAWN;
    }

    /// @return amount As it was at the end of `epoch`; zero before the first. A withdrawn lock had lost its power by then.
    function at(History storage history, uint256 epoch) internal view returns (uint256 amount, uint256 end) {
        uint256 slot = history.newest;
        if (_oldest(slot) > epoch) {
            uint256 low;
            uint256 high = slot >> COUNT;
            slot = 0;
            while (low < high) {
                uint256 middle = (low + high) / 2;
                uint256 seen = history.past[middle];
                if (_oldest(seen) > epoch) high = middle;
                else (low, slot) = (middle + 1, seen);
            }
        }
        return _unpack(_since(slot) > epoch ? slot >> LOCK : slot);
    }

    function _unpack(uint256 lock) private pure returns (uint256 amount, uint256 end) {
        return (uint96(lock), _since(lock) + (lock >> 112 & 0x7f));
    }

    function _since(uint256 lock) private pure returns (uint256) {
        return uint16(lock >> 96);
    }

    /// @return since Of the older of a slot's two locks, or of its only one.
    function _oldest(uint256 slot) private pure returns (uint256 since) {
        since = _since(slot >> LOCK);
        if (since == 0) since = _since(slot);
    }
}
