// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {Stakes} from "./Stakes.sol";

/// @dev Random stakes, exits and slashes: what an epoch may cost, counted beside the contract.
contract StakingTollsTest is Stakes {
    uint256 internal _state;

    function setUp() public {
        _openStakes();
    }

    function _random(uint256 below) private returns (uint256) {
        _state = uint256(keccak256(abi.encode(_state)));
        return _state % below;
    }

    /// @dev The half is of the most that stood at any slash of the epoch, had none taken; a fault costs three tenths at most.
    function testFuzz_anEpochTakesHalfOfTheMostThatStoodAtASlashAndNoUnitMore(uint256 seed) public {
        _state = seed;
        staking.stake(NODE, 1 + _random(1_000 * UNIT));
        (uint256 most, uint256 taken, uint32 epoch) = (0, 0, 0);
        for (uint256 i; i < 60; i++) {
            uint256 what = _random(8);
            INodeStaking.Stake memory held = staking.stakeOf(NODE);
            if (what == 0) {
                staking.stake(NODE, 1 + _random(_random(2) == 0 ? 10 : 1_000 * UNIT));
            } else if (what == 1 && held.active != 0) {
                _unbond(NODE, 1 + _random(held.active));
            } else if (what == 2 && held.unbonding != 0 && block.timestamp >= held.unbondAt) {
                _withdraw(NODE);
            } else if (what == 3) {
                vm.warp(block.timestamp + _random(_random(3) == 0 ? 22 days : 2 days));
            } else if (what >= 4) {
                uint256 total = _total(NODE);
                if (total == 0) continue;
                if (epoch != Epochs.current()) (most, taken, epoch) = (0, 0, Epochs.current());
                if (total + taken > most) most = total + taken;
                uint256 left = (most + 1) / 2 - taken;
                uint256 one = (total * 3 + 9) / 10;
                uint256 can = staking.slashableOf(NODE);
                vm.assertEq(can, one < left ? one : left, "what one fault and the epoch may cost");
                vm.expectRevert(abi.encodeWithSelector(INodeStaking.SlashTooLarge.selector, can + 1, can));
                vm.prank(SLASHER);
                staking.slash(NODE, can + 1, address(0), 0, address(0), 0);
                if (can == 0) continue;
                uint256 amount = _random(2) == 0 ? can : 1 + _random(can);
                _slash(NODE, amount);
                taken += amount;
                vm.assertLe(taken, (most + 1) / 2, "half");
                vm.assertEq(_total(NODE), total - amount, "to the unit");
            }
        }
        vm.assertEq(heu.balanceOf(address(staking)), _total(NODE), "held is what stands");
    }
}
