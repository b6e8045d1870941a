// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Economies} from "./Economies.sol";

/// @dev 34, 35, 40, 42, 43 of the protocol's test list, and the guards of the cycle.
contract EmissionTest is Economies {
    uint32 internal epoch;

    function setUp() public {
        _openEconomy();
        epoch = _begin();
    }

    // ------------------------------------------------------------------------------------------------- the cycle

    function test_anEpochIssuesThePartOfItsBurnAndSharesItByFees() public {
        _workFor(1, 3_000e6);
        _workFor(2, 1_000e6);
        uint256 burnt = _sellAndRecord(epoch, _ids(1, 2));
        vm.assertEq(burnt, _fee(4_000e6) * PRICE / 1e6, "the lot was bought at the median");
        _finalize(epoch);

        uint256 dynamic = burnt * 3_000 / 10_000;
        vm.assertEq(emission.epochOf(epoch).dynamic, dynamic, "lambda of the burn");
        vm.assertEq(emission.claimable(1), dynamic * 3 / 4, "three quarters");
        vm.assertEq(emission.claimable(2), dynamic / 4, "one quarter");
        vm.assertEq(emission.reservoir(), 2 * _cap() - dynamic, "what two caps did not issue");
        emission.claim(_ids(1, 2, 1));
        vm.assertEq(heu.balanceOf(_payout(Role.Node, 1)), dynamic * 3 / 4, "paid once");
        vm.assertEq(emission.claimable(1), 0, "nothing is left");
        vm.assertEq(heu.balanceOf(_payout(Role.Node, 2)), dynamic / 4, "paid");
    }

    function test_34_anEpochWithoutPointsIssuesNothingAndTheNextIsNormal() public {
        _workFor(1, 1_000e6);
        _sellAndRecord(epoch, new uint32[](0));
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).dynamic, 0, "the burn of an epoch that nobody recorded");
        vm.assertEq(emission.reserve(), RESERVE, "the reserve");
        vm.assertEq(emission.owed(), 0, "owed");

        uint32 next = Epochs.current();
        _workFor(1, 1_000e6);
        uint256 burnt = _sellAndRecord(next, _ids(1));
        _finalize(next);
        vm.assertEq(emission.claimable(1), burnt * 3_000 / 10_000, "the next epoch's");
    }

    function test_35_epochsAreFinalizedInOrderAndOnce() public {
        _at(epoch + 9, 0);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.OutOfOrder.selector, epoch + 1, epoch));
        emission.finalize(epoch + 1);
        for (uint32 e = epoch; e < epoch + 8; e++) {
            _finalize(e);
            vm.expectRevert(abi.encodeWithSelector(IEmissionController.AlreadyFinal.selector, e));
            emission.finalize(e);
        }
        vm.assertEq(emission.reserve(), RESERVE, "skipped epochs issue nothing");
        vm.assertEq(emission.reservoir(), 9 * _cap(), "nine caps are the reservoir's");
    }

    function test_35_nothingIsFinalBeforeTheSaleOfItsLotIsOver() public {
        _at(epoch, 4 days - 1);
        vm.expectPartialRevert(IEmissionController.TooEarly.selector);
        emission.finalize(epoch);
        _at(epoch, 4 days);
        emission.finalize(epoch);
    }

    /// @dev Whoever wakes up first after a silence could else record its own node alone, and take all.
    function test_35_everyoneHasADayToRecordAnEpochHoweverLateTheLastWasFinal() public {
        _wait(1);
        uint32 before = epoch++;
        _workFor(1, 1_000e6);
        _workFor(2, 1_000e6);
        _at(epoch, 0);
        burner.gather(router);
        _at(epoch, 2 days);
        (uint256 burnt,) = _buy();
        _at(epoch + 3, 0);
        emission.finalize(before);
        emission.record(epoch, _ids(1));
        vm.expectPartialRevert(IEmissionController.TooEarly.selector);
        emission.finalize(epoch);
        vm.warp(block.timestamp + 1 days - 1);
        vm.expectPartialRevert(IEmissionController.TooEarly.selector);
        emission.finalize(epoch);
        emission.record(epoch, _ids(2));
        vm.warp(block.timestamp + 1);
        emission.finalize(epoch);

        vm.assertEq(emission.claimable(1), burnt * 3_000 / 10_000 / 2, "half");
        vm.assertEq(emission.claimable(2), burnt * 3_000 / 10_000 / 2, "the other half");
    }

    function test_onlyTheOldestOpenEpochIsRecordedAndOnlyOnceItIsOver() public {
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.AlreadyFinal.selector, epoch - 1));
        emission.record(epoch - 1, _ids(1));
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.OutOfOrder.selector, epoch + 1, epoch));
        emission.record(epoch + 1, _ids(1));
        vm.warp(Epochs.startOf(epoch + 1) - 1);
        vm.expectPartialRevert(IEmissionController.TooEarly.selector);
        emission.record(epoch, _ids(1));
        _at(epoch, 0);
        emission.record(epoch, _ids(1));
    }

    function test_aNodeIsRecordedOncePerEpochHoweverOftenItIsNamed() public {
        _workFor(1, 1_000e6);
        _at(epoch, 0);
        emission.record(epoch, _ids(1, 1));
        emission.record(epoch, _ids(1));
        vm.assertEq(emission.epochOf(epoch).feeUnits, 1_000e6, "units");
        vm.assertEq(emission.epochOf(epoch).feePoints, 1_000e6 * ONE, "points");
        (uint32 recorded, uint256 base, uint256 points) = emission.recordOf(1);
        vm.assertEq(recorded, epoch, "epoch");
        vm.assertEq(base, 0, "no base");
        vm.assertEq(points, 1_000e6 * ONE, "its points");
    }

    function test_recordsOfTwoEpochsAreBothPaidAtOneClaim() public {
        _workFor(1, 1_000e6);
        uint256 first = _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        uint32 next = Epochs.current();
        _workFor(1, 2_000e6);
        uint256 second = _sellAndRecord(next, _ids(1));
        vm.assertEq(emission.claimable(1), first * 3_000 / 10_000, "before the second is final");
        _finalize(next);
        vm.assertEq(emission.claim(_ids(1)), first * 3_000 / 10_000 + second * 3_000 / 10_000, "both");
        vm.assertEq(emission.claim(_ids(1)), 0, "once");
        vm.assertEq(emission.owed(), 0, "nothing is owed any more");
    }

    function test_anUnboughtLotIssuesNothing() public {
        _workFor(1, 1_000e6);
        _at(epoch, 0);
        burner.gather(router);
        emission.record(epoch, _ids(1));
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).dynamic, 0, "dynamic");
    }

    // --------------------------------------------------------------------------------------------------- who earns

    /// @dev A call that the router gave away charges nobody, so it is no unit; one that it pays back has cost the burn.
    function test_40_callsThatNobodyPaidForEarnNoPoints() public {
        _workFor(1, 0);
        _workFor(2, 1_000e6);
        _float(1_000e6);
        vm.prank(router);
        ledger.refund(vm.addr(PAYER), 1_000e6, "call");
        uint256 burnt = _sellAndRecord(epoch, _ids(1, 2));
        _finalize(epoch);
        vm.assertEq(emission.claimable(1), 0, "a promotional call");
        // The refund was the router's own money: the fee of the call was burnt all the same, and what came back is less.
        vm.assertEq(burnt, _fee(1_000e6) * PRICE / 1e6, "the refunded call's fee was sold");
        vm.assertEq(emission.claimable(2), burnt * 3_000 / 10_000, "lambda of it");
        vm.assertGt(burnt, emission.claimable(2) * 5 / 2, "washing by refunds burns more than any boost brings back");
    }

    function test_42_parametersBindFromTheNextEpochAndAnEpochKeepsItsOwn() public {
        _workFor(1, 1_000e6);
        IEmissionController.Params memory other = _params();
        (other.capBps, other.baseBps, other.lambdaBps, other.betaBps) = (250, 50, 1_000, 10_000);
        emission.setParams(other);
        vm.assertEq(emission.paramsIn(epoch).lambdaBps, 3_000, "this epoch");
        vm.assertEq(emission.paramsIn(epoch + 1).lambdaBps, 1_000, "the next");
        uint256 burnt = _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).dynamic, burnt * 3_000 / 10_000, "its own lambda");
        (uint256 cap, uint256 base) = emission.capOf(epoch);
        vm.assertEq(cap, _cap(), "its own cap");
        vm.assertEq(base, _base(), "its own base");

        uint32 next = Epochs.current();
        _workFor(1, 1_000e6);
        burnt = _sellAndRecord(next, _ids(1));
        _finalize(next);
        vm.assertEq(emission.epochOf(next).dynamic, burnt / 10, "the new lambda");
        (cap, base) = emission.capOf(next);
        vm.assertEq(cap, SUPPLY * 250 / 10_000 / 52, "the new cap");
        vm.assertEq(base, SUPPLY * 50 / 10_000 / 52, "the new base");
    }

    function test_43_anInactiveNodeEarnsNothingAndItsPartStaysInTheReserve() public {
        _stakeFor(1, 1_000e18);
        _addBonds();
        registry.deactivate(Role.Node, 1);
        _workFor(1, 1_000e6);
        _sellAndRecord(epoch, _ids(1));
        vm.assertEq(emission.epochOf(epoch).feeUnits, 1_000e6, "active to the end of the epoch");
        _finalize(epoch);
        uint256 owed = emission.owed();
        vm.assertEq(emission.claimable(1), owed, "what it earned while it was active is its own");

        uint32 next = Epochs.current();
        _workFor(1, 1_000e6);
        _at(next, 0);
        _probe(next, 1, 1_000);
        _sellAndRecord(next, _ids(1));
        _finalize(next);
        vm.assertEq(emission.epochOf(next).feeUnits, 0, "no fee units");
        vm.assertEq(emission.epochOf(next).baseUnits, 0, "no base units");
        vm.assertEq(emission.owed(), owed, "nothing more is owed");
        vm.assertEq(emission.reserve(), RESERVE - owed, "the rest is the reserve's");
    }

    function test_feesCountAtTheHomeThatTheNodeHadWhenTheEpochBegan() public {
        _workFor(1, 1_000e6);
        emission.setHome(1, address(0x0708));
        emission.setHome(1, address(0x0709));
        emission.setTip(1, 1_000);
        vm.assertEq(emission.homeIn(1, epoch), router, "this epoch's");
        vm.assertEq(emission.homeIn(1, epoch + 1), address(0x0709), "the next epoch's, the last that was said");
        vm.assertEq(emission.tipIn(1, epoch + 1), 1_000, "beside the tip");
        vm.assertEq(emission.tipIn(1, epoch), 0, "which this epoch has not");
        _sellAndRecord(epoch, _ids(1));
        vm.assertEq(emission.epochOf(epoch).feeUnits, 1_000e6, "counted");
        _finalize(epoch);
        uint32 next = Epochs.current();
        _workFor(1, 1_000e6);
        _sellAndRecord(next, _ids(1));
        vm.assertEq(emission.epochOf(next).feeUnits, 0, "not at the router that is its home no more");
    }

    function test_aNodeWithoutAHomeIsPassedOver() public {
        emission.setHome(1, address(0));
        _wait(1);
        epoch = Epochs.current();
        _workFor(1, 1_000e6);
        _finalize(epoch - 1);
        _at(epoch, 0);
        emission.record(epoch, _ids(1, 99));
        vm.assertEq(emission.epochOf(epoch).feeUnits, 0, "homeless, or unknown");
    }

    function test_onlyANodesOwnerSetsItsHomeAndItsTipAndNoTipIsAboveHalf() public {
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotNodeOwner.selector, EVE, address(this)));
        vm.prank(EVE);
        emission.setHome(1, EVE);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotNodeOwner.selector, EVE, address(this)));
        vm.prank(EVE);
        emission.setTip(1, 0);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.TipTooHigh.selector, 5_001, 5_000));
        emission.setTip(1, 5_001);
        emission.setTip(1, 5_000);
        vm.assertEq(emission.homeIn(1, epoch + 1), router, "the home stays");
    }

    // -------------------------------------------------------------------------------------------------------- tips

    function test_aTipIsWhatItWasWhenTheEpochBeganAndGoesToTheVotersAlone() public {
        _lock(ANN, 100e18, _after(50));
        _vote(ANN, Ballot.Node, 1, 10_000);
        emission.setTip(1, 2_000);
        emission.setTip(2, 2_000);
        _finalizeBefore(_after(2));
        epoch = Epochs.current();
        _workFor(1, 1_000e6);
        _workFor(2, 1_000e6);
        emission.setTip(1, 0);
        uint256 burnt = _sellAndRecord(epoch, _ids(1, 2));
        _finalize(epoch);
        uint256 half = burnt * 3_000 / 10_000 / 2;
        vm.assertEq(emission.tipsOf(1), half * 2_000 / 10_000, "the tip of its epoch");
        vm.assertEq(emission.claimable(1), half - half * 2_000 / 10_000, "the rest");
        vm.assertEq(emission.tipsOf(2), 0, "nobody votes for 2");
        vm.assertEq(emission.claimable(2), half, "so it keeps all");

        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotVotes.selector, EVE));
        vm.prank(EVE);
        emission.drawTips(1);
        uint256 before = heu.balanceOf(ANN);
        votes.closeTips(1);
        _claimNode(ANN, 1);
        uint256 got = heu.balanceOf(ANN) - before;
        vm.assertLe(got, half * 2_000 / 10_000, "never more than the tip");
        vm.assertGe(got + 2, half * 2_000 / 10_000, "all of it but the rounding");
        vm.assertEq(emission.tipsOf(1), 0, "drawn once");
        vm.assertEq(votes.closeTips(1), 0, "and never again");
        vm.assertEq(emission.owed(), emission.claimable(1) + half, "what is owed is the nodes'");
    }

    function test_aTipIsDrawnOnceWhetherTheNextEpochIsRecordedBeforeOrAfter() public {
        _lock(ANN, 100e18, _after(50));
        _vote(ANN, Ballot.Node, 1, 10_000);
        emission.setTip(1, 2_000);
        _finalizeBefore(_after(2));
        uint256 tips;
        uint256 own;
        for (uint256 i; i < 6; i++) {
            epoch = Epochs.current();
            _workFor(1, 1_000e6);
            uint256 all = _sellAndRecord(epoch, _ids(1)) * 3_000 / 10_000;
            _finalize(epoch);
            tips += all * 2_000 / 10_000;
            own += all - all * 2_000 / 10_000;
            // Drawn at once, or left so that the next record puts it on the list; claimed before, after or never.
            if (i % 3 == 0) emission.claim(_ids(1));
            if (i % 2 == 0) {
                vm.assertEq(emission.tipsOf(1), tips - heu.balanceOf(address(votes)), "what waits");
                votes.closeTips(1);
                vm.assertEq(emission.tipsOf(1), 0, "nothing waits");
                vm.assertEq(heu.balanceOf(address(votes)), tips, "drawn to the wei");
            }
            vm.assertEq(emission.claimable(1) + heu.balanceOf(_payout(Role.Node, 1)), own, "the node's own part");
        }
        votes.closeTips(1);
        vm.assertEq(heu.balanceOf(address(votes)), tips, "every tip once");
        emission.claim(_ids(1));
        vm.assertEq(heu.balanceOf(_payout(Role.Node, 1)), own, "everything else once");
        vm.assertEq(emission.owed(), 0, "nothing is left");
    }

    function test_aClaimBeforeTheEpochIsFinalTakesNothingFromIt() public {
        _workFor(1, 1_000e6);
        uint256 burnt = _sellAndRecord(epoch, _ids(1));
        vm.assertEq(emission.claim(_ids(1)), 0, "not final");
        votes.closeTips(1);
        _finalize(epoch);
        vm.assertEq(emission.claim(_ids(1)), burnt * 3_000 / 10_000, "nothing was lost");
    }

    function test_tipsAreDrawn52AtATimeAndTheNewestLast() public {
        _lock(ANN, 100e18, _after(104));
        _vote(ANN, Ballot.Node, 1, 10_000);
        emission.setTip(1, 5_000);
        _finalizeBefore(_after(2));
        uint256 all;
        for (uint256 i; i < 54; i++) {
            epoch = Epochs.current();
            _workFor(1, 400e6);
            all += _sellAndRecord(epoch, _ids(1)) * 3_000 / 10_000 / 2;
            _finalize(epoch);
        }
        vm.assertGt(all, 54, "tips there are");
        vm.assertEq(emission.tipsOf(1), all, "54 wait");
        votes.closeTips(1);
        vm.assertEq(votes.openFrom(Ballot.Node, address(0), 1), epoch - 1, "52 are drawn");
        uint256 left = emission.tipsOf(1);
        vm.assertGt(left, 0, "two wait");
        vm.assertEq(votes.closeTips(1), left, "and are drawn next");
        vm.assertEq(votes.openFrom(Ballot.Node, address(0), 1), epoch + 1, "all are drawn");
    }

    // --------------------------------------------------------------------------------------------------- private

    /// @dev Every epoch before `end`, of which the last is over.
    function _finalizeBefore(uint32 end) private {
        while (emission.nextEpoch() + 1 < end) _finalize(emission.nextEpoch());
    }
}
