// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Signatures
/// @notice Keys and ERC-1271 wallets, with a limit on what a wallet may spend.
library Signatures {
    /// @dev Gas. A wallet of several owners checks its signatures within it; one that burns more only loses.
    uint256 internal constant WALLET_GAS = 150_000;

    /// @notice Whether `signer` stands behind `signature` of `digest`: a key, or the wallet contract at that address.
    /// @dev The digest must name `signer`: wallets of one owner would accept each other's signatures otherwise.
    function isValid(address signer, bytes32 digest, bytes memory signature) internal view returns (bool) {
        (address recovered,,) = ECDSA.tryRecover(digest, signature);
        if (recovered != address(0) && recovered == signer) return true;
        if (signer.code.length == 0) return false;

        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        (bool answered, bytes memory answer) = signer.staticcall{gas: WALLET_GAS}(question);
        return answered && answer.length >= 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }
}
