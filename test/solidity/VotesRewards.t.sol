// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IVoteController} from "../../contracts/interfaces/IVoteController.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Votes} from "./Votes.sol";

/// @dev 24-30: what went wrong with voters' rewards elsewhere, and every guard of the till.
contract VotesRewardsTest is Votes {
    uint256 internal constant GROSS = 20e6;

    function setUp() public {
        _openVotes();
    }

    /// @dev A tip of `node` for the epoch before this one, taken in.
    function _tip(uint32 node, uint256 amount) internal {
        purse.add(node, Epochs.current() - 1, amount);
        votes.closeTips(node);
    }

    function test_aPodsRevenueIsSharedByWeight() public {
        _lock(ANN, 30e18, _after(11));
        _lock(BEN, 10e18, _after(6));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _vote(BEN, Ballot.Pod, _ids(1, 2), _bps(5_000, 5_000));
        _wait(1);
        _earn(1, GROSS);
        _earn(2, 3 * GROSS);
        _wait(1);
        vm.assertEq(votes.closeRevenue(router, 1), _revenue(GROSS));
        vm.assertEq(votes.closeRevenue(router, 2), _revenue(3 * GROSS));

        uint256 all = 30e18 * 10 + 5e18 * 5;
        uint256 anns = _revenue(GROSS) * (30e18 * 10) / all;
        vm.assertEq(votes.claimable(ANN, Ballot.Pod, router, 1), anns);
        vm.assertEq(_claimPod(ANN, 1), anns, "thirty for ten epochs");
        vm.assertEq(dollar.balanceOf(ANN), anns);
        vm.assertEq(_claimPod(BEN, 1), _revenue(GROSS) * (5e18 * 5) / all, "five for five");
        vm.assertEq(_claimPod(BEN, 2), _revenue(3 * GROSS) - 1, "all of the other pod's, rounded down");
        vm.assertEq(_claimPod(EVE, 1), 0, "nothing for who did not vote");
    }

    function test_25_claimingEarlyForfeitsNothingAndTwicePaysOnce() public {
        _lock(ANN, 10e18, _after(20));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _wait(1);
        _earn(1, GROSS);
        vm.assertEq(votes.closeRevenue(router, 1), 0, "this epoch is not over");
        vm.assertEq(_claimPod(ANN, 1), 0, "too early");
        _wait(1);
        vm.assertEq(_claimPod(ANN, 1), 0, "over, but not closed");
        votes.closeRevenue(router, 1);
        uint256 first = _claimPod(ANN, 1);
        vm.assertEq(first, _revenue(GROSS) - 1, "all of it, rounded down once");
        vm.assertEq(_claimPod(ANN, 1), 0, "not again");
        vm.assertEq(votes.closeRevenue(router, 1), 0, "closed is closed");
        _wait(1);
        votes.closeRevenue(router, 1);
        vm.assertEq(_claimPod(ANN, 1), 0, "an idle epoch pays nothing");
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
        vm.assertEq(_claimPod(ANN, 1), _revenue(GROSS) - 1, "the next one pays again");
    }

    function test_26_rewardsThatNobodysVotesShareAreBurnt() public {
        _earn(1, GROSS);
        _wait(1);
        vm.assertEq(votes.closeRevenue(router, 1), _revenue(GROSS));
        vm.assertEq(dollar.balanceOf(BURNER), _revenue(GROSS), "an epoch without votes");

        // One wei-epoch too little, then exactly enough.
        _lock(ANN, 1e18, _after(3));
        _vote(ANN, Ballot.Pod, 1, 4_999);
        _wait(1);
        _earn(1, GROSS);
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _wait(1);
        _earn(1, GROSS);
        _wait(1);
        vm.assertEq(votes.closeRevenue(router, 1), 2 * _revenue(GROSS));
        vm.assertEq(dollar.balanceOf(BURNER), 2 * _revenue(GROSS), "0.9998 HEU-epochs are dust, 1 is not");
        vm.assertEq(_claimPod(ANN, 1), _revenue(GROSS) - 1);

        uint256 supply = heu.totalSupply();
        _tip(1, 7e18);
        vm.assertEq(supply - heu.totalSupply(), 7e18, "a tip without votes is destroyed");
        vm.assertEq(heu.balanceOf(address(votes)), 0);
    }

    function testFuzz_27_dustWeightsAndHugeRewardsOverflowNothing(uint256 seed) public {
        heu.transfer(address(purse), 600_000_000e18);
        _lock(EVE, 1, _after(MOST));
        _vote(EVE, Ballot.Node, 1, 10_000);
        _lock(ANN, bound(seed, 1e18 / 100, 2e18), _after(100));
        _vote(ANN, Ballot.Node, 1, 10_000);
        uint256 all;
        for (uint32 i; i < 4; i++) {
            _wait(1 + uint32((seed >> 8 * i) % 20));
            uint256 reward = bound(seed >> 16, 1, 200_000_000e18);
            bool burnt = votes.weightIn(Ballot.Node, 1, Epochs.current() - 1) < votes.LEAST_WEIGHT();
            _tip(1, reward);
            if (!burnt) all += reward;
            _vote(EVE, Ballot.Node, 1, uint16(1 + i));
        }
        uint256 paid = _claimNode(ANN, 1) + _claimNode(EVE, 1);
        vm.assertLe(paid, all, "never more than there was");
        vm.assertLe(all - paid, 1e12, "and next to nothing is lost");
        _vote(ANN, Ballot.Node, 1, 0);
        vm.assertEq(votes.usedBps(ANN, Ballot.Node), 0, "voting goes on");
    }

    function test_28_rewardsSurviveTheWithdrawal() public {
        uint32 end = _after(3);
        _lock(ANN, 10e18, end);
        _lock(BEN, 10e18, _after(40));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _vote(BEN, Ballot.Pod, 1, 10_000);
        uint256 anns;
        for (uint256 i; i < 5; i++) {
            _wait(1);
            _earn(1, GROSS);
            uint32 now_ = Epochs.current();
            if (now_ < end) anns += _revenue(GROSS) * 1e12 * (end - now_) / (end - now_ + 40 - 1 - i);
        }
        vm.prank(ANN);
        escrow.withdraw();
        _lock(ANN, 77e18, _after(50));
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(0, 10_000));
        _wait(30);
        votes.closeRevenue(router, 1);
        vm.assertEq(_claimPod(ANN, 1), anns / 1e12, "what the old lock earned, to the unit");
    }

    function test_28_takingAVoteBackAfterItsLockEndedLosesNothing() public {
        uint32 end = _after(9);
        _lock(ANN, 10e18, end);
        _lock(BEN, 10e18, _after(40));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _vote(BEN, Ballot.Pod, 1, 10_000);
        uint256[2] memory anns;
        for (uint256 i; i < 12; i++) {
            _wait(1);
            if (i == 6) {
                votes.closeRevenue(router, 1);
                vm.assertEq(_claimPod(ANN, 1), anns[0] / 1e12, "six epochs, to the unit");
            }
            _earn(1, GROSS);
            uint256 now_ = Epochs.current();
            if (now_ < end) anns[i / 6] += _revenue(GROSS) * 1e12 * (end - now_) / (end - now_ + 40 - 1 - i);
        }
        _vote(ANN, Ballot.Pod, 1, 0);
        for (uint256 i; i < 3; i++) {
            _wait(1);
            _earn(1, GROSS);
        }
        _wait(1);
        votes.closeRevenue(router, 1);
        vm.assertEq(_claimPod(ANN, 1), anns[1] / 1e12, "what came until the lock ended");
    }

    function test_29_votingJustBeforeTheClaimEarnsNothingForThePast() public {
        _lock(ANN, 10e18, _after(40));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _wait(1);
        _earn(1, GROSS);
        _wait(1);
        _lock(EVE, 1_000_000e18, _after(MOST));
        _vote(EVE, Ballot.Pod, 1, 10_000);
        votes.closeRevenue(router, 1);
        vm.assertEq(_claimPod(EVE, 1), 0);
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
        vm.assertEq(_claimPod(EVE, 1), 0, "nor for the epoch of the vote");
        vm.assertEq(_claimPod(ANN, 1), 2 * _revenue(GROSS) - 1);
    }

    function test_votingTheSameInEveryEpochEarnsWhatOneVoteDoes() public {
        uint32 end = _after(40);
        _lock(ANN, 10e18, end);
        _lock(BEN, 30e18, end);
        _vote(ANN, Ballot.Pod, 1, 9_000);
        _vote(BEN, Ballot.Pod, 1, 3_000);
        for (uint256 i; i < 20; i++) {
            _wait(1);
            if (i % 3 != 1) _earn(1, GROSS);
            _vote(ANN, Ballot.Pod, 1, 9_000);
            if (i == 11) {
                votes.closeRevenue(router, 1);
                vm.assertEq(_claimPod(ANN, 1), 7 * _revenue(GROSS) / 2 - 1, "half of the first seven, rounded down");
            }
        }
        _wait(1);
        votes.closeRevenue(router, 1);

        vm.assertEq(_claimPod(ANN, 1), 6 * _revenue(GROSS) / 2 - 1, "and of the other six");
        vm.assertEq(_claimPod(BEN, 1), 13 * _revenue(GROSS) / 2 - 1, "as much as who voted once");
    }

    function test_30_duplicateIdsAreHarmless() public {
        _lock(ANN, 10e18, _after(40));
        _vote(ANN, Ballot.Pod, _ids(1, 1), _bps(2_000, 9_000));
        vm.assertEq(votes.weightIn(Ballot.Pod, 1, _after(1)), 9e18 * 39, "the last one counts");
        vm.assertEq(votes.ballotWeightIn(Ballot.Pod, _after(1)), 9e18 * 39);
        vm.assertEq(votes.usedBps(ANN, Ballot.Pod), 9_000);
        _wait(1);
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
        vm.prank(ANN);
        uint256 paid = votes.claimRevenue(router, _ids(1, 1), ANN);
        vm.assertEq(paid, _revenue(GROSS) - 1, "once");
        vm.assertEq(dollar.balanceOf(ANN), paid);
    }

    // ------------------------------------------------------------------------------------------- 24: exact shares

    struct Cast {
        uint32 from;
        uint256 amount;
        uint32 end;
    }

    mapping(uint256 who => Cast[]) private cast;
    mapping(uint256 who => uint256) private exact;
    mapping(uint256 who => uint256) private paidTo;
    mapping(uint256 who => uint256) private claims;
    uint256[3] private held;
    uint32[3] private ends;
    uint16[3] private standing;
    uint256 private constant FINE = 1 << 100;

    /// @dev The exact parts are sums of fractions R * w / W, epoch by epoch, from a plain list of votes. They are kept with
    ///      100 binary places, rounded down: within 64 * 2^-100 units of the truth.
    function testFuzz_24_claimsAreTheExactPartsToTheUnit(uint256 seed) public {
        for (uint256 i; i < 30; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            uint256 who = draw % 3;
            _move(who, draw >> 8);
            if ((draw >> 200) % 4 == 0) _claimAs((draw >> 210) % 3);
            _wait(uint32(1 + ((draw >> 220) % 5 == 0 ? (draw >> 230) % 9 : 0)));
            uint256 reward = (draw >> 40) % 3 == 0 ? (draw >> 50) % 50 : (draw >> 50) % 1e24;
            if (reward != 0) _reward(reward);
        }
        for (uint256 who; who < 3; who++) {
            _claimAs(who);
            vm.assertLe(paidTo[who] * FINE, exact[who] + 64, "never more than the exact part");
            vm.assertGe((paidTo[who] + claims[who]) * FINE, exact[who], "less than one unit lost per claim");
        }
    }

    function _account(uint256 who) private pure returns (address) {
        return address(uint160(0xC0DE + who));
    }

    function _move(uint256 who, uint256 draw) private {
        uint32 now_ = Epochs.current();
        if (held[who] != 0 && ends[who] <= now_) {
            vm.prank(_account(who));
            escrow.withdraw();
            (held[who], ends[who]) = (0, 0);
        }
        if (held[who] == 0 || draw % 3 == 0) {
            uint32 least = ends[who] > now_ + 2 ? ends[who] : now_ + 2;
            ends[who] = least + uint32((draw >> 8) % (now_ + 30 - least));
            uint256 added = bound(draw >> 16, 1, 100e18);
            _lock(_account(who), added, ends[who]);
            held[who] += added;
        }
        if (ends[who] <= now_ + 1) return;
        if (draw >> 90 & 3 == 0) standing[who] = 0;
        else if (draw >> 90 & 3 != 1) standing[who] = uint16(1 + (draw >> 96) % 10_000);
        uint16 bps = standing[who];
        _vote(_account(who), Ballot.Node, 1, bps);
        cast[who].push(Cast(now_ + 1, held[who] / 10_000 * bps, ends[who]));
    }

    function _weight(uint256 who, uint32 epoch) private view returns (uint256) {
        for (uint256 i = cast[who].length; i > 0; i--) {
            Cast memory vote = cast[who][i - 1];
            if (vote.from > epoch) continue;
            return epoch < vote.end ? vote.amount * (vote.end - epoch) : 0;
        }
        return 0;
    }

    function _reward(uint256 reward) private {
        uint32 epoch = Epochs.current() - 1;
        uint256 total;
        for (uint256 who; who < 3; who++) {
            total += _weight(who, epoch);
        }
        vm.assertEq(votes.weightIn(Ballot.Node, 1, epoch), total, "the list and the sums agree");
        _tip(1, reward);
        if (total < 1e18) return;
        for (uint256 who; who < 3; who++) {
            exact[who] += Math.mulDiv(reward * FINE, _weight(who, epoch), total);
        }
    }

    function _claimAs(uint256 who) private {
        paidTo[who] += _claimNode(_account(who), 1);
        claims[who]++;
    }

    // ------------------------------------------------------------------------------------------------- the guards

    function test_aClaimNeedsAReceiver() public {
        vm.expectRevert(IVoteController.ZeroAddress.selector);
        votes.claimRevenue(router, _ids(1), address(0));
        vm.expectRevert(IVoteController.ZeroAddress.selector);
        votes.claimTips(_ids(1), address(0));
    }

    function test_aClaimGoesWhereItsOwnerSays() public {
        _lock(ANN, 10e18, _after(40));
        _vote(ANN, Ballot.Node, _ids(1, 2), _bps(5_000, 5_000));
        _wait(2);
        _tip(1, 39e18);
        _tip(2, 78e18);
        vm.prank(ANN);
        uint256 paid = votes.claimTips(_ids(1, 2), BEN);
        vm.assertEq(heu.balanceOf(BEN), paid);
        vm.assertGe(paid, 117e18 - 2, "both");
        vm.assertLe(paid, 117e18, "and no more");
    }

    function test_tipsComeInRisingEpochsThatAreOver() public {
        uint32 epoch = Epochs.current();
        uint32 first = votes.firstEpoch();
        purse.add(1, epoch, 1e18);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.TipOutOfOrder.selector, epoch, first));
        votes.closeTips(1);
        _wait(5);
        vm.assertEq(votes.closeTips(1), 1e18);
        vm.assertEq(votes.openFrom(Ballot.Node, address(0), 1), epoch + 1);
        purse.add(1, epoch, 1e18);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.TipOutOfOrder.selector, epoch, epoch + 1));
        votes.closeTips(1);
        purse.add(2, first - 1, 1e18);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.TipOutOfOrder.selector, first - 1, first));
        votes.closeTips(2);
    }

    function test_tipsThatDoNotComeAreNotOwed() public {
        _lock(ANN, 10e18, _after(40));
        _vote(ANN, Ballot.Node, 1, 10_000);
        _wait(2);
        purse.keep(1);
        purse.add(1, Epochs.current() - 1, 5e18);
        vm.expectRevert(abi.encodeWithSelector(IVoteController.ShortTransfer.selector, 5e18 - 1, 5e18));
        votes.closeTips(1);
    }

    /// @dev Else a reserve that calls back could count the same tip twice.
    function test_whileTipsComeInEveryOtherDoorIsShut() public {
        bytes[4] memory calls = [
            abi.encodeCall(votes.closeTips, (2)),
            abi.encodeCall(votes.closeRevenue, (router, 1)),
            abi.encodeCall(votes.claimTips, (_ids(1), EVE)),
            abi.encodeCall(votes.claimRevenue, (router, _ids(1), EVE))
        ];
        for (uint256 i; i < 4; i++) {
            purse.callBack(calls[i]);
            vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            votes.closeTips(1);
        }
        purse.callBack("");
        vm.assertEq(votes.closeTips(1), 0, "and open again");
    }

    function test_aLongIdleStreamIsClosedInSteps() public {
        uint32 first = votes.firstEpoch();
        _wait(120);
        _earn(1, GROSS);
        _wait(1);
        vm.assertEq(votes.closeRevenue(router, 1), 0);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 1_000_000, "a bounded number of steps");
        vm.assertEq(votes.openFrom(Ballot.Pod, router, 1), first + 52);
        vm.assertEq(votes.closeRevenue(router, 1), 0);
        vm.assertEq(votes.closeRevenue(router, 1), _revenue(GROSS), "the third call reaches it");
        vm.assertEq(votes.openFrom(Ballot.Pod, router, 1), Epochs.current());
    }

    /// @dev Anyone may have the ledger pay; what is owed to voters is counted all the same, at the split of its epoch.
    function test_revenueThatWasPushedIsCountedWhenItIsClosed() public {
        _lock(ANN, 10e18, _after(40));
        _vote(ANN, Ballot.Pod, 1, 10_000);
        _wait(1);
        _earn(1, 7);
        _earn(1, GROSS + 12);
        _wait(1);
        ledger.claim(router, Role.Voters, _ids(1));
        vm.assertEq(dollar.balanceOf(address(votes)), _revenue(GROSS + 19));
        vm.assertEq(votes.closeRevenue(router, 1), _revenue(GROSS + 19));
        vm.assertEq(_claimPod(ANN, 1), _revenue(GROSS + 19) - 1);
    }

    // ------------------------------------------------------------------------------------------ what it is born with

    function test_aControllerIsTheVotersOfItsLedger() public {
        vm.assertEq(_creationError(abi.encode(escrow, ledger, purse)), IVoteController.NotTheLedgersVoters.selector);
        vm.assertEq(_creationError(abi.encode(address(0), ledger, purse)), IVoteController.ZeroAddress.selector);
        vm.assertEq(_creationError(abi.encode(escrow, ledger, address(0))), IVoteController.ZeroAddress.selector);

        IComputeLedger.Terms memory terms = _terms();
        terms.podVoters = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        (ledger,) = _newLedger(terms, LEAST_ASSET, LEAST_HEU);
        vm.assertEq(
            _creationError(abi.encode(escrow, ledger, purse)),
            IVoteController.ZeroAddress.selector,
            "nor of a ledger that burns nothing"
        );
    }

    function _creationError(bytes memory arguments) private returns (bytes32 selector) {
        bytes memory code = bytes.concat(vm.getCode("VoteController.sol:VoteController"), arguments);
        assembly ("memory-safe") {
            if iszero(create(0, add(code, 32), mload(code))) {
                returndatacopy(0, 0, 4)
                selector := shl(224, shr(224, mload(0)))
            }
        }
    }
}
