// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Stakes} from "./Stakes.sol";

/// @dev Stake from its first unit to its last: what counts, what leaves, and what a slash takes. 46 to 53 of the test list.
contract StakingTest is Stakes {
    uint256 private constant THREE_WEEKS = 21 days;

    function setUp() public {
        _openStakes();
    }

    // ------------------------------------------------------------------------------------------- slash and unbond

    function test_46_aSlashHitsActiveAndUnbondingProRata() public {
        staking.stake(NODE, 1_000 * UNIT);
        _unbond(NODE, 400 * UNIT);
        uint256 supply = heu.totalSupply();

        vm.prank(SLASHER);
        staking.slash(NODE, 100 * UNIT, VICTIM, 50 * UNIT, REPORTER, 10 * UNIT);

        // 100 of 1,000 is a tenth of each part.
        _holds(NODE, 540 * UNIT, 360 * UNIT);
        vm.assertEq(staking.owedTo(VICTIM), 50 * UNIT, "the victim's");
        vm.assertEq(staking.owedTo(REPORTER), 10 * UNIT, "the reporter's");
        vm.assertEq(supply - heu.totalSupply(), 40 * UNIT, "the rest is burnt");
        vm.assertEq(staking.claim(VICTIM), 50 * UNIT);
        vm.assertEq(staking.claim(REPORTER), 10 * UNIT);
        vm.assertEq(heu.balanceOf(VICTIM), 50 * UNIT, "paid");
        vm.assertEq(heu.balanceOf(REPORTER), 10 * UNIT, "paid");
        vm.assertEq(heu.balanceOf(address(staking)), 900 * UNIT, "what is left");
        vm.expectRevert(INodeStaking.ZeroAmount.selector);
        staking.claim(VICTIM);
    }

    function test_46_aSlashAfterMaturityAndBeforeTheWithdrawalWorksAndAfterItCannot() public {
        staking.stake(NODE, 100 * UNIT);
        _unbond(NODE, 100 * UNIT);
        vm.warp(block.timestamp + THREE_WEEKS + 5 days);

        _slash(NODE, 30 * UNIT);

        vm.assertEq(_withdraw(NODE), 70 * UNIT, "what the slash left");
        vm.assertEq(staking.slashableOf(NODE), 0, "nothing stands");
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.SlashTooLarge.selector, 1, 0));
        vm.prank(SLASHER);
        staking.slash(NODE, 1, address(0), 0, address(0), 0);
    }

    function test_47_anUnbondInFrontOfASlashGivesNoAdvantage() public {
        uint32 calm = _newNode(OWNER, 0x51611);
        staking.stake(NODE, 1_000 * UNIT);
        staking.stake(calm, 1_000 * UNIT);
        _unbond(NODE, 1_000 * UNIT);

        _slash(NODE, 300 * UNIT);
        _slash(calm, 300 * UNIT);

        vm.assertEq(_total(NODE), _total(calm), "the same is left");
        vm.warp(block.timestamp + THREE_WEEKS);
        vm.assertEq(_withdraw(NODE), 700 * UNIT, "and no more can leave");
    }

    function test_47_aSlashOfOneselfIsNoExit() public {
        staking.stake(NODE, 1_000 * UNIT);
        // The owner is victim and reporter at once, and takes the most that both may get.
        uint256 supply = heu.totalSupply();
        vm.prank(SLASHER);
        staking.slash(NODE, 300 * UNIT, OWNER, 150 * UNIT, OWNER, 30 * UNIT);

        vm.assertEq(supply - heu.totalSupply(), 120 * UNIT, "two fifths are gone for good");
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.RewardTooLarge.selector, 10 * UNIT + 1, 10 * UNIT));
        vm.prank(SLASHER);
        staking.slash(NODE, 100 * UNIT, address(0), 0, OWNER, 10 * UNIT + 1);
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.RewardTooLarge.selector, 50 * UNIT + 1, 50 * UNIT));
        vm.prank(SLASHER);
        staking.slash(NODE, 100 * UNIT, OWNER, 50 * UNIT + 1, address(0), 0);
    }

    function test_48_aFreezeHoldsItsAmountAndNoUnitMore() public {
        staking.stake(NODE, 100 * UNIT);
        _unbond(NODE, 90 * UNIT);
        vm.warp(block.timestamp + THREE_WEEKS);

        // Active stake covers the first 10 of it.
        _freeze(NODE, 25 * UNIT);
        vm.assertEq(_withdraw(NODE), 75 * UNIT, "all but what is frozen");
        _holds(NODE, 10 * UNIT, 15 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.StakeFrozen.selector, 25 * UNIT));
        vm.prank(OWNER);
        staking.withdraw(NODE, OWNER);

        _release(NODE, 25 * UNIT);
        vm.assertEq(_withdraw(NODE), 15 * UNIT, "and then the rest");
    }

    function test_48_aFreezeThatNobodyEndsLapses() public {
        staking.stake(NODE, 100 * UNIT);
        _unbond(NODE, 100 * UNIT);
        vm.warp(block.timestamp + THREE_WEEKS);
        _freeze(NODE, 1_000 * UNIT);
        uint256 until = block.timestamp + 30 days;

        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.StakeFrozen.selector, 1_000 * UNIT));
        vm.prank(OWNER);
        staking.withdraw(NODE, OWNER);
        vm.warp(until + 1);
        vm.assertEq(_withdraw(NODE), 100 * UNIT, "lapsed");
    }

    function test_48_aReleaseNeverFreesWhatAnotherCaseHolds() public {
        staking.stake(NODE, 100 * UNIT);
        _freeze(NODE, 30 * UNIT);
        vm.warp(block.timestamp + 31 days);
        _freeze(NODE, 20 * UNIT);
        _release(NODE, 30 * UNIT);

        vm.assertEq(staking.stakeOf(NODE).frozen, 20 * UNIT, "the second case's");
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.AmountTooLarge.selector, 20 * UNIT + 1, 20 * UNIT));
        vm.prank(SLASHER);
        staking.release(NODE, 20 * UNIT + 1);
    }

    /// @dev No slash may take more than half an epoch, so "full" takes many: ends at nothing, because a slash of a little
    ///      is rounded up.
    function test_49_aNodeSlashedToNothingStakesWorksAndUnbondsAgain() public {
        staking.stake(NODE, 1_000);
        _unbond(NODE, 500);
        for (uint256 i; _total(NODE) > 0; i++) {
            vm.assertLe(i, 40, "it ends");
            _nextEpoch();
            _slash(NODE, staking.slashableOf(NODE));
        }
        _holds(NODE, 0, 0);
        vm.assertEq(heu.balanceOf(address(staking)), 0, "all burnt");
        vm.prank(OWNER);
        vm.expectRevert(INodeStaking.NothingToWithdraw.selector);
        staking.withdraw(NODE, OWNER);

        staking.stake(NODE, 7 * UNIT);
        uint32 epoch = _nextEpoch();
        vm.assertEq(staking.countedIn(NODE, epoch), 7 * UNIT, "it counts like any other");
        vm.assertEq(staking.totalIn(epoch), 7 * UNIT, "in the total too");
        _unbond(NODE, 7 * UNIT);
        vm.warp(block.timestamp + THREE_WEEKS);
        vm.assertEq(_withdraw(NODE), 7 * UNIT, "and leaves whole");
    }

    /// @dev Exact: total falls by each slash to the unit. Unbonding keeps at most its exact part of what is left.
    function testFuzz_50_tinySlashesAddUpAndAreNeverRoundedToNothing(uint256 seed, uint256 active, uint256 unbonding) public {
        active = bound(active, 1, seed % 2 == 0 ? 1e3 : 1e24);
        unbonding = bound(unbonding, 1, 1e24);
        staking.stake(NODE, active + unbonding);
        _unbond(NODE, unbonding);
        uint256 total = active + unbonding;
        uint256 left = total;
        uint256 supply = heu.totalSupply();
        for (uint256 i; i < 24; i++) {
            uint256 amount = bound(uint256(keccak256(abi.encode(seed, i))), 1, 9);
            uint256 most = staking.slashableOf(NODE);
            if (most == 0) break;
            if (amount > most) amount = most;
            _slash(NODE, amount);
            left -= amount;
            vm.assertEq(_total(NODE), left, "exact");
            vm.assertLe(uint256(staking.stakeOf(NODE).unbonding) * total, unbonding * left, "never above its part");
        }
        vm.assertEq(supply - heu.totalSupply(), total - left, "burnt to the unit");
    }

    function testFuzz_50_aLargeSlashLeavesEachPartWithinOneUnitOfExact(uint256 active, uint256 unbonding, uint256 amount)
        public
    {
        (active, unbonding) = (bound(active, 1, 1e26), bound(unbonding, 1, 1e26));
        uint256 total = active + unbonding;
        staking.stake(NODE, total);
        _unbond(NODE, unbonding);
        amount = bound(amount, 1, staking.slashableOf(NODE));

        _slash(NODE, amount);

        INodeStaking.Stake memory held = staking.stakeOf(NODE);
        // exact: part * (total - amount) / total
        uint256 floorOfUnbonding = unbonding * (total - amount) / total;
        vm.assertEq(held.unbonding, floorOfUnbonding, "floored");
        vm.assertEq(held.active, total - amount - floorOfUnbonding, "the rest: at most one unit above");
        vm.assertLe(uint256(held.active) * total, active * (total - amount) + total, "within one unit");
    }

    function test_51_everyUnitHeldCanBeSlashed() public {
        staking.stake(NODE, 100 * UNIT);
        // Whatever was requested, added to, cancelled or has matured.
        _unbond(NODE, 30 * UNIT);
        vm.warp(block.timestamp + 10 days);
        _unbond(NODE, 30 * UNIT);
        vm.assertEq(staking.stakeOf(NODE).unbondAt, block.timestamp + THREE_WEEKS, "the time starts afresh");
        vm.prank(OWNER);
        staking.cancelUnbond(NODE);
        _unbond(NODE, 60 * UNIT);
        vm.warp(block.timestamp + THREE_WEEKS + 1);

        uint256 most = staking.slashableOf(NODE);
        vm.assertEq(most, 30 * UNIT, "three tenths of all of it");
        _slash(NODE, most);
        _holds(NODE, 28 * UNIT, 42 * UNIT);
    }

    function test_51_oneFaultCosts30PercentAtMostAndOneEpochHalf() public {
        staking.stake(NODE, 1_000 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.SlashTooLarge.selector, 300 * UNIT + 1, 300 * UNIT));
        vm.prank(SLASHER);
        staking.slash(NODE, 300 * UNIT + 1, address(0), 0, address(0), 0);

        _slash(NODE, 300 * UNIT);
        // Stake that comes later is no cover: 6,000 would stand, had nothing been taken.
        staking.stake(NODE, 5_000 * UNIT);
        vm.assertEq(staking.slashableOf(NODE), 1_710 * UNIT, "three tenths of 5,700");
        _slash(NODE, 1_710 * UNIT);
        vm.assertEq(staking.slashableOf(NODE), 990 * UNIT, "half of 6,000, less both");
        _slash(NODE, 990 * UNIT);
        vm.assertEq(staking.slashableOf(NODE), 0, "no more in this epoch");

        _nextEpoch();
        vm.assertEq(staking.slashableOf(NODE), 900 * UNIT, "three tenths of 3,000");
        _slash(NODE, 900 * UNIT);
        vm.assertEq(staking.slashableOf(NODE), 600 * UNIT, "half of 3,000, less that");
    }

    /// @dev What leaves after a slash lowers neither what was taken nor what the epoch may still cost.
    function test_51_whatLeavesAfterASlashStillCountsForItsEpoch() public {
        staking.stake(NODE, 1_000 * UNIT);
        _unbond(NODE, 900 * UNIT);
        vm.warp(block.timestamp + THREE_WEEKS);
        _slash(NODE, 300 * UNIT);
        vm.assertEq(_withdraw(NODE), 630 * UNIT, "seven tenths of what was asked back");
        vm.assertEq(staking.slashableOf(NODE), 21 * UNIT, "three tenths of 70: the epoch's half is of 1,000");
    }

    // ------------------------------------------------------------------------------------------------ what counts

    function test_52_stakeAddedInAnEpochCountsFromTheNext() public {
        uint32 epoch = _nextEpoch();
        staking.stake(NODE, 5 * UNIT);
        vm.assertEq(staking.countedIn(NODE, epoch), 0, "not in its own");
        vm.assertEq(staking.totalIn(epoch), 0, "nor in its total");

        vm.warp(Epochs.startOf(epoch + 1) - 1);
        staking.stake(NODE, 2 * UNIT);
        _nextEpoch();
        vm.assertEq(staking.countedIn(NODE, epoch), 0, "nor afterwards");
        vm.assertEq(staking.countedIn(NODE, epoch + 1), 7 * UNIT, "from the next");
        vm.assertEq(staking.totalIn(epoch + 1), 7 * UNIT, "in the total too");
        vm.assertEq(staking.countedIn(NODE, epoch + 50), 7 * UNIT, "for as long as it stands");
    }

    function test_52_stakeForAMomentCountsNowhere() public {
        uint32 epoch = _nextEpoch();
        vm.warp(Epochs.startOf(epoch + 1) - 1);
        staking.stake(NODE, 1_000 * UNIT);
        vm.warp(Epochs.startOf(epoch + 1));
        _unbond(NODE, 1_000 * UNIT);

        for (uint32 e = epoch; e < epoch + 3; e++) {
            vm.assertEq(staking.countedIn(NODE, e), 0, "nowhere");
        }
    }

    /// @dev What left in between is missed, even if it is back before anybody asks.
    function test_52_whatLeftDuringAnEpochIsMissedInItThoughItCameBack() public {
        staking.stake(NODE, 10 * UNIT);
        uint32 epoch = _nextEpoch();
        _unbond(NODE, 6 * UNIT);
        vm.assertEq(staking.countedIn(NODE, epoch), 4 * UNIT, "at once");
        vm.prank(OWNER);
        staking.cancelUnbond(NODE);
        staking.stake(NODE, 5 * UNIT);

        vm.assertEq(staking.countedIn(NODE, epoch), 4 * UNIT, "the least of the epoch");
        vm.assertEq(staking.totalIn(epoch), 10 * UNIT, "its total is that of its start");
        _nextEpoch();
        vm.assertEq(staking.countedIn(NODE, epoch), 4 * UNIT, "for good");
        vm.assertEq(staking.countedIn(NODE, epoch + 1), 15 * UNIT, "all of it in the next");
        _unbond(NODE, 13 * UNIT);
        vm.assertEq(staking.countedIn(NODE, epoch), 2 * UNIT, "what is gone now counts in no epoch that is still open");
    }

    function test_52_aSlashLowersWhatCountsAtOnce() public {
        staking.stake(NODE, 10 * UNIT);
        uint32 epoch = _nextEpoch();
        _slash(NODE, 3 * UNIT);

        vm.assertEq(staking.countedIn(NODE, epoch), 7 * UNIT, "less");
        vm.assertEq(staking.totalIn(epoch + 1), 7 * UNIT, "and in the next total");
        vm.assertEq(staking.totalIn(0), 0, "before everything");
    }

    // ------------------------------------------------------------------------------------------------------ exits

    /// @dev Registry entry deactivated, Authority closed and gone, ledger paused, other nodes frozen: the exit is the same.
    function test_53_nobodyElseStopsAWithdrawal() public {
        uint32 other = _newNode(address(0xBAD), 0x51611);
        staking.stake(NODE, 100 * UNIT);
        staking.stake(other, 100 * UNIT);
        _unbond(NODE, 100 * UNIT);
        _freeze(other, 100 * UNIT);
        vm.prank(OWNER);
        registry.deactivate(Role.Node, NODE);
        vm.prank(GUARDIAN);
        ledger.pause();
        vm.etch(address(authority), hex"fe");
        vm.warp(block.timestamp + THREE_WEEKS);

        vm.assertEq(_withdraw(NODE), 100 * UNIT, "paid in full");
        vm.assertEq(heu.balanceOf(OWNER), 100 * UNIT);
    }

    function test_53_anExitTakesItsWholeTime_StillUnbonding() public {
        staking.stake(NODE, 100 * UNIT);
        _unbond(NODE, 60 * UNIT);
        uint40 at = uint40(block.timestamp + THREE_WEEKS);
        vm.warp(at - 1);
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.StillUnbonding.selector, at));
        vm.prank(OWNER);
        staking.withdraw(NODE, OWNER);

        vm.warp(at);
        vm.assertEq(_withdraw(NODE), 60 * UNIT, "on the second");
        _holds(NODE, 40 * UNIT, 0);
        vm.expectRevert(INodeStaking.NothingToWithdraw.selector);
        vm.prank(OWNER);
        staking.withdraw(NODE, OWNER);
    }

    function test_53_giftsAndDonationsMoveNothingButTheirOwnSum() public {
        staking.stake(NODE, 1 * UNIT);
        heu.transfer(address(staking), 500 * UNIT);
        _unbond(NODE, 1 * UNIT);
        // A gift neither moves the time nor the amount of an exit under way.
        vm.warp(block.timestamp + 20 days);
        staking.stake(NODE, 1);
        vm.warp(block.timestamp + 1 days);

        vm.assertEq(_withdraw(NODE), 1 * UNIT, "its own");
        _holds(NODE, 1, 0);
    }

    // ----------------------------------------------------------------------------------------------------- errors

    function test_onlyTheOwnerUnbondsCancelsAndWithdraws_NotNodeOwner() public {
        staking.stake(NODE, UNIT);
        bytes memory error = abi.encodeWithSelector(INodeStaking.NotNodeOwner.selector, address(this), OWNER);
        vm.expectRevert(error);
        staking.requestUnbond(NODE, 1);
        vm.expectRevert(error);
        staking.cancelUnbond(NODE);
        vm.expectRevert(error);
        staking.withdraw(NODE, address(this));
    }

    function test_onlyTheSlasherFreezesReleasesAndSlashes() public {
        staking.stake(NODE, UNIT);
        address[3] memory others = [OWNER, ADMIN, GUARDIAN];
        for (uint256 i; i < 3; i++) {
            bytes memory error = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(error);
            staking.freeze(NODE, 1);
            vm.expectRevert(error);
            staking.release(NODE, 1);
            vm.expectRevert(error);
            staking.slash(NODE, 1, address(0), 0, address(0), 0);
            vm.stopPrank();
        }
    }

    function test_ZeroAmount_isNoMove() public {
        bytes4 error = INodeStaking.ZeroAmount.selector;
        vm.expectRevert(error);
        staking.stake(NODE, 0);
        vm.expectRevert(error);
        staking.claim(OWNER);
        vm.startPrank(OWNER);
        vm.expectRevert(error);
        staking.requestUnbond(NODE, 0);
        vm.expectRevert(error);
        staking.cancelUnbond(NODE);
        vm.stopPrank();
        vm.startPrank(SLASHER);
        vm.expectRevert(error);
        staking.freeze(NODE, 0);
        vm.expectRevert(error);
        staking.slash(NODE, 0, address(0), 0, address(0), 0);
        vm.stopPrank();
    }

    function test_ZeroAddress_getsNothing() public {
        bytes4 error = INodeStaking.ZeroAddress.selector;
        staking.stake(NODE, 100);
        _unbond(NODE, 1);
        vm.warp(block.timestamp + THREE_WEEKS);
        vm.expectRevert(error);
        vm.prank(OWNER);
        staking.withdraw(NODE, address(0));
        vm.expectRevert(error);
        vm.prank(SLASHER);
        staking.slash(NODE, 10, address(0), 1, address(0), 0);
        vm.expectRevert(error);
        vm.prank(SLASHER);
        staking.slash(NODE, 10, address(0), 0, address(0), 1);
    }

    function test_ZeroAddress_isNoPartOfTheConstruction() public {
        for (uint256 i; i < 3; i++) {
            address[3] memory given = [address(heu), address(registry), address(authority)];
            given[i] = address(0);
            bytes memory code = bytes.concat(vm.getCode("NodeStaking.sol:NodeStaking"), abi.encode(given));
            bytes memory answer;
            address made;
            assembly ("memory-safe") {
                made := create(0, add(code, 32), mload(code))
                answer := mload(0x40)
                mstore(answer, returndatasize())
                returndatacopy(add(answer, 32), 0, returndatasize())
                mstore(0x40, add(answer, 64))
            }
            vm.assertEq(made, address(0), "refused");
            vm.assertEq(answer, abi.encodeWithSelector(INodeStaking.ZeroAddress.selector), "by its name");
        }
    }

    function test_UnknownNode_AmountTooLarge() public {
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.UnknownNode.selector, 99));
        staking.stake(99, 1);
        staking.stake(NODE, 5);
        vm.expectRevert(abi.encodeWithSelector(INodeStaking.AmountTooLarge.selector, 6, 5));
        vm.prank(OWNER);
        staking.requestUnbond(NODE, 6);
    }

    function test_74_aPermitStakesInOneCallAndOneUsedByAnotherDoesNoHarm() public {
        uint256 key = 0x9E41;
        heu.transfer(vm.addr(key), 10 * UNIT);
        (uint8 v, bytes32 r, bytes32 s) = _heuPermit(key, address(staking), 10 * UNIT);
        heu.permit(vm.addr(key), address(staking), 10 * UNIT, type(uint256).max, v, r, s);

        vm.prank(vm.addr(key));
        staking.stakeWithPermit(NODE, 4 * UNIT, type(uint256).max, v, r, s);
        _holds(NODE, 4 * UNIT, 0);
        vm.prank(vm.addr(key));
        heu.approve(address(staking), 0);

        (v, r, s) = _heuPermit(key, address(staking), 6 * UNIT);
        vm.prank(vm.addr(key));
        staking.stakeWithPermit(NODE, 6 * UNIT, type(uint256).max, v, r, s);
        _holds(NODE, 10 * UNIT, 0);
    }

    function _heuPermit(uint256 key, address spender, uint256 value) private view returns (uint8, bytes32, bytes32) {
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                vm.addr(key),
                spender,
                value,
                heu.nonces(vm.addr(key)),
                type(uint256).max
            )
        );
        return vm.sign(key, keccak256(abi.encodePacked(hex"1901", heu.DOMAIN_SEPARATOR(), hash)));
    }
}
