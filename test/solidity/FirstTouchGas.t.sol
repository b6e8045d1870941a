// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {EmissionGas} from "./EmissionGas.t.sol";
import {EscrowGas} from "./EscrowGas.t.sol";
import {VotesGas} from "./VotesGas.t.sol";

// What the same calls cost at most, where they meet slots that nobody wrote before: an epoch that nobody opened, an account
// that holds none of what it is paid. The other profile, where every slot was written, is in the files imported here.

/// @dev Nobody has opened the epoch, and the lock changed in none before.
contract EscrowUnopenedGasTest is EscrowGas {
    function setUp() public {
        _prepare();
        _lock(EVE, 1e18, _after(104));
        _wait(1);
    }

    function test_gas_addingInAnUnopenedEpoch() public {
        vm.assertLe(_cost("first_lock_add", BEN, _lockCall(5e18, 0)), 65_000, "add");
    }

    function test_gas_extendingInAnUnopenedEpoch() public {
        vm.assertLe(_cost("first_lock_extend", BEN, _lockCall(0, end)), 70_000, "extend");
    }
}

/// @dev And its past takes a new slot.
contract EscrowUnopenedFullGasTest is EscrowGas {
    function setUp() public {
        _prepare();
        _nextEpoch();
        _lock(BEN, 1e18, 0);
        _wait(1);
    }

    function test_gas_addingInAThirdUnopenedEpoch() public {
        vm.assertLe(_cost("first_lock_add_full", BEN, _lockCall(5e18, 0)), 90_000, "add");
    }

    function test_gas_extendingInAThirdUnopenedEpoch() public {
        vm.assertLe(_cost("first_lock_extend_full", BEN, _lockCall(0, end)), 95_000, "extend");
    }
}

/// @dev The account had locked all that it had.
contract EscrowWithdrawAllGasTest is EscrowGas {
    function setUp() public {
        _prepare();
        _lock(EVE, 1e18, _after(4));
        _wait(6);
    }

    function test_gas_withdrawingAllThatThereIs() public {
        bytes memory call = abi.encodeCall(escrow.withdraw, ());
        vm.assertLe(_cost("first_withdraw", EVE, call), 42_000, "withdraw");
    }
}

/// @dev Whoever extends to the longest and votes otherwise in each week: its sixth vote, to an end that nobody's votes have.
abstract contract VotesGrownSixthGas is VotesGas {
    function _weeks() internal {
        _prepare(20);
        _wait(1);
        for (uint16 i; i < 5; i++) {
            _lock(ANN, 1e18, _after(104));
            _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000 - i, 4_000 + i));
            _wait(1);
        }
        _lock(ANN, 1e18, _after(104));
    }
}

contract VotesGrownSixthGasTest is VotesGrownSixthGas {
    function setUp() public {
        _weeks();
    }

    function test_gas_theSixthVoteOfAGrownLockInAnUnrolledEpoch() public {
        vm.assertLe(_held("first_vote_again_sixth", ANN, _voteCall(3_000, 7_000)), 285_000, "sixth");
    }
}

contract VotesGrownSixthRolledGasTest is VotesGrownSixthGas {
    function setUp() public {
        _weeks();
        for (uint32 target; target <= 2; target++) {
            votes.roll(Ballot.Pod, target);
        }
    }

    function test_gas_theSixthVoteOfAGrownLockWhereAllIsRolled() public {
        vm.assertLe(_held("first_vote_again_sixth_rolled", ANN, _voteCall(3_000, 7_000)), 210_000, "sixth");
    }
}

/// @dev An account's first claim, and it holds none of the asset.
contract VotesEmptyClaimGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(1);
        for (uint256 i; i < 2; i++) {
            _earn(1, GROSS);
            _wait(1);
        }
        votes.closeRevenue(router, 1);
    }

    function test_gas_aFirstClaimToAnAccountWithoutTheAsset() public {
        vm.assertLe(_held("first_votes_claim", ANN, _claimCall(ANN)), 80_000, "claim");
    }
}

/// @dev A later claim, to an address that holds none of the asset.
contract VotesElsewhereClaimGasTest is VotesGas {
    function setUp() public {
        _prepare(20);
        _vote(ANN, Ballot.Pod, _ids(1, 2), _bps(6_000, 4_000));
        _wait(1);
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
        _claimPod(ANN, 1);
        _earn(1, GROSS);
        _wait(1);
        votes.closeRevenue(router, 1);
    }

    function test_gas_aLaterClaimToAnAccountWithoutTheAsset() public {
        vm.assertLe(_held("first_votes_claim_elsewhere", ANN, _claimCall(address(0xFEED))), 65_000, "claim");
    }
}

/// @dev A node's payout that holds no HEU.
contract EmissionEmptyClaimGasTest is EmissionGas {
    function setUp() public {
        _prepare(4, 3);
        emission.record(epoch, _all(4));
        _finalize(epoch);
        registry.setPayout(Role.Node, 4, address(0xFEED));
    }

    function test_gas_aNodesClaimToAPayoutWithoutHeu() public {
        vm.assertLe(_heldClaim("first_emission_claim", 4), 76_000, "claim");
    }
}
