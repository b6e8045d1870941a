// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Base} from "./Base.sol";

interface Splitting {
    function split(string calldata text, string calldata by) external pure returns (string[] memory);
}

/// @dev What an artifact says of itself: its functions, who may write, the opcodes of its code.
abstract contract Abis is Base {
    struct Opcodes {
        /// CALLCODE, SELFDESTRUCT, ORIGIN.
        uint256 forbidden;
        /// DELEGATECALL.
        uint256 delegating;
    }

    bytes4 internal constant UNAUTHORIZED = bytes4(keccak256("AccessManagedUnauthorized(address)"));

    /// @dev Of a text with a space between; none of an empty one.
    function _words(string memory text) internal pure returns (string[] memory) {
        if (bytes(text).length == 0) return new string[](0);
        return Splitting(address(vm)).split(text, " ");
    }

    /// @dev Opcode by opcode, push data skipped, and so is what no jump can reach: the constants behind the code.
    function _opcodes(string memory name) internal view returns (Opcodes memory found) {
        bytes memory code = vm.getDeployedCode(name);
        vm.assertGt(code.length, 1_000, name);
        bool reachable = true;
        for (uint256 at; at < code.length; at++) {
            uint8 opcode = uint8(code[at]);
            if (opcode == 0x5b) reachable = true;
            if (reachable && (opcode == 0x32 || opcode == 0xf2 || opcode == 0xff)) found.forbidden++;
            if (reachable && opcode == 0xf4) found.delegating++;
            // STOP, JUMP, RETURN, REVERT, INVALID, SELFDESTRUCT: only a JUMPDEST begins anew.
            bool ends = opcode == 0x00 || opcode == 0x56 || opcode == 0xf3 || opcode >= 0xfd;
            if (ends) reachable = false;
            if (opcode >= 0x60 && opcode <= 0x7f) at += opcode - 0x5f;
        }
    }

    /// @dev What the artifact's ABI calls payable, but for one function.
    function _payables(string memory artifact, string memory except) internal view returns (uint256 count) {
        string memory json = vm.readFile(artifact);
        vm.assertFalse(vm.keyExistsJson(json, ".methodIdentifiers['multicall(bytes[])']"), artifact);
        for (uint256 i; vm.keyExistsJson(json, _abi(i, "")); i++) {
            if (!vm.keyExistsJson(json, _abi(i, ".stateMutability"))) continue;
            if (!_same(vm.parseJsonString(json, _abi(i, ".stateMutability")), "payable")) continue;
            bool named = vm.keyExistsJson(json, _abi(i, ".name"));
            if (!named || !_same(vm.parseJsonString(json, _abi(i, ".name")), except)) count++;
        }
    }

    /// @dev Every function of the artifact that is not a view is on exactly one of the lists, and every name is a function.
    function _onlyThese(string memory artifact, string[] memory open, string[] memory privileged) internal view {
        string memory json = vm.readFile(artifact);
        string[] memory functions = vm.parseJsonKeys(json, ".methodIdentifiers");
        uint256 writing;
        for (uint256 i; i < functions.length; i++) {
            if (_isView(json, functions[i])) continue;
            writing++;
            vm.assertTrue(_has(open, functions[i]) != _has(privileged, functions[i]), functions[i]);
        }
        vm.assertEq(writing, open.length + privileged.length, "every name is a function");
    }

    /// @dev By name: no contract of ours overloads a view with a function that writes.
    function _isView(string memory json, string memory signature) private view returns (bool) {
        for (uint256 i; vm.keyExistsJson(json, _abi(i, "")); i++) {
            if (!vm.keyExistsJson(json, _abi(i, ".stateMutability"))) continue;
            if (!vm.keyExistsJson(json, _abi(i, ".name"))) continue;
            if (!_startsWith(signature, string.concat(vm.parseJsonString(json, _abi(i, ".name")), "("))) continue;
            bytes32 mutability = keccak256(bytes(vm.parseJsonString(json, _abi(i, ".stateMutability"))));
            return mutability == keccak256("view") || mutability == keccak256("pure");
        }
        return false;
    }

    function _abi(uint256 i, string memory field) private pure returns (string memory) {
        return string.concat(".abi[", vm.toString(i), "]", field);
    }

    function _startsWith(string memory text, string memory start) private pure returns (bool) {
        if (bytes(text).length < bytes(start).length) return false;
        for (uint256 i; i < bytes(start).length; i++) {
            if (bytes(text)[i] != bytes(start)[i]) return false;
        }
        return true;
    }

    function _has(string[] memory list, string memory word) private pure returns (bool) {
        for (uint256 i; i < list.length; i++) {
            if (_same(list[i], word)) return true;
        }
        return false;
    }

    function _refuses(address target, address caller, bytes memory call) internal {
        vm.expectRevert(abi.encodeWithSelector(UNAUTHORIZED, caller));
        vm.prank(caller);
        (bool ok,) = target.call(call);
        vm.assertTrue(ok, "expectRevert turned the revert into success");
    }

    function _same(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
