// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Escrows} from "./Escrows.sol";

/// @dev Moves of five accounts and a stranger that must all succeed, and a plain list of what they locked beside them.
contract EscrowHandler is Escrows {
    uint256 internal constant ACCOUNTS = 5;

    struct Ghost {
        uint256 amount;
        uint32 end;
    }

    /// @dev What the list said when an epoch began.
    struct Sample {
        uint32 epoch;
        uint256 total;
        uint256[ACCOUNTS] powers;
    }

    Ghost[ACCOUNTS] internal ghosts;
    Sample[] internal samples;
    uint256 public donated;
    uint256 public locks;
    uint256 public withdrawals;
    uint256 public sleeps;

    constructor() {
        _openEscrow();
    }

    function lock(uint256 who, uint256 amount, uint256 weeks_) external {
        who %= ACCOUNTS;
        _leaveIfOver(who);
        uint32 now_ = Epochs.current();
        uint32 least = ghosts[who].end > now_ ? ghosts[who].end : now_ + 1;
        uint32 end = least + uint32(bound(weeks_, 0, now_ + MOST - least));
        uint256 added = _amount(amount);
        _lock(_account(who), added, end);
        ghosts[who].amount += added;
        ghosts[who].end = end;
        locks++;
    }

    function extend(uint256 who, uint256 weeks_) external {
        who %= ACCOUNTS;
        uint32 most = Epochs.current() + MOST;
        if (ghosts[who].amount == 0 || ghosts[who].end <= Epochs.current() || ghosts[who].end == most) return;
        ghosts[who].end += uint32(bound(weeks_, 1, most - ghosts[who].end));
        vm.prank(_account(who));
        escrow.lock(0, ghosts[who].end);
        locks++;
    }

    function lockFor(uint256 who, uint256 amount) external {
        who %= ACCOUNTS;
        if (ghosts[who].amount == 0 || ghosts[who].end <= Epochs.current()) return;
        uint256 added = _amount(amount);
        _give(EVE, added);
        vm.prank(EVE);
        escrow.lockFor(_account(who), added);
        ghosts[who].amount += added;
    }

    function withdraw(uint256 who) external {
        _leaveIfOver(who % ACCOUNTS);
    }

    function donate(uint256 amount) external {
        uint256 given = _amount(amount);
        token.transfer(address(escrow), given);
        donated += given;
    }

    function checkpoint() external {
        escrow.checkpoint();
    }

    /// @dev Mostly a second or a few weeks, at times longer than any lock.
    function sleep(uint256 draw) external {
        uint32 from = Epochs.current();
        uint256 kind = draw % 8;
        if (kind < 2) vm.warp(block.timestamp + 1);
        else if (kind < 7) vm.warp(block.timestamp + bound(draw >> 8, 1 hours, 28 days));
        else vm.warp(block.timestamp + bound(draw >> 8, 90 * 7 days, 120 * 7 days));
        sleeps++;
        // Nothing changes while nobody is awake: the first epoch of the sleep has what the last one left, and so on.
        for (uint32 epoch = from + 1; epoch <= Epochs.current() && epoch <= from + 6; epoch++) {
            _sample(epoch);
        }
        if (Epochs.current() > from + 6) _sample(Epochs.current());
    }

    function _sample(uint32 epoch) private {
        Sample storage sample = samples.push();
        sample.epoch = epoch;
        for (uint256 who; who < ACCOUNTS; who++) {
            sample.powers[who] = powerOf(who, epoch);
            sample.total += sample.powers[who];
        }
    }

    function _leaveIfOver(uint256 who) private {
        if (ghosts[who].amount == 0 || ghosts[who].end > Epochs.current()) return;
        vm.prank(_account(who));
        vm.assertEq(escrow.withdraw(), ghosts[who].amount, "all that was locked");
        delete ghosts[who];
        withdrawals++;
    }

    function _account(uint256 who) private pure returns (address) {
        return address(uint160(0xACC0 + who));
    }

    /// @dev Single wei, where rounding would show, as often as fortunes.
    function _amount(uint256 draw) private pure returns (uint256) {
        return draw & 1 == 0 ? bound(draw >> 8, 1, 9) : bound(draw >> 8, 1, 1e24);
    }

    // ------------------------------------------------------------------------------- what must always hold

    function powerOf(uint256 who, uint32 epoch) public view returns (uint256) {
        Ghost memory ghost = ghosts[who];
        return epoch < ghost.end ? ghost.amount * (ghost.end - epoch) : 0;
    }

    function checkPowers() external view {
        uint32 now_ = Epochs.current();
        uint32[4] memory epochs = [now_, now_ + 1, now_ + uint32(bound(samples.length, 2, 103)), now_ + MOST];
        for (uint256 i; i < 4; i++) {
            uint256 sum;
            for (uint256 who; who < ACCOUNTS; who++) {
                uint256 power = escrow.powerIn(_account(who), epochs[i]);
                vm.assertEq(power, powerOf(who, epochs[i]), "amount times what is left");
                sum += power;
            }
            vm.assertEq(escrow.totalPowerIn(epochs[i]), sum, "the sum of all is the total");
        }
    }

    function checkMoney() external view {
        uint256 locked;
        for (uint256 who; who < ACCOUNTS; who++) {
            locked += escrow.lockOf(_account(who)).amount;
            vm.assertEq(escrow.lockOf(_account(who)).amount, ghosts[who].amount, "a gift to the escrow is nobody's lock");
        }
        vm.assertEq(token.balanceOf(address(escrow)), locked + donated, "held = locked + donated");
    }

    /// @dev Four epochs of the past or the present one, other ones each time, at any second of theirs that is over.
    function checkPast() external view {
        if (samples.length == 0) return;
        for (uint256 i; i < 4; i++) {
            uint256 draw = uint256(keccak256(abi.encode(block.timestamp, i)));
            Sample memory sample = samples[draw % samples.length];
            uint256 at = Epochs.startOf(sample.epoch) + (draw >> 128) % 7 days;
            if (at >= block.timestamp) continue;
            vm.assertEq(escrow.getPastTotalSupply(at), sample.total, "the total as it was");
            for (uint256 who; who < ACCOUNTS; who++) {
                vm.assertEq(escrow.getPastVotes(_account(who), at), sample.powers[who], "each as it was");
            }
        }
    }
}

/// @dev The same of an escrow that keeps no past.
contract PastlessHandler is EscrowHandler {
    function _keepsPast() internal pure override returns (bool) {
        return false;
    }
}

/// @dev 1-3. `npm run test:deep` has 1,024 runs of depth 64.
abstract contract EscrowInvariant is Escrows {
    EscrowHandler internal handler;

    /// @dev As forge asks for it: which functions of which contract an invariant run calls.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function _start(EscrowHandler handler_) internal {
        handler = handler_;
        targetContract(address(handler));
    }

    /// @dev forge asks for this by name: the moves, not the checks.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory moves = new bytes4[](7);
        (moves[0], moves[1]) = (EscrowHandler.lock.selector, EscrowHandler.extend.selector);
        (moves[2], moves[3]) = (EscrowHandler.lockFor.selector, EscrowHandler.withdraw.selector);
        (moves[4], moves[5]) = (EscrowHandler.donate.selector, EscrowHandler.checkpoint.selector);
        moves[6] = EscrowHandler.sleep.selector;
        targets[0] = FuzzSelector(address(handler), moves);
    }

    function invariant_01_sumOfPowersIsTheTotal() public view {
        handler.checkPowers();
    }

    function invariant_02_heldIsLockedPlusDonated() public view {
        handler.checkMoney();
    }

    /// @dev A run that did nothing proves nothing.
    function afterInvariant() public view {
        vm.assertGt(handler.locks(), 0, "the run locked");
        vm.assertGt(handler.sleeps(), 0, "and time passed");
    }
}

contract EscrowInvariantTest is EscrowInvariant {
    function setUp() public {
        _start(new EscrowHandler());
    }

    function invariant_03_thePastNeverChanges() public view {
        handler.checkPast();
    }
}

contract EscrowPastlessInvariantTest is EscrowInvariant {
    function setUp() public {
        _start(new PastlessHandler());
    }
}
