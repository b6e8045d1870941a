// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Signed} from "./Signed.sol";

/// @dev A market with stakes. Nodes 1 and up are this contract's from `_openSigned`; `NODE` is the first of `OWNER`'s.
abstract contract Stakes is Signed {
    uint64 internal constant SLASHER_ROLE = 3;
    uint256 internal constant UNIT = 1e18;
    address internal constant SLASHER = address(0x51A5);
    address internal constant OWNER = address(0x0E0E);
    address internal constant REPORTER = address(0x4E4E);
    address internal constant VICTIM = address(0x71C7);

    INodeStaking internal staking;
    uint32 internal NODE;

    function _openStakes() internal {
        _openSigned();
        staking = INodeStaking(
            vm.deployCode("NodeStaking.sol:NodeStaking", abi.encode(heu, registry, address(authority)))
        );
        _letSlash(SLASHER);
        NODE = _newNode(OWNER, 0x51610);
        heu.approve(address(staking), type(uint256).max);
    }

    function _letSlash(address slasher) internal {
        bytes4[] memory slashing = new bytes4[](3);
        slashing[0] = INodeStaking.freeze.selector;
        slashing[1] = INodeStaking.release.selector;
        slashing[2] = INodeStaking.slash.selector;
        _byAdmin(abi.encodeCall(authority.setTargetFunctionRole, (address(staking), slashing, SLASHER_ROLE)));
        _byAdmin(abi.encodeCall(authority.grantRole, (SLASHER_ROLE, slasher, 0)));
    }

    /// @dev Through the admin's own delay.
    function _byAdmin(bytes memory call) internal {
        vm.prank(ADMIN);
        authority.schedule(address(authority), call, 0);
        vm.warp(block.timestamp + UPGRADE_DELAY);
        vm.prank(ADMIN);
        authority.execute(address(authority), call);
    }

    function _newNode(address owner, uint256 signerKey) internal returns (uint32) {
        vm.prank(owner);
        return registry.registerNode(vm.addr(signerKey), owner, "");
    }

    function _unbond(uint32 node, uint256 amount) internal {
        vm.prank(registry.ownerOf(Role.Node, node));
        staking.requestUnbond(node, amount);
    }

    function _withdraw(uint32 node) internal returns (uint256) {
        vm.prank(registry.ownerOf(Role.Node, node));
        return staking.withdraw(node, OWNER);
    }

    function _slash(uint32 node, uint256 amount) internal {
        vm.prank(SLASHER);
        staking.slash(node, amount, address(0), 0, address(0), 0);
    }

    function _freeze(uint32 node, uint256 amount) internal {
        vm.prank(SLASHER);
        staking.freeze(node, amount);
    }

    function _release(uint32 node, uint256 amount) internal {
        vm.prank(SLASHER);
        staking.release(node, amount);
    }

    function _total(uint32 node) internal view returns (uint256) {
        INodeStaking.Stake memory held = staking.stakeOf(node);
        return uint256(held.active) + held.unbonding;
    }

    function _nextEpoch() internal returns (uint32 epoch) {
        epoch = Epochs.current() + 1;
        vm.warp(Epochs.startOf(epoch));
    }

    function _holds(uint32 node, uint256 active, uint256 unbonding) internal view {
        INodeStaking.Stake memory held = staking.stakeOf(node);
        vm.assertEq(held.active, active, "active");
        vm.assertEq(held.unbonding, unbonding, "unbonding");
    }
}
