// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IVotingEscrow} from "../../contracts/interfaces/IVotingEscrow.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Escrows} from "./Escrows.sol";

/// @dev 4-12: what went wrong with locks elsewhere, and every guard of the escrow.
contract EscrowTest is Escrows {
    uint256 internal constant PERMIT_KEY = 0x9E31;
    bytes32 internal constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function setUp() public {
        _openEscrow();
    }

    // ---------------------------------------------------------------------------------------------------- powers

    function test_04_powerIsOneWeeksWorthBeforeTheEndAndNothingAtIt() public {
        uint32 end = _after(7);
        _lock(ANN, 5e18, end);

        vm.assertEq(escrow.balanceOf(ANN), 7 * 5e18, "seven epochs of five");
        vm.assertEq(escrow.powerIn(ANN, end - 1), 5e18, "one epoch's worth");
        vm.assertEq(escrow.powerIn(ANN, end), 0);
        vm.warp(Epochs.startOf(end) - 1);
        vm.assertEq(escrow.balanceOf(ANN), 5e18, "in its last second");
        vm.assertEq(escrow.totalSupply(), 5e18);
        vm.warp(Epochs.startOf(end));
        vm.assertEq(escrow.balanceOf(ANN), 0, "in the first second of its end");
        vm.assertEq(escrow.totalSupply(), 0);
        vm.assertEq(escrow.getVotes(ANN), 0);
    }

    function testFuzz_05_extendingMovesExactlyTheAmountBetweenTheEnds(uint96 amount, uint8 from, uint8 to) public {
        uint256 mine = bound(amount, 1, 1e26);
        uint32 first = _after(uint32(bound(from, 2, MOST - 1)));
        uint32 second = first + uint32(bound(to, 1, _after(MOST) - first));
        _lock(BEN, 7, first);
        _lock(ANN, mine, first);
        vm.assertEq(_endingIn(first), mine + 7);

        vm.prank(ANN);
        escrow.lock(0, second);

        vm.assertEq(_endingIn(first), 7, "only the other's is left");
        vm.assertEq(_endingIn(second), mine);
        vm.assertEq(escrow.totalSupply(), mine * (second - Epochs.current()) + 7 * (first - Epochs.current()));
    }

    /// @dev The ghost is the plain list of locks; every coming end is compared with it after every move.
    function testFuzz_06_noEndOutlivesItsLock(uint256 seed) public {
        uint256[3] memory amounts;
        uint32[3] memory ends;
        for (uint256 i; i < 16; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            uint256 who = draw % 3;
            address account = address(uint160(0x1000 + who));
            uint32 now_ = Epochs.current();
            if (amounts[who] != 0 && ends[who] <= now_) {
                vm.prank(account);
                escrow.withdraw();
                amounts[who] = 0;
                ends[who] = 0;
            } else {
                uint256 added = bound(draw >> 8, 1, 100);
                uint32 least = ends[who] > now_ ? ends[who] : now_ + 1;
                ends[who] = least + uint32(bound(draw >> 16, 0, now_ + 12 - least));
                _lock(account, added, ends[who]);
                amounts[who] += added;
            }
            _checkEnds(amounts, ends);
            if ((draw >> 32) % 3 == 0) _wait(uint32(1 + (draw >> 40) % 6));
            _checkEnds(amounts, ends);
        }
    }

    function _checkEnds(uint256[3] memory amounts, uint32[3] memory ends) private view {
        uint32 now_ = Epochs.current();
        for (uint32 e = now_ + 1; e <= now_ + 13; e++) {
            uint256 expected;
            for (uint256 who; who < 3; who++) {
                if (ends[who] == e) expected += amounts[who];
            }
            vm.assertEq(_endingIn(e), expected, "what ends is what is locked until then");
        }
    }

    function test_07_anAmountBeyond96BitsIsRefused() public {
        _lock(ANN, 3, _after(5));
        uint256 most = type(uint96).max;
        vm.startPrank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.AmountTooLarge.selector, most - 2, most - 3));
        escrow.lock(most - 2, 0);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.AmountTooLarge.selector, most + 2, most - 3));
        escrow.lock(most + 2, 0);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.AmountTooLarge.selector, type(uint256).max, most - 3));
        escrow.lockFor(ANN, type(uint256).max);
        vm.stopPrank();
        vm.assertEq(escrow.lockOf(ANN).amount, 3, "nothing was cast");
    }

    function test_08_aStrangerCanOnlyGive() public {
        uint32 end = _after(5);
        _lock(ANN, 3e18, end);
        _give(EVE, 1e18);

        vm.prank(EVE);
        escrow.lockFor(ANN, 1);
        vm.assertEq(escrow.lockOf(ANN).amount, 3e18 + 1);
        vm.assertEq(escrow.lockOf(ANN).end, end, "not a second longer");
        vm.assertEq(token.balanceOf(EVE), 1e18 - 1, "out of the giver's pocket");

        vm.startPrank(EVE);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.NoLock.selector, BEN));
        escrow.lockFor(BEN, 1);
        vm.expectRevert(IVotingEscrow.ZeroAmount.selector);
        escrow.lockFor(ANN, 0);
        vm.warp(Epochs.startOf(end));
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.LockExpired.selector, end));
        escrow.lockFor(ANN, 1);
        vm.stopPrank();

        vm.prank(ANN);
        vm.assertEq(escrow.withdraw(), 3e18 + 1, "and the owner leaves with all of it");
        vm.prank(EVE);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.NoLock.selector, ANN));
        escrow.lockFor(ANN, 1);
    }

    function test_09_oneWeiForTheLongestTimeReachesZero() public {
        _lock(ANN, 1, _after(MOST));
        for (uint256 left = MOST; left > 0; left--) {
            vm.assertEq(escrow.balanceOf(ANN), left, "one wei, one week, one unit");
            vm.assertEq(escrow.totalSupply(), left);
            _wait(1);
        }
        vm.assertEq(escrow.balanceOf(ANN), 0);
        vm.assertEq(escrow.totalSupply(), 0);
        vm.prank(ANN);
        vm.assertEq(escrow.withdraw(), 1);
    }

    // ------------------------------------------------------------------------------------------------- long sleeps

    function test_12_totalsAreRightAfterAnySleep() public {
        uint32[4] memory sleeps = [uint32(10), 104, 105, 300];
        for (uint256 i; i < sleeps.length; i++) {
            uint256 state = vm.snapshotState();
            uint32 birth = Epochs.current();
            _lock(ANN, 2e18, birth + 50);
            _lock(BEN, 3e18, birth + MOST);
            _wait(sleeps[i]);
            uint256 expected = sleeps[i] < 50 ? 2e18 * uint256(50 - sleeps[i]) : 0;
            if (sleeps[i] < MOST) expected += 3e18 * uint256(MOST - sleeps[i]);
            vm.assertEq(escrow.totalSupply(), expected, "as if never asleep");
            escrow.checkpoint();
            uint256 gas = vm.lastCallGas().gasTotalUsed;
            vm.assertLe(gas, 300_000, "a bounded number of steps");
            vm.assertEq(escrow.totalSupply(), expected, "and written down");
            _lock(EVE, 1e18, _after(2));
            vm.assertEq(escrow.totalSupply(), expected + 2e18, "and goes on from there");
            vm.revertToState(state);
        }
    }

    // ------------------------------------------------------------------------------------------------- the guards

    function test_aLockNeedsAnAmountAndAnEndInBounds() public {
        uint32 current = Epochs.current();
        _give(ANN, 10e18);
        vm.startPrank(ANN);
        vm.expectRevert(IVotingEscrow.ZeroAmount.selector);
        escrow.lock(0, current + 5);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.EndTooSoon.selector, 0, current + 1));
        escrow.lock(1, 0);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.EndTooSoon.selector, current, current + 1));
        escrow.lock(1, current);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.EndTooFar.selector, current + 105, current + 104));
        escrow.lock(1, current + 105);
        escrow.lock(1, current + 1);
        escrow.lock(0, current + 104);
        vm.stopPrank();
        vm.assertEq(escrow.lockOf(ANN).end, current + 104);
    }

    function test_aLockNeverBecomesShorter() public {
        uint32 end = _after(9);
        _lock(ANN, 5e18, end);
        _give(ANN, 1e18);
        vm.startPrank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.EndNotLater.selector, end - 1, end));
        escrow.lock(1e18, end - 1);
        vm.expectRevert(IVotingEscrow.ZeroAmount.selector);
        escrow.lock(0, end);
        vm.expectRevert(IVotingEscrow.ZeroAmount.selector);
        escrow.lock(0, 0);
        escrow.lock(1e18, end);
        vm.stopPrank();
        vm.assertEq(escrow.lockOf(ANN).amount, 6e18, "its own end is no other");
    }

    function test_anExpiredLockTakesNothingAndPaysOnce() public {
        uint32 end = _after(2);
        _lock(ANN, 5e18, end);
        _give(ANN, 1e18);
        vm.warp(Epochs.startOf(end) - 1);
        vm.startPrank(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.NotExpired.selector, end));
        escrow.withdraw();
        vm.warp(Epochs.startOf(end));
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.LockExpired.selector, end));
        escrow.lock(1e18, end + 5);
        vm.assertEq(escrow.withdraw(), 5e18);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.NoLock.selector, ANN));
        escrow.withdraw();
        escrow.lock(1e18, end + 5);
        vm.stopPrank();
        vm.assertEq(escrow.balanceOf(ANN), 5e18, "the new lock is its own");
    }

    function test_votesAreNotDelegated() public {
        vm.expectRevert(IVotingEscrow.NoDelegation.selector);
        escrow.delegate(BEN);
        vm.assertEq(escrow.delegates(ANN), ANN);
    }

    function test_anEscrowNeedsItsToken() public {
        bytes memory code = abi.encodePacked(
            vm.getCode("VotingEscrow.sol:VotingEscrow"), abi.encode(address(0), true)
        );
        vm.expectRevert(IVotingEscrow.ZeroAddress.selector);
        this.create(code);
    }

    function create(bytes memory code) external returns (address made) {
        assembly {
            made := create(0, add(code, 32), mload(code))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    function test_whatIsNotOverHasNoPast() public {
        uint256 now_ = block.timestamp;
        uint32 current = Epochs.current();
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.PastUnknown.selector, now_));
        escrow.getPastVotes(ANN, now_);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.PastUnknown.selector, now_));
        escrow.getPastTotalSupply(now_);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.PastUnknown.selector, 604_799));
        escrow.getPastVotes(ANN, 604_799);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.PastUnknown.selector, current - 1));
        escrow.powerIn(ANN, current - 1);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.PastUnknown.selector, current - 1));
        escrow.totalPowerIn(current - 1);
        vm.assertEq(escrow.getPastVotes(ANN, now_ - 1), 0, "before anything was locked");
        vm.assertEq(escrow.getPastTotalSupply(now_ - 1), 0);
        vm.assertEq(escrow.getPastVotes(ANN, 604_800), 0, "a second of the first epoch that has one before it");
    }

    // ----------------------------------------------------------------------------------------------------- the past

    /// @dev The clock of a Governor counts seconds; all seconds of an epoch have what the epoch began with.
    function test_theFirstSayIsInTheNextEpoch() public {
        vm.assertEq(escrow.clock(), block.timestamp);
        vm.assertEq(escrow.CLOCK_MODE(), "mode=timestamp", "ERC-6372");
        uint32 birth = Epochs.current();
        uint32 end = birth + 20;
        _lock(ANN, 1e18, end);
        vm.assertEq(escrow.getVotes(ANN), 0, "not in its own epoch");
        vm.assertEq(escrow.balanceOf(ANN), 20e18, "though it has its power");
        _wait(1);
        vm.assertEq(escrow.getVotes(ANN), 19e18);
        _lock(ANN, 1e18, end);
        _lock(BEN, 5e18, end);
        vm.assertEq(escrow.getVotes(ANN), 19e18, "what was added waits");
        vm.warp(block.timestamp + 5);
        vm.assertEq(escrow.getPastVotes(ANN, block.timestamp - 1), 19e18, "and for a second that is over");
        vm.assertEq(escrow.getPastTotalSupply(block.timestamp - 1), 19e18);
        _wait(3);

        vm.assertEq(_votes(ANN, birth), 0);
        vm.assertEq(_votes(ANN, birth + 1), 19e18, "to the last second of the epoch");
        vm.assertEq(_votes(ANN, birth + 2), 2 * 18e18);
        vm.assertEq(_votes(ANN, birth + 3), 2 * 17e18, "falls where nothing was changed");
        vm.assertEq(_total(birth + 1), 19e18);
        vm.assertEq(_total(birth + 2), 7 * 18e18);
        vm.assertEq(_total(birth + 3), 7 * 17e18);
        vm.assertEq(escrow.getVotes(ANN), 2 * 16e18);
    }

    /// @dev Changes in 40 epochs, most of them twice: more than twenty slots of the past, in any order of asking.
    function testFuzz_03_everyEpochKeepsWhatItBeganWith(uint256 seed) public {
        uint32 birth = Epochs.current();
        uint256 amount;
        uint32 end = birth + MOST;
        uint256[41] memory openings;
        for (uint32 i; i < 40; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            openings[i] = amount * (end - Epochs.current());
            vm.assertEq(escrow.getVotes(ANN), openings[i], "what it began with");
            for (uint256 k; k < draw % 3; k++) {
                uint256 added = 1 + (draw >> 8 * (k + 1)) % 1000;
                _lock(ANN, added, end);
                amount += added;
            }
            if (amount != 0 && draw >> 250 == 0) escrow.checkpoint();
            vm.warp(block.timestamp + 7 days);
        }
        for (uint32 i; i < 40; i++) {
            vm.assertEq(_votes(ANN, birth + i), openings[i], "each as it was");
            vm.assertEq(_total(birth + i), openings[i], "and all together");
        }
    }

    /// @dev A lock that was withdrawn is no lock any more, and was one.
    function test_aWithdrawnLockKeepsItsPast() public {
        uint32 birth = Epochs.current();
        _lock(ANN, 3e18, birth + 2);
        _wait(1);
        _lock(ANN, 1e18, birth + 3);
        _wait(2);
        vm.prank(ANN);
        vm.assertEq(escrow.withdraw(), 4e18);
        vm.assertEq(escrow.lockOf(ANN).amount, 0);
        vm.assertEq(escrow.lockOf(ANN).end, 0);
        vm.assertEq(_votes(ANN, birth + 1), 3e18);
        vm.assertEq(_votes(ANN, birth + 2), 4e18);
        vm.assertEq(escrow.getVotes(ANN), 0);
        _lock(ANN, 7e18, birth + 8);
        vm.assertEq(escrow.lockOf(ANN).amount, 7e18, "the next one is its own");
        vm.assertEq(escrow.lockOf(ANN).end, birth + 8);
        _wait(1);
        _lock(ANN, 1e18, birth + 8);
        _wait(1);
        vm.assertEq(_votes(ANN, birth + 1), 3e18, "put away");
        vm.assertEq(_votes(ANN, birth + 2), 4e18);
        vm.assertEq(_votes(ANN, birth + 3), 0);
        vm.assertEq(_votes(ANN, birth + 4), 4 * 7e18);
        vm.assertEq(escrow.getVotes(ANN), 3 * 8e18);
    }

    /// @dev A slot that was empty costs 22k to write, and nothing else of these calls differs by as much.
    function test_aLockTakesANewSlotOfThePastInEveryOtherEpochAlone() public {
        _lock(ANN, 1e18, _after(40));
        uint256[5] memory gas;
        for (uint256 i; i < 5; i++) {
            _wait(1);
            escrow.checkpoint();
            gas[i] = _adding();
        }
        vm.assertGt(gas[1], gas[0] + 15_000, "the second state has room beside the first; the third puts both away");
        vm.assertGt(gas[1], gas[2] + 15_000, "and has room beside it again");
        vm.assertGt(gas[3], gas[2] + 15_000, "and so on");
        vm.assertGt(gas[3], gas[4] + 15_000, "and so on");
        for (uint256 i; i < 6; i++) {
            vm.assertGt(gas[3], _adding() + 15_000, "however often in one epoch");
        }
    }

    function _adding() private returns (uint256) {
        _give(ANN, 1e18);
        vm.prank(ANN);
        escrow.lock(1e18, 0);
        return vm.lastCallGas().gasTotalUsed;
    }

    function test_aCheckpointOpensTheEpochOnceAndChangesNothing() public {
        vm.assertEq(escrow.lastCheckpoint(), 0, "nothing was locked yet");
        _lock(ANN, 3e18, _after(9));
        vm.assertEq(escrow.lastCheckpoint(), Epochs.current(), "a lock opens it too");
        _wait(2);
        escrow.checkpoint();
        vm.assertEq(escrow.lastCheckpoint(), Epochs.current());
        uint256 total = escrow.totalSupply();
        escrow.checkpoint();
        vm.assertEq(escrow.totalSupply(), total);
        vm.assertEq(total, 7 * 3e18);
        vm.warp(block.timestamp + 1);
        vm.assertEq(escrow.getPastTotalSupply(block.timestamp - 1), total);
    }

    /// @dev Asked for its first and its last second, which must agree.
    function _votes(address account, uint32 epoch) private view returns (uint256 power) {
        power = escrow.getPastVotes(account, Epochs.startOf(epoch));
        vm.assertEq(escrow.getPastVotes(account, Epochs.startOf(epoch + 1) - 1), power, "one epoch, one answer");
    }

    function _total(uint32 epoch) private view returns (uint256 power) {
        power = escrow.getPastTotalSupply(Epochs.startOf(epoch));
        vm.assertEq(escrow.getPastTotalSupply(Epochs.startOf(epoch + 1) - 1), power, "one epoch, one answer");
    }

    // ------------------------------------------------------------------------------------------------- the permit

    function test_aPermitLocksInOneCallAndAStolenOneHarmsNobody() public {
        address account = vm.addr(PERMIT_KEY);
        token.transfer(account, 3e18);
        (uint8 v, bytes32 r, bytes32 s) = _permit(3e18, 0);
        uint32 end = _after(3);
        vm.prank(EVE);
        token.permit(account, address(escrow), 3e18, type(uint256).max, v, r, s);

        vm.prank(account);
        escrow.lockWithPermit(3e18, end, type(uint256).max, v, r, s);
        vm.assertEq(escrow.balanceOf(account), 9e18, "presented before, locked all the same");

        token.transfer(account, 1e18);
        (v, r, s) = _permit(1e18, 1);
        vm.prank(account);
        escrow.lockWithPermit(1e18, 0, type(uint256).max, v, r, s);
        vm.assertEq(escrow.balanceOf(account), 12e18, "the permit was the only allowance");
    }

    function _permit(uint256 amount, uint256 nonce) private view returns (uint8, bytes32, bytes32) {
        bytes32 words = keccak256(
            abi.encode(PERMIT, vm.addr(PERMIT_KEY), address(escrow), amount, nonce, type(uint256).max)
        );
        return vm.sign(PERMIT_KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), words)));
    }
}
