// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Stakes} from "./Stakes.sol";

/// @dev Real defects of other systems, one test each by its number in the list of peers: those of nodes and of code behind
///      proxies. The ledger's are in `Peers.t.sol`, the bond's in `BondPeers.t.sol`.
contract PeersMoreTest is Stakes {
    function setUp() public {
        _openStakes();
    }

    function test_peer21_aSlashedNodeCountsWithFreshStakeFromTheNextEpochOnly() public {
        staking.stake(NODE, 1_000 * UNIT);
        uint32 epoch = _nextEpoch();
        vm.assertEq(staking.countedIn(NODE, epoch), 1_000 * UNIT, "before");
        uint256 taken = staking.slashableOf(NODE);
        _slash(NODE, taken);
        staking.stake(NODE, taken);

        vm.assertGt(taken, 0, "something was taken");
        vm.assertEq(_total(NODE), 1_000 * UNIT, "it holds as much as before");
        vm.assertEq(staking.countedIn(NODE, epoch), 1_000 * UNIT - taken, "and counts for what is left");
        vm.warp(Epochs.startOf(epoch + 1) - 1);
        vm.assertEq(staking.countedIn(NODE, epoch), 1_000 * UNIT - taken, "to the end of the epoch");
        vm.assertEq(staking.countedIn(NODE, _nextEpoch()), 1_000 * UNIT, "then for all of it");
    }

    function test_peer21_theKeyOfASlashedNodeRegistersNoOther_SignerTaken() public {
        staking.stake(NODE, 1_000 * UNIT);
        _nextEpoch();
        _slash(NODE, staking.slashableOf(NODE));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.SignerTaken.selector, vm.addr(0x51610), NODE));
        vm.prank(OWNER);
        registry.registerNode(vm.addr(0x51610), OWNER, "");
    }

    function test_peer21_whatASlashedNodeWasUnbondingStaysWithinReachToItsEnd() public {
        staking.stake(NODE, 1_000 * UNIT);
        _nextEpoch();
        _unbond(NODE, 1_000 * UNIT);
        _slash(NODE, 100 * UNIT);
        vm.prank(OWNER);
        vm.expectPartialRevert(INodeStaking.StillUnbonding.selector);
        staking.withdraw(NODE, OWNER);
        vm.warp(block.timestamp + 21 days);
        vm.assertEq(_withdraw(NODE), 900 * UNIT, "what was taken never comes back");
    }

    /// @dev OpenZeppelin's `Initializable` keeps the version in this slot; the greatest is the lock.
    function test_peer26_theCodeBehindEveryProxyIsLocked() public {
        bytes32 slot = 0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00;
        bytes memory parts = abi.encode(heu, ledger, registry, address(1), staking, address(2));
        address[4] memory codes = [
            vm.deployCode("Registry.sol:Registry"),
            vm.deployCode("SlashingManager.sol:SlashingManager", abi.encode(ledger, staking)),
            vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, 1e6)),
            vm.deployCode("EmissionController.sol:EmissionController", parts)
        ];
        for (uint256 i; i < codes.length; i++) {
            vm.assertEq(uint256(vm.load(codes[i], slot)), type(uint64).max, "somebody may initialize it");
        }
        vm.assertEq(uint256(vm.load(address(registry), slot)), 1, "while a proxy has had its one turn");
    }
}
