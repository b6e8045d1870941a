// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

/// @dev The vectors come from viem alone (`test/vectors/make.ts`): what these tests hold equal is two independent encoders.
contract MessagesTest is Market {
    string private json;
    IComputeLedger private there;

    function setUp() public {
        _open();
        json = vm.readFile("test/vectors/messages.json");
        // The ledger of the vectors: our code at the address that they name. Its domain follows the address.
        there = IComputeLedger(vm.parseJsonAddress(json, ".domain.verifyingContract"));
        vm.etch(address(there), address(ledger).code);
        vm.chainId(vm.parseJsonUint(json, ".domain.chainId"));
    }

    /// @dev External, so that a signature arrives as call data.
    function signerOf(bytes32 digest, bytes calldata signature) external pure returns (address) {
        return Messages.signerOf(digest, signature);
    }

    function test_theDomainSeparatorIsTheVectors() public view {
        vm.assertEq(there.domainSeparator(), vm.parseJsonBytes32(json, ".domain.separator"));
    }

    function test_everyTypeHashIsTheVectors() public view {
        vm.assertEq(Messages.REQUEST_TYPEHASH, _bytes32(".types.Request.hash"));
        vm.assertEq(Messages.VOUCHER_TYPEHASH, _bytes32(".types.Voucher.hash"));
        vm.assertEq(Messages.RECEIPT_TYPEHASH, _bytes32(".types.Receipt.hash"));
        vm.assertEq(Messages.ACK_TYPEHASH, _bytes32(".types.Ack.hash"));
        vm.assertEq(Messages.STATEMENT_TYPEHASH, _bytes32(".types.Statement.hash"));
        vm.assertEq(Messages.OPEN_TYPEHASH, _bytes32(".types.Open.hash"));
    }

    function test_everyStructHashIsTheVectors() public view {
        for (uint256 i; i < _checked("Request"); i++) {
            _same("Request", i, Messages.hash(abi.decode(_abi("Request", i), (Messages.Request))));
        }
        for (uint256 i; i < _checked("Voucher"); i++) {
            Messages.Voucher memory m = abi.decode(_abi("Voucher", i), (Messages.Voucher));
            _same("Voucher", i, Messages.hash(m));
            _same("Voucher", i, Messages.voucherHash(m.router, m.ceiling, m.expiry, m.request));
        }
        for (uint256 i; i < _checked("Receipt"); i++) {
            _same("Receipt", i, Messages.hash(abi.decode(_abi("Receipt", i), (Messages.Receipt))));
        }
        for (uint256 i; i < _checked("Ack"); i++) {
            _same("Ack", i, Messages.hash(abi.decode(_abi("Ack", i), (Messages.Ack))));
        }
        for (uint256 i; i < _checked("Statement"); i++) {
            _same("Statement", i, Messages.hash(abi.decode(_abi("Statement", i), (Messages.Statement))));
        }
        for (uint256 i; i < _checked("Open"); i++) {
            _same("Open", i, Messages.hash(abi.decode(_abi("Open", i), (Messages.Open))));
        }
    }

    function test_61_bothSignatureFormsGiveTheVectorsSigner() public view {
        string[6] memory names = ["Request", "Voucher", "Receipt", "Ack", "Statement", "Open"];
        for (uint256 n; n < names.length; n++) {
            for (uint256 i; i < _checked(names[n]); i++) {
                bytes32 digest = _bytes32(_path(names[n], i, "digest"));
                address signer = vm.parseJsonAddress(json, _path(names[n], i, "signer"));
                vm.assertEq(this.signerOf(digest, vm.parseJsonBytes(json, _path(names[n], i, "signature"))), signer);
                vm.assertEq(this.signerOf(digest, vm.parseJsonBytes(json, _path(names[n], i, "compact"))), signer);
            }
        }
    }

    function test_61_aHighSOrCutSignatureIsNobodys() public view {
        bytes32 digest = _bytes32(_path("Voucher", 2, "digest"));
        bytes memory signature = vm.parseJsonBytes(json, _path("Voucher", 2, "signature"));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        uint8 flipped = uint8(signature[64]) == 27 ? 28 : 27;

        vm.assertEq(this.signerOf(digest, abi.encodePacked(r, n - uint256(s), flipped)), address(0));
        address signer = this.signerOf(digest, signature);
        vm.assertTrue(this.signerOf(digest, abi.encodePacked(r, n - uint256(s))) != signer, "64 bytes hold no high s");
        vm.assertEq(this.signerOf(digest, ""), address(0));
        vm.assertEq(this.signerOf(digest, abi.encodePacked(r, s, flipped, flipped)), address(0));
    }

    function test_everyLeafHashAndProofIsTheVectors() public {
        bytes32 root = _bytes32(".root");
        _settleVectors();

        for (uint256 i; vm.keyExistsJson(json, string.concat(".leaves[", vm.toString(i), "]")); i++) {
            string memory at = string.concat(".leaves[", vm.toString(i), "]");
            Messages.Leaf memory leaf = abi.decode(vm.parseJsonBytes(json, string.concat(at, ".abi")), (Messages.Leaf));
            bytes32[] memory proof = vm.parseJsonBytes32Array(json, string.concat(at, ".proof"));
            vm.assertEq(Messages.hash(leaf), _bytes32(string.concat(at, ".hash")));
            vm.assertEq(there.rootOf(router, 1), root);
            vm.assertTrue(MerkleProof.verify(proof, there.rootOf(router, 1), Messages.hash(leaf)), "the leaf stands under the root");

            vm.assertFalse(MerkleProof.verify(proof, there.rootOf(router, 2), Messages.hash(leaf)), "no batch 2");
            leaf.charged += leaf.charged == type(uint128).max ? 0 : 1;
            leaf.count ^= 1;
            vm.assertFalse(MerkleProof.verify(proof, there.rootOf(router, 1), Messages.hash(leaf)), "another leaf does not");
        }
    }

    function test_thePackedBatchOfTheVectorsSettles() public {
        vm.assertEq(_settleVectors(), _bytes32(".batch.hash"));

        for (uint256 i; i < 3; i++) {
            string memory at = string.concat(".batch.payers[", vm.toString(i), "]");
            address key = vm.parseJsonAddress(json, string.concat(at, ".key"));
            uint256 charge = vm.parseJsonUint(json, string.concat(at, ".charge"));
            vm.assertEq(there.accountOf(router, key).spent, charge);
        }
        vm.assertEq(there.grossOf(router, Role.Node, 1), 9_000);
        vm.assertEq(there.grossOf(router, Role.Node, 7), 6_000);
        vm.assertEq(there.grossOf(router, Role.Pod, 2), 15_000);
        vm.assertEq(there.grossOf(router, Role.Frontend, 0), 5_000);
        vm.assertEq(there.grossOf(router, Role.Frontend, 3), 10_000);
        vm.assertEq(there.routerOf(router).float, 0, "no line was skipped");
    }

    function _settleVectors() private returns (bytes32 batchHash) {
        router = vm.parseJsonAddress(json, ".batch.payers[0].router");
        for (uint256 i; i < 3; i++) {
            address key = vm.parseJsonAddress(json, string.concat(".batch.payers[", vm.toString(i), "].key"));
            dollar.faucet(address(this), 10_000);
            dollar.approve(address(there), 10_000);
            there.deposit(router, key, 10_000);
        }
        vm.prank(address(bonds));
        there.allow(router, true);
        vm.prank(router);
        there.settle(vm.parseJsonBytes(json, ".batch.packed"));
        return there.routerOf(router).batchHash;
    }

    /// @dev Three vectors per message: zeros, the largest values, and ordinary ones.
    function _checked(string memory name) private view returns (uint256) {
        vm.assertTrue(vm.keyExistsJson(json, _path(name, 2, "struct")), name);
        return 3;
    }

    function _same(string memory name, uint256 i, bytes32 hash) private view {
        vm.assertEq(hash, _bytes32(_path(name, i, "struct")), name);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", there.domainSeparator(), hash));
        vm.assertEq(digest, _bytes32(_path(name, i, "digest")), name);
    }

    function _abi(string memory name, uint256 i) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, _path(name, i, "abi"));
    }

    function _bytes32(string memory path) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, path);
    }

    function _path(string memory name, uint256 i, string memory field) private pure returns (string memory) {
        return string.concat(".messages.", name, "[", vm.toString(i), "].", field);
    }
}
