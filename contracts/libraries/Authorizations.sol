// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IWalletAuthorization} from "../interfaces/IWalletAuthorization.sol";

/// @title Authorizations
/// @notice Draws money by EIP-3009, from keys and from ERC-1271 wallets.
library Authorizations {
    /// @dev Gas. The token's own work and, inside it, the wallet's.
    uint256 internal constant TOKEN_GAS = 400_000;

    error BadAuthorization(uint256 length);

    /// @notice Has `asset` move `amount` from `from` to this contract. Only the contract that is paid may present it, so
    ///         nobody who sees the authorisation can take it elsewhere.
    function draw(
        IERC20 asset,
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) internal {
        if (from.code.length != 0) {
            IWalletAuthorization(address(asset)).receiveWithAuthorization{gas: TOKEN_GAS}(
                from, address(this), amount, validAfter, validBefore, nonce, signature
            );
            return;
        }
        if (signature.length != 65) revert BadAuthorization(signature.length);
        (bytes32 r, bytes32 s, uint8 v) = (bytes32(signature[:32]), bytes32(signature[32:64]), uint8(signature[64]));
        IERC3009(address(asset)).receiveWithAuthorization(
            from, address(this), amount, validAfter, validBefore, nonce, v, r, s
        );
    }
}
