// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Stakes} from "./Stakes.sol";

/// @dev Moves of three nodes that must all succeed, and a model of what each epoch's stake was, kept apart from the code.
contract StakingHandler is Stakes {
    uint256 internal constant NODES = 3;

    uint256 public moves;
    uint256 public slashes;
    uint256 public deposited;
    uint256 public burnt;
    uint256 public paid;
    uint32 internal first;
    uint32 public begin;
    uint256[NODES] internal frozen;
    mapping(uint256 which => mapping(uint32 epoch => uint256)) internal startOf;
    mapping(uint256 which => mapping(uint32 epoch => uint256)) internal leastIn;
    mapping(uint32 epoch => mapping(uint256 which => uint256)) internal slashedIn;
    mapping(uint32 epoch => mapping(uint256 which => uint256)) internal stoodIn;

    constructor() {
        _openStakes();
        first = NODE;
        _newNode(OWNER, 0x51611);
        _newNode(OWNER, 0x51612);
        begin = Epochs.current();
        for (uint256 i; i < NODES; i++) {
            staking.stake(_node(i), 1e21);
            deposited += 1e21;
        }
    }

    function stake(uint256 which, uint256 amount) external {
        amount = _amount(amount);
        staking.stake(_node(which), amount);
        deposited += amount;
        _note(which);
    }

    function requestUnbond(uint256 which, uint256 amount) external {
        uint256 active = staking.stakeOf(_node(which)).active;
        if (active == 0) return;
        _unbond(_node(which), bound(amount, 1, active));
        _note(which);
    }

    function cancelUnbond(uint256 which) external {
        if (staking.stakeOf(_node(which)).unbonding == 0) return;
        vm.prank(OWNER);
        staking.cancelUnbond(_node(which));
        _note(which);
    }

    function withdraw(uint256 which) external {
        INodeStaking.Stake memory held = staking.stakeOf(_node(which));
        if (held.unbonding == 0) return;
        if (block.timestamp < held.unbondAt) _passTo(held.unbondAt);
        uint256 holding = block.timestamp > held.frozenUntil ? 0 : frozen[which % NODES];
        uint256 total = uint256(held.active) + held.unbonding;
        if (holding >= total) return;
        uint256 most = total - holding;
        uint256 amount = _withdraw(_node(which));
        vm.assertEq(amount, most < held.unbonding ? most : held.unbonding, "all but what is frozen");
        paid += amount;
        _note(which);
    }

    function slash(uint256 which, uint256 seed) external {
        uint32 node = _node(which);
        uint32 epoch = Epochs.current();
        uint256 most = staking.slashableOf(node);
        if (most == 0) return;
        uint256 amount = seed % 3 == 0 ? most : bound(seed >> 8, 1, most);
        uint256 toVictim = bound(seed >> 16, 0, amount / 2);
        uint256 toReporter = bound(seed >> 24, 0, amount / 10);
        // The most that stood at any slash of the epoch, had none of them taken anything.
        uint256 stood = _total(node) + slashedIn[epoch][which % NODES];
        if (stood > stoodIn[epoch][which % NODES]) stoodIn[epoch][which % NODES] = stood;
        vm.prank(SLASHER);
        staking.slash(node, amount, VICTIM, toVictim, REPORTER, toReporter);
        slashedIn[epoch][which % NODES] += amount;
        uint256 half = (stoodIn[epoch][which % NODES] + 1) / 2;
        vm.assertLe(slashedIn[epoch][which % NODES], half, "half an epoch");
        burnt += amount - toVictim - toReporter;
        slashes++;
        _note(which);
    }

    function freeze(uint256 which, uint256 amount) external {
        amount = _amount(amount);
        _freeze(_node(which), amount);
        frozen[which % NODES] += amount;
        _note(which);
    }

    function release(uint256 which, uint256 amount) external {
        if (frozen[which % NODES] == 0) return;
        amount = bound(amount, 1, frozen[which % NODES]);
        _release(_node(which), amount);
        frozen[which % NODES] -= amount;
        _note(which);
    }

    function claim(uint256 who) external {
        address account = who % 2 == 0 ? VICTIM : REPORTER;
        if (staking.owedTo(account) == 0) return;
        paid += staking.claim(account);
        moves++;
    }

    function pass(uint256 time) external {
        _passTo(block.timestamp + bound(time, 1, 3 days));
        moves++;
    }

    // ------------------------------------------------------------------------------- what must always hold

    function checkHoldings() external view {
        uint256 held;
        uint256 active;
        for (uint256 i; i < NODES; i++) {
            INodeStaking.Stake memory its = staking.stakeOf(_node(i));
            held += uint256(its.active) + its.unbonding;
            active += its.active;
            vm.assertEq(its.frozen, frozen[i], "frozen is what cases hold");
        }
        uint256 owed = staking.owedTo(VICTIM) + staking.owedTo(REPORTER);
        vm.assertEq(heu.balanceOf(address(staking)), held + owed, "45: holds its stakes and what it owes");
        vm.assertEq(deposited, held + owed + burnt + paid, "45: deposits = held + burnt + paid out");
        vm.assertEq(heu.INITIAL_SUPPLY() - heu.totalSupply(), burnt, "45: burnt for good");
        vm.assertEq(staking.totalIn(Epochs.current() + 1), active, "the next epoch begins with what is active");
    }

    /// @dev Of every epoch there ever was.
    function checkCounted() external view {
        for (uint32 epoch = begin; epoch <= Epochs.current(); epoch++) {
            uint256 starts;
            uint256 counted;
            for (uint256 i; i < NODES; i++) {
                uint256 active = staking.stakeOf(_node(i)).active;
                uint256 least = leastIn[i][epoch] < active ? leastIn[i][epoch] : active;
                vm.assertEq(staking.countedIn(_node(i), epoch), least, "52: the least of start, epoch and now");
                starts += startOf[i][epoch];
                counted += least;
            }
            vm.assertEq(staking.totalIn(epoch), starts, "the total is what stood at the start");
            vm.assertLe(counted, starts, "what counts is within it");
        }
    }

    function _passTo(uint256 time) private {
        for (uint32 epoch = Epochs.current() + 1; Epochs.startOf(epoch) <= time; epoch++) {
            for (uint256 i; i < NODES; i++) {
                startOf[i][epoch] = leastIn[i][epoch] = staking.stakeOf(_node(i)).active;
            }
        }
        vm.warp(time);
    }

    function _note(uint256 which) private {
        uint32 epoch = Epochs.current();
        uint256 active = staking.stakeOf(_node(which)).active;
        if (active < leastIn[which % NODES][epoch]) leastIn[which % NODES][epoch] = active;
        moves++;
    }

    /// @dev Small amounts, where rounding shows, as often as large ones.
    function _amount(uint256 seed) private pure returns (uint256) {
        return seed & 1 == 0 ? bound(seed >> 8, 1, 12) : bound(seed >> 8, 1, 1e22);
    }

    function _node(uint256 which) private view returns (uint32) {
        return first + uint32(which % NODES);
    }
}

contract StakingInvariantTest is Stakes {
    StakingHandler internal handler;

    /// @dev As forge asks for it: which functions of which contract an invariant run calls.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() public {
        handler = new StakingHandler();
        targetContract(address(handler));
    }

    /// @dev forge asks for this by name: the moves, not the checks.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory moves = new bytes4[](9);
        (moves[0], moves[1]) = (StakingHandler.stake.selector, StakingHandler.requestUnbond.selector);
        (moves[2], moves[3]) = (StakingHandler.cancelUnbond.selector, StakingHandler.withdraw.selector);
        (moves[4], moves[5]) = (StakingHandler.slash.selector, StakingHandler.freeze.selector);
        (moves[6], moves[7]) = (StakingHandler.release.selector, StakingHandler.claim.selector);
        moves[8] = StakingHandler.pass.selector;
        targets[0] = FuzzSelector(address(handler), moves);
    }

    function invariant_45_depositsAreHeldBurntOrPaidOut() public view {
        handler.checkHoldings();
    }

    function invariant_52_whatCountsInEveryEpochThereEverWas() public view {
        handler.checkCounted();
    }

    /// @dev A run that did nothing proves nothing.
    function afterInvariant() public view {
        vm.assertGt(handler.moves(), 10, "the run worked");
        vm.assertGt(handler.deposited(), 0, "and staked");
    }
}
