// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ILens} from "../../contracts/interfaces/ILens.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Economies} from "./Economies.sol";

/// @dev One call that says what several contracts say, and what votes guarantee a pod.
contract LensTest is Economies {
    address internal constant VOTER = address(0x707E);
    uint256 internal constant GROSS = 10_000e6;
    ILens internal lens;

    function setUp() public {
        _openEconomy();
        lens = ILens(vm.deployCode("Lens.sol:Lens", abi.encode(votes)));
        heu.transfer(VOTER, 1_000e18);
        vm.startPrank(VOTER);
        heu.approve(address(escrow), type(uint256).max);
        escrow.lock(1_000e18, Epochs.current() + 20);
        vm.stopPrank();
    }

    function test_theClockSaysWhatEachContractSays() public {
        _stakeFor(1, 5_000e18);
        uint32 epoch = _begin();
        _workFor(1, GROSS);
        _at(epoch, 0);
        burner.gather(router);
        _at(epoch, 2 days);
        ILens.Clock memory seen = lens.clock();
        vm.assertEq(seen.epoch, epoch + 1, "epoch");
        vm.assertEq(seen.endsAt, Epochs.startOf(epoch + 2), "end");
        vm.assertEq(seen.finalizes, epoch, "next to be final");
        vm.assertEq(seen.finalizableAt, emission.finalizableAt(), "when");
        vm.assertEq(seen.totalPower, escrow.totalPowerIn(epoch + 1), "power");
        vm.assertEq(seen.lot, burner.lotOf(epoch).amount, "lot");
        vm.assertGt(seen.lot, 0, "there is one");
        // A day into its sale the price is the median.
        vm.assertEq(seen.lotPrice, PRICE, "price");
        vm.assertEq(seen.carriedPrice, 0, "nothing is carried");
        vm.assertEq(seen.reserve, RESERVE, "reserve");
        vm.assertEq(seen.reservoir, emission.reservoir(), "reservoir");
        vm.assertEq(seen.owed, 0, "owed");
    }

    function test_aNodeIsSeenWhole() public {
        _stakeFor(1, 5_000e18);
        _vote(Ballot.Node, 1);
        uint32 epoch = _begin();
        _workFor(1, GROSS);
        emission.setTip(1, 1_000);
        ILens.Node memory node = lens.nodes(_ids(1, 2, 77))[0];
        uint32 now_ = Epochs.current();
        vm.assertEq(node.entry.owner, address(this), "owner");
        vm.assertTrue(node.active, "active");
        vm.assertEq(node.stake.active, 5_000e18, "stake");
        vm.assertEq(node.counted, staking.countedIn(1, now_), "counted");
        vm.assertEq(node.quota, emission.quotaOf(1, now_), "quota");
        vm.assertEq(node.tip, 0, "tip now");
        vm.assertEq(node.nextTip, 1_000, "tip from the next epoch");
        vm.assertEq(node.home, router, "home");
        vm.assertEq(node.nextHome, router, "and then");
        vm.assertEq(node.units, ledger.unitsIn(router, Role.Node, 1, now_), "units");
        vm.assertEq(node.units, now_ == epoch ? GROSS : 0, "of this epoch");
        vm.assertEq(node.points, emission.pointsOf(1, now_, false, node.units), "points");
        vm.assertEq(node.weight, 1_000e18 * (uint256(_end()) - now_), "weight");
        vm.assertEq(node.nextWeight, 1_000e18 * (uint256(_end()) - now_ - 1), "it falls");
    }

    function test_aVoterIsSeenWhole() public {
        _vote(Ballot.Node, 2);
        vm.warp(Epochs.startOf(Epochs.current() + 1));
        uint32[] memory nodes = new uint32[](1);
        nodes[0] = 2;
        ILens.Voter memory seen = lens.voter(VOTER, router, nodes, _ids(1, 2, 9));
        vm.assertEq(seen.lock.amount, 1_000e18, "lock");
        vm.assertEq(seen.power, escrow.balanceOf(VOTER), "power");
        vm.assertEq(seen.usedOnNodes, 10_000, "nodes");
        vm.assertEq(seen.usedOnPods, 0, "pods");
        vm.assertEq(seen.nodes[0].bps, 10_000, "bps");
        vm.assertEq(seen.nodes[0].votes, seen.power, "all of it");
        vm.assertEq(seen.nodes[0].nextVotes, seen.power - 1_000e18, "and a week's less then");
        vm.assertEq(seen.nodes[0].claimable, 0, "nothing yet");
        vm.assertEq(seen.pods.length, 3, "asked for");
        vm.assertEq(seen.pods[2].votes, 0, "none");
    }

    function test_80_whatDoesNotExistIsAllZerosAndNoViewReverts() public {
        ILens.Node[] memory none = lens.nodes(_ids(0, 77, type(uint32).max));
        for (uint256 i; i < none.length; i++) {
            vm.assertEq(none[i].entry.owner, address(0), "nobody's");
            vm.assertFalse(none[i].active, "never");
            vm.assertEq(none[i].stake.active + none[i].weight + none[i].units + none[i].claimable + none[i].tips, 0, "nothing");
        }
        lens.clock();
        lens.voter(address(0), address(0), _ids(0, 1, 2), _ids(0, 1, 2));
        vm.warp(Epochs.startOf(Epochs.current() + 300));
        lens.clock();
        lens.nodes(_ids(1, 2, 3));
        vm.assertEq(lens.capacity(_ids(1, 2, 3), 0, 0, 0).length, 3, "no pods at all");
    }

    function test_withoutVotesPodsShareAlike() public view {
        uint256[] memory caps = lens.capacity(_ids(1, 2, 77), 100, 2, 4);
        // 4 free each, and of the other 92 half would be 46: a quarter is the most.
        vm.assertEq(caps[0], 4 + 23, "one");
        vm.assertEq(caps[1], 4 + 23, "two");
        vm.assertEq(caps[2], 0, "none");
    }

    function test_votesGiveAPodAtMostAQuarter() public {
        _vote(Ballot.Pod, 2);
        vm.warp(Epochs.startOf(Epochs.current() + 1));
        uint256[] memory caps = lens.capacity(_ids(1, 2, 2), 100, 2, 0);
        vm.assertEq(caps[0], 0, "no votes, no free slots");
        vm.assertEq(caps[1], 25, "all votes");
    }

    function test_freeSlotsShrinkToHalfOfAll() public view {
        uint256[] memory caps = lens.capacity(_ids(1, 2, 77), 10, 2, 50);
        // 10 / 2 / 2 = 2 free each; of the other 6 a quarter, rounded down.
        vm.assertEq(caps[0], 2 + 1, "one");
    }

    function testFuzz_guaranteesNeverExceedAllSlots(uint256 slots, uint256 active, uint256 free, bool voted) public {
        (slots, active, free) = (bound(slots, 0, 1e12), bound(active, 2, 1e6), bound(free, 0, 1e12));
        if (voted) _vote(Ballot.Pod, 1);
        vm.warp(Epochs.startOf(Epochs.current() + 1));
        uint256[] memory caps = lens.capacity(_ids(1, 2, 77), slots, active, free);
        // The other pods have at least their free slots.
        uint256 least = free < slots / 2 / active ? free : slots / 2 / active;
        vm.assertLe(caps[0] + caps[1] + (active - 2) * least, slots, "together");
        vm.assertLe(least, caps[0], "the free ones at least");
    }

    function _vote(Ballot ballot, uint32 id) private {
        uint32[] memory ids = new uint32[](1);
        uint16[] memory bps = new uint16[](1);
        (ids[0], bps[0]) = (id, 10_000);
        vm.prank(VOTER);
        votes.vote(ballot, ids, bps);
    }

    function _end() private view returns (uint32) {
        return escrow.lockOf(VOTER).end;
    }
}
