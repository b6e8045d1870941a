// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Snapshots} from "./Snapshots.sol";
import {Votes} from "./Votes.sol";

/// @dev Execution gas of votes, rolls and claims, every slot cold, held at +3 % of `bench/snapshots/economy/`. Others have
///      voted for the same targets before.
abstract contract VotesGas is Votes, Snapshots {
    uint256 internal constant GROSS = 20e6;

    function _folder() internal pure override returns (string memory) {
        return "economy";
    }

    function _prepare(uint32 crowd) internal {
        _openVotes();
        for (uint160 i = 1; i <= crowd; i++) {
            address other = address(0x5000 + i);
            _lock(other, 10e18, _after(uint32(2 + i % 103)));
            _vote(other, Ballot.Pod, _ids(1, 2), _bps(5_000, 5_000));
        }
        _lock(ANN, 100e18 + 12_345, _after(80));
        _wait(2);
    }

    function _cost(address account, bytes memory call) internal returns (uint256) {
        vm.prank(account);
        (bool done,) = address(votes).call(call);
        vm.assertTrue(done, "done");
        return vm.lastCallGas().gasTotalUsed;
    }

    function _held(string memory name, address account, bytes memory call) internal returns (uint256 gas) {
        gas = _cost(account, call);
        _hold(name, gas);
    }

    function _voteCall(uint16 a, uint16 b) internal view returns (bytes memory) {
        return abi.encodeCall(votes.vote, (Ballot.Pod, _ids(1, 2), _bps(a, b)));
    }

    function _claimCall(address account) internal view returns (bytes memory) {
        return abi.encodeCall(votes.claimRevenue, (router, _ids(1), account));
    }
}

contract VotesFirstGasTest is VotesGas {
    function setUp() public {
        _prepare(120);
    }

    function test_gas_aFirstVoteForTwoTargetsCosts230000AtMost() public {
        vm.assertLe(_held("vote_first", ANN, _voteCall(6_000, 4_000)), 230_000, "first vote");
    }

    /// @dev The first vote of the epoch, and the first that ends when it ends: every slot of an epoch is new.
    function test_gas_aFirstVoteWithANewEndCosts270000AtMost() public {
        uint32 end = _after(104);
        _lock(BEN, 100e18, end);
        vm.cool(address(escrow));
        vm.assertLe(_held("vote_first_new_end", BEN, _voteCall(6_000, 4_000)), 270_000, "first vote");
    }

    function test_gas_aRollCosts75000AtMost() public {
        vm.assertLe(_held("roll", EVE, abi.encodeCall(votes.roll, (Ballot.Pod, 1))), 75_000, "roll");
    }

    function test_gas_aRollAfter60IdleWeeksCosts150000AtMost() public {
        _lock(BEN, 100e18, _after(104));
        _vote(BEN, Ballot.Pod, 1, 10_000);
        vm.cool(address(votes));
        _wait(61);
        vm.assertLe(_held("roll_60", EVE, abi.encodeCall(votes.roll, (Ballot.Pod, 1))), 150_000, "roll");
    }
}

contract VotesAgainGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(1);
    }

    function test_gas_votingAgainCosts180000AtMost() public {
        vm.assertLe(_held("vote_again", ANN, _voteCall(3_000, 7_000)), 180_000, "vote again");
    }

    /// @dev With a lock that grew since: it is written down, and its end is another.
    function test_gas_votingAgainWithAGrownLock() public {
        _lock(ANN, 1e18, _after(90));
        vm.cool(address(escrow));
        vm.assertLe(_held("vote_again_grown", ANN, _voteCall(3_000, 7_000)), 270_000, "vote again");
    }
}

/// @dev The five votes before it fill the slot of each target: it puts both away. They are in `setUp`, because a slot that the
///      same test has written is cheaper to write.
contract VotesSixthGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        for (uint16 i; i < 5; i++) {
            _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000 - i, 4_000 + i));
            _wait(1);
        }
    }

    function test_gas_theSixthChangedVotePutsFiveAway() public {
        vm.assertLe(_held("vote_again_sixth", ANN, _voteCall(3_000, 7_000)), 180_000, "sixth");
    }
}

/// @dev Once the keepers have rolled both ballots, as they do when an epoch begins.
contract VotesRolledGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(1);
        _lock(ANN, 1e18, _after(90));
        _lock(BEN, 100e18, _after(104));
        votes.roll(Ballot.Pod, 0);
    }

    function test_gas_aFirstVoteWithANewEndInARolledEpochCosts250000AtMost() public {
        vm.assertLe(_held("vote_first_new_end_rolled", BEN, _voteCall(6_000, 4_000)), 250_000, "first vote");
    }

    function test_gas_votingAgainWithAGrownLockInARolledEpoch() public {
        vm.assertLe(_held("vote_again_grown_rolled", ANN, _voteCall(3_000, 7_000)), 250_000, "vote again");
    }
}

/// @dev And once somebody else voted for these targets in this epoch: only what ends then is new.
contract VotesOpenGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(1);
        _lock(ANN, 1e18, _after(90));
        _lock(BEN, 100e18, _after(104));
        votes.roll(Ballot.Pod, 0);
        _vote(address(0x5014), Ballot.Pod, _ids(1, 2), _bps(4_000, 6_000));
    }

    function test_gas_aFirstVoteWithANewEndAfterAnothersCosts230000AtMost() public {
        vm.assertLe(_held("vote_first_new_end_open", BEN, _voteCall(6_000, 4_000)), 230_000, "first vote");
    }

    function test_gas_votingAgainWithAGrownLockAfterAnotherCosts180000AtMost() public {
        vm.assertLe(_held("vote_again_grown_open", ANN, _voteCall(3_000, 7_000)), 180_000, "vote again");
    }
}

contract VotesClaimGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _earn(1, GROSS);
        _wait(1);
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
        _claimPod(ANN, 1);
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
    }

    function test_gas_aClaimAfterOneEpochCosts55000AtMost() public {
        vm.assertLe(_held("votes_claim_1", ANN, _claimCall(ANN)), 55_000, "claim");
    }
}

contract VotesLateClaimGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(1);
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
        _claimPod(ANN, 1);
        for (uint256 i; i < 52; i++) {
            _earn(1, GROSS);
            _wait(1);
        }
        votes.closeRevenue(router, 1);
    }

    function test_gas_aClaimAfter52EpochsCosts55000AtMost() public {
        vm.assertLe(_held("votes_claim_52", ANN, _claimCall(ANN)), 55_000, "claim");
    }
}

contract VotesFirstClaimGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _mint(ANN, 1);
        _wait(1);
        for (uint256 i; i < 52; i++) {
            _earn(1, GROSS);
            _wait(1);
        }
        votes.closeRevenue(router, 1);
    }

    /// @dev The account's note of what it was paid for is a new slot.
    function test_gas_aFirstClaimAfter52EpochsCosts65000AtMost() public {
        vm.assertLe(_held("votes_claim_first", ANN, _claimCall(ANN)), 65_000, "claim");
    }
}

contract VotesCloseGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _wait(1);
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
        _earn(1, GROSS);
        _wait(1);
        votes.roll(Ballot.Pod, 1);
    }

    function test_gas_closingAnEpoch() public {
        bytes memory call = abi.encodeCall(votes.closeRevenue, (router, 1));
        vm.assertLe(_held("close_revenue", EVE, call), 160_000, "close");
    }
}

/// @dev The same calls in a small young market, and in one with hundreds of entries, voters and epochs behind it.
contract VotesFlatGasTest is VotesGas {
    uint256 internal constant SLACK = 2_500;

    function test_gas_costsAreFlatInNodesPodsVotersAndEpochs() public {
        (uint256 vote, uint256 claim, uint256 roll) = _costs(20, 4, 3);
        (uint256 lateVote, uint256 lateClaim, uint256 lateRoll) = _costs(400, 300, 60);
        vm.assertLe(lateVote, vote + SLACK, "a vote");
        vm.assertLe(lateClaim, claim + SLACK, "a claim");
        vm.assertLe(lateRoll, roll + SLACK, "a roll");
    }

    /// @dev Each epoch somebody votes and both pods earn.
    function _costs(uint32 crowd, uint32 entries, uint32 epochs)
        private
        returns (uint256 vote, uint256 claim, uint256 roll)
    {
        _prepare(crowd);
        _register(entries, entries, entries);
        _lock(BEN, 50e18, _after(104));
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        for (uint32 i; i < epochs; i++) {
            _vote(BEN, Ballot.Pod, _ids(1, 2), _bps(uint16(5_000 + i), uint16(5_000 - i)));
            _wait(1);
            _earn(1, GROSS);
            if (i != 0) votes.closeRevenue(router, 1);
            if (i == 1) _claimPod(ANN, 1);
        }
        _vote(BEN, Ballot.Pod, _ids(1, 2), _bps(5_000, 5_000));
        _wait(2);
        votes.closeRevenue(router, 1);
        uint256 state = vm.snapshotState();
        _cool();
        claim = _cost(ANN, _claimCall(ANN));
        vm.revertToState(state);
        _cool();
        vote = _cost(ANN, _voteCall(3_000, 7_000));
        vm.revertToState(state);
        _cool();
        roll = _cost(EVE, abi.encodeCall(votes.roll, (Ballot.Pod, 1)));
    }

    function _cool() private {
        vm.cool(address(votes));
        vm.cool(address(escrow));
        vm.cool(address(registry));
        vm.cool(address(dollar));
    }
}
