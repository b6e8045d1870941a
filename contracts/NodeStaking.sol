// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {INodeStaking} from "./interfaces/INodeStaking.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Role} from "./libraries/Roles.sol";

/// @title NodeStaking
/// @notice The manual is {INodeStaking}.
/// @dev Always: HEU held >= sum(active + unbonding) + sum(owed), equal but for donations; the newest total is sum(active).
contract NodeStaking is INodeStaking, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IHEU;
    using SafeCast for uint256;
    using Checkpoints for Checkpoints.Trace224;

    /// @dev What the slashes of one epoch took, of `base`: the most that stood before any of them, had none taken. One slot.
    struct Toll {
        uint96 base;
        uint96 taken;
        uint32 epoch;
    }

    uint256 private constant BPS = 10_000;
    /// @inheritdoc INodeStaking
    uint40 public constant UNBOND_SECONDS = 21 days;
    /// @inheritdoc INodeStaking
    uint40 public constant FREEZE_SECONDS = 30 days;
    /// @inheritdoc INodeStaking
    uint256 public constant MOST_FAULT_BPS = 3_000;
    /// @inheritdoc INodeStaking
    uint256 public constant MOST_EPOCH_BPS = 5_000;
    /// @inheritdoc INodeStaking
    uint256 public constant MOST_VICTIM_BPS = 5_000;
    /// @inheritdoc INodeStaking
    uint256 public constant MOST_REPORTER_BPS = 1_000;

    /// @inheritdoc INodeStaking
    IHEU public immutable heu;
    /// @inheritdoc INodeStaking
    IRegistry public immutable registry;

    mapping(uint32 node => Stake) private _stakes;
    mapping(uint32 node => Toll) private _tolls;
    /// @dev One entry per epoch in which the active stake changed: {epoch 32 | least in it 96 | at its end 96}.
    mapping(uint32 node => Checkpoints.Trace224) private _standings;
    /// @dev By epoch: active stake of all nodes at its end.
    Checkpoints.Trace224 private _totals;
    /// @inheritdoc INodeStaking
    mapping(address account => uint256) public owedTo;

    constructor(IHEU heu_, IRegistry registry_, address authority_) AccessManaged(authority_) {
        if (address(heu_) == address(0) || address(registry_) == address(0)) revert ZeroAddress();
        if (authority_ == address(0)) revert ZeroAddress();

        heu = heu_;
        registry = registry_;
    }

    // --------------------------------------------------------------------------------------------------- stake

    /// @inheritdoc INodeStaking
    function stake(uint32 node, uint256 amount) external {
        _stake(node, amount);
    }

    /// @inheritdoc INodeStaking
    function stakeWithPermit(uint32 node, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        // Spent by a front-runner, the permit has done its work: the allowance decides.
        try heu.permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _stake(node, amount);
    }

    /// @inheritdoc INodeStaking
    function requestUnbond(uint32 node, uint256 amount) external {
        _checkOwner(node);
        Stake storage held = _stakes[node];
        uint256 active = held.active;
        if (amount == 0) revert ZeroAmount();
        if (amount > active) revert AmountTooLarge(amount, active);

        uint40 at = uint40(block.timestamp) + UNBOND_SECONDS;
        _setActive(node, held, active, active - amount);
        held.unbonding += uint96(amount);
        held.unbondAt = at;
        emit UnbondRequested(node, amount, held.unbonding, at);
    }

    /// @inheritdoc INodeStaking
    function cancelUnbond(uint32 node) external {
        _checkOwner(node);
        Stake storage held = _stakes[node];
        uint256 amount = held.unbonding;
        if (amount == 0) revert ZeroAmount();

        (held.unbonding, held.unbondAt) = (0, 0);
        _setActive(node, held, held.active, held.active + amount);
        emit UnbondCancelled(node, amount);
    }

    /// @inheritdoc INodeStaking
    function withdraw(uint32 node, address to) external nonReentrant returns (uint256 amount) {
        _checkOwner(node);
        Stake storage held = _stakes[node];
        uint256 unbonding = held.unbonding;
        if (to == address(0)) revert ZeroAddress();
        if (unbonding == 0) revert NothingToWithdraw();
        if (block.timestamp < held.unbondAt) revert StillUnbonding(held.unbondAt);
        uint256 frozen = block.timestamp > held.frozenUntil ? 0 : held.frozen;
        amount = Math.min(unbonding, Math.saturatingSub(held.active + unbonding, frozen));
        if (amount == 0) revert StakeFrozen(frozen);

        held.unbonding = uint96(unbonding - amount);
        emit Withdrawn(node, to, amount);

        heu.safeTransfer(to, amount);
    }

    // ------------------------------------------------------------------------------------------------- SLASHER

    /// @inheritdoc INodeStaking
    function freeze(uint32 node, uint256 amount) external restricted {
        Stake storage held = _stakes[node];
        if (amount == 0) revert ZeroAmount();

        uint256 frozen = held.frozen + amount;
        held.frozen = frozen.toUint96();
        held.frozenUntil = uint40(block.timestamp) + FREEZE_SECONDS;
        emit Frozen(node, amount, frozen);
    }

    /// @inheritdoc INodeStaking
    function release(uint32 node, uint256 amount) external restricted {
        Stake storage held = _stakes[node];
        if (amount > held.frozen) revert AmountTooLarge(amount, held.frozen);

        uint256 frozen = held.frozen - amount;
        held.frozen = uint96(frozen);
        emit Released(node, amount, frozen);
    }

    /// @inheritdoc INodeStaking
    function slash(uint32 node, uint256 amount, address victim, uint256 toVictim, address reporter, uint256 toReporter)
        external
        restricted
        nonReentrant
    {
        uint256 most = slashableOf(node);
        if (amount == 0) revert ZeroAmount();
        if (amount > most) revert SlashTooLarge(amount, most);
        _checkReward(toVictim, victim, amount * MOST_VICTIM_BPS / BPS);
        _checkReward(toReporter, reporter, amount * MOST_REPORTER_BPS / BPS);

        (uint256 fromActive, uint256 fromUnbonding) = _take(node, amount);
        owedTo[victim] += toVictim;
        owedTo[reporter] += toReporter;
        uint256 burnt = amount - toVictim - toReporter;
        emit Slashed(node, amount, fromActive, fromUnbonding, victim, toVictim, reporter, toReporter, burnt);

        heu.burn(burnt);
    }

    /// @inheritdoc INodeStaking
    function claim(address account) external nonReentrant returns (uint256 amount) {
        amount = owedTo[account];
        if (amount == 0) revert ZeroAmount();

        owedTo[account] = 0;
        emit Claimed(account, amount);

        heu.safeTransfer(account, amount);
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc INodeStaking
    function stakeOf(uint32 node) external view returns (Stake memory) {
        return _stakes[node];
    }

    /// @inheritdoc INodeStaking
    function slashableOf(uint32 node) public view returns (uint256) {
        Stake storage held = _stakes[node];
        uint256 total = uint256(held.active) + held.unbonding;
        (uint256 base, uint256 taken) = _toll(node, total);
        uint256 left = Math.ceilDiv(base * MOST_EPOCH_BPS, BPS) - taken;
        return Math.min(Math.ceilDiv(total * MOST_FAULT_BPS, BPS), left);
    }

    /// @inheritdoc INodeStaking
    function countedIn(uint32 node, uint32 epoch) external view returns (uint256) {
        uint224 standing = _standings[node].upperLookupRecent(epoch);
        uint256 inEpoch = uint32(standing >> 192) == epoch ? uint96(standing >> 96) : uint96(standing);
        return Math.min(inEpoch, _stakes[node].active);
    }

    /// @inheritdoc INodeStaking
    function totalIn(uint32 epoch) external view returns (uint256) {
        return epoch == 0 ? 0 : _totals.upperLookupRecent(epoch - 1);
    }

    // ------------------------------------------------------------------------------------------------- private

    function _stake(uint32 node, uint256 amount) private {
        if (amount == 0) revert ZeroAmount();
        if (registry.ownerOf(Role.Node, node) == address(0)) revert UnknownNode(node);
        Stake storage held = _stakes[node];

        uint256 active = held.active;
        _setActive(node, held, active, active + amount);
        emit Staked(node, msg.sender, amount, active + amount);

        heu.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @dev The one place where active stake changes: writes it down for its epoch and in the total.
    function _setActive(uint32 node, Stake storage held, uint256 old, uint256 active) private {
        uint32 epoch = Epochs.current();
        Checkpoints.Trace224 storage standings = _standings[node];
        uint224 last = standings.latest();
        uint256 least = uint32(last >> 192) == epoch ? uint96(last >> 96) : old;
        least = Math.min(least, active);

        held.active = active.toUint96();
        standings.push(epoch, uint224((uint256(epoch) << 192) | (least << 96) | active));
        _totals.push(epoch, uint224(_totals.latest() + active - old));
    }

    function _take(uint32 node, uint256 amount) private returns (uint256 fromActive, uint256 fromUnbonding) {
        Stake storage held = _stakes[node];
        uint256 total = uint256(held.active) + held.unbonding;
        // Rounded up: what is on its way out never gets away with less than its part.
        fromUnbonding = Math.mulDiv(amount, held.unbonding, total, Math.Rounding.Ceil);
        fromActive = amount - fromUnbonding;

        (uint256 base, uint256 taken) = _toll(node, total);
        _tolls[node] = Toll(uint96(base), uint96(taken + amount), Epochs.current());
        held.unbonding -= uint96(fromUnbonding);
        if (fromActive != 0) _setActive(node, held, held.active, held.active - fromActive);
    }

    /// @dev Of the present epoch. Stake that comes after a small slash makes the base larger: it has no cover from it.
    function _toll(uint32 node, uint256 total) private view returns (uint256 base, uint256 taken) {
        Toll memory toll = _tolls[node];
        if (toll.epoch != Epochs.current()) return (total, 0);
        return (Math.max(toll.base, total + toll.taken), toll.taken);
    }

    function _checkReward(uint256 reward, address to, uint256 most) private pure {
        if (reward > most) revert RewardTooLarge(reward, most);
        if (reward != 0 && to == address(0)) revert ZeroAddress();
    }

    function _checkOwner(uint32 node) private view {
        address owner = registry.ownerOf(Role.Node, node);
        if (msg.sender != owner) revert NotNodeOwner(msg.sender, owner);
    }
}
