// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Escrows} from "./Escrows.sol";
import {Snapshots} from "./Snapshots.sol";

/// @dev Execution gas of the four moves of a lock, every slot cold, held at +3 % of `bench/snapshots/economy/`. Others hold
///      locks already; the accounts hold HEU before and after.
abstract contract EscrowGas is Escrows, Snapshots {
    uint32 internal end;

    function _folder() internal pure override returns (string memory) {
        return "economy";
    }

    function _prepare(bool keepsHistory) internal {
        _openEscrow(keepsHistory);
        end = _after(52);
        for (uint160 i = 1; i <= 20; i++) {
            _lock(address(0x5000 + i), 10e18, _after(uint32(3 * i)));
        }
        _lock(BEN, 10e18, _after(5));
        _give(BEN, 10e18);
        _give(ANN, 10e18);
        _wait(1);
    }

    function _cost(string memory name, address account, bytes memory call) internal returns (uint256 gas) {
        vm.prank(account);
        (bool done,) = address(escrow).call(call);
        vm.assertTrue(done, name);
        gas = vm.lastCallGas().gasTotalUsed;
        _hold(name, gas);
    }
}

contract EscrowGasTest is EscrowGas {
    function setUp() public {
        _prepare(false);
    }

    function test_gas_aLockCosts75000AtMost() public {
        vm.assertLe(_cost("lock_create", ANN, abi.encodeCall(escrow.lock, (5e18, end))), 75_000, "create");
    }

    function test_gas_addingCosts40000AtMost() public {
        vm.assertLe(_cost("lock_add", BEN, abi.encodeCall(escrow.lock, (5e18, 0))), 40_000, "add");
    }

    function test_gas_extendingCosts50000AtMost() public {
        vm.assertLe(_cost("lock_extend", BEN, abi.encodeCall(escrow.lock, (0, end))), 50_000, "extend");
    }

    function test_gas_withdrawingCosts35000AtMost() public {
        _wait(5);
        vm.assertLe(_cost("lock_withdraw", BEN, abi.encodeCall(escrow.withdraw, ())), 35_000, "withdraw");
    }

    /// @dev A thousand other locks, and each call still costs the same.
    function test_gas_costsAreFlatInTheNumberOfAccounts() public {
        uint256 state = vm.snapshotState();
        vm.prank(ANN);
        escrow.lock(5e18, end);
        uint256 few = vm.lastCallGas().gasTotalUsed;
        vm.revertToState(state);
        for (uint160 i = 1; i <= 1_000; i++) {
            _lock(address(0x9000 + i), 1e18, _after(uint32(1 + i % 104)));
        }
        escrow.checkpoint();
        vm.prank(ANN);
        escrow.lock(5e18, end);
        vm.assertLe(vm.lastCallGas().gasTotalUsed, few, "flat");
    }
}

/// @dev The same of an escrow that keeps its past, whose accounts have one.
contract EscrowPastGasTest is EscrowGas {
    function setUp() public {
        _prepare(true);
    }

    function test_gas_aLockWithAPastCosts155000AtMost() public {
        vm.assertLe(_cost("lock_create_past", ANN, abi.encodeCall(escrow.lock, (5e18, end))), 155_000, "create");
    }

    function test_gas_addingWithAPastCosts105000AtMost() public {
        vm.assertLe(_cost("lock_add_past", BEN, abi.encodeCall(escrow.lock, (5e18, 0))), 105_000, "add");
    }
}
