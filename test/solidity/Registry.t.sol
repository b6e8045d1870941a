// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

contract RegistryTest is Market {
    address internal constant SIGNER = address(0x5161);
    address internal constant PAYOUT = address(0x9A1);
    address internal constant HEIR = address(0x4E12);
    address internal constant STRANGER = address(0x57A);
    bytes32 internal constant META = keccak256("meta");

    function setUp() public {
        _open();
    }

    function test_idsCountUpFromOnePerRole() public {
        vm.assertEq(registry.registerNode(SIGNER, PAYOUT, META), 1);
        vm.assertEq(registry.registerPod(PAYOUT, META), 1);
        vm.assertEq(registry.registerFrontend(PAYOUT, META), 1);
        vm.assertEq(registry.registerNode(address(0x5162), PAYOUT, META), 2);

        vm.assertEq(registry.countOf(Role.Node), 2);
        vm.assertEq(registry.ownerOf(Role.Node, 2), address(this));
        vm.assertEq(registry.payoutOf(Role.Pod, 1), PAYOUT);
        vm.assertEq(registry.entryOf(Role.Frontend, 1).meta, META);
        vm.assertEq(registry.nodeOf(SIGNER), 1);
    }

    function test_nothingIsRegisteredForNobody_ZeroAddress() public {
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        registry.registerNode(address(0), PAYOUT, META);
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        registry.registerNode(SIGNER, address(0), META);
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        registry.registerFrontend(address(0), META);
    }

    function test_aPodHasAManifest_ZeroManifest() public {
        vm.expectRevert(IRegistry.ZeroManifest.selector);
        registry.registerPod(PAYOUT, bytes32(0));
        registry.registerPod(PAYOUT, META);
        vm.expectRevert(IRegistry.ZeroManifest.selector);
        registry.publish(1, bytes32(0));
    }

    function test_everyVersionEverPublishedStaysValid_AlreadyPublished() public {
        registry.registerPod(PAYOUT, META);
        bytes32 next = keccak256("1.1.0");
        registry.publish(1, next);

        vm.assertTrue(registry.isVersion(1, META), "the first");
        vm.assertTrue(registry.isVersion(1, next), "the second");
        vm.assertFalse(registry.isVersion(2, next), "of another pod");
        vm.assertEq(registry.latestOf(1), next);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyPublished.selector, 1, META));
        registry.publish(1, META);
    }

    function test_aPodsMetaIsItsManifest_PublishInstead() public {
        registry.registerPod(PAYOUT, META);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.PublishInstead.selector, 1));
        registry.setMeta(Role.Pod, 1, keccak256("x"));
    }

    // ------------------------------------------------------------------------------------------- signers

    function test_aSignerSignsForOneNodeForGood_SignerTaken() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.SignerTaken.selector, SIGNER, 1));
        registry.registerNode(SIGNER, PAYOUT, META);
        registry.setSigner(1, address(0x5162));

        vm.assertEq(registry.signerOf(1), address(0x5162));
        vm.assertEq(registry.nodeOf(SIGNER), 0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.SignerTaken.selector, SIGNER, 1));
        registry.setSigner(1, SIGNER);
    }

    function test_aReplacedSignerStaysEvidenceFor21Days() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        uint40 signedAt = uint40(block.timestamp);
        vm.warp(block.timestamp + 1 days);
        registry.setSigner(1, address(0x5162));
        uint256 replaced = block.timestamp;

        vm.assertTrue(registry.wasSigner(1, SIGNER, signedAt), "while it signed");
        vm.assertFalse(registry.wasSigner(1, SIGNER, uint40(replaced + 1)), "not after its replacement");
        vm.assertFalse(registry.wasSigner(1, SIGNER, signedAt - 1), "not before its life");
        vm.warp(replaced + registry.EVIDENCE_SECONDS());
        vm.assertTrue(registry.wasSigner(1, SIGNER, signedAt), "in the last second");
        vm.warp(replaced + registry.EVIDENCE_SECONDS() + 1);
        vm.assertFalse(registry.wasSigner(1, SIGNER, signedAt), "21 days are over");
        vm.assertEq(registry.EVIDENCE_SECONDS(), 21 days);
    }

    // -------------------------------------------------------------------------------------------- owners

    function test_onlyTheOwnerChangesAnEntry_NotOwner() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        registry.registerPod(PAYOUT, META);
        registry.registerFrontend(PAYOUT, META);
        bytes memory refused = abi.encodeWithSelector(IRegistry.NotOwner.selector, STRANGER, address(this));

        vm.startPrank(STRANGER);
        vm.expectRevert(refused);
        registry.setPayout(Role.Node, 1, STRANGER);
        vm.expectRevert(refused);
        registry.setSigner(1, STRANGER);
        vm.expectRevert(refused);
        registry.setMeta(Role.Node, 1, META);
        vm.expectRevert(refused);
        registry.publish(1, keccak256("x"));
        vm.expectRevert(refused);
        registry.setPreferred(1, new uint32[](0));
        vm.expectRevert(refused);
        registry.proposeOwner(Role.Node, 1, STRANGER);
        vm.expectRevert(refused);
        registry.deactivate(Role.Node, 1);
        vm.expectRevert(refused);
        registry.reactivate(Role.Node, 1);
        vm.stopPrank();
    }

    function test_ownershipMovesInTwoSteps_NotHeir() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        registry.proposeOwner(Role.Node, 1, HEIR);
        vm.assertEq(registry.ownerOf(Role.Node, 1), address(this));

        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotHeir.selector, STRANGER, HEIR));
        registry.acceptOwner(Role.Node, 1);
        vm.prank(HEIR);
        registry.acceptOwner(Role.Node, 1);
        vm.assertEq(registry.ownerOf(Role.Node, 1), HEIR);
        vm.assertEq(registry.payoutOf(Role.Node, 1), PAYOUT);
    }

    function test_anOfferCanBeWithdrawn_NotHeir() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        registry.proposeOwner(Role.Node, 1, HEIR);
        registry.proposeOwner(Role.Node, 1, address(0));

        vm.prank(HEIR);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotHeir.selector, HEIR, address(0)));
        registry.acceptOwner(Role.Node, 1);
    }

    function test_whatIsNotThere_UnknownId() public {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownId.selector, Role.Node, 7));
        registry.setPayout(Role.Node, 7, PAYOUT);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownId.selector, Role.Pod, 7));
        registry.publish(7, META);
        vm.assertEq(registry.payoutOf(Role.Node, 7), address(0));
        vm.assertEq(registry.signerOf(7), address(0));
    }

    // ------------------------------------------------------------------------------------------- activity

    function test_deactivationCountsFromTheNextEpoch_AlreadyInactive() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        uint32 epoch = uint32(block.timestamp / 604_800);
        registry.deactivate(Role.Node, 1);

        vm.assertTrue(registry.isActiveIn(Role.Node, 1, epoch), "this epoch");
        vm.assertFalse(registry.isActiveIn(Role.Node, 1, epoch + 1), "the next");
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyInactive.selector, Role.Node, 1, epoch + 1));
        registry.deactivate(Role.Node, 1);
    }

    function test_aDeactivationIsUndoneOrReturnsNextEpoch_AlreadyActive() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyActive.selector, Role.Node, 1));
        registry.reactivate(Role.Node, 1);

        registry.deactivate(Role.Node, 1);
        registry.reactivate(Role.Node, 1);
        uint32 epoch = uint32(block.timestamp / 604_800);
        vm.assertTrue(registry.isActiveIn(Role.Node, 1, epoch + 1), "undone at once");

        registry.deactivate(Role.Node, 1);
        vm.warp(block.timestamp + 604_800);
        registry.reactivate(Role.Node, 1);
        vm.assertFalse(registry.isActiveIn(Role.Node, 1, epoch + 1), "out in this epoch");
        vm.assertTrue(registry.isActiveIn(Role.Node, 1, epoch + 2), "back in the next");
    }

    function test_preferredNodesAreABoundedList_TooManyPreferred() public {
        registry.registerFrontend(PAYOUT, META);
        registry.registerNode(SIGNER, PAYOUT, META);
        uint256 most = registry.MOST_PREFERRED();
        uint32[] memory nodes = new uint32[](1);
        nodes[0] = 1;
        registry.setPreferred(1, nodes);
        vm.assertEq(registry.preferredOf(1)[0], 1);

        uint32[] memory many = new uint32[](most + 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.TooManyPreferred.selector, most + 1, most));
        registry.setPreferred(1, many);
    }

    // ---------------------------------------------------------------------------------------- 75, 76: upgrade

    function test_76_theImplementationAndTheProxyCannotBeInitializedAgain_InvalidInitialization() public {
        address implementation = vm.deployCode("Registry.sol:Registry");
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        Initializer(implementation).initialize(address(authority));
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        Initializer(address(registry)).initialize(address(authority));
    }

    function test_75_nobodyElseUpgrades_AccessManagedUnauthorized() public {
        address implementation = vm.deployCode("Registry.sol:Registry");
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this)));
        UUPSUpgradeable(address(registry)).upgradeToAndCall(implementation, "");
    }

    function test_77_anUpgradeWaitsItsDelayAndKeepsTheStorage() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        address implementation = vm.deployCode("Registry.sol:Registry");
        bytes memory call = abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (implementation, ""));
        vm.startPrank(ADMIN);
        authority.schedule(address(registry), call, uint48(block.timestamp + UPGRADE_DELAY));
        vm.expectRevert();
        UUPSUpgradeable(address(registry)).upgradeToAndCall(implementation, "");
        vm.warp(block.timestamp + UPGRADE_DELAY);
        UUPSUpgradeable(address(registry)).upgradeToAndCall(implementation, "");
        vm.stopPrank();

        vm.assertEq(registry.signerOf(1), SIGNER);
        vm.assertEq(registry.payoutOf(Role.Node, 1), PAYOUT);
    }
}

interface Initializer {
    function initialize(address authority) external;
}
