// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {ISlashingManager} from "../../contracts/interfaces/ISlashingManager.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Slashes} from "./Slashes.sol";

/// @dev Cases and proofs against one node whose owner stakes and leaves: moves that must all succeed.
contract SlashingHandler is Slashes {
    uint256 public moves;
    uint256 public slashes;
    uint256 private proofs;
    mapping(uint32 epoch => uint256) private slashedIn;
    mapping(uint32 epoch => uint256) private stoodIn;

    constructor() {
        _openSlashes();
        staking.stake(NODE, STAKE);
    }

    function stake(uint256 amount) external {
        staking.stake(NODE, bound(amount, 1, STAKE));
        moves++;
    }

    function unbondAndWithdraw(uint256 amount) external {
        INodeStaking.Stake memory held = staking.stakeOf(NODE);
        if (held.active > 1) _unbond(NODE, bound(amount, 1, held.active / 2));
        if (amount % 2 == 0) vm.warp(block.timestamp + 21 days);
        held = staking.stakeOf(NODE);
        uint256 frozen = block.timestamp > held.frozenUntil ? 0 : held.frozen;
        if (held.unbonding == 0 || block.timestamp < held.unbondAt || frozen >= _total(NODE)) return;
        _withdraw(NODE);
        if (frozen != 0) vm.assertGe(_total(NODE), frozen, "an exit leaves what cases hold");
        moves++;
    }

    function propose(uint256 amount) external {
        uint256 most = (_total(NODE) * 3 + 9) / 10;
        if (most == 0) return;
        _propose(bound(amount, 1, most));
        moves++;
    }

    function dispute(uint256 seed) external {
        (uint256 id, ISlashingManager.Case memory it) = _case(seed);
        if (it.state != ISlashingManager.State.Proposed || block.timestamp > it.until) return;
        _dispute(id);
        moves++;
    }

    function resolve(uint256 seed) external {
        (uint256 id, ISlashingManager.Case memory it) = _case(seed);
        if (it.state != ISlashingManager.State.Disputed || block.timestamp > it.until) return;
        _resolve(id, seed % 2 == 0);
        moves++;
    }

    function execute(uint256 seed) external {
        (uint256 id, ISlashingManager.Case memory it) = _case(seed);
        bool upheld = it.state == ISlashingManager.State.Upheld && block.timestamp <= it.until;
        bool undisputed = it.state == ISlashingManager.State.Proposed && block.timestamp > it.until
            && block.timestamp <= it.until + EXECUTE_TIME;
        if ((!upheld && !undisputed) || staking.slashableOf(NODE) == 0) return;
        _count();
        uint256 slashed = slashing.execute(id);
        vm.assertLe(slashed, it.amount, "never more than was frozen");
        _slashed(slashed);
    }

    function lapse(uint256 seed) external {
        (uint256 id, ISlashingManager.Case memory it) = _case(seed);
        if (!_isOpen(it)) return;
        uint256 last = it.state == ISlashingManager.State.Proposed ? it.until + EXECUTE_TIME : it.until;
        if (block.timestamp <= last) return;
        slashing.lapse(id);
        moves++;
    }

    function prove() external {
        if (staking.slashableOf(NODE) == 0) return;
        _count();
        _slashed(_equivocate(bytes32(++proofs)));
    }

    function claim(uint256 who) external {
        address account = who % 2 == 0 ? OWNER : ACCUSER;
        if (slashing.owedTo(account) == 0) return;
        slashing.claim(account);
        moves++;
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 2 days));
        moves++;
    }

    // ------------------------------------------------------------------------------- what must always hold

    function check() external view {
        uint256 bonds;
        uint256 amounts;
        for (uint256 id = 1; id <= slashing.count(); id++) {
            ISlashingManager.Case memory it = slashing.caseOf(id);
            if (!_isOpen(it)) continue;
            amounts += it.amount;
            if (it.state != ISlashingManager.State.Upheld) bonds += it.bond;
            if (it.state == ISlashingManager.State.Disputed) bonds += it.bond;
        }
        vm.assertEq(_frozen(), amounts, "frozen is what open cases ask");
        uint256 owed = slashing.owedTo(OWNER) + slashing.owedTo(ACCUSER);
        vm.assertEq(heu.balanceOf(address(slashing)), bonds + owed, "held: open bonds and what is owed");
        uint256 stakes = _total(NODE) + staking.owedTo(REPORTER) + staking.owedTo(ACCUSER);
        vm.assertEq(heu.balanceOf(address(staking)), stakes, "stakes and rewards");
    }

    function _count() private {
        uint32 epoch = Epochs.current();
        // The most that stood at any slash of the epoch, had none of them taken anything.
        uint256 stood = _total(NODE) + slashedIn[epoch];
        if (stood > stoodIn[epoch]) stoodIn[epoch] = stood;
    }

    function _slashed(uint256 amount) private {
        uint32 epoch = Epochs.current();
        slashedIn[epoch] += amount;
        vm.assertLe(slashedIn[epoch], (stoodIn[epoch] + 1) / 2, "half an epoch, whatever the mixture");
        slashes++;
        moves++;
    }

    function _case(uint256 seed) private view returns (uint256 id, ISlashingManager.Case memory) {
        uint256 count = slashing.count();
        // The newest three, where something is still open.
        id = count == 0 ? 0 : count - (seed >> 8) % (count < 3 ? count : 3);
        return (id, slashing.caseOf(id));
    }

    function _isOpen(ISlashingManager.Case memory it) private pure returns (bool) {
        return it.state == ISlashingManager.State.Proposed || it.state == ISlashingManager.State.Disputed
            || it.state == ISlashingManager.State.Upheld;
    }
}

contract SlashingInvariantTest is Slashes {
    SlashingHandler internal handler;

    /// @dev As forge asks for it: which functions of which contract an invariant run calls.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() public {
        handler = new SlashingHandler();
        targetContract(address(handler));
    }

    /// @dev forge asks for this by name: the moves, not the check.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory moves = new bytes4[](10);
        (moves[0], moves[1]) = (SlashingHandler.stake.selector, SlashingHandler.unbondAndWithdraw.selector);
        (moves[2], moves[3]) = (SlashingHandler.propose.selector, SlashingHandler.dispute.selector);
        (moves[4], moves[5]) = (SlashingHandler.resolve.selector, SlashingHandler.execute.selector);
        (moves[6], moves[7]) = (SlashingHandler.lapse.selector, SlashingHandler.prove.selector);
        (moves[8], moves[9]) = (SlashingHandler.claim.selector, SlashingHandler.pass.selector);
        targets[0] = FuzzSelector(address(handler), moves);
    }

    function invariant_48_bondsAndFrozenStakeAreThoseOfOpenCases() public view {
        handler.check();
    }

    /// @dev A run that did nothing proves nothing.
    function afterInvariant() public view {
        vm.assertGt(handler.moves(), 10, "the run worked");
    }
}
