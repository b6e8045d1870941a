// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Emissions} from "../../contracts/libraries/Emissions.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Economies} from "./Economies.sol";

/// @dev 36, 37, 38, 41, 44 of the protocol's test list, and the exact figures of a year.
contract EmissionVectorsTest is Economies {
    uint256 internal constant GROSS = 2_000e6;

    function test_theWeeklyCapAndBaseAreThoseToTheWei() public {
        _openEconomy();
        (uint256 cap, uint256 base) = emission.capOf(Epochs.current());
        vm.assertEq(cap, 961_538_461538461538461538, "50,000,000 HEU / 52");
        vm.assertEq(base, 240_384_615384615384615384, "12,500,000 HEU / 52");
        vm.assertEq(cap, uint256(50_000_000e18) / 52, "cap");
        vm.assertEq(base, uint256(12_500_000e18) / 52, "base");
    }

    // ---------------------------------------------------------------------------------------------- a year's sums

    function test_aYearWithoutBurnIssuesOneAndAQuarterPercentOfTheSupply() public {
        _year(0);
    }

    function test_aYearThatBurns1PercentIssuesOneAndAQuarterPlusLambdaTimesIt() public {
        _year(1);
    }

    function test_aYearThatBurns5PercentIssuesOneAndAQuarterPlusLambdaTimesIt() public {
        _year(5);
    }

    function test_aYearThatBurns20PercentIssues5PercentAndNoMore() public {
        _year(20);
    }

    /// @dev Each lot is 100 of the asset, sold at the median: the price makes the burn.
    function _year(uint256 percent) private {
        uint256 burn = SUPPLY * percent / 100;
        _openEconomy(burn == 0 ? PRICE : burn / 52 / 100);
        _begin();
        _addBonds();
        _stakeFor(1, 1_000e18);
        _wait(1);
        _finalize(Epochs.current() - 1);
        uint256 burnt;
        for (uint256 i; i < 52; i++) {
            uint32 epoch = Epochs.current();
            if (burn != 0) _workFor(1, GROSS);
            _at(epoch, 0);
            _probe(epoch, 1, 1_000);
            burnt += _sellAndRecord(epoch, _ids(1));
            _finalize(epoch);
        }
        uint256 expected = _min(SUPPLY * 5 / 100, SUPPLY * 125 / 10_000 + burn * 3_000 / 10_000);
        vm.assertLe(burn - burnt, 52 * 100, "the burn, but for the rounding of its price");
        vm.assertLe(emission.owed(), expected, "never more");
        vm.assertGe(emission.owed() + 52 * 100, expected, "the rounding of 52 weeks");
        vm.assertEq(emission.reserve(), RESERVE - emission.owed(), "out of the reserve");
        vm.assertEq(emission.reservoir(), 54 * _cap() - emission.owed(), "the rest of all caps");
    }

    function test_neverMoreThanTheReserveIsIssued() public {
        _openEconomy();
        _begin();
        _addBonds();
        _stakeFor(1, 1_000e18);
        _wait(1);
        uint32 epoch = Epochs.current();
        _finalize(epoch - 1);
        uint256 left = _base() + 7;
        vm.prank(address(emission));
        heu.transfer(EVE, RESERVE - left);
        _workFor(1, GROSS);
        _at(epoch, 0);
        _probe(epoch, 1, 1_000);
        _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).dynamic, 7, "what the base left");
        vm.assertEq(emission.reserve(), 0, "nothing is left");
        vm.assertEq(emission.claim(_ids(1)), left, "and all of it is paid, bonds aside");

        epoch = Epochs.current();
        _workFor(1, GROSS);
        _at(epoch, 0);
        _probe(epoch, 1, 1_000);
        _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        vm.assertEq(emission.owed(), 0, "an empty reserve issues nothing");
    }

    // ------------------------------------------------------------------------------------------------------- points

    /// @dev However many settlements made the units, the points are those of their sum: with votes in the second epoch, the
    ///      budget of a node being its voted part of the first one's units, one and a half times.
    function testFuzz_36_pointsAreThoseOfTheSumOfAllSettlements(uint256 seed, uint16 voted) public {
        _openEconomy();
        uint32 epoch = _begin();
        uint256 mine = bound(voted, 1, 9_999);
        _lock(ANN, 300e18, _after(100));
        _vote(ANN, Ballot.Node, _ids(1, 2), _bps(uint16(mine), uint16(10_000 - mine)));
        uint256[3] memory last = _workAtRandom(seed);
        _assertPoints(epoch, last, [uint256(0), 0, 0]);
        _finalize(epoch);

        epoch = Epochs.current();
        uint256 budget = (last[1] + last[2]) * 3 / 2;
        uint256[3] memory units = _workAtRandom(~seed);
        _assertPoints(epoch, units, [0, budget * ONE * mine / 10_000, budget * ONE * (10_000 - mine) / 10_000]);
    }

    /// @return units Of each node, the first being none.
    function _workAtRandom(uint256 seed) private returns (uint256[3] memory units) {
        for (uint256 i; i < 6; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            // Even, so that half again of them is whole.
            uint256 gross = 2 * bound(draw >> 8, 1, 500e6);
            // Each has some: a node without any keeps the record of the epoch before.
            uint256 node = 1 + (i < 2 ? i : draw % 2);
            _workFor(uint32(node), gross);
            units[node] += gross;
        }
    }

    function _assertPoints(uint32 epoch, uint256[3] memory units, uint256[3] memory budgets) private {
        _at(epoch, 0);
        emission.record(epoch, _ids(1));
        emission.record(epoch, _ids(2));
        uint256 sum;
        for (uint32 node = 1; node <= 2; node++) {
            (,, uint256 points) = emission.recordOf(node);
            uint256 whole = units[node] * ONE;
            vm.assertEq(points, whole + Math.min(whole * 3 / 2, budgets[node]), "its units, and what votes add");
            sum += points;
        }
        vm.assertEq(emission.epochOf(epoch).feePoints, sum, "the total is the sum");
    }

    function testFuzz_37_aBoostIsBetweenOneAndBeta(
        uint88 units,
        uint88 last,
        uint120 weight,
        uint120 other,
        uint16 beta
    ) public pure {
        uint256 bps = bound(beta, 10_000, 25_000);
        uint256 points = Emissions.points(units, bps, last, weight, uint256(weight) + other);
        vm.assertGe(points, units * ONE, "at least once");
        vm.assertLe(points, units * ONE * bps / 10_000, "at most beta");
        if (weight == 0) vm.assertEq(points, units * ONE, "votes make it");
    }

    /// @dev A node of (u, w) against two of its parts with votes in proportion, each with a reward of `pool` over all points.
    function testFuzz_37_splittingANodeWithProportionalVotesMovesItsRewardByAUnitAtMost(
        uint64 units,
        uint64 others,
        uint64 last,
        uint96 weight,
        uint96 rest,
        uint8 part
    ) public pure {
        units = uint64(bound(units, 1, type(uint64).max / 256)) * 256;
        uint256 whole = uint256(weight) * 256;
        uint256 total = whole + rest + 1;
        uint256 joined = Emissions.points(units, 25_000, last, whole, total);
        uint256 a = Emissions.points(uint256(units) / 256 * part, 25_000, last, uint256(weight) * part, total);
        uint256 b =
            Emissions.points(uint256(units) / 256 * (256 - part), 25_000, last, uint256(weight) * (256 - part), total);
        uint256 before = _reward(joined, joined + others * ONE);
        uint256 now_ = _reward(a, a + b + others * ONE) + _reward(b, a + b + others * ONE);
        // Points have 64 binary places: in a week of less than 1,000 of the asset the last of them may be more than a wei.
        uint256 all = uint256(units) + others;
        uint256 most = all < 1_000e6 ? 2 + (_cap() - _base()) / all / ONE : 1;
        vm.assertLe(before > now_ ? before - now_ : now_ - before, most, "one unit");
    }

    /// @dev Of a week's whole dynamic part.
    function _reward(uint256 points, uint256 all) private pure returns (uint256) {
        return Math.mulDiv(_cap() - _base(), points, all);
    }

    /// @dev The same on the chain: nodes 1 and 2 are one operator's, node 3 somebody else's.
    function test_37_theBoostIsTheVotedPartOfTheLastEpochsUnitsAndAtMostBeta() public {
        _openEconomy();
        uint32 epoch = _begin();
        _lock(ANN, 300e18, _after(100));
        _vote(ANN, Ballot.Node, _ids(1, 2), _bps(7_500, 2_500));
        _workFor(1, 1_000e6);
        _workFor(2, 1_000e6);
        _sellAndRecord(epoch, _ids(1, 2));
        _finalize(epoch);
        vm.assertEq(emission.epochOf(epoch).feePoints, 2_000e6 * ONE, "no votes yet, and no last epoch");
        emission.claim(_ids(1));

        epoch = Epochs.current();
        _workFor(1, 4_000e6);
        _workFor(2, 100e6);
        _workFor(3, 50e6);
        _sellAndRecord(epoch, _ids(1, 2, 3));
        (,, uint256 points) = emission.recordOf(1);
        vm.assertEq(points, (4_000e6 + 2_000e6 * 3 / 2 * 3 / 4) * ONE, "its units and three quarters of the budget");
        (,, points) = emission.recordOf(2);
        vm.assertEq(points, 250e6 * ONE, "2.5 times, and no more, however many votes");
        (,, points) = emission.recordOf(3);
        vm.assertEq(points, 50e6 * ONE, "no votes, no boost");
        vm.assertEq(points, emission.pointsOf(3, epoch, false, 50e6), "as the view says");
        _finalize(epoch);
        uint256 all = 4_000e6 + 2_250e6 + 250e6 + 50e6;
        vm.assertEq(
            emission.claimable(1), Math.mulDiv(emission.epochOf(epoch).dynamic, 6_250e6, all), "its part of all points"
        );
    }

    function test_aVoteOfTheEpochItselfMovesNoPointsOfIt() public {
        _openEconomy();
        uint32 epoch = _begin();
        _workFor(1, 1_000e6);
        _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        epoch = Epochs.current();
        _workFor(1, 1_000e6);
        _workFor(2, 1_000e6);
        _lock(ANN, 300e18, _after(100));
        _vote(ANN, Ballot.Node, 2, 10_000);
        _sellAndRecord(epoch, _ids(1, 2));
        (,, uint256 points) = emission.recordOf(2);
        vm.assertEq(points, 1_000e6 * ONE, "the vote counts from the next epoch");
    }

    // ------------------------------------------------------------------------------------------------ the inequality

    function test_38_theParametersInForceMakeWashingUnprofitable() public {
        _openEconomy();
        IEmissionController.Params memory params = emission.paramsIn(Epochs.current());
        vm.assertLe(
            uint256(params.lambdaBps) * params.betaBps,
            (10_000 - emission.RECOVERABLE_BPS()) * 10_000,
            "lambda * beta <= 1 - what of a burn may come back"
        );
    }

    /// @dev The best wash there is: its node alone has all votes' boost, and everything but the burn comes back to it.
    function testFuzz_38_noWashBringsBackMoreThanItBurns(uint256 wash, uint256 honest, uint16 votesShare) public {
        _openEconomy();
        uint32 epoch = _begin();
        _lock(ANN, 1_000e18, _after(100));
        uint16 mine = uint16(bound(votesShare, 1, 10_000));
        _vote(ANN, Ballot.Node, _ids(1, 2), _bps(mine, 10_000 - mine));
        wash = bound(wash, 200e6, 50_000e6);
        honest = bound(honest, 200e6, 50_000e6);
        _workFor(2, honest);
        _sellAndRecord(epoch, _ids(2));
        _finalize(epoch);
        epoch = Epochs.current();
        _workFor(1, wash);
        _workFor(2, honest);
        uint256 burnt = _sellAndRecord(epoch, _ids(1, 2));
        _finalize(epoch);
        // At the honest price, the wash's part of the burn is what it cost; a quarter may come back by other ways.
        uint256 cost = Math.mulDiv(burnt, wash, wash + honest);
        vm.assertLe(emission.claimable(1), cost * 7_500 / 10_000 + 1, "the emission of the wash");
    }

    /// @dev Only the buyer of the lot pays for it: whoever burns one HEU more than the lot is worth has lambda of it issued to
    ///      all nodes together.
    function test_41_overbiddingTheLotCostsMoreThanItBringsBack() public {
        _openEconomy();
        uint32 epoch = _begin();
        _workFor(1, 10_000e6);
        _at(epoch, 0);
        burner.gather(router);
        emission.record(epoch, _ids(1));
        uint256 snapshot = vm.snapshotState();
        (uint256 high, uint256 much) = _outcome(epoch, 1 days);
        vm.revertToState(snapshot);
        (uint256 low, uint256 little) = _outcome(epoch, 4 days - 1);
        vm.assertGt(high, 7 * low, "the first second costs eight times the last");
        vm.assertEq(much, high * 3_000 / 10_000, "lambda, to the one node there is");
        vm.assertEq(little, low * 3_000 / 10_000, "lambda");
        vm.assertGt(high - low, 5 * (much - little) / 2, "even boosted 2.5 times it never pays");
    }

    function _outcome(uint32 epoch, uint256 when) private returns (uint256 burnt, uint256 issued) {
        _at(epoch, when);
        (burnt,) = _buy();
        _finalize(epoch);
        issued = emission.claim(_ids(1));
    }

    // ------------------------------------------------------------------------------------------------- parameters

    function test_44_everyRateHasItsBoundsAndOnePrecision_WashingWouldPay() public {
        _openEconomy();
        vm.assertEq(emission.BPS(), 10_000, "one precision");
        _refuses(1, 4_100, 25_000, 7_500 * 10_000);
        _refuses(1, 3_000, 30_000, 7_500 * 10_000);
        _refuses(1, 7_501, 10_000, 7_500 * 10_000);
        _refuses(1, 0, 30_000, 25_000);
        _refuses(1, 3_000, 9_999, 25_000);
        IEmissionController.Params memory params = _params();
        params.capBps = 501;
        _outOfBounds(params, 501, 0, 500);
        params = _params();
        params.baseBps = 501;
        _outOfBounds(params, 501, 0, 500);
        (params.capBps, params.baseBps) = (100, 101);
        _outOfBounds(params, 101, 0, 100);
        params = _params();
        params.etaBps = 2_499;
        _outOfBounds(params, 2_499, 2_500, 10_000);
        params.etaBps = 10_001;
        _outOfBounds(params, 10_001, 2_500, 10_000);
        params = _params();
        params.quota = 0;
        _outOfBounds(params, 0, 1, 1_000_000_000);
        params.quota = 1_000_000_001;
        _outOfBounds(params, 1_000_000_001, 1, 1_000_000_000);
    }

    function test_44_theEdgesOfTheBoundsAreAllowed() public {
        _openEconomy();
        IEmissionController.Params memory params = IEmissionController.Params(500, 500, 3_000, 25_000, 10_000, 1e9);
        emission.setParams(params);
        params = IEmissionController.Params(0, 0, 7_500, 10_000, 2_500, 1);
        emission.setParams(params);
        IEmissionController.Params memory set = emission.paramsIn(_after(1));
        vm.assertEq(keccak256(abi.encode(set)), keccak256(abi.encode(params)), "as set");
    }

    function _refuses(uint64 quota, uint16 lambda, uint16 beta, uint256 most) private {
        IEmissionController.Params memory params = _params();
        (params.quota, params.lambdaBps, params.betaBps) = (quota, lambda, beta);
        uint256 product = uint256(lambda) * beta;
        vm.expectRevert(
            product > 7_500 * 10_000
                ? abi.encodeWithSelector(IEmissionController.WashingWouldPay.selector, product, most)
                : abi.encodeWithSelector(IEmissionController.ParamOutOfBounds.selector, beta, 10_000, most)
        );
        emission.setParams(params);
    }

    function _outOfBounds(IEmissionController.Params memory params, uint256 value, uint256 least, uint256 most)
        private
    {
        vm.expectRevert(abi.encodeWithSelector(IEmissionController.ParamOutOfBounds.selector, value, least, most));
        emission.setParams(params);
    }
}
