// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Snapshots} from "./Snapshots.sol";
import {Stakes} from "./Stakes.sol";

/// @dev Gas of an owner's acts as whole transactions, every slot cold and non-zero; HEURIST_SNAPSHOT=true writes
///      `bench/snapshots/ledger/stake_*.txt` anew. Held at +3 %.
contract StakingGasTest is Stakes, Snapshots {
    function setUp() public {
        _openStakes();
        heu.transfer(OWNER, 10_000 * UNIT);
        vm.startPrank(OWNER);
        heu.approve(address(staking), 9_000 * UNIT);
        staking.stake(NODE, 1_000 * UNIT);
        vm.stopPrank();
        staking.stake(1, 1_000 * UNIT);
        _unbond(NODE, 100 * UNIT);
        _nextEpoch();
        // Another node has turned the epoch's total.
        staking.stake(1, 1);
    }

    function test_gas_ofAStakeTheFirstInItsEpochIsWithin110000() public {
        vm.startPrank(OWNER);
        uint256 gas = _measure("stake_add_turn", address(staking), abi.encodeCall(staking.stake, (NODE, 10 * UNIT)));

        vm.assertLe(gas, 110_000, "a node's first in an epoch writes the epoch down");
    }

    function test_gas_ofARequestToUnbondIsWithin90000() public {
        vm.startPrank(OWNER);
        uint256 gas =
            _measure("stake_unbond", address(staking), abi.encodeCall(staking.requestUnbond, (NODE, 10 * UNIT)));

        vm.assertLe(gas, 90_000, "request");
    }

    function test_gas_ofAWithdrawalIsWithin70000() public {
        vm.warp(block.timestamp + 21 days);
        vm.startPrank(OWNER);
        uint256 gas = _measure("stake_withdraw", address(staking), abi.encodeCall(staking.withdraw, (NODE, OWNER)));

        vm.assertLe(gas, 70_000, "withdraw");
    }

    /// @dev However many epochs a node's stake changed in: the same as in the first of them, but for the growing counts.
    function test_gas_isFlatInTheNumberOfEpochs() public {
        for (uint256 i; i < 104; i++) {
            _nextEpoch();
            staking.stake(1, 1);
            staking.stake(NODE, 1);
        }
        _nextEpoch();
        staking.stake(1, 1);
        vm.startPrank(OWNER);
        bytes memory call = abi.encodeCall(staking.stake, (NODE, 10 * UNIT));
        (bool done,) = address(staking).call(call);
        vm.assertTrue(done, "stakes");
        uint256 gas = 21_000 + vm.lastCallGas().gasTotalUsed + _calldataGas(call);

        vm.assertLe(gas, _kept("stake_add_turn") + 1_000, "after 104 epochs");
    }
}

/// @dev The same once the node's stake has changed in this epoch.
contract StakingGasAgainTest is Stakes, Snapshots {
    function setUp() public {
        _openStakes();
        heu.transfer(OWNER, 10_000 * UNIT);
        vm.startPrank(OWNER);
        heu.approve(address(staking), 9_000 * UNIT);
        staking.stake(NODE, 1_000 * UNIT);
        vm.stopPrank();
    }

    function test_gas_ofAnotherStakeInTheEpochIsWithin80000() public {
        vm.startPrank(OWNER);
        uint256 gas = _measure("stake_add", address(staking), abi.encodeCall(staking.stake, (NODE, 10 * UNIT)));

        vm.assertLe(gas, 80_000, "add");
    }
}
