// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IHEU} from "./IHEU.sol";
import {IRegistry} from "./IRegistry.sol";

/// @title NodeStaking
/// @notice HEU that a node stands behind its work with. Serving needs none: stake buys base emission and audited pods.
///         Only what stood at the start of an epoch, and still stands, counts in it.
/// @dev WARNING: stake can be slashed until the second it is withdrawn, unbonding or not, pro rata. No upgrade, no pause of
///      any exit. HEU held = sum of active and unbonding stake + what slashes owe.
interface INodeStaking {
    /// @notice Two slots. `frozen` is held by open cases and cannot be withdrawn.
    /// @param unbondAt The second from which `withdraw` pays `unbonding`.
    struct Stake {
        uint96 active;
        uint96 unbonding;
        uint40 unbondAt;
        uint96 frozen;
    }

    event Staked(uint32 indexed node, address indexed giver, uint256 amount, uint256 active);
    event UnbondRequested(uint32 indexed node, uint256 amount, uint256 unbonding, uint40 at);
    event UnbondCancelled(uint32 indexed node, uint256 amount);
    event Withdrawn(uint32 indexed node, address indexed to, uint256 amount);
    event Frozen(uint32 indexed node, uint256 amount, uint256 frozen);
    event Released(uint32 indexed node, uint256 amount, uint256 frozen);
    event Slashed(
        uint32 indexed node,
        uint256 amount,
        uint256 fromActive,
        uint256 fromUnbonding,
        address indexed victim,
        uint256 toVictim,
        address indexed reporter,
        uint256 toReporter,
        uint256 burnt
    );
    event Claimed(address indexed account, uint256 amount);

    error ZeroAmount();
    error ZeroAddress();
    error UnknownNode(uint32 node);
    error NotNodeOwner(address caller, address owner);
    error AmountTooLarge(uint256 amount, uint256 most);
    error StillUnbonding(uint40 until);
    /// @notice What is left after the withdrawal would not cover the open cases.
    error StakeFrozen(uint256 frozen);
    error NothingToWithdraw();
    /// @notice More than the node has, or than one fault or one epoch may cost.
    error SlashTooLarge(uint256 amount, uint256 most);
    error RewardTooLarge(uint256 amount, uint256 most);

    /// @notice 21 days.
    function UNBOND_SECONDS() external view returns (uint40);
    /// @notice The most one fault may cost, basis points of active + unbonding stake: 3,000.
    function MOST_FAULT_BPS() external view returns (uint256);
    /// @notice The most all faults executed in one epoch may cost, of what stood before the first: 5,000.
    function MOST_EPOCH_BPS() external view returns (uint256);
    /// @notice The most a reporter gets of a slash: 1,000.
    function MOST_REPORTER_BPS() external view returns (uint256);
    function heu() external view returns (IHEU);
    function registry() external view returns (IRegistry);

    /// @notice Adds the caller's HEU to a node's stake. Anyone may give; only the node's owner ever gets it back.
    ///         Counts from the next epoch.
    function stake(uint32 node, uint256 amount) external;

    function stakeWithPermit(uint32 node, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Moves active stake to the one unbonding entry, whose time starts afresh. It stops counting at once.
    function requestUnbond(uint32 node, uint256 amount) external;

    /// @notice Makes all unbonding stake active again. It counts from the next epoch.
    function cancelUnbond(uint32 node) external;

    /// @notice Pays the owner's `to` all unbonded stake.
    function withdraw(uint32 node, address to) external returns (uint256 amount);

    /// @notice Holds back an amount for an open case. The Authority says who may (SLASHER).
    function freeze(uint32 node, uint256 amount) external;

    /// @notice Ends that. The Authority says who may (SLASHER).
    function release(uint32 node, uint256 amount) external;

    /// @notice Takes stake for a proven fault, pro rata of active and unbonding: the victim first, then the reporter, the
    ///         rest is burnt. The Authority says who may (SLASHER).
    /// @param toVictim HEU of `amount`; claimed, not pushed.
    /// @param toReporter At most `MOST_REPORTER_BPS` of `amount`.
    /// @return slashed `amount`, or what the node still had if it was less.
    function slash(uint32 node, uint256 amount, address victim, uint256 toVictim, address reporter, uint256 toReporter)
        external
        returns (uint256 slashed);

    /// @notice Pays what slashes owe `account`, to it. Anyone may call.
    function claim(address account) external returns (uint256 amount);

    function stakeOf(uint32 node) external view returns (Stake memory);

    /// @notice Stake that counts for a node in `epoch`: the least of what was active at its start and what is active now.
    function countedIn(uint32 node, uint32 epoch) external view returns (uint256);

    /// @notice Stake of all nodes that was active at the start of `epoch`.
    function totalIn(uint32 epoch) external view returns (uint256);

    function owedTo(address account) external view returns (uint256);
}
