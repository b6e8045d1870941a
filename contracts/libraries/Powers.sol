// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Powers
/// @notice Sums of locked amounts whose power falls by the epoch: exactly amount * (end - epoch) token-weeks, each.
/// @dev Two numbers are enough for any number of locks, as long as what ends is taken out in time:
///      W(e) = product - e * amount, where product = sum of amount * end over everything with end > e.
///      What ends in an epoch that is over, or is the sums' own, is never changed again: so the sums of any past epoch can
///      be counted up from an older state at any time.
///      Unchecked: amounts add up to at most HEU's supply, below 2^90; ends are below 2^16; and nothing is taken out that was
///      not taken in.
library Powers {
    /// @notice Nothing lasts longer than so many epochs.
    uint32 internal constant MOST_EPOCHS = 104;

    /// @dev A slot keeps them as amount 96 (low) | product 112 | epoch 32 | count 16. A supply below 2^90 and epochs below
    ///      2^16 leave room.
    /// @param amount Wei with power in `epoch`.
    /// @param product Of each amount and its end.
    /// @param epoch The sums are those of this epoch.
    /// @param count How many older states are kept elsewhere; not this library's.
    struct Sums {
        uint256 amount;
        uint256 product;
        uint256 epoch;
        uint256 count;
    }

    /// @dev What ends when: two epochs share a slot, because they are read one after the other.
    struct Ends {
        mapping(uint256 pair => uint256) at;
    }

    function pack(Sums memory sums) internal pure returns (uint256) {
        return sums.amount | sums.product << 96 | sums.epoch << 208 | sums.count << 240;
    }

    function unpack(uint256 slot) internal pure returns (Sums memory sums) {
        sums.amount = uint96(slot);
        sums.product = uint112(slot >> 96);
        sums.epoch = uint32(slot >> 208);
        sums.count = slot >> 240;
    }

    /// @notice Counts the sums up to a later epoch. At most `MOST_EPOCHS` steps, however much later.
    function advance(Sums memory sums, Ends storage ends, uint256 epoch) internal view {
        unchecked {
            uint256 from = sums.epoch;
            (uint256 amount, uint256 product) = (sums.amount, sums.product);
            if (epoch - from >= MOST_EPOCHS) (amount, product) = (0, 0);
            for (uint256 e = from + 1; e <= epoch && amount != 0; e++) {
                uint256 ended = uint128(ends.at[e >> 1] >> _side(e));
                amount -= ended;
                product -= ended * e;
            }
            (sums.amount, sums.product, sums.epoch) = (amount, product, epoch);
        }
    }

    /// @notice Takes a lock in. `end` is later than the sums' epoch.
    function add(Sums memory sums, Ends storage ends, uint256 amount, uint256 end) internal {
        unchecked {
            sums.amount += amount;
            sums.product += amount * end;
            ends.at[end >> 1] += amount << _side(end);
        }
    }

    /// @notice Takes a lock out that was taken in before. Nothing is left of one that has ended.
    function remove(Sums memory sums, Ends storage ends, uint256 amount, uint256 end) internal {
        if (end <= sums.epoch) return;
        unchecked {
            sums.amount -= amount;
            sums.product -= amount * end;
            ends.at[end >> 1] -= amount << _side(end);
        }
    }

    /// @notice Takes the first lock out and the second in.
    function replace(
        Sums memory sums,
        Ends storage ends,
        uint256 oldAmount,
        uint256 oldEnd,
        uint256 amount,
        uint256 end
    ) internal {
        if (oldEnd == end && end > sums.epoch) {
            // Modular: less is added as the complement.
            unchecked {
                add(sums, ends, amount - oldAmount, end);
            }
            return;
        }
        remove(sums, ends, oldAmount, oldEnd);
        if (amount != 0) add(sums, ends, amount, end);
    }

    /// @return Token-weeks of all locks in the sums' epoch.
    function total(Sums memory sums) internal pure returns (uint256) {
        return sums.product - sums.epoch * sums.amount;
    }

    /// @return Token-weeks of one lock in `epoch`.
    function power(uint256 amount, uint256 end, uint256 epoch) internal pure returns (uint256) {
        return epoch < end ? amount * (end - epoch) : 0;
    }

    /// @dev Even epochs have the low half.
    function _side(uint256 epoch) private pure returns (uint256) {
        return (epoch & 1) << 7;
    }
}
