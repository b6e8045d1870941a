// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Abis} from "./Abis.sol";
import {Market} from "./Market.sol";

/// @dev 75 of the protocol's test list: from the ABIs, every function that writes is either open to everybody by design
///      or refused to everybody but its role. A function added later fails here until it is named on one of the lists.
contract PermissionsTest is Market, Abis {
    function setUp() public {
        _open();
    }

    function test_75_theLedgersPrivilegedFunctionsAreTheseAndRefuseEveryOtherRole() public {
        string[] memory open = new string[](15);
        open[0] = "addFloat(address,uint256)";
        open[1] = "cancelThaw(address,address)";
        open[2] = "claim(address,uint8,uint32[])";
        open[3] = "collect(address)";
        open[4] = "deposit(address,address,uint256)";
        open[5] = "depositAndOpen(address,address,uint256,address,bytes)";
        open[6] = "open(address,address,address,bytes)";
        open[7] = "settle(bytes)";
        open[8] = "thaw(address,address,uint256)";
        open[9] = "withdraw(address,address)";
        open[10] = "withdrawFloat(uint256)";
        open[11] = "depositWithAuthorization(address,address,address,bytes32,address,uint256,(uint256,uint256,bytes),bytes)";
        open[12] = "depositWithPermit(address,address,uint256,uint256,uint8,bytes32,bytes32)";
        open[13] =
            "payOnce((address,bytes32,uint32,bytes32,uint32,uint32,uint128,uint40,bytes32),uint40,uint32,uint128,bytes32,(uint256,uint256,bytes))";
        open[14] = "refund(address,uint256,bytes32)";
        string[] memory privileged = new string[](6);
        privileged[0] = "pause()";
        privileged[1] = "unpause()";
        privileged[2] = "setAuthority(address)";
        privileged[3] = "setSplit((uint16,uint16,uint16,uint16))";
        privileged[4] = "advance(address,uint8,uint32,uint256)";
        privileged[5] = "allow(address,bool)";

        _onlyThese("out/ComputeLedger.sol/ComputeLedger.json", open, privileged);

        bytes memory split = abi.encodeWithSignature("setSplit((uint16,uint16,uint16,uint16))", 7_000, 1_000, 1_000, 500);
        address[3] memory others = [address(0xBAD), GUARDIAN, router];
        for (uint256 i; i < others.length; i++) {
            _refuses(address(ledger), others[i], split);
        }
        others[1] = ADMIN;
        for (uint256 i; i < others.length; i++) {
            _refuses(address(ledger), others[i], abi.encodeWithSignature("pause()"));
            _refuses(address(ledger), others[i], abi.encodeWithSignature("unpause()"));
            _refuses(address(ledger), others[i], abi.encodeWithSignature("setAuthority(address)", others[i]));
        }
        _refuses(address(ledger), GUARDIAN, abi.encodeWithSignature("setAuthority(address)", GUARDIAN));
        for (uint256 i; i < 4; i++) {
            address caller = i == 3 ? GUARDIAN : others[i];
            vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotBond.selector, caller));
            vm.prank(caller);
            ledger.advance(router, Role.Node, 1, 1);
            vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotBond.selector, caller));
            vm.prank(caller);
            ledger.allow(caller, true);
        }
    }

    function test_75_theBondHasNoPrivilegedFunction() public view {
        string[] memory open = new string[](9);
        open[0] = "announceExit()";
        open[1] = "burn(address)";
        open[2] = "cancelExit()";
        open[3] = "deposit(address,uint256,uint256)";
        open[4] = "resolveShortfall(address,uint256,uint8,uint32)";
        open[5] = "withdraw()";
        open[6] = "claimShortfall(address,(uint8,uint32,uint128,uint40),bytes)";
        open[7] = 
            "proveOverlap(address,uint8,(uint64,(address,uint128,uint64,bytes32,bytes32,uint32,uint128,uint32,uint128,uint32,uint128),bytes32[],(bytes32,uint32,uint64,uint64,uint64,uint8,uint128,bytes32,bytes32,uint40)),(uint64,(address,uint128,uint64,bytes32,bytes32,uint32,uint128,uint32,uint128,uint32,uint128),bytes32[],(bytes32,uint32,uint64,uint64,uint64,uint8,uint128,bytes32,bytes32,uint40)))";
        open[8] = 
            "proveContradiction(address,(uint64,(address,uint128,uint64,bytes32,bytes32,uint32,uint128,uint32,uint128,uint32,uint128),bytes32[],(bytes32,uint32,uint64,uint64,uint64,uint8,uint128,bytes32,bytes32,uint40)),(address,bytes32,uint32,bytes32,uint32,uint32,uint128,uint40,bytes32))";
        _onlyThese("out/RouterBond.sol/RouterBond.json", open, new string[](0));
    }

    function test_77_theSplitChangesOnlyByItsRoleAndAfterItsDelay() public {
        IComputeLedger.Split memory split = IComputeLedger.Split(6_000, 2_000, 1_000, 500);
        bytes memory call = abi.encodeCall(ledger.setSplit, (split));
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        vm.prank(ADMIN);
        ledger.setSplit(split);
        vm.prank(ADMIN);
        authority.schedule(address(ledger), call, 0);
        vm.warp(block.timestamp + UPGRADE_DELAY - 1);
        vm.expectPartialRevert(IAccessManager.AccessManagerNotReady.selector);
        vm.prank(ADMIN);
        authority.execute(address(ledger), call);
        vm.warp(block.timestamp + 1);
        uint32 epoch = Epochs.current();
        vm.prank(ADMIN);
        authority.execute(address(ledger), call);

        vm.assertEq(ledger.splitIn(epoch).node, NODE_BPS, "this epoch keeps its own");
        vm.assertEq(ledger.splitIn(epoch + 1).node, 6_000, "the next has the new one");
        vm.assertGt(UPGRADE_DELAY, THAW, "a payer can leave before a new rule binds");
    }

    /// @dev 78: opcode by opcode, push data skipped.
    function test_78_noContractThatHoldsMoneyDelegatesDestroysOrAsksForTheOrigin() public view {
        string[4] memory names = [
            "ComputeLedger.sol:ComputeLedger",
            "RouterBond.sol:RouterBond",
            "HEU.sol:HEU",
            "TestDollar.sol:TestDollar"
        ];
        for (uint256 i; i < names.length; i++) {
            Opcodes memory found = _opcodes(names[i]);
            vm.assertEq(found.delegating + found.forbidden, 0, names[i]);
        }
    }

    function test_75_theRegistrysPrivilegedFunctionsAreTheseAndRefuseEveryOtherRole() public {
        string[] memory open = new string[](13);
        open[0] = "acceptOwner(uint8,uint32)";
        open[1] = "deactivate(uint8,uint32)";
        open[2] = "initialize(address)";
        open[3] = "proposeOwner(uint8,uint32,address)";
        open[4] = "publish(uint32,bytes32)";
        open[5] = "reactivate(uint8,uint32)";
        open[6] = "registerFrontend(address,bytes32)";
        open[7] = "registerNode(address,address,bytes32)";
        open[8] = "registerPod(address,bytes32)";
        open[9] = "setMeta(uint8,uint32,bytes32)";
        open[10] = "setPayout(uint8,uint32,address)";
        open[11] = "setPreferred(uint32,uint32[])";
        open[12] = "setSigner(uint32,address)";
        string[] memory privileged = new string[](2);
        privileged[0] = "setAuthority(address)";
        privileged[1] = "upgradeToAndCall(address,bytes)";

        _onlyThese("out/Registry.sol/Registry.json", open, privileged);

        address next = vm.deployCode("Registry.sol:Registry");
        address[3] memory others = [address(0xBAD), GUARDIAN, router];
        for (uint256 i; i < others.length; i++) {
            bytes memory upgrade = abi.encodeWithSignature("upgradeToAndCall(address,bytes)", next, "");
            _refuses(address(registry), others[i], upgrade);
            _refuses(address(registry), others[i], abi.encodeWithSignature("setAuthority(address)", others[i]));
        }
    }

    /// @dev The delay of an upgrade is worth what the admin's own delay is: whoever may give roles at once, or hand the
    ///      contract to another authority, upgrades at once. So the admin's role carries the same delay.
    function test_77_anAdminWithADelayHasNoWayAroundIt() public {
        bytes4[] memory upgrade = new bytes4[](1);
        upgrade[0] = bytes4(keccak256("upgradeToAndCall(address,bytes)"));
        bytes[5] memory ways = [
            abi.encodeCall(authority.setTargetFunctionRole, (address(registry), upgrade, type(uint64).max)),
            abi.encodeCall(authority.grantRole, (ADMIN_ROLE, address(0xBAD), 0)),
            abi.encodeCall(authority.setTargetAdminDelay, (address(registry), 0)),
            abi.encodeCall(authority.updateAuthority, (address(registry), address(0xBAD))),
            abi.encodeCall(authority.setRoleAdmin, (GUARDIAN_ROLE, type(uint64).max))
        ];
        for (uint256 i; i < ways.length; i++) {
            vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
            vm.prank(ADMIN);
            (bool ok,) = address(authority).call(ways[i]);
            vm.assertTrue(ok, "expectRevert turned the revert into success");
        }
    }

    /// @dev 79: no batch of calls into oneself, and nothing that takes the chain's own coin, but for what OpenZeppelin's
    ///      proxy machinery hands on with an upgrade.
    function test_79_nothingTakesValueAndNothingCallsItselfInBatches() public view {
        string[4] memory artifacts = [
            "out/ComputeLedger.sol/ComputeLedger.json",
            "out/RouterBond.sol/RouterBond.json",
            "out/HEU.sol/HEU.json",
            "out/TestDollar.sol/TestDollar.json"
        ];
        for (uint256 i; i < artifacts.length; i++) {
            vm.assertEq(_payables(artifacts[i], ""), 0, artifacts[i]);
        }
    }
}
