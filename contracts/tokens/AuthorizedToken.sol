// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {IWalletAuthorization} from "../interfaces/IWalletAuthorization.sol";
import {Signatures} from "../libraries/Signatures.sol";

/// @title AuthorizedToken
/// @notice An ERC-20 that moves by signature: ERC-2612 permits and EIP-3009 authorisations, both from OpenZeppelin, and
///         the form of the latter that wallet contracts can sign.
abstract contract AuthorizedToken is ERC20Permit, ERC3009, IWalletAuthorization {
    constructor(string memory name, string memory symbol) ERC20(name, symbol) ERC20Permit(name) {}

    /// @inheritdoc IWalletAuthorization
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce))
        );
        if (!Signatures.isValid(from, digest, signature)) revert ERC3009InvalidSignature();
        if (to != msg.sender) revert ERC20InvalidReceiver(to);
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce);
    }

    /// @dev EIP-3009 knows seconds only. OpenZeppelin also reads block numbers when bit 47 of both bounds is set, which
    ///      would make valid what the standard calls not yet valid: that reading is dropped here.
    function _checkValidity(uint256 validAfter, uint256 validBefore) internal view override {
        if (block.timestamp <= validAfter || block.timestamp >= validBefore) {
            revert ERC3009InvalidAuthorizationTime(validAfter, validBefore);
        }
    }
}
