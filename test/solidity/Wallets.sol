// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";

/// @dev ERC-1271 wallets, good and bad: what each answers is its name.
contract GoodWallet is IERC1271 {
    address private immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        return signer == owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    function call(address target, bytes calldata data) external {
        Address.functionCall(target, data);
    }
}

contract RevertingWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        revert("no");
    }
}

contract ShortWallet {
    fallback() external {
        assembly ("memory-safe") {
            mstore(0, 0x1626ba7e00000000000000000000000000000000000000000000000000000000)
            return(0, 4)
        }
    }
}

contract BurningWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        for (uint256 i;; i++) {
            keccak256(abi.encode(i));
        }
        return 0;
    }
}

/// @dev Answers with as much memory as its gas buys.
contract BombWallet {
    fallback() external {
        assembly ("memory-safe") {
            return(0, 30000)
        }
    }
}

/// @dev Tries to use the ledger while it is asked; the question is static, so every write of it fails.
contract ReenteringWallet is IERC1271 {
    IComputeLedger private immutable ledger;
    address private immutable router;

    constructor(IComputeLedger ledger_, address router_) {
        (ledger, router) = (ledger_, router_);
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        (bool done,) =
            address(ledger).staticcall(abi.encodeCall(IComputeLedger.deposit, (router, address(this), 1)));
        return done ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @dev Says yes or no as it is set: between the check and the use nothing can change it.
contract FlippingWallet is IERC1271 {
    bool public yes = true;

    function flip() external {
        yes = !yes;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return yes ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
