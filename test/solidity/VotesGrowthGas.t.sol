// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {VotesGas} from "./VotesGas.t.sol";

abstract contract VotesEpochsGas is VotesGas {
    /// @dev An epoch that the keepers roll, in which an account votes, anew each time, and a pod earns; it is over, and closed.
    function _epochWith(address account, uint16 change) internal {
        votes.roll(Ballot.Pod, 0);
        _vote(account, Ballot.Pod, _ids(1, 2), _bps(5_000 + change, 5_000 - change));
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
    }
}

/// @dev The same calls in markets of several ages and sizes, every slot cold, for the chart of `docs/economy.md`: so many
///      voters, nodes, pods and frontends, and so many epochs in which somebody voted and a pod earned. The last of them,
///      64 at most, are what the voter claims; a lock would not last much longer.
abstract contract VotesGrowthGas is VotesEpochsGas {
    address internal constant CAT = address(0xCA7);
    uint32 internal constant SMALLEST = 4;
    uint32 internal constant MOST_UNPAID = 64;
    uint32 private _size;

    /// @dev CAT has a lock and no vote. Her lock, ANN's and BEN's end together: no slot of that end is new.
    function _grow(uint32 size) internal {
        _size = size;
        _prepare(size);
        _register(size, size, size);
        _deposit(PAYER, GROSS * size);
        uint32 unpaid = size < MOST_UNPAID ? size : MOST_UNPAID;
        for (uint32 i = unpaid; i < size; i++) {
            if (i % MOST_UNPAID == 0) _lockOn(MOST);
            _epochWith(BEN, uint16(i));
        }
        _lockOn(100);
        _lock(CAT, 100e18, _after(100));
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _epochWith(BEN, 0);
        _epochWith(BEN, 1);
        _claimPod(ANN, 1);
        for (uint32 i; i < unpaid; i++) {
            _epochWith(BEN, uint16(i));
        }
        _wait(1);
        vm.assertGt(votes.claimable(ANN, Ballot.Pod, router, 1), 0, "something to claim");
    }

    function _lockOn(uint32 epochs) private {
        _lock(ANN, 100e18, _after(epochs));
        _lock(BEN, 100e18, _after(epochs));
    }

    function test_gas_aFirstVoteIsFlat() public {
        _flat("flat_vote_first_", CAT, _voteCall(3_000, 7_000));
    }

    function test_gas_votingAgainIsFlat() public {
        _flat("flat_vote_again_", ANN, _voteCall(3_000, 7_000));
    }

    function test_gas_aVotersClaimIsFlat() public {
        _flat("flat_claim_", ANN, _claimCall(ANN));
    }

    function test_gas_aRollIsFlat() public {
        _flat("flat_roll_", EVE, abi.encodeCall(votes.roll, (Ballot.Pod, 1)));
    }

    function _flat(string memory name, address account, bytes memory call) private {
        uint256 gas = _held(string.concat(name, vm.toString(uint256(_size))), account, call);
        uint256 least = _kept(string.concat(name, vm.toString(uint256(SMALLEST))));
        vm.assertLe(gas * 100, least * 103, "what it costs in the smallest market, and 3 % at most");
    }
}

contract VotesGrowth4GasTest is VotesGrowthGas {
    function setUp() public {
        _grow(4);
    }
}

contract VotesGrowth16GasTest is VotesGrowthGas {
    function setUp() public {
        _grow(16);
    }
}

contract VotesGrowth64GasTest is VotesGrowthGas {
    function setUp() public {
        _grow(64);
    }
}

contract VotesGrowth256GasTest is VotesGrowthGas {
    function setUp() public {
        _grow(256);
    }
}

/// @dev What does grow: a claim walks back over the claimant's own votes for that target since its last claim.
abstract contract VotesRevotesGas is VotesEpochsGas {
    uint256 internal constant MOST_EACH = 6_500;

    function _revote(uint32 times) internal {
        _prepare(20);
        _deposit(PAYER, GROSS * times);
        _lock(ANN, 1e18, _after(MOST));
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _earn(1, GROSS);
        _wait(1);
        _epochWith(ANN, 0);
        _claimPod(ANN, 1);
        for (uint32 i; i < times; i++) {
            if (i % 64 == 63) _lock(ANN, 1e18, _after(MOST));
            _epochWith(ANN, uint16(1 + i));
        }
    }

    function _claimAfter(uint256 times) internal returns (uint256) {
        return _held(string.concat("revotes_claim_", vm.toString(times)), ANN, _claimCall(ANN));
    }

    /// @dev Beside the claim of who voted again once.
    function _claimAfter(uint256 times, uint256 mostEach) internal {
        uint256 more = _claimAfter(times) - _kept("revotes_claim_1");
        vm.assertLe(more, (times - 1) * mostEach, "for each epoch in which it voted again");
    }
}

contract VotesRevote1GasTest is VotesRevotesGas {
    function setUp() public {
        _revote(1);
    }

    function test_gas_aClaimAfter1VoteAgain() public {
        _claimAfter(1);
    }
}

contract VotesRevote4GasTest is VotesRevotesGas {
    function setUp() public {
        _revote(4);
    }

    function test_gas_aClaimAfter4VotesAgain() public {
        _claimAfter(4);
    }
}

contract VotesRevote13GasTest is VotesRevotesGas {
    function setUp() public {
        _revote(13);
    }

    function test_gas_aClaimAfter13VotesAgainCosts6500MoreForEach() public {
        _claimAfter(13, MOST_EACH);
    }
}

contract VotesRevote52GasTest is VotesRevotesGas {
    function setUp() public {
        _revote(52);
    }

    function test_gas_aClaimAfter52VotesAgainCosts6500MoreForEach() public {
        _claimAfter(52, MOST_EACH);
    }
}

contract VotesRevote520GasTest is VotesRevotesGas {
    function setUp() public {
        _revote(520);
    }

    /// @dev Nobody is ever stuck: one transaction is enough.
    function test_gas_aClaimAfterTenYearsOfWeeklyVotesCosts6500MoreForEach() public {
        _claimAfter(520, MOST_EACH);
    }
}

/// @dev Where several epochs paid between two votes, one look more finds where the older one ended.
contract VotesRevoteMonthlyGasTest is VotesRevotesGas {
    function setUp() public {
        _revote(1);
        _deposit(PAYER, GROSS * 52);
        for (uint16 i; i < 13; i++) {
            _epochWith(ANN, 2 + i);
            for (uint256 j; j < 3; j++) {
                _earn(1, GROSS);
                _wait(1);
                votes.closeRevenue(router, 1);
            }
        }
    }

    function test_gas_aClaimAfter13MonthlyVotesAgainCosts9000MoreForEach() public {
        uint256 more = _held("revotes_claim_monthly", ANN, _claimCall(ANN)) - _kept("revotes_claim_1");
        vm.assertLe(more, 13 * 9_000, "for each");
    }
}

/// @dev Whoever votes the same in every epoch.
contract VotesSameGasTest is VotesEpochsGas {
    function setUp() public {
        _prepare(20);
        _deposit(PAYER, 60 * GROSS);
        _epochWith(ANN, 0);
        _epochWith(ANN, 0);
        _claimPod(ANN, 1);
        for (uint256 i; i < 52; i++) {
            _epochWith(ANN, 0);
        }
    }

    function test_gas_aClaimAfter52VotesThatChangedNothingCosts55000AtMost() public {
        vm.assertLe(_held("votes_claim_same", ANN, _claimCall(ANN)), 55_000, "as after one vote");
    }

    function test_gas_aVoteThatChangesNothingCosts20000AtMost() public {
        vm.assertLe(_held("vote_same", ANN, _voteCall(5_000, 5_000)), 20_000, "reads only");
    }
}
