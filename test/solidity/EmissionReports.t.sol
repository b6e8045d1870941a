// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Economies} from "./Economies.sol";

/// @dev 39 of the protocol's test list: the base pool, the prober's word, and the doubt of it.
contract EmissionReportsTest is Economies {
    bytes4 internal constant UNAUTHORIZED = bytes4(keccak256("AccessManagedUnauthorized(address)"));
    uint256 internal constant HELD = 10_000e18;
    uint32 internal epoch;

    function setUp() public {
        _openEconomy();
        _begin();
        _addBonds();
        _stakeFor(1, 3_000e18);
        _stakeFor(2, 1_000e18);
        _wait(1);
        epoch = Epochs.current();
        _finalize(epoch - 1);
    }

    // ------------------------------------------------------------------------------------------------------- base

    function test_theBaseIsSharedByAnsweredProbesAndAllOfItIsIssuedFromHalfOfAllQuotas() public {
        _at(epoch, 0);
        _probe(epoch, [uint32(1), 2], [uint256(1_500), 1_000]);
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).base, _base(), "2,500 of 4,000 quotas are more than half");
        vm.assertEq(emission.claimable(1), _base() * 1_500 / 2_500, "by probes answered");
        vm.assertEq(emission.claimable(2), _base() * 1_000 / 2_500, "by probes answered");
        vm.assertEq(emission.reservoir(), 3 * (_cap() - _base()) + 2 * _base(), "the rest of three caps");
    }

    function test_belowHalfOfAllQuotasTheBaseIsIssuedInProportion() public {
        _at(epoch, 0);
        _probe(epoch, 2, 500);
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).base, _base() * 500 / 2_000, "500 of half of 4,000");
        vm.assertEq(emission.claimable(2), _base() * 500 / 2_000, "all of it is the node's");
    }

    function test_noReportCountsMoreThanTheStakeThatStoodThroughTheEpoch() public {
        staking.requestUnbond(1, 1_000e18);
        _stakeFor(2, 1_000_000e18);
        _at(epoch, 0);
        _probe(epoch, [uint32(1), 2], [uint256(1_000_000), 1_000_000]);
        vm.assertEq(emission.quotaOf(1, epoch), 2_000, "what left does not count");
        vm.assertEq(emission.quotaOf(2, epoch), 1_000, "what came within the epoch does not either");
        vm.assertEq(emission.epochOf(epoch).baseUnits, 3_000, "units");
        _finalize(epoch);
        vm.assertEq(emission.claimable(1), _base() * 2 / 3, "two thirds");
    }

    function test_39_washingEarnsNothingOfTheBase() public {
        _workFor(1, 100_000e6);
        _at(epoch, 0);
        emission.record(epoch, _ids(1));
        _probe(epoch, 2, 1_000);
        _finalize(epoch);
        vm.assertEq(emission.claimable(1), 0, "paid calls are no probes");
        vm.assertEq(emission.claimable(2), _base() * 1_000 / 2_000, "who answered probes has the base");
    }

    /// @dev A prober that sees nobody but the attacker: the floor on quotas keeps it to beta / eta times its share of stake.
    function test_39_aProberThatFailsGivesNobodyMoreThanItsStakeTimesBetaOverEta() public {
        _at(epoch, 0);
        _probe(epoch, 2, 1_000_000);
        _finalize(epoch);
        uint256 most = _base() * 1_000 / 4_000 * 25_000 / 5_000;
        vm.assertLe(emission.claimable(2), most, "its share of stake x beta / eta");
        vm.assertEq(emission.claimable(2), _base() * 1_000 / 4_000 * 2, "without votes: 1 / eta times");
        vm.assertEq(emission.reserve() + emission.owed(), RESERVE, "the rest of the base stays");
    }

    function test_aBaseRecordCountsOnceAndOnlyAsTheReportSays() public {
        _at(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotReported.selector, epoch));
        emission.recordBase(epoch, 1, 500, new bytes32[](0));
        _probe(epoch, 1, 500);
        emission.recordBase(epoch, 1, 500, new bytes32[](0));
        vm.assertEq(emission.epochOf(epoch).baseUnits, 500, "once");
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.BadProof.selector, 1));
        emission.recordBase(epoch, 1, 501, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.BadProof.selector, 2));
        emission.recordBase(epoch, 2, 500, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.OutOfOrder.selector, epoch + 1, epoch));
        emission.recordBase(epoch + 1, 1, 500, new bytes32[](0));
    }

    function test_aNodeWithoutStakeHasNoBaseRecord() public {
        _at(epoch, 0);
        _probe(epoch, 3, 500);
        (uint32 recorded,,) = emission.recordOf(3);
        vm.assertEq(recorded, 0, "no record was begun");
    }

    function test_oneNodeHasBothPoolsOfOneEpoch() public {
        _workFor(1, 1_000e6);
        _at(epoch, 0);
        _probe(epoch, 1, 3_000);
        uint256 burnt = _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        vm.assertEq(emission.claim(_ids(1)), _base() + burnt * 3_000 / 10_000, "base and dynamic");
    }

    function test_theBaseIsTippedAsTheDynamicPartIs() public {
        _lock(ANN, 100e18, _after(50));
        _vote(ANN, Ballot.Node, 1, 10_000);
        emission.setTip(1, 1_000);
        _wait(1);
        emission.setTip(1, 0);
        _finalize(epoch);
        epoch = Epochs.current();
        _at(epoch, 0);
        _probe(epoch, 1, 3_000);
        _finalize(epoch);
        vm.assertEq(emission.tipsOf(1), _base() / 10, "a tenth");
        vm.assertEq(emission.claimable(1), _base() - _base() / 10, "the rest");
    }

    // ---------------------------------------------------------------------------------------------------- reports

    function test_aReportComesFromTheProberWithinADayAndOnce() public {
        vm.expectPartialRevert(IEmissionController.TooEarly.selector);
        _report(epoch, "");
        _at(epoch, 1 days + 1);
        vm.expectPartialRevert(IEmissionController.TooLate.selector);
        _report(epoch, "");
        _at(epoch, 1 days);
        vm.expectRevert(abi.encodeWithSelector(UNAUTHORIZED, DOUBTER));
        vm.prank(DOUBTER);
        emission.report(epoch, "", "");
        _report(epoch, "root");
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.AlreadyReported.selector, epoch));
        _report(epoch, "other");
        IEmissionController.Report memory filed = emission.reportOf(epoch);
        vm.assertEq(filed.prober, PROBER, "who");
        vm.assertEq(filed.root, "root", "what");
    }

    function test_aReportHoldsItsBondUntilItsEpochIsFinal() public {
        vm.prank(PROBER);
        emission.withdrawBond(HELD + 1);
        _at(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.BondTooSmall.selector, HELD - 1, HELD));
        _report(epoch, "root");
        vm.prank(PROBER);
        emission.addBond(1);
        _report(epoch, "root");
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.BondTooSmall.selector, 0, 1));
        vm.prank(PROBER);
        emission.withdrawBond(1);
        _at(epoch + 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.BondTooSmall.selector, 0, HELD));
        _report(epoch + 1, "root");
        _finalize(epoch);
        uint256 before = heu.balanceOf(PROBER);
        vm.prank(PROBER);
        emission.withdrawBond(HELD);
        vm.assertEq(heu.balanceOf(PROBER), before + HELD, "back");
        vm.assertEq(emission.reserve(), RESERVE, "bonds are no part of the reserve");
    }

    function test_aVoidReportIssuesNoBaseAndItsBondIsHalfTheDoubters() public {
        _doubt();
        vm.expectRevert(abi.encodeWithSelector(UNAUTHORIZED, PROBER));
        vm.prank(PROBER);
        emission.judge(epoch, false);
        uint256 supply = heu.totalSupply();
        _judge(epoch, true);
        vm.assertEq(heu.totalSupply(), supply - HELD / 2, "who doubts his own lie loses half a bond to the fire");
        vm.assertEq(emission.reserve(), RESERVE, "and the reserve nothing");
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotReported.selector, epoch));
        emission.recordBase(epoch, 2, 1_000, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotReported.selector, epoch));
        _challenge(epoch);
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).base, 0, "no base");
        vm.assertEq(emission.claimable(1), 0, "for nobody");
        vm.assertEq(emission.epochOf(epoch).baseUnits, 0, "nor do its units measure the next epoch's boosts");
        _holds(PROBER, HELD, 0);
        _holds(DOUBTER, 2 * HELD + HELD / 2, 0);
    }

    function test_aReportThatStandsTakesTheDoubtersBondAndIsNotDoubtedTwice() public {
        _doubt();
        _judge(epoch, false);
        _holds(PROBER, 2 * HELD + HELD / 2, HELD);
        _holds(DOUBTER, HELD, 0);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotReported.selector, epoch));
        _challenge(epoch);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotChallenged.selector, epoch));
        _judge(epoch, true);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotChallenged.selector, epoch));
        emission.lapse(epoch);
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).base, _base(), "the base");
        _holds(PROBER, 2 * HELD + HELD / 2, 0);
    }

    /// @dev Griefing an epoch by doubt lasts a week at most, with 10,000 HEU held meanwhile.
    function test_anEpochWaitsForTheVerdictAndGoesOnWithoutOneAfterAWeek() public {
        _doubt();
        uint256 doubted = block.timestamp;
        _at(epoch, 4 days);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.BondHeld.selector, epoch));
        emission.finalize(epoch);
        vm.warp(doubted + 7 days);
        vm.expectRevert(
            abi.encodeWithSelector(IEmissionController.TooEarly.selector, block.timestamp, block.timestamp)
        );
        emission.lapse(epoch);
        vm.warp(doubted + 7 days + 1);
        vm.prank(EVE);
        emission.lapse(epoch);
        emission.finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).base, _base(), "the report stands");
        _holds(PROBER, 2 * HELD, 0);
        _holds(DOUBTER, 2 * HELD, 0);
    }

    function test_aReportIsDoubtedWithABondWithinThreeDaysAndWhileItsEpochIsOpen() public {
        _at(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotReported.selector, epoch));
        _challenge(epoch);
        _report(epoch, "root");
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.BondTooSmall.selector, 0, HELD));
        vm.prank(EVE);
        emission.challenge(epoch);
        _at(epoch, 3 days + 1);
        vm.expectPartialRevert(IEmissionController.TooLate.selector);
        _challenge(epoch);
        _at(epoch, 3 days);
        _challenge(epoch);
        _judge(epoch, false);
        _finalize(epoch);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.AlreadyFinal.selector, epoch));
        _challenge(epoch);
    }

    /// @dev The report of the last second is doubted until the first second in which the epoch may be final, and no later.
    function test_noChallengeReachesAnEpochThatIsFinal() public {
        _at(epoch, 1 days);
        _probe(epoch, 1, 3_000);
        _at(epoch, 4 days);
        emission.finalize(epoch);
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.AlreadyFinal.selector, epoch));
        _challenge(epoch);
        _holds(DOUBTER, 2 * HELD, 0);
    }

    // ---------------------------------------------------------------------------------------------------- private

    function _doubt() private {
        _at(epoch, 0);
        _probe(epoch, 1, 3_000);
        _challenge(epoch);
        _holds(PROBER, 2 * HELD, HELD);
        _holds(DOUBTER, 2 * HELD, HELD);
    }

    function _holds(address account, uint256 amount, uint256 held) private view {
        (uint256 has, uint256 holds) = emission.bondOf(account);
        vm.assertEq(has, amount, "bond");
        vm.assertEq(holds, held, "held");
    }
}
