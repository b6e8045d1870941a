// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Prices
/// @notice A falling price, and the median of what was paid. `sdk/protocol/emission.ts` has the same.
library Prices {
    /// @dev Of prices that are remembered.
    uint256 internal constant MEMORY = 8;

    /// @notice The last `MEMORY` prices, in a ring.
    /// @param count Ever pushed.
    struct Ring {
        uint128[MEMORY] prices;
        uint256 count;
    }

    /// @notice `start` after `elapsed` seconds: half of it after each `halving`, falling evenly within.
    /// @return At least 1.
    function falling(uint256 start, uint256 elapsed, uint256 halving) internal pure returns (uint256) {
        uint256 price = start >> (elapsed / halving);
        price -= price * (elapsed % halving) / (2 * halving);
        return price == 0 ? 1 : price;
    }

    function push(Ring storage ring, uint256 price) internal {
        uint256 count = ring.count;
        ring.prices[count % MEMORY] = price > type(uint128).max ? type(uint128).max : uint128(price);
        ring.count = count + 1;
    }

    /// @notice The lower of the middle ones.
    function median(Ring storage ring) internal view returns (uint256) {
        uint256 known = ring.count < MEMORY ? ring.count : MEMORY;
        uint128[MEMORY] memory sorted = ring.prices;
        for (uint256 i = 1; i < known; i++) {
            uint128 price = sorted[i];
            uint256 at = i;
            for (; at != 0 && sorted[at - 1] > price; at--) {
                sorted[at] = sorted[at - 1];
            }
            sorted[at] = price;
        }
        return known == 0 ? 0 : sorted[(known - 1) / 2];
    }
}
