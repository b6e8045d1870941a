// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {ISlashingManager} from "../../contracts/interfaces/ISlashingManager.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Slashes} from "./Slashes.sol";

/// @dev What the chain can see for itself: two receipts for one request, a receipt that its request forbids.
contract SlashingProofsTest is Slashes {
    bytes32 private constant REQUEST = keccak256("request");

    function setUp() public {
        _openSlashes();
        staking.stake(NODE, STAKE);
    }

    // ---------------------------------------------------------------------------------------------- equivocation

    function test_twoDifferingReceiptsForOneRequestCostThreeTenths() public {
        uint256 supply = heu.totalSupply();

        vm.assertEq(_equivocate(REQUEST), 3_000 * UNIT, "three tenths of 10,000");

        _holds(NODE, 7_000 * UNIT, 0);
        vm.assertEq(staking.owedTo(REPORTER), 300 * UNIT, "a tenth of it to the reporter");
        vm.assertEq(supply - heu.totalSupply(), 2_700 * UNIT, "the rest is burnt");
        vm.assertTrue(slashing.isPunished(NODE, REQUEST), "written down");
    }

    /// @dev Any field will do.
    function test_receiptsThatDifferInTheirOutputAloneAreTwo() public {
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(REQUEST, 1), _receipt(REQUEST, 1));
        b.output = keccak256("goodbye");

        vm.assertEq(slashing.proveEquivocation(a, _signed(a), b, _signed(b)), 3_000 * UNIT);
    }

    function test_theSameReceiptTwiceProvesNothing_SameReceipt() public {
        Messages.Receipt memory a = _receipt(REQUEST, 1);
        bytes memory long = _signed(a);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, Messages.hash(a)));
        (bytes32 r, bytes32 vs) = vm.signCompact(SIGNER_KEY, digest);

        // Two forms of one signature are one receipt.
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.SameReceipt.selector, Messages.hash(a)));
        slashing.proveEquivocation(a, long, a, abi.encodePacked(r, vs));
    }

    function test_receiptsOfTwoNodesProveNothing_DifferentNodes() public {
        uint32 other = _newNode(OWNER, 0x51611);
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(REQUEST, 1), _receipt(REQUEST, 2));
        b.node = other;
        bytes memory signature = _sign(0x51611, Messages.hash(b));

        // After a failover two nodes have worked, each once.
        bytes memory mine = _signed(a);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.DifferentNodes.selector, NODE, other));
        slashing.proveEquivocation(a, mine, b, signature);
    }

    function test_receiptsOfTwoRequestsProveNothing_DifferentRequests() public {
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(REQUEST, 1), _receipt("other", 2));
        (bytes memory signatureA, bytes memory signatureB) = (_signed(a), _signed(b));

        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.DifferentRequests.selector, REQUEST, bytes32("other"))
        );
        slashing.proveEquivocation(a, signatureA, b, signatureB);
    }

    function test_aStrangersSignatureIsNoWordOfTheNode_NotNodeSigner() public {
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(REQUEST, 1), _receipt(REQUEST, 2));
        bytes memory good = _signed(a);
        bytes memory forged = _sign(0xBAD, Messages.hash(b));
        bytes memory error = abi.encodeWithSelector(
            ISlashingManager.NotNodeSigner.selector, NODE, vm.addr(0xBAD), uint40(block.timestamp)
        );

        vm.expectRevert(error);
        slashing.proveEquivocation(a, good, b, forged);
        vm.expectRevert(error);
        slashing.proveEquivocation(b, forged, a, good);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISlashingManager.NotNodeSigner.selector, NODE, address(0), uint40(block.timestamp)
            )
        );
        slashing.proveEquivocation(a, good, b, "");
    }

    function test_aSignatureForAnotherLedgerIsNoWordHere() public {
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(REQUEST, 1), _receipt(REQUEST, 2));
        (bytes memory signatureA, bytes32 here) = (_signed(a), domain);
        domain = keccak256("another domain");
        bytes memory signatureB = _signed(b);
        domain = here;

        vm.expectPartialRevert(ISlashingManager.NotNodeSigner.selector);
        slashing.proveEquivocation(a, signatureA, b, signatureB);
    }

    function test_aReplacedSignersWordIsEvidenceFor21Days() public {
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(REQUEST, 1), _receipt(REQUEST, 2));
        (bytes memory signatureA, bytes memory signatureB) = (_signed(a), _signed(b));
        vm.prank(OWNER);
        registry.setSigner(NODE, vm.addr(0x51699));
        uint256 until = block.timestamp + 21 days;
        uint256 state = vm.snapshotState();

        vm.warp(until);
        vm.assertEq(slashing.proveEquivocation(a, signatureA, b, signatureB), 3_000 * UNIT, "on the last second");
        vm.revertToState(state);
        vm.warp(until + 1);
        vm.expectPartialRevert(ISlashingManager.NotNodeSigner.selector);
        slashing.proveEquivocation(a, signatureA, b, signatureB);
    }

    /// @dev The second in the receipts decides, not that of the proof: a key signs for nothing before or after its life.
    function test_aKeyOutsideItsLifeIsNoWordOfTheNode() public {
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(REQUEST, 1), _receipt(REQUEST, 2));
        b.completedAt = uint40(block.timestamp + 1);
        (bytes memory signatureA, bytes memory signatureB) = (_signed(a), _signed(b));
        vm.prank(OWNER);
        registry.setSigner(NODE, vm.addr(0x51699));
        vm.warp(block.timestamp + 1 days);

        vm.expectPartialRevert(ISlashingManager.NotNodeSigner.selector);
        slashing.proveEquivocation(a, signatureA, b, signatureB);
    }

    // --------------------------------------------------------------------------------------------- contradiction

    function test_aPriceAboveWhatThePayerAllowedCostsThreeTenths() public {
        Messages.Request memory request = _request();

        vm.assertEq(_contradict(request, _receipt(Messages.hash(request), 1_001)), 3_000 * UNIT, "one unit more");
        vm.assertEq(staking.owedTo(REPORTER), 300 * UNIT, "the reporter's part");
    }

    function test_aReceiptForARequestThatNamesAnotherNodeCostsThreeTenths() public {
        Messages.Request memory request = _request();
        request.node = NODE + 1;

        vm.assertEq(_contradict(request, _receipt(Messages.hash(request), 1)), 3_000 * UNIT);
    }

    function test_aReceiptAsItsRequestAskedIsNoFault_NoContradiction() public {
        Messages.Request memory request = _request();
        for (uint32 named; named <= NODE; named += NODE) {
            request.node = named;
            _refuseContradiction(request, _receipt(Messages.hash(request), 1_000), ISlashingManager.NoContradiction.selector);
        }
    }

    function test_aRequestWithoutItsPayersVoucherProvesNothing() public {
        Messages.Request memory request = _request();
        bytes32 asked = Messages.hash(request);
        Messages.Receipt memory receipt = _receipt(asked, 1_001);
        Messages.Voucher memory voucher = Messages.Voucher(router, 9, 9, asked);
        bytes memory forged = _sign(0xBAD, Messages.hash(voucher));
        bytes memory node = _signed(receipt);

        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.NotPayer.selector, vm.addr(0xBAD), request.payer)
        );
        slashing.proveContradiction(request, voucher, forged, receipt, node);

        bytes memory good = _sign(PAYER, Messages.hash(voucher));
        voucher.request = "other";
        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.DifferentRequests.selector, bytes32("other"), asked)
        );
        slashing.proveContradiction(request, voucher, good, receipt, node);
    }

    /// @dev No signature recovers the zero address: nobody signs for it.
    function test_aPayerZeroSignsNothing_NotPayer() public {
        Messages.Request memory request = _request();
        request.payer = address(0);
        bytes32 asked = Messages.hash(request);
        Messages.Receipt memory receipt = _receipt(asked, 1_001);
        bytes memory node = _signed(receipt);

        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.NotPayer.selector, address(0), address(0)));
        slashing.proveContradiction(request, Messages.Voucher(router, 9, 9, asked), "", receipt, node);
    }

    function test_aReceiptForAnotherRequestOrOfAStrangerIsNoContradiction() public {
        Messages.Request memory request = _request();
        bytes32 asked = Messages.hash(request);
        Messages.Voucher memory voucher = Messages.Voucher(router, 9, 9, asked);
        bytes memory payers = _sign(PAYER, Messages.hash(voucher));
        Messages.Receipt memory receipt = _receipt("other", 1_001);
        bytes memory node = _signed(receipt);

        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.DifferentRequests.selector, bytes32("other"), asked)
        );
        slashing.proveContradiction(request, voucher, payers, receipt, node);
        receipt = _receipt(asked, 1_001);
        node = _sign(0xBAD, Messages.hash(receipt));
        vm.expectPartialRevert(ISlashingManager.NotNodeSigner.selector);
        slashing.proveContradiction(request, voucher, payers, receipt, node);
    }

    // ------------------------------------------------------------------------------------------------------- once

    function test_aFaultIsPunishedOnceHoweverItIsProven_AlreadyPunished() public {
        Messages.Request memory request = _request();
        bytes32 asked = Messages.hash(request);
        _equivocate(asked);
        bytes memory error = abi.encodeWithSelector(ISlashingManager.AlreadyPunished.selector, NODE, asked);
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(asked, 1), _receipt(asked, 3));
        (bytes memory signatureA, bytes memory signatureB) = (_signed(a), _signed(b));

        vm.expectRevert(error);
        slashing.proveEquivocation(a, signatureA, b, signatureB);
        Messages.Voucher memory voucher = Messages.Voucher(router, 9, 9, asked);
        bytes memory payers = _sign(PAYER, Messages.hash(voucher));
        b.price = 1_001;
        signatureB = _signed(b);
        vm.expectRevert(error);
        slashing.proveContradiction(request, voucher, payers, b, signatureB);
    }

    function test_51_anEpochCostsHalfAndTheNextFaultWaitsForTheNextEpoch_NothingToSlash() public {
        vm.assertEq(_equivocate("a"), 3_000 * UNIT, "three tenths");
        vm.assertEq(_equivocate("b"), 2_000 * UNIT, "what half an epoch leaves");
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt("c", 1), _receipt("c", 2));
        (bytes memory signatureA, bytes memory signatureB) = (_signed(a), _signed(b));
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.NothingToSlash.selector, NODE));
        slashing.proveEquivocation(a, signatureA, b, signatureB);

        _nextEpoch();
        vm.assertEq(slashing.proveEquivocation(a, signatureA, b, signatureB), 1_500 * UNIT, "it was not forgotten");
    }

    /// @dev A node with hardly any stake reports itself, then stakes, and has whoever helps it prove the next lie first.
    function test_attack_noSlashOfNearlyNothingShieldsStakeThatComesAfterIt() public {
        uint32 honest = NODE;
        NODE = _newNode(OWNER, 0x51611);
        staking.stake(NODE, 10);
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt("a", 1), _receipt("a", 2));
        slashing.proveEquivocation(a, _sign(0x51611, Messages.hash(a)), b, _sign(0x51611, Messages.hash(b)));
        vm.assertEq(_total(NODE), 7, "three tenths of nearly nothing");
        staking.stake(NODE, STAKE);
        (a, b) = (_receipt("b", 1), _receipt("b", 2));
        uint256 slashed =
            slashing.proveEquivocation(a, _sign(0x51611, Messages.hash(a)), b, _sign(0x51611, Messages.hash(b)));
        vm.assertEq(slashed, (3 * (STAKE + 7) + 9) / 10, "three tenths of what stands now");
        NODE = honest;
    }

    /// @dev Another key, another owner, no activity and all of it asked back: the same stake answers.
    function test_attack_noOtherNameDodgesASlash() public {
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(REQUEST, 1), _receipt(REQUEST, 2));
        (bytes memory signatureA, bytes memory signatureB) = (_signed(a), _signed(b));
        _unbond(NODE, STAKE);
        vm.startPrank(OWNER);
        registry.setSigner(NODE, address(0x9999));
        registry.deactivate(Role.Node, NODE);
        registry.proposeOwner(Role.Node, NODE, REPORTER);
        registry.registerNode(address(0x9998), OWNER, "");
        vm.stopPrank();
        vm.prank(REPORTER);
        registry.acceptOwner(Role.Node, NODE);
        vm.warp(block.timestamp + 21 days);
        vm.assertEq(slashing.proveEquivocation(a, signatureA, b, signatureB), 3 * STAKE / 10, "until it is withdrawn");
        vm.prank(REPORTER);
        vm.assertEq(staking.withdraw(NODE, REPORTER), 7 * STAKE / 10, "the rest");
    }

    function test_47_reportingOneselfAfterARequestToUnbondIsNoExit() public {
        _unbond(NODE, STAKE);
        uint256 supply = heu.totalSupply();
        _equivocate(REQUEST);

        vm.assertEq(_total(NODE), 7_000 * UNIT, "unbonding or not");
        vm.assertEq(supply - heu.totalSupply(), 2_700 * UNIT, "nine tenths of it are gone, whoever reports");
        vm.assertLe(staking.owedTo(REPORTER), 3_000 * UNIT / 10, "the reporter's tenth");
    }

    function _contradict(Messages.Request memory request, Messages.Receipt memory receipt) private returns (uint256) {
        Messages.Voucher memory voucher = Messages.Voucher(router, 9, 9, Messages.hash(request));
        bytes memory payers = _sign(PAYER, Messages.hash(voucher));
        bytes memory nodes = _signed(receipt);
        vm.prank(REPORTER);
        return slashing.proveContradiction(request, voucher, payers, receipt, nodes);
    }

    function _refuseContradiction(Messages.Request memory request, Messages.Receipt memory receipt, bytes4 error)
        private
    {
        Messages.Voucher memory voucher = Messages.Voucher(router, 9, 9, Messages.hash(request));
        bytes memory payers = _sign(PAYER, Messages.hash(voucher));
        bytes memory nodes = _signed(receipt);
        vm.expectRevert(error);
        slashing.proveContradiction(request, voucher, payers, receipt, nodes);
    }
}
