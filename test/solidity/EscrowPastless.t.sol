// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IVotingEscrow} from "../../contracts/interfaces/IVotingEscrow.sol";
import {EscrowGas} from "./EscrowGas.t.sol";
import {Escrows} from "./Escrows.sol";

/// @dev An escrow of a deployment that wants no Governor: beside one that keeps the past, it says the same of the present.
contract EscrowPastlessTest is Escrows {
    IVotingEscrow private _other;

    function setUp() public {
        _openEscrow();
        _other = IVotingEscrow(vm.deployCode("VotingEscrow.sol:VotingEscrow", abi.encode(token, false)));
    }

    function test_withoutThePastNoViewOfItAnswers() public {
        vm.assertTrue(escrow.keepsPast(), "as deployed");
        vm.assertTrue(!_other.keepsPast(), "and not");
        (escrow, _other) = (_other, escrow);
        uint32 current = _after(2);
        _lock(ANN, 5e18, _after(9));
        _wait(2);
        uint256 earlier = block.timestamp - 1;
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.PastUnknown.selector, current));
        escrow.getVotes(ANN);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.PastUnknown.selector, current - 1));
        escrow.getPastVotes(ANN, earlier);
        vm.expectRevert(abi.encodeWithSelector(IVotingEscrow.PastUnknown.selector, current - 1));
        escrow.getPastTotalSupply(earlier);
        vm.assertEq(escrow.balanceOf(ANN), 7 * 5e18, "the present does");
    }

    function test_withoutThePastNoSlotIsTakenForWhatWas() public {
        escrow = _other;
        uint32 end = _after(60);
        _lock(ANN, 5e18, end);
        for (uint256 i; i < 4; i++) {
            _wait(1);
            if (i % 2 == 0) _takesNoNewSlot(EVE, abi.encodeCall(escrow.checkpoint, ()));
            _give(ANN, 1e18);
            _takesNoNewSlot(ANN, abi.encodeCall(escrow.lock, (1e18, 0)));
        }
        vm.assertEq(escrow.lockOf(ANN).amount, 9e18);
    }

    /// @dev What the call writes was not empty before.
    function _takesNoNewSlot(address account, bytes memory call) private {
        uint256 state = vm.snapshotState();
        vm.record();
        _call(account, call);
        (, bytes32[] memory writes) = vm.accesses(address(escrow));
        vm.assertGt(writes.length, 0, "something is written");
        vm.revertToState(state);
        for (uint256 i; i < writes.length; i++) {
            vm.assertTrue(vm.load(address(escrow), writes[i]) != 0, "to a slot that was taken");
        }
        _call(account, call);
    }

    function _call(address account, bytes memory call) private {
        vm.prank(account);
        (bool done,) = address(escrow).call(call);
        vm.assertTrue(done, "done");
    }

    function testFuzz_01_withAndWithoutThePastEveryPowerIsTheSame(uint256 seed) public {
        for (uint32 i; i < 40; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            address account = [ANN, BEN, EVE][draw % 3];
            _both(account, draw >> 8);
            uint32 ahead = uint32((draw >> 200) % 110);
            vm.assertEq(escrow.powerIn(account, _after(ahead)), _other.powerIn(account, _after(ahead)), "each");
            vm.assertEq(escrow.totalPowerIn(_after(ahead)), _other.totalPowerIn(_after(ahead)), "all");
            vm.assertEq(escrow.lastCheckpoint(), _other.lastCheckpoint());
            if ((draw >> 210) % 3 == 0) vm.warp(block.timestamp + (draw >> 216) % 20 days);
            if ((draw >> 210) % 16 == 1) vm.warp(block.timestamp + 120 * 7 days);
        }
    }

    /// @dev The same move in both: locks, grows, waits for nothing, leaves what is over.
    function _both(address account, uint256 draw) private {
        IVotingEscrow.Lock memory lock = escrow.lockOf(account);
        for (uint256 i; i < 2; i++) {
            (escrow, _other) = (_other, escrow);
            if (draw % 5 == 0) escrow.checkpoint();
            else if (lock.amount != 0 && lock.end <= _after(0)) _leave(account, lock.amount);
            else _lock(account, 1 + (draw >> 8) % 1e21, lock.end == 0 ? _after(uint32(1 + (draw >> 90) % MOST)) : 0);
        }
    }

    function _leave(address account, uint256 amount) private {
        vm.prank(account);
        vm.assertEq(escrow.withdraw(), amount, "all that was locked");
    }
}

/// @dev In every epoch the same: no lock but its first, and no epoch, takes a new slot.
contract EscrowPastlessGasTest is EscrowGas {
    function setUp() public {
        _prepare();
        for (uint256 i; i < 3; i++) {
            _wait(1);
            _lock(BEN, 1e18, 0);
        }
        _wait(1);
    }

    function _keepsPast() internal pure override returns (bool) {
        return false;
    }

    function test_gas_aLockWithoutThePastCosts75000AtMost() public {
        vm.assertLe(_cost("lock_create_pastless", ANN, _lockCall(5e18, end)), 75_000, "create");
    }

    function test_gas_addingWithoutThePastCosts40000AtMost() public {
        vm.assertLe(_cost("lock_add_pastless", BEN, _lockCall(5e18, 0)), 40_000, "add");
    }

    function test_gas_extendingWithoutThePastCosts50000AtMost() public {
        vm.assertLe(_cost("lock_extend_pastless", BEN, _lockCall(0, end)), 50_000, "extend");
    }

    function test_gas_openingAnEpochWithoutThePastTakesNoNewSlot() public {
        vm.assertLe(_cost("checkpoint_pastless", EVE, abi.encodeCall(escrow.checkpoint, ())), 20_000, "checkpoint");
    }

    function test_gas_withdrawingWithoutThePastCosts35000AtMost() public {
        _wait(5);
        vm.assertLe(_cost("lock_withdraw_pastless", BEN, abi.encodeCall(escrow.withdraw, ())), 35_000, "withdraw");
    }
}
