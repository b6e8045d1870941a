// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title WalletAuthorization
/// @notice EIP-3009 with a signature of any length, as stablecoins that serve ERC-1271 wallets have it.
interface IWalletAuthorization {
    /// @notice Moves `value` to `to`, which must be the caller, by the signature of `from`: a key or a wallet contract.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}
