// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// @title AuthorizedToken
/// @notice An ERC-20 that moves by signature: ERC-2612 permits and EIP-3009 authorisations, both from OpenZeppelin.
abstract contract AuthorizedToken is ERC20Permit, ERC3009 {
    constructor(string memory name, string memory symbol) ERC20(name, symbol) ERC20Permit(name) {}

    /// @dev EIP-3009 knows seconds only. OpenZeppelin also reads block numbers when bit 47 of both bounds is set, which
    ///      would make valid what the standard calls not yet valid: that reading is dropped here.
    function _checkValidity(uint256 validAfter, uint256 validBefore) internal view override {
        if (block.timestamp <= validAfter || block.timestamp >= validBefore) {
            revert ERC3009InvalidAuthorizationTime(validAfter, validBefore);
        }
    }
}
