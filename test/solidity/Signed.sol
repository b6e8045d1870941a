// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Market} from "./Market.sol";

/// @dev A market whose parties sign: the ledger's messages and the token's EIP-3009 authorisations.
abstract contract Signed is Market {
    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    /// @dev Read once, so that an expected revert is the next call's.
    bytes32 internal domain;
    bytes32 private tokenDomain;

    function _openSigned() internal {
        _open();
        _register(3, 3, 3);
        (domain, tokenDomain) = (ledger.domainSeparator(), dollar.DOMAIN_SEPARATOR());
    }

    function _sign(uint256 key, bytes32 hash) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, hash)));
        return abi.encodePacked(r, s, v);
    }

    /// @dev `key` lets the ledger draw `value` of `from`, under this nonce.
    function _receive(uint256 key, address from, uint256 value, bytes32 nonce)
        internal
        view
        returns (IComputeLedger.Authorization memory)
    {
        bytes32 hash = keccak256(abi.encode(RECEIVE, from, address(ledger), value, 0, type(uint256).max, nonce));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", tokenDomain, hash)));
        return IComputeLedger.Authorization(0, type(uint256).max, abi.encodePacked(r, s, v));
    }

    function _permit(uint256 key, uint256 value) internal view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                vm.addr(key),
                address(ledger),
                value,
                dollar.nonces(vm.addr(key)),
                type(uint256).max
            )
        );
        return vm.sign(key, keccak256(abi.encodePacked(hex"1901", dollar.DOMAIN_SEPARATOR(), hash)));
    }

    function _parts(bytes memory signature) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        (r, s) = abi.decode(signature, (bytes32, bytes32));
        v = uint8(signature[64]);
    }
}
