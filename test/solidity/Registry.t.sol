// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

contract RegistryTest is Market {
    address private constant OWNER = address(0x0E);
    address private constant STRANGER = address(0xBAD);
    address private constant SIGNER = address(0x51);
    address private constant SECOND = address(0x52);
    address private constant PAYOUT = address(0xA7);
    bytes32 private constant META = keccak256("meta");
    uint256 private constant WEEK = 604_800;
    // START lies inside this epoch.
    uint32 private constant EPOCH = uint32(START / WEEK);

    function setUp() public {
        _open();
    }

    // ------------------------------------------------------------------------------------------ registration

    function test_idsCountUpFromOnePerRole() public {
        vm.assertEq(registry.registerNode(SIGNER, PAYOUT, META), 1);
        vm.assertEq(registry.registerNode(SECOND, PAYOUT, META), 2);
        vm.assertEq(registry.registerPod(PAYOUT, META), 1);
        vm.assertEq(registry.registerFrontend(PAYOUT, META), 1);

        vm.assertEq(registry.countOf(Role.Node), 2);
        vm.assertEq(registry.countOf(Role.Pod), 1);
        vm.assertEq(registry.countOf(Role.Frontend), 1);
        vm.assertEq(registry.countOf(Role.Voters), 0);
    }

    function test_aFreshKeyRegistersWithoutPermissionAndCountsAtOnce() public {
        vm.prank(OWNER);
        uint32 node = registry.registerNode(SIGNER, PAYOUT, META);

        IRegistry.Entry memory entry = registry.entryOf(Role.Node, node);
        vm.assertEq(entry.owner, OWNER);
        vm.assertEq(entry.payout, PAYOUT);
        vm.assertEq(entry.meta, META);
        vm.assertEq(entry.heir, address(0));
        vm.assertEq(entry.activeFrom, EPOCH);
        vm.assertEq(entry.inactiveFrom, 0);
        vm.assertEq(registry.signerOf(node), SIGNER);
        vm.assertEq(registry.nodeOf(SIGNER), node);
        vm.assertTrue(registry.isActiveIn(Role.Node, node, EPOCH), "active");
    }

    function test_ZeroAddress_isNoPayoutSignerOrAuthority() public {
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        registry.registerNode(SIGNER, address(0), META);
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        registry.registerNode(address(0), PAYOUT, META);
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        registry.registerPod(address(0), META);
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        registry.registerFrontend(address(0), META);
        uint32 pod = registry.registerPod(PAYOUT, META);
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        registry.setPayout(Role.Pod, pod, address(0));

        address implementation = vm.deployCode("Registry.sol:Registry");
        bytes memory initialize = abi.encodeWithSignature("initialize(address)", address(0));
        vm.expectRevert(IRegistry.ZeroAddress.selector);
        vm.deployCode("UpgradeableProxy.sol:UpgradeableProxy", abi.encode(implementation, initialize));
    }

    // ---------------------------------------------------------------------------------------------- signers

    function test_SignerTaken_byALiveNode() public {
        registry.registerNode(SIGNER, PAYOUT, META);

        vm.expectRevert(abi.encodeWithSelector(IRegistry.SignerTaken.selector, SIGNER, 1));
        registry.registerNode(SIGNER, PAYOUT, META);
    }

    function test_SignerTaken_forGoodOnceReplaced() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        registry.setSigner(1, SECOND);

        vm.expectRevert(abi.encodeWithSelector(IRegistry.SignerTaken.selector, SIGNER, 1));
        registry.registerNode(SIGNER, PAYOUT, META);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.SignerTaken.selector, SIGNER, 1));
        registry.setSigner(1, SIGNER);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.SignerTaken.selector, SECOND, 1));
        registry.setSigner(1, SECOND);
    }

    function test_aReplacedSignerSignsNoMoreButStaysEvidenceFor21Days() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        uint40 replaced = uint40(START + 1 days);
        vm.warp(replaced);
        registry.setSigner(1, SECOND);

        vm.assertEq(registry.nodeOf(SIGNER), 0);
        vm.assertEq(registry.signerOf(1), SECOND);
        vm.assertEq(registry.signerLife(SIGNER).until, replaced);
        vm.assertTrue(registry.wasSigner(1, SIGNER, uint40(START)), "from its first second");
        vm.assertTrue(registry.wasSigner(1, SIGNER, replaced), "to its last");
        vm.assertFalse(registry.wasSigner(1, SIGNER, uint40(START - 1)), "not before");
        vm.assertFalse(registry.wasSigner(1, SIGNER, replaced + 1), "not after");
        vm.assertFalse(registry.wasSigner(1, SECOND, replaced - 1), "its heir not before its own");
        vm.assertTrue(registry.wasSigner(1, SECOND, replaced), "its heir from its own");
        vm.assertFalse(registry.wasSigner(2, SIGNER, replaced), "of its own node only");
        vm.assertFalse(registry.wasSigner(0, STRANGER, replaced), "a stranger is nobody's");

        vm.warp(uint256(replaced) + 21 days);
        vm.assertTrue(registry.wasSigner(1, SIGNER, replaced), "on the 21st day");
        vm.warp(uint256(replaced) + 21 days + 1);
        vm.assertFalse(registry.wasSigner(1, SIGNER, replaced), "no longer");
        vm.assertTrue(registry.wasSigner(1, SECOND, replaced), "a live signer for as long as it lives");
        vm.assertEq(registry.EVIDENCE_SECONDS(), 21 days);
    }

    /// @dev One key, one node, both ways, whatever is registered and rotated.
    function testFuzz_aLiveSignerAndItsNodeNameEachOther(uint8[24] memory acts) public {
        for (uint256 i; i < acts.length; i++) {
            address signer = address(uint160(0x9000 + acts[i] / 16));
            uint32 nodes = registry.countOf(Role.Node);
            bool taken = registry.signerLife(signer).node != 0;
            if (taken) vm.expectPartialRevert(IRegistry.SignerTaken.selector);
            if (acts[i] % 2 == 0 || nodes == 0) registry.registerNode(signer, PAYOUT, META);
            else registry.setSigner(uint32(1 + acts[i] % nodes), signer);
        }

        uint32 count = registry.countOf(Role.Node);
        vm.assertGt(count, 0, "something was registered");
        for (uint32 node = 1; node <= count; node++) {
            vm.assertEq(registry.nodeOf(registry.signerOf(node)), node);
        }
    }

    // ----------------------------------------------------------------------------------------------- owners

    function test_NotOwner_changesNothing() public {
        vm.startPrank(OWNER);
        registry.registerNode(SIGNER, PAYOUT, META);
        registry.registerPod(PAYOUT, META);
        registry.registerFrontend(PAYOUT, META);
        vm.stopPrank();

        vm.startPrank(STRANGER);
        bytes memory refusal = abi.encodeWithSelector(IRegistry.NotOwner.selector, STRANGER, OWNER);
        vm.expectRevert(refusal);
        registry.setSigner(1, SECOND);
        vm.expectRevert(refusal);
        registry.setPayout(Role.Pod, 1, STRANGER);
        vm.expectRevert(refusal);
        registry.setMeta(Role.Node, 1, 0);
        vm.expectRevert(refusal);
        registry.publish(1, keccak256("evil"));
        vm.expectRevert(refusal);
        registry.setPreferred(1, new uint32[](0));
        vm.expectRevert(refusal);
        registry.proposeOwner(Role.Frontend, 1, STRANGER);
        vm.expectRevert(refusal);
        registry.deactivate(Role.Node, 1);
        vm.expectRevert(refusal);
        registry.reactivate(Role.Node, 1);
    }

    function test_UnknownId_isRefusedEverywhere() public {
        bytes memory node = abi.encodeWithSelector(IRegistry.UnknownId.selector, Role.Node, 7);
        vm.expectRevert(node);
        registry.setSigner(7, SECOND);
        vm.expectRevert(node);
        registry.setPayout(Role.Node, 7, PAYOUT);
        vm.expectRevert(node);
        registry.setMeta(Role.Node, 7, META);
        vm.expectRevert(node);
        registry.proposeOwner(Role.Node, 7, OWNER);
        vm.expectRevert(node);
        registry.acceptOwner(Role.Node, 7);
        vm.expectRevert(node);
        registry.deactivate(Role.Node, 7);
        vm.expectRevert(node);
        registry.reactivate(Role.Node, 7);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownId.selector, Role.Pod, 7));
        registry.publish(7, META);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownId.selector, Role.Frontend, 7));
        registry.setPreferred(7, new uint32[](0));
        registry.registerPod(PAYOUT, META);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownId.selector, Role.Voters, 1));
        registry.setPayout(Role.Voters, 1, PAYOUT);
    }

    function test_ownershipMovesInTwoSteps() public {
        registry.registerPod(PAYOUT, META);
        registry.proposeOwner(Role.Pod, 1, OWNER);
        vm.assertEq(registry.ownerOf(Role.Pod, 1), address(this), "the offer moves nothing");

        vm.prank(OWNER);
        registry.acceptOwner(Role.Pod, 1);

        vm.assertEq(registry.ownerOf(Role.Pod, 1), OWNER);
        vm.assertEq(registry.entryOf(Role.Pod, 1).heir, address(0));
        vm.assertEq(registry.payoutOf(Role.Pod, 1), PAYOUT);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotOwner.selector, address(this), OWNER));
        registry.setPayout(Role.Pod, 1, STRANGER);
    }

    function test_NotHeir_acceptsNothing() public {
        registry.registerPod(PAYOUT, META);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotHeir.selector, STRANGER, address(0)));
        registry.acceptOwner(Role.Pod, 1);

        registry.proposeOwner(Role.Pod, 1, OWNER);
        registry.proposeOwner(Role.Pod, 1, address(0));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotHeir.selector, OWNER, address(0)));
        registry.acceptOwner(Role.Pod, 1);
    }

    function test_aNewPayoutHoldsAtOnce() public {
        registry.registerFrontend(PAYOUT, META);

        registry.setPayout(Role.Frontend, 1, SECOND);

        vm.assertEq(registry.payoutOf(Role.Frontend, 1), SECOND);
    }

    // ------------------------------------------------------------------------------------- pods and frontends

    function test_everyVersionEverPublishedStaysValid() public {
        (bytes32 second, bytes32 third) = (keccak256("2"), keccak256("3"));
        registry.registerPod(PAYOUT, META);
        registry.publish(1, second);
        registry.publish(1, third);

        vm.assertEq(registry.latestOf(1), third);
        vm.assertTrue(registry.isVersion(1, META), "first");
        vm.assertTrue(registry.isVersion(1, second), "second");
        vm.assertTrue(registry.isVersion(1, third), "third");
        vm.assertFalse(registry.isVersion(1, keccak256("4")), "never published");
        vm.assertFalse(registry.isVersion(2, META), "another pod's");
        vm.assertEq(registry.latestOf(2), 0);
    }

    function test_AlreadyPublished() public {
        registry.registerPod(PAYOUT, META);

        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyPublished.selector, 1, META));
        registry.publish(1, META);
    }

    function test_ZeroManifest() public {
        vm.expectRevert(IRegistry.ZeroManifest.selector);
        registry.registerPod(PAYOUT, 0);
        registry.registerPod(PAYOUT, META);
        vm.expectRevert(IRegistry.ZeroManifest.selector);
        registry.publish(1, 0);
    }

    function test_PublishInstead() public {
        registry.registerPod(PAYOUT, META);

        vm.expectRevert(abi.encodeWithSelector(IRegistry.PublishInstead.selector, 1));
        registry.setMeta(Role.Pod, 1, keccak256("sneaky"));
    }

    function test_metaOfNodesAndFrontendsChanges() public {
        registry.registerNode(SIGNER, PAYOUT, META);
        registry.setMeta(Role.Node, 1, keccak256("new"));

        vm.assertEq(registry.entryOf(Role.Node, 1).meta, keccak256("new"));
    }

    function test_preferredNodesKeepTheirOrder() public {
        _register(3, 0, 1);
        uint32[] memory nodes = new uint32[](2);
        (nodes[0], nodes[1]) = (3, 1);
        registry.setPreferred(1, nodes);

        uint32[] memory found = registry.preferredOf(1);
        vm.assertEq(found.length, 2);
        vm.assertEq(found[0], 3);
        vm.assertEq(found[1], 1);
        registry.setPreferred(1, new uint32[](0));
        vm.assertEq(registry.preferredOf(1).length, 0);
    }

    function test_TooManyPreferred() public {
        _register(1, 0, 1);
        uint256 most = registry.MOST_PREFERRED();

        vm.expectRevert(abi.encodeWithSelector(IRegistry.TooManyPreferred.selector, most + 1, most));
        registry.setPreferred(1, new uint32[](most + 1));
    }

    function test_UnknownId_isNoPreferredNode() public {
        _register(1, 0, 1);
        uint32[] memory nodes = new uint32[](1);

        nodes[0] = 2;
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownId.selector, Role.Node, 2));
        registry.setPreferred(1, nodes);
        nodes[0] = 0;
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownId.selector, Role.Node, 0));
        registry.setPreferred(1, nodes);
    }

    // ------------------------------------------------------------------------------------------ the epoch clock

    function test_deactivationHoldsFromTheNextEpochToTheSecond() public {
        _register(1, 0, 0);
        registry.deactivate(Role.Node, 1);

        vm.assertTrue(registry.isActiveIn(Role.Node, 1, EPOCH), "this epoch");
        vm.assertFalse(registry.isActiveIn(Role.Node, 1, EPOCH + 1), "the next");
        vm.assertEq(registry.entryOf(Role.Node, 1).inactiveFrom, EPOCH + 1);

        // The boundary second belongs to the epoch it begins.
        vm.warp(uint256(EPOCH + 1) * WEEK);
        registry.reactivate(Role.Node, 1);
        vm.assertFalse(registry.isActiveIn(Role.Node, 1, EPOCH + 1), "out for this epoch");
        vm.assertTrue(registry.isActiveIn(Role.Node, 1, EPOCH + 2), "back in the next");
    }

    function test_aDeactivationThatHasNotTakenEffectIsUndoneAtOnce() public {
        _register(1, 0, 0);
        registry.deactivate(Role.Node, 1);
        vm.warp(uint256(EPOCH + 1) * WEEK - 1);
        registry.reactivate(Role.Node, 1);

        vm.assertTrue(registry.isActiveIn(Role.Node, 1, EPOCH), "this epoch");
        vm.assertTrue(registry.isActiveIn(Role.Node, 1, EPOCH + 1), "the next");
    }

    function test_AlreadyInactive() public {
        _register(1, 0, 0);
        registry.deactivate(Role.Node, 1);

        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyInactive.selector, Role.Node, 1, EPOCH + 1));
        registry.deactivate(Role.Node, 1);
    }

    function test_AlreadyActive() public {
        _register(1, 0, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyActive.selector, Role.Node, 1));
        registry.reactivate(Role.Node, 1);
    }

    function test_80_noViewRevertsOnAnyId(uint8 role, uint32 id, address key, uint40 at) public {
        _register(1, 1, 1);
        Role asked = Role(role % 4);

        registry.entryOf(asked, id);
        registry.ownerOf(asked, id);
        registry.payoutOf(asked, id);
        registry.isActiveIn(asked, id, uint32(at));
        registry.countOf(asked);
        registry.signerOf(id);
        registry.nodeOf(key);
        registry.signerLife(key);
        registry.wasSigner(id, key, at);
        registry.isVersion(id, bytes32(uint256(at)));
        registry.latestOf(id);
        registry.preferredOf(id);
        vm.assertFalse(id > 1 && registry.ownerOf(asked, id) != address(0), "nobody owns what is not there");
    }

    // ---------------------------------------------------------------------------------------------- upgrades

    function test_77_onlyAnAnnouncedUpgradePassesAfterItsDelay_AccessManagedUnauthorized() public {
        address next = vm.deployCode("Registry.sol:Registry");
        bytes memory call = abi.encodeWithSignature("upgradeToAndCall(address,bytes)", next, "");
        _register(1, 0, 0);

        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER));
        vm.prank(STRANGER);
        _call(call);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, GUARDIAN));
        vm.prank(GUARDIAN);
        _call(call);
        vm.expectRevert();
        vm.prank(ADMIN);
        _call(call);

        vm.prank(ADMIN);
        authority.schedule(address(registry), call, 0);
        vm.warp(START + UPGRADE_DELAY - 1);
        vm.expectRevert();
        vm.prank(ADMIN);
        _call(call);
        vm.warp(START + UPGRADE_DELAY);
        vm.prank(ADMIN);
        _call(call);

        vm.assertEq(_implementation(), next);
        vm.assertEq(registry.payoutOf(Role.Node, 1), _payout(Role.Node, 1), "the entries stay");
        vm.assertEq(IAccessManaged(address(registry)).authority(), address(authority));
    }

    function test_75_anUpgradeThroughTheAuthorityPassesTheSameWay() public {
        address next = vm.deployCode("Registry.sol:Registry");
        bytes memory call = abi.encodeWithSignature("upgradeToAndCall(address,bytes)", next, "");
        vm.prank(ADMIN);
        authority.schedule(address(registry), call, 0);

        vm.warp(START + UPGRADE_DELAY);
        vm.prank(ADMIN);
        authority.execute(address(registry), call);

        vm.assertEq(_implementation(), next);
    }

    function test_75_onlyTheAuthorityHandsTheRegistryOn() public {
        IAccessManaged managed = IAccessManaged(address(registry));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ADMIN));
        vm.prank(ADMIN);
        managed.setAuthority(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, STRANGER));
        vm.prank(address(authority));
        managed.setAuthority(STRANGER);

        address heir = vm.deployCode("Authority.sol:Authority", abi.encode(ADMIN));
        vm.prank(address(authority));
        managed.setAuthority(heir);
        vm.assertEq(managed.authority(), heir);
        vm.assertEq(bytes32(managed.isConsumingScheduledOp()), bytes32(0));
    }

    function test_76_nobodyInitializesTwiceOrTheImplementation_InvalidInitialization() public {
        bytes memory initialize = abi.encodeWithSignature("initialize(address)", STRANGER);
        bytes4 refusal = bytes4(keccak256("InvalidInitialization()"));

        vm.expectRevert(refusal);
        _call(initialize);
        address implementation = _implementation();
        vm.expectRevert(refusal);
        (bool ok,) = implementation.call(initialize);
        vm.assertTrue(ok, "expectRevert turned the revert into success");
    }

    function test_76_theImplementationRefusesToUpgradeItself() public {
        address implementation = _implementation();
        vm.expectRevert(bytes4(keccak256("UUPSUnauthorizedCallContext()")));
        (bool ok,) =
            implementation.call(abi.encodeWithSignature("upgradeToAndCall(address,bytes)", implementation, ""));
        vm.assertTrue(ok, "expectRevert turned the revert into success");
    }

    /// @dev Nothing in ordinary slots, where a proxy or an heir could meet it: Audius 2022.
    function test_76_storageIsNamespaced() public {
        vm.record();
        _register(2, 1, 1);
        registry.setPreferred(1, new uint32[](0));
        (, bytes32[] memory writes) = vm.accesses(address(registry));

        vm.assertGt(writes.length, 10, "something was written");
        for (uint256 i; i < writes.length; i++) {
            vm.assertGt(uint256(writes[i]), 1 << 64, "no ordinary slot");
        }
        _isNamespace("heurist.storage.Registry", 0xc05aa0e9172fa68a8eb4e13c4ea67f1afad0700bd0b090d582e2ad7021087d00);
        _isNamespace("heurist.storage.Upgradeable", 0xf0de9a6efcef05160d0d1206ecc654b67a8436997f54001f820d3542a3a58500);
        vm.assertEq(
            address(uint160(uint256(vm.load(address(registry), _namespace("heurist.storage.Upgradeable"))))),
            address(authority)
        );
        // countOf is the first mapping of the registry's namespace.
        bytes32 nodes = keccak256(abi.encode(Role.Node, _namespace("heurist.storage.Registry")));
        vm.assertEq(uint256(vm.load(address(registry), nodes)), 2);
    }

    function _isNamespace(string memory name, bytes32 slot) private pure {
        vm.assertEq(_namespace(name), slot);
    }

    /// @dev ERC-7201.
    function _namespace(string memory name) private pure returns (bytes32) {
        return keccak256(abi.encode(uint256(keccak256(bytes(name))) - 1)) & ~bytes32(uint256(0xff));
    }

    function _implementation() private view returns (address) {
        bytes32 slot = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);
        return address(uint160(uint256(vm.load(address(registry), slot))));
    }

    function _call(bytes memory data) private {
        Address.functionCall(address(registry), data);
    }
}
