// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Vm} from "./Base.sol";
import {Escrows} from "./Escrows.sol";
import {Snapshots} from "./Snapshots.sol";

/// @dev Execution gas of the four moves of a lock, every slot cold, held at +3 % of `bench/snapshots/economy/`. Others hold
///      locks already, none of which ends when these do; the accounts hold HEU before and after. What came before is in
///      `setUp`: a slot that the same test has written is cheaper to write.
abstract contract EscrowGas is Escrows, Snapshots {
    uint32 internal end;

    function _folder() internal pure override returns (string memory) {
        return "economy";
    }

    function _prepare() internal {
        _openEscrow();
        // Neither it nor the epoch that it shares a slot with is an end of the others.
        end = _after(52);
        for (uint160 i = 1; i <= 20; i++) {
            _lock(address(0x5000 + i), 10e18, _after(uint32(3 * i)));
        }
        _lock(BEN, 10e18, _after(5));
        _give(BEN, 100e18);
        _give(ANN, 10e18);
    }

    /// @dev As the keepers leave the first seconds of an epoch.
    function _nextEpoch() internal {
        _wait(1);
        escrow.checkpoint();
    }

    function _lockCall(uint256 amount, uint32 to) internal view returns (bytes memory) {
        return abi.encodeCall(escrow.lock, (amount, to));
    }

    function _cost(string memory name, address account, bytes memory call) internal returns (uint256 gas) {
        gas = _gas(name, account, call);
        _hold(name, gas);
    }

    function _gas(string memory name, address account, bytes memory call) internal returns (uint256) {
        vm.prank(account);
        (bool done,) = address(escrow).call(call);
        vm.assertTrue(done, name);
        return vm.lastCallGas().gasTotalUsed;
    }
}

contract EscrowGasTest is EscrowGas {
    function setUp() public {
        _prepare();
        _nextEpoch();
    }

    function test_gas_aLockCosts75000AtMost() public {
        vm.assertLe(_cost("lock_create", ANN, _lockCall(5e18, end)), 75_000, "create");
    }

    function test_gas_addingCosts40000AtMost() public {
        vm.assertLe(_cost("lock_add", BEN, _lockCall(5e18, 0)), 40_000, "add");
    }

    function test_gas_extendingCosts50000AtMost() public {
        vm.assertLe(_cost("lock_extend", BEN, _lockCall(0, end)), 50_000, "extend");
    }

    function test_gas_withdrawingCosts35000AtMost() public {
        _wait(5);
        vm.assertLe(_cost("lock_withdraw", BEN, abi.encodeCall(escrow.withdraw, ())), 35_000, "withdraw");
    }

    /// @dev A thousand other locks, and each call still costs the same.
    function test_gas_costsAreFlatInTheNumberOfAccounts() public {
        uint256 state = vm.snapshotState();
        uint256 few = _gas("few", ANN, _lockCall(5e18, end));
        vm.revertToState(state);
        for (uint160 i = 1; i <= 1_000; i++) {
            _lock(address(0x9000 + i), 1e18, _after(uint32(1 + i % 104)));
        }
        escrow.checkpoint();
        vm.assertLe(_gas("many", ANN, _lockCall(5e18, end)), few, "flat");
    }
}

/// @dev The escrow may draw what is locked and no more, as `heurist` and the portal grant it: the used up allowance is a slot
///      more to write, and pays back 4,800.
contract EscrowExactGasTest is EscrowGas {
    function setUp() public {
        _prepare();
        _nextEpoch();
        vm.prank(ANN);
        token.approve(address(escrow), 5e18);
        vm.prank(BEN);
        token.approve(address(escrow), 5e18);
    }

    function test_gas_aLockByAnExactAllowanceCosts75000AtMost() public {
        _cost("lock_create_exact", ANN, _lockCall(5e18, end));
        vm.assertLe(_paid(), 75_000, "create");
    }

    function test_gas_addingByAnExactAllowanceCosts40000AtMost() public {
        _cost("lock_add_exact", BEN, _lockCall(5e18, 0));
        vm.assertLe(_paid(), 40_000, "add");
    }

    function _paid() private view returns (uint256) {
        Vm.Gas memory last = vm.lastCallGas();
        return last.gasTotalUsed - uint64(last.gasRefunded);
    }
}

/// @dev The lock changed in two epochs before: its slot is full, and is put away.
contract EscrowFullGasTest is EscrowGas {
    function setUp() public {
        _prepare();
        _nextEpoch();
        _lock(BEN, 1e18, 0);
        _nextEpoch();
    }

    function test_gas_addingInAThirdEpochCosts65000AtMost() public {
        vm.assertLe(_cost("lock_add_full", BEN, _lockCall(5e18, 0)), 65_000, "add");
    }

    function test_gas_extendingInAThirdEpochCosts75000AtMost() public {
        vm.assertLe(_cost("lock_extend_full", BEN, _lockCall(0, end)), 75_000, "extend");
    }
}

/// @dev Nobody has opened the epoch.
contract EscrowOpeningGasTest is EscrowGas {
    function setUp() public {
        _prepare();
        _lock(EVE, 1e18, _after(104));
        _wait(1);
    }

    function test_gas_theFirstLockOfAnEpochCosts100000AtMost() public {
        vm.assertLe(_cost("lock_create_opening", ANN, _lockCall(5e18, end)), 100_000, "create");
    }

    function test_gas_openingAnEpochCosts75000AtMost() public {
        vm.assertLe(_cost("checkpoint", EVE, abi.encodeCall(escrow.checkpoint, ())), 75_000, "checkpoint");
    }

    function test_gas_openingAnEpochAfter60IdleWeeksCosts150000AtMost() public {
        _wait(60);
        vm.assertLe(_cost("checkpoint_60", EVE, abi.encodeCall(escrow.checkpoint, ())), 150_000, "checkpoint");
    }
}
