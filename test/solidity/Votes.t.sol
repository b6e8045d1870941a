// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IVoteController} from "../../contracts/interfaces/IVoteController.sol";
import {IVotingEscrow} from "../../contracts/interfaces/IVotingEscrow.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Votes} from "./Votes.sol";

/// @dev 10-22: what went wrong with votes elsewhere, and every guard of a ballot.
contract VotesTest is Votes {
    function setUp() public {
        _openVotes();
    }

    function test_10_aVoteIsTheDecayedPowerOfTheLock() public {
        uint32 end = _after(5);
        _lock(ANN, 10e18, end);
        _wait(2);
        _vote(ANN, Ballot.Pod, 1, 5_000);

        uint32 next = _after(1);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, next), 5e18 * 2, "half of ten, two epochs before the end");
        vm.assertEq(votes.votesIn(ANN, Ballot.Pod, 1, next), 10e18);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, next), 10e18);
        vm.assertEq(votes.weightIn(Ballot.Node, 1, next), 0, "the other ballot has not heard of it");
    }

    function test_bothBallotsInOneCallAreTwoCalls() public {
        _lock(ANN, 10e18, _after(5));
        _lock(BEN, 10e18, _after(5));
        _vote(BEN, Ballot.Node, _ids(1), _bps(7_000));
        _vote(BEN, Ballot.Pod, _ids(1, 2), _bps(4_000, 6_000));
        vm.prank(ANN);
        votes.voteBoth(_ids(1), _bps(7_000), _ids(1, 2), _bps(4_000, 6_000));

        uint32 next = _after(1);
        vm.assertEq(votes.votesIn(ANN, Ballot.Node, 1, next), 7e18 * 4);
        vm.assertEq(votes.votesIn(ANN, Ballot.Pod, 1, next), 4e18 * 4);
        vm.assertEq(votes.votesIn(ANN, Ballot.Pod, 2, next), 6e18 * 4);
        vm.assertEq(votes.usedBps(ANN, Ballot.Node), 7_000);
        vm.assertEq(votes.usedBps(ANN, Ballot.Pod), 10_000, "each ballot has all of the power");
        for (uint8 i; i < 2; i++) {
            Ballot ballot = Ballot(i);
            vm.assertEq(votes.weightIn(ballot, 1, next), 2 * votes.votesIn(BEN, ballot, 1, next), "as much as two calls");
        }

        vm.startPrank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.LengthMismatch.selector, 1, 0));
        votes.voteBoth(_ids(1), _bps(7_000), _ids(1), new uint16[](0));
        vm.expectRevert(abi.encodeWithSelector(IVoteController.LengthMismatch.selector, 0, 1));
        votes.voteBoth(new uint32[](0), _bps(7_000), _ids(1), _bps(1));
        vm.expectRevert(abi.encodeWithSelector(IVoteController.OverAllocated.selector, 10_001));
        votes.voteBoth(_ids(1), _bps(1), _ids(1), _bps(4_001));
        vm.stopPrank();
        vm.assertEq(votes.usedBps(ANN, Ballot.Node), 7_000, "a refused half changes neither");
    }

    function test_11_lockVoteAndWithdrawInOneTransactionIsImpossible() public {
        uint32 next = _after(1);
        _lock(EVE, 1_000e18, next);
        vm.prank(EVE);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.LockTooShort.selector, next, next + 1));
        votes.vote(Ballot.Pod, _ids(1), _bps(10_000));

        _lock(ANN, 1_000e18, next + 1);
        _vote(ANN, Ballot.Pod, 1, 10_000);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, next - 1), 0, "no vote before the next epoch");
        vm.prank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.NotExpired.selector, next + 1));
        escrow.withdraw();
    }

    function test_12_weightsAreRightAfterAnySleep() public {
        uint32[4] memory sleeps = [uint32(10), 104, 105, 300];
        for (uint256 i; i < sleeps.length; i++) {
            uint256 state = vm.snapshotState();
            uint32 birth = Epochs.current();
            _lock(ANN, 2e18, birth + 50);
            _lock(BEN, 3e18, birth + MOST);
            _vote(ANN, Ballot.Node, 1, 10_000);
            _vote(BEN, Ballot.Node, 1, 10_000);
            _wait(sleeps[i]);
            uint256 expected = sleeps[i] < 50 ? 2e18 * uint256(50 - sleeps[i]) : 0;
            if (sleeps[i] < MOST) expected += 3e18 * uint256(MOST - sleeps[i]);
            uint32 now_ = Epochs.current();
            vm.assertEq(votes.weightIn(Ballot.Node, 1, now_), expected, "as if never asleep");
            votes.roll(Ballot.Node, 1);
            vm.assertLe(vm.lastCallGas().gasTotalUsed, 300_000, "a bounded number of steps");
            votes.roll(Ballot.Node, 0);
            vm.assertEq(votes.weightIn(Ballot.Node, 1, now_), expected, "and written down");
            vm.assertEq(votes.ballotWeightIn(Ballot.Node, now_), expected);
            vm.assertEq(votes.weightIn(Ballot.Node, 1, birth + 1), 2e18 * 49 + 3e18 * 103, "the past stays");
            vm.revertToState(state);
        }
    }

    function test_15_votingAgainWithAGrownLockCountsItOnce() public {
        uint32 end = _after(10);
        _lock(ANN, 10e18, end);
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _wait(1);
        _lock(ANN, 5e18, end + 20);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 10e18 * 8, "the vote is of the lock as it was");
        _vote(ANN, Ballot.Pod, 1, 10_000);

        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(0)), 10e18 * 9, "this epoch is as it was");
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 15e18 * 28, "the next has the grown lock, once");
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 15e18 * 28);
        vm.assertEq(votes.votesIn(ANN, Ballot.Pod, 1, _after(1)), escrow.powerIn(ANN, _after(1)), "all its power");
        vm.warp(Epochs.startOf(end));
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, end), 15e18 * 20, "nothing ends where the old lock did");
        vm.warp(Epochs.startOf(end + 20));
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, end + 20), 0);
    }

    function test_15_votingAgainWithALockThatOnlyGrewLongerCountsItsNewEnd() public {
        _lock(ANN, 10e18, _after(5));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _wait(1);
        uint32 end = _after(20);
        vm.prank(ANN);
        escrow.lock(0, end);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 10e18 * 3, "a vote is of the lock it was cast with");
        _vote(ANN, Ballot.Pod, 1, 10_000);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 10e18 * uint256(end - _after(1)), "the longer lock's");
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 10e18 * uint256(end - _after(1)), "once");
    }

    function test_15_targetsVotedWithDifferentLocksInOneEpochKeepTheirOwn() public {
        uint32 end = _after(10);
        _lock(ANN, 10e18, end);
        _vote(ANN, Ballot.Pod, 1, 4_000);
        _lock(ANN, 10e18, end + 5);
        _vote(ANN, Ballot.Pod, 2, 6_000);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 4e18 * 9);
        vm.assertEq(votes.weightIn(Ballot.Pod, 2, _after(1)), 12e18 * 14);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 4e18 * 9 + 12e18 * 14);
        _wait(3);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(0, 0));
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 0, "each is taken back as it was given");
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(0)), 4e18 * 7 + 12e18 * 12);
    }

    function test_16_theLastSecondAndTheFirst() public {
        uint32 epoch = Epochs.current();
        _lock(ANN, 1e18, epoch + 10);
        _lock(BEN, 1e18, epoch + 10);
        vm.warp(Epochs.startOf(epoch + 1) - 1);
        _vote(ANN, Ballot.Node, 1, 10_000);
        vm.warp(Epochs.startOf(epoch + 1));
        _vote(BEN, Ballot.Node, 1, 10_000);

        vm.assertEq(votes.weightIn(Ballot.Node, 1, epoch), 0, "the last second says nothing of its epoch");
        vm.assertEq(votes.weightIn(Ballot.Node, 1, epoch + 1), 9e18, "and everything of the next");
        vm.assertEq(votes.votesIn(BEN, Ballot.Node, 1, epoch + 1), 0, "the first second says nothing of its own");
        vm.assertEq(votes.weightIn(Ballot.Node, 1, epoch + 2), 2 * 8e18);
    }

    function test_17_ofManyVotesInAnEpochTheLastCounts() public {
        _lock(ANN, 10e18, _after(10));
        _lock(BEN, 10e18, _after(10));
        _vote(BEN, Ballot.Pod, 1, 10_000);
        uint256 tenth;
        for (uint16 i = 1; i <= 100; i++) {
            _vote(ANN, Ballot.Pod, 1, 100 * i - 1);
            if (i == 10) tenth = vm.lastCallGas().gasTotalUsed;
            if (i == 100) vm.assertLe(vm.lastCallGas().gasTotalUsed, tenth, "the hundredth costs what the tenth did");
        }
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 9 * (10e18 + 10e18 * 9_999 / 10_000));
        vm.assertEq(votes.usedBps(ANN, Ballot.Pod), 9_999);
    }

    function test_18_aVoteForADeactivatedTargetCanBeTakenBack() public {
        _lock(ANN, 10e18, _after(10));
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        registry.deactivate(Role.Pod, 1);
        _wait(1);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(0)), 6e18 * 9, "they stay until they are removed");
        _vote(ANN, Ballot.Pod, 1, 6_000);
        _vote(ANN, Ballot.Pod, 1, 3_000);
        _vote(ANN, Ballot.Pod, 1, 0);
        vm.prank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.InactiveTarget.selector, Ballot.Pod, 1));
        votes.vote(Ballot.Pod, _ids(1), _bps(1));

        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 0);
        vm.assertEq(votes.usedBps(ANN, Ballot.Pod), 4_000, "the budget is back");
        _vote(ANN, Ballot.Pod, 2, 10_000);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 10e18 * 8);
    }

    function test_19_deactivationLeavesTheSumsConsistent() public {
        _lock(ANN, 10e18, _after(4));
        _lock(BEN, 7e18, _after(9));
        _vote(ANN, Ballot.Node, _ids(1, 2), _bps(5_000, 5_000));
        _vote(BEN, Ballot.Node, _ids(1, 2), _bps(1_000, 9_000));
        registry.deactivate(Role.Node, 1);
        for (uint32 i; i < 12; i++) {
            _wait(1);
            if (i == 2) _vote(ANN, Ballot.Node, 1, 0);
            if (i == 5) _vote(BEN, Ballot.Node, 1, 0);
            uint32 next = _after(1);
            vm.assertEq(
                votes.ballotWeightIn(Ballot.Node, next) - votes.weightIn(Ballot.Node, 1, next),
                votes.weightIn(Ballot.Node, 2, next),
                "what is not the one's is the other's"
            );
        }
        vm.assertEq(votes.ballotWeightIn(Ballot.Node, _after(1)), 0);
    }

    function test_20_aTargetVotedBeforeItsFirstRollKeepsItsVotes() public {
        _lock(ANN, 10e18, _after(40));
        _vote(ANN, Ballot.Node, 3, 10_000);
        _wait(5);
        votes.roll(Ballot.Node, 3);
        vm.assertEq(votes.weightIn(Ballot.Node, 3, _after(0)), 10e18 * 35);
        votes.roll(Ballot.Node, 4);
        _wait(1);
        _vote(ANN, Ballot.Node, _ids(3, 4), _bps(5_000, 5_000));
        votes.roll(Ballot.Node, 4);
        vm.assertEq(votes.weightIn(Ballot.Node, 4, _after(1)), 5e18 * 33, "rolled before its first vote, and after");
        vm.assertEq(votes.weightIn(Ballot.Node, 3, _after(1)), 5e18 * 33);
    }

    function test_21_anExpiredLocksVoteIsWorthNothingUnasked() public {
        uint32 end = _after(3);
        _lock(ANN, 10e18, end);
        _lock(BEN, 1e18, end + 5);
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _vote(BEN, Ballot.Pod, 1, 10_000);
        vm.warp(Epochs.startOf(end));

        vm.assertEq(votes.votesIn(ANN, Ballot.Pod, 1, end), 0);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, end), 5e18, "only the living one");
        vm.prank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.LockTooShort.selector, end, end + 2));
        votes.vote(Ballot.Pod, _ids(1), _bps(10_000));
        _vote(ANN, Ballot.Pod, 1, 0);
        vm.assertEq(votes.usedBps(ANN, Ballot.Pod), 0, "but it can be tidied away");
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, end + 1), 4e18);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, end + 1), 4e18, "and of the whole ballot nothing is taken");
    }

    function test_22_nobodyCanBlockARefresh() public {
        _lock(ANN, 10_000, _after(50));
        _vote(ANN, Ballot.Node, _ids(1, 2), _bps(1, 9_999));
        // A weight of one wei, a stranger's dust, a stranger's gift and a dead target later:
        _lock(EVE, 1, _after(50));
        _vote(EVE, Ballot.Node, 1, 1);
        heu.transfer(EVE, 10_000);
        vm.prank(EVE);
        escrow.lockFor(ANN, 10_000);
        votes.roll(Ballot.Node, 1);
        registry.deactivate(Role.Node, 1);
        _wait(3);

        _vote(ANN, Ballot.Node, _ids(1, 2), _bps(1, 9_999));
        vm.assertEq(votes.votesIn(ANN, Ballot.Node, 1, _after(1)), 2 * 46);
        vm.assertEq(votes.votesIn(ANN, Ballot.Node, 2, _after(1)), 2 * 9_999 * 46);
    }

    // ---------------------------------------------------------------------------------- whole ten-thousandths, and rolls

    function test_howeverALockIsDividedItsPartsSumToTheSame() public {
        uint32 end = _after(20);
        _lock(ANN, 10e18 + 17_777, end);
        uint32 next = _after(1);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(3_333, 6_667));
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, next), (1e15 + 1) * 3_333 * 19, "of whole ten-thousandths");
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, next), (1e15 + 1) * 10_000 * 19);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(1, 7_777));
        _vote(ANN, Ballot.Pod, _ids(3), _bps(2_222));
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, next), (1e15 + 1) * 10_000 * 19, "to the wei");
    }

    function test_lessThanATenThousandthOfALockIsNoVote() public {
        _lock(ANN, 9_999, _after(20));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        vm.assertEq(votes.votesIn(ANN, Ballot.Pod, 1, _after(1)), 0);
        _lock(BEN, 20_000, _after(20));
        _vote(BEN, Ballot.Pod, 1, 10_000);
        heu.transfer(EVE, 9_999);
        vm.startPrank(EVE);
        heu.approve(address(escrow), 9_999);
        escrow.lockFor(BEN, 9_999);
        vm.stopPrank();
        vm.record();
        _vote(BEN, Ballot.Pod, 1, 10_000);
        (, bytes32[] memory writes) = vm.accesses(address(votes));
        vm.assertEq(writes.length, 0, "a stranger's gift of dust is no other lock");
        vm.assertEq(votes.votesIn(BEN, Ballot.Pod, 1, _after(1)), 20_000 * 19);
    }

    function test_aVoteThatOnlyMovesLeavesTheWholeBallotAsItIs() public {
        uint32 end = _after(20);
        uint32 next = _after(1);
        _lock(ANN, 10e18 + 12_345, end);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(3);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(3_000, 7_000));

        vm.assertEq(votes.lastRoll(Ballot.Pod, 0), next, "not counted again");
        vm.assertEq(votes.lastRoll(Ballot.Pod, 1), _after(1));
        uint256 whole = (10e18 + 10_000) * uint256(end - _after(1));
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), whole, "and right all the same");
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), whole * 3 / 10);
        vm.assertEq(votes.weightIn(Ballot.Pod, 2, _after(1)), whole * 7 / 10);
    }

    /// @dev What is added is nothing, and what is taken out ends at another time.
    function test_aVoteOfAnOlderLockThatIsTakenBackLeavesTheWholeBallot() public {
        uint32 end = _after(20);
        _lock(ANN, 10e18, end);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _lock(ANN, 0, end + 10);
        _vote(ANN, Ballot.Pod, 1, 0);

        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 0);
        vm.assertEq(votes.weightIn(Ballot.Pod, 2, _after(1)), 4e18 * 19, "as it was cast");
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 4e18 * 19);
        _wait(20);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, end), 0, "and nothing is left at its end");
    }

    /// @dev The lock of its first vote is noted though it had no ten-thousandth.
    function test_aVoteWithTooLittleKeepsTheEndItWasCastWith() public {
        uint32 end = _after(20);
        _lock(ANN, 9_999, end);
        _vote(ANN, Ballot.Pod, 1, 4_000);
        _lock(ANN, 10e18, end + 5);
        _vote(ANN, Ballot.Pod, 2, 6_000);
        (uint16 bps, uint96 amount, uint32 until,) = votes.voteOf(ANN, Ballot.Pod, 1);
        vm.assertEq(bps, 4_000);
        vm.assertEq(amount, 0);
        vm.assertEq(until, end);
    }

    function test_aRollCountsUpToTheNextEpochAndTwiceIsHarmless() public {
        _lock(ANN, 10e18, _after(20));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _wait(5);
        vm.expectEmit(true, true, true, true, address(votes));
        emit IVoteController.Rolled(Ballot.Pod, 0, _after(1), 10e18 * 14);
        votes.roll(Ballot.Pod, 0);
        vm.assertEq(votes.lastRoll(Ballot.Pod, 0), _after(1));
        vm.record();
        vm.recordLogs();
        votes.roll(Ballot.Pod, 0);
        (, bytes32[] memory writes) = vm.accesses(address(votes));
        vm.assertEq(writes.length, 0, "twice");
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(0)), 10e18 * 15, "the present epoch is as it was");

        _vote(ANN, Ballot.Pod, 1, 5_000);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(0)), 10e18 * 15, "and stays so");
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 5e18 * 14);
    }

    function test_votesOfLocksThatEndedLeaveTheWholeBallotWithoutChangingIt() public {
        uint32 end = _after(3);
        _lock(ANN, 10e18, end);
        _lock(BEN, 1e18, end + 9);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _vote(BEN, Ballot.Pod, 2, 10_000);
        _wait(3);
        vm.startPrank(ANN);
        escrow.withdraw();
        vm.stopPrank();
        _lock(ANN, 2e18, _after(40));
        _vote(ANN, Ballot.Pod, 2, 0);
        vm.assertEq(votes.lastRoll(Ballot.Pod, 0), end - 2, "there is nothing to count");
        _vote(ANN, Ballot.Pod, 1, 5_000);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 1e18 * 39);
        vm.assertEq(votes.weightIn(Ballot.Pod, 2, _after(1)), 1e18 * 8);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 1e18 * 39 + 1e18 * 8);
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, end - 1), 10e18 + 1e18 * 10, "what was is what it was");
    }

    /// @dev Seen slot by slot: the second vote of an epoch writes to none that was empty.
    function test_whatStoodBeforeIsPutAwayOnceAnEpoch() public {
        _lock(ANN, 10e18, _after(20));
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(1);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(3_000, 3_000));
        uint256 state = vm.snapshotState();
        vm.record();
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(2_000, 1_000));
        (, bytes32[] memory writes) = vm.accesses(address(votes));
        vm.assertGt(writes.length, 5, "targets, the ballot, the votes");
        vm.revertToState(state);
        for (uint256 i; i < writes.length; i++) {
            vm.assertTrue(vm.load(address(votes), writes[i]) != 0, "to a slot that was taken");
        }
    }

    // ------------------------------------------------------------------------------------- votes that change nothing

    function test_aVoteThatChangesNothingLeavesNoTrace() public {
        uint32 end = _after(20);
        uint32 from = _after(1);
        _lock(ANN, 10e18, end);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(5);
        vm.record();
        vm.recordLogs();
        _vote(ANN, Ballot.Pod, _ids(2, 1), _bps(4_000, 6_000));

        (, bytes32[] memory writes) = vm.accesses(address(votes));
        vm.assertEq(writes.length, 0, "nothing is written");
        vm.assertEq(vm.getRecordedLogs().length, 0, "and nothing told");
        (uint16 bps, uint96 amount, uint32 until, uint32 since) = votes.voteOf(ANN, Ballot.Pod, 1);
        vm.assertEq(bps, 6_000);
        vm.assertEq(amount, 6e18);
        vm.assertEq(until, end);
        vm.assertEq(since, from, "it counts since it was first cast");
        vm.assertEq(votes.usedBps(ANN, Ballot.Pod), 10_000);
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 6e18 * uint256(end - _after(1)), "and goes on counting");
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 10e18 * uint256(end - _after(1)));
    }

    function test_besideAVoteThatStaysTheOthersOfTheCallAreCounted() public {
        uint32 end = _after(20);
        _lock(ANN, 10e18, end);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 3_000));
        uint32[2] memory from = [_after(1), _after(2)];
        uint32[] memory ids = new uint32[](4);
        uint16[] memory bps = new uint16[](4);
        (ids[0], ids[1], ids[2], ids[3]) = (3, 1, 2, 4);
        (bps[0], bps[1], bps[2], bps[3]) = (500, 6_000, 2_000, 1_500);
        _wait(1);
        _vote(ANN, Ballot.Pod, ids, bps);

        uint256 left = end - _after(1);
        for (uint256 i; i < 4; i++) {
            vm.assertEq(votes.weightIn(Ballot.Pod, ids[i], _after(1)), 10e18 * uint256(bps[i]) / 10_000 * left);
            (,,, uint32 since) = votes.voteOf(ANN, Ballot.Pod, ids[i]);
            vm.assertEq(since, from[i == 1 ? 0 : 1], "only what changed is new");
        }
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 10e18 * left);
        vm.assertEq(votes.usedBps(ANN, Ballot.Pod), 10_000);
    }

    // ---------------------------------------------------------------------------------------------- the guards

    function test_aBallotHasTenThousandBasisPoints() public {
        _lock(ANN, 10e18, _after(10));
        vm.startPrank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.OverAllocated.selector, 10_001));
        votes.vote(Ballot.Pod, _ids(1, 2), _bps(10_000, 1));
        vm.expectRevert(abi.encodeWithSelector(IVoteController.OverAllocated.selector, 10_001));
        votes.vote(Ballot.Pod, _ids(1), _bps(10_001));
        votes.vote(Ballot.Pod, _ids(1, 2), _bps(9_000, 1_000));
        votes.vote(Ballot.Node, _ids(1), _bps(10_000));
        vm.expectRevert(abi.encodeWithSelector(IVoteController.OverAllocated.selector, 10_001));
        votes.vote(Ballot.Pod, _ids(2), _bps(1_001));
        votes.vote(Ballot.Pod, _ids(2, 1), _bps(9_000, 1_000));
        vm.stopPrank();
        vm.assertEq(votes.usedBps(ANN, Ballot.Pod), 10_000, "what is moved may be raised first");
        vm.assertEq(votes.usedBps(ANN, Ballot.Node), 10_000, "each ballot has its own");
    }

    function test_aVoteNeedsATargetThatExists() public {
        _lock(ANN, 10e18, _after(10));
        uint32[3] memory unknown = [uint32(0), 5, type(uint32).max];
        for (uint256 i; i < 3; i++) {
            vm.prank(ANN);
            vm.expectRevert(
                abi.encodeWithSelector(IVoteController.UnknownTarget.selector, Ballot.Node, unknown[i])
            );
            votes.vote(Ballot.Node, _ids(unknown[i]), _bps(1));
        }
        vm.prank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.LengthMismatch.selector, 2, 1));
        votes.vote(Ballot.Node, _ids(1, 2), _bps(1));
        vm.prank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.LengthMismatch.selector, 1, 2));
        votes.vote(Ballot.Node, _ids(1), _bps(1, 2));
    }

    function test_aVoteNeedsALock() public {
        vm.prank(EVE);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.LockTooShort.selector, 0, _after(2)));
        votes.vote(Ballot.Node, _ids(1), _bps(1));
        _vote(EVE, Ballot.Node, 1, 0);
        vm.assertEq(votes.ballotWeightIn(Ballot.Node, _after(1)), 0, "removing nothing does nothing");
    }

    function test_weightsAreKnownUpToTheNextEpoch() public {
        uint32 most = _after(1);
        votes.weightIn(Ballot.Node, 1, most);
        votes.votesIn(ANN, Ballot.Node, 1, most);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.EpochTooFar.selector, most + 1, most));
        votes.weightIn(Ballot.Node, 1, most + 1);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.EpochTooFar.selector, most + 1, most));
        votes.ballotWeightIn(Ballot.Node, most + 1);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.EpochTooFar.selector, most + 1, most));
        votes.votesIn(ANN, Ballot.Node, 1, most + 1);
        vm.assertEq(votes.weightIn(Ballot.Node, 1, 0), 0, "the deep past is empty");
        vm.assertEq(votes.votesIn(ANN, Ballot.Node, 1, 0), 0);
    }

    function test_theVoteIsToldAsItWasCast() public {
        uint32 end = _after(9);
        _lock(ANN, 10e18, end);
        _vote(ANN, Ballot.Pod, 2, 2_500);
        uint32 from = _after(1);
        _lock(ANN, 10e18, end + 3);
        _wait(4);
        (uint16 bps, uint96 amount, uint32 until, uint32 since) = votes.voteOf(ANN, Ballot.Pod, 2);
        vm.assertEq(bps, 2_500);
        vm.assertEq(amount, 2.5e18, "a lock that grew later is no matter");
        vm.assertEq(until, end);
        vm.assertEq(since, from);
        _vote(ANN, Ballot.Pod, 2, 0);
        (bps, amount, until, since) = votes.voteOf(ANN, Ballot.Pod, 2);
        vm.assertEq(uint256(bps) + amount + until, 0, "removed");
        vm.assertEq(since, _after(1));
    }

    /// @dev More votes than one slot holds, each asked for long after.
    function test_everyPastVoteIsKept() public {
        uint32 birth = Epochs.current();
        _lock(ANN, 10_000e18, birth + 90);
        for (uint32 i; i < 40; i++) {
            if (i % 7 == 3) _lock(ANN, 1e18, birth + 90);
            if (i % 3 != 2) _vote(ANN, Ballot.Node, 1, uint16(100 * (i + 1)));
            _wait(1);
        }
        _wait(100);
        for (uint32 i; i < 40; i++) {
            uint256 cast = i % 3 == 2 ? i - 1 : i;
            uint256 expected = (10_000e18 + (cast + 4) / 7 * 1e18) * (100 * (cast + 1)) / 10_000 * (90 - 1 - i);
            vm.assertEq(votes.votesIn(ANN, Ballot.Node, 1, birth + 1 + i), expected, "as it was cast");
            vm.assertEq(votes.weightIn(Ballot.Node, 1, birth + 1 + i), expected, "and counted");
        }
    }
}
