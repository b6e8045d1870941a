// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";

/// @dev What convicts a router: two leaves that count the same money, a leaf that is not what its payer asked for.
contract BondProofsTest is Bonds {
    Messages.Request internal request;

    function setUp() public {
        _openBonds();
    }

    // ---------------------------------------------------------------------------------------------------- overlap

    function test_attack_aRouterThatReusesOneGrossForManyLeavesIsConvicted() public {
        (, IRouterBond.Entry memory a) = _call("a", 10e6, 10e6);
        (, IRouterBond.Entry memory b) = _call("b", 10e6, 10e6);
        (a, b) = (_post(a, 10e6), _post(b, 1));

        bonds.proveOverlap(router, Role.Node, a, b);

        vm.assertEq(bonds.bondOf(router).convictedAt, block.timestamp, "convicted");
        vm.assertFalse(bonds.mayRoute(router), "it never settles again");
        bytes memory batch = _pack(_draft(_line(PAYER, 1)));
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.RouterStopped.selector, router));
        vm.prank(router);
        ledger.settle(batch);
    }

    function test_attack_aRouterThatChargesOneLeafInTwoBatchesIsConvicted() public {
        (, IRouterBond.Entry memory a) = _call("a", 1e6, 1e6);
        IRouterBond.Entry memory b = abi.decode(abi.encode(a), (IRouterBond.Entry));
        (a, b) = (_post(a, 1e6), _post(b, 1e6));

        vm.expectRevert(abi.encodeWithSelector(IRouterBond.SameLeaf.selector, Messages.hash(a.leaf)));
        bonds.proveOverlap(router, Role.Node, a, a);
        bonds.proveOverlap(router, Role.Node, a, b);
        vm.assertEq(bonds.bondOf(router).convictedAt, block.timestamp, "convicted");
    }

    function test_leavesThatOverlapByOneUnitConvictInEveryRoleAndBothOrders() public {
        // (0, 10] and (9, 19] share one unit.
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 19, 10);
        (a, b) = (_post(a, 10), _post(b, 10));
        uint256 state = vm.snapshotState();
        for (uint256 role; role < 3; role++) {
            bonds.proveOverlap(router, Role(role), a, b);
            vm.revertToState(state);
            bonds.proveOverlap(router, Role(role), b, a);
            vm.revertToState(state);
        }
    }

    function test_leavesThatOnlyTouchDoNotOverlap_NoContradiction() public {
        // (0, 10] and (10, 20].
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 20, 10);
        (a, b) = (_post(a, 10), _post(b, 10));

        for (uint256 role; role < 3; role++) {
            vm.expectRevert(IRouterBond.NoContradiction.selector);
            bonds.proveOverlap(router, Role(role), a, b);
            vm.expectRevert(IRouterBond.NoContradiction.selector);
            bonds.proveOverlap(router, Role(role), b, a);
        }
    }

    function test_oneLeafDoesNotOverlapItself_SameLeaf() public {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        a = _post(a, 10);

        vm.expectRevert(abi.encodeWithSelector(IRouterBond.SameLeaf.selector, Messages.hash(a.leaf)));
        bonds.proveOverlap(router, Role.Node, a, a);
    }

    function test_leavesOfDifferentPayeesOrOfNobody_DifferentPayees() public {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 10, 10);
        (b.leaf.node, b.receipt.node) = (2, 2);
        b.leaf.receipt = Messages.hash(b.receipt);
        (a.leaf.frontend, b.leaf.frontend) = (0, 0);
        (a, b) = (_post(a, 10), _post(b, 10));

        vm.expectRevert(abi.encodeWithSelector(IRouterBond.DifferentPayees.selector, 1, 2));
        bonds.proveOverlap(router, Role.Node, a, b);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.DifferentPayees.selector, 0, 0));
        bonds.proveOverlap(router, Role.Frontend, a, b);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.DifferentPayees.selector, 0, 0));
        bonds.proveOverlap(router, Role.Voters, a, b);
    }

    function test_aLeafThatIsNotThereOrAnotherReceiptProveNothing_BadProof_NotOfLeaf() public {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 10, 10);
        a = _post(a, 10);
        b.seq = a.seq;
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.BadProof.selector, a.seq));
        bonds.proveOverlap(router, Role.Node, a, b);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.BadProof.selector, a.seq));
        bonds.proveOverlap(router, Role.Node, b, a);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.BadProof.selector, a.seq));
        bonds.proveOverlap(address(0xBEEF), Role.Node, a, b);

        b = _post(b, 10);
        bytes32 committed = b.leaf.receipt;
        b.receipt.price = 100;
        bytes32 given = Messages.hash(b.receipt);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NotOfLeaf.selector, given, committed));
        bonds.proveOverlap(router, Role.Node, a, b);
    }

    function test_twoLeavesOfOneBatchConvictByTheirProofs() public {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 15, 10);
        (bytes32 left, bytes32 right) = (Messages.hash(a.leaf), Messages.hash(b.leaf));
        (a.proof, b.proof) = (new bytes32[](1), new bytes32[](1));
        (a.proof[0], b.proof[0]) = (right, left);
        Draft memory draft = _draft(_line(PAYER, 20));
        draft.root = left < right ? keccak256(bytes.concat(left, right)) : keccak256(bytes.concat(right, left));
        _settle(_pack(draft));
        (a.seq, b.seq) = (1, 1);

        bonds.proveOverlap(router, Role.Pod, a, b);
        vm.assertGt(bonds.bondOf(router).convictedAt, 0, "convicted");
    }

    // ---------------------------------------------------------------------------------------------- contradiction

    function test_aLeafThatIsAsAskedConvictsNobody_NoContradiction() public {
        IRouterBond.Entry memory entry;
        (request, entry) = _call("a", 10, 10);
        entry = _post(entry, 10);

        vm.expectRevert(IRouterBond.NoContradiction.selector);
        bonds.proveContradiction(router, entry, request);
    }

    function test_anotherPayerPodFrontendOrNodeThanAskedConvicts() public {
        for (uint256 field; field < 4; field++) {
            uint256 state = vm.snapshotState();
            (Messages.Request memory asked, IRouterBond.Entry memory entry) = _call("a", 10, 10);
            if (field == 0) entry.leaf.payer = address(0xBAD);
            if (field == 1) entry.leaf.pod = 2;
            if (field == 2) entry.leaf.frontend = 2;
            if (field == 3) {
                asked.node = 2;
                entry.receipt.request = Messages.hash(asked);
                (entry.leaf.request, entry.leaf.receipt) = (entry.receipt.request, Messages.hash(entry.receipt));
            }
            _convicts(_post(entry, 10), asked);
            vm.revertToState(state);
        }
    }

    function test_aReceiptOfAnotherRequestNodeOrPriceConvicts() public {
        for (uint256 field; field < 3; field++) {
            uint256 state = vm.snapshotState();
            (Messages.Request memory asked, IRouterBond.Entry memory entry) = _call("a", 10, 10);
            if (field == 0) entry.receipt.request = keccak256("another");
            if (field == 1) entry.receipt.node = 2;
            if (field == 2) entry.receipt.price = 11;
            entry.leaf.receipt = Messages.hash(entry.receipt);
            _convicts(_post(entry, 10), asked);
            vm.revertToState(state);
        }
    }

    function test_theNodeThatWasAskedForConvictsNobody_NoContradiction() public {
        (Messages.Request memory asked, IRouterBond.Entry memory entry) = _call("a", 10, 10);
        asked.node = 1;
        entry.receipt.request = Messages.hash(asked);
        (entry.leaf.request, entry.leaf.receipt) = (entry.receipt.request, Messages.hash(entry.receipt));
        entry = _post(entry, 10);

        vm.expectRevert(IRouterBond.NoContradiction.selector);
        bonds.proveContradiction(router, entry, asked);
    }

    function test_anotherRequestThanTheLeafsProvesNothing_NotOfLeaf() public {
        (Messages.Request memory asked, IRouterBond.Entry memory entry) = _call("a", 10, 10);
        entry = _post(entry, 10);
        asked.pod = 2;

        vm.expectRevert(
            abi.encodeWithSelector(IRouterBond.NotOfLeaf.selector, Messages.hash(asked), entry.leaf.request)
        );
        bonds.proveContradiction(router, entry, asked);
    }

    // -------------------------------------------------------------------------------------------- after a conviction

    function test_aConvictedBondServesItsPayeesForThirtyDaysAndThenBurns() public {
        (uint256 convictedAt,) = _convicted();
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.AlreadyConvicted.selector, router));
        bonds.deposit(router, 1, 0);
        vm.prank(router);
        bonds.announceExit();
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.AlreadyConvicted.selector, router));
        vm.prank(router);
        bonds.withdraw();
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 0, "no new work is covered");
        _pass(1 days);
        uint256 asked = _file(Role.Node, 1, 1_000e6);
        vm.warp(convictedAt + 30 days);
        bonds.burn(router);
        vm.assertEq(bonds.bondOf(router).asset, asked, "the claim keeps its money");
        vm.assertEq(_resolve(Role.Node, 1), asked, "the payee is paid");

        vm.assertEq(dollar.balanceOf(BURNER), BOND - asked, "the asset goes to the burner");
        vm.assertEq(heu.totalSupply(), 1_000_000_000e18 - BOND_HEU, "the HEU is gone");
        vm.assertEq(bonds.bondOf(router).asset + bonds.bondOf(router).heu, 0, "nothing is left");
    }

    function test_onlyAConvictedBondBurnsAndNotBeforeItsTime_NotConvicted_TooEarly() public {
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NotConvicted.selector, router));
        bonds.burn(router);
        (uint256 convictedAt,) = _convicted();
        vm.warp(convictedAt + 30 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IRouterBond.TooEarly.selector, block.timestamp, convictedAt + 30 days)
        );
        bonds.burn(router);
    }

    function test_aRouterIsConvictedOnce_AlreadyConvicted() public {
        (, IRouterBond.Entry[2] memory pair) = _convicted();
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.AlreadyConvicted.selector, router));
        bonds.proveOverlap(router, Role.Node, pair[0], pair[1]);
    }

    function test_withoutABurnerTheBondWaits_NoBurner() public {
        (ledger, bonds) = _newLedger(_terms(), LEAST_ASSET, LEAST_HEU);
        _bond(router, BOND, BOND_HEU);
        _deposit(PAYER, 100e6);
        _convicted();
        _pass(30 days);

        vm.expectRevert(IRouterBond.NoBurner.selector);
        bonds.burn(router);
    }

    function _convicted() private returns (uint256 at, IRouterBond.Entry[2] memory pair) {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 10, 10);
        pair = [_post(a, 10), _post(b, 10)];
        bonds.proveOverlap(router, Role.Node, pair[0], pair[1]);
        at = block.timestamp;
    }

    function _convicts(IRouterBond.Entry memory entry, Messages.Request memory asked) private {
        bonds.proveContradiction(router, entry, asked);
        vm.assertGt(bonds.bondOf(router).convictedAt, 0, "convicted");
    }
}
