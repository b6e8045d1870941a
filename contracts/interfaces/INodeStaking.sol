// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IHEU} from "./IHEU.sol";
import {IRegistry} from "./IRegistry.sol";

/// @title NodeStaking
/// @notice HEU that a node stands behind its work with. Serving needs none: stake buys base emission and audited pods.
///         Only what stood at the start of an epoch, and still stands, counts in it.
/// @dev WARNING: stake can be slashed until the second it is withdrawn, unbonding or not, pro rata.
///      WARNING: whoever owns the node's registry entry owns its stake; handing the entry on hands the stake on.
///      No upgrade, no pause of any exit. HEU held = sum of active and unbonding stake + what slashes owe; what exceeds it
///      was donated.
///      The Authority has one role here, SLASHER. What its holder can do at worst, whatever its code: take 30 % of a node's
///      stake at once and 50 % per epoch, at least two fifths of it burnt, and hold stake back.
interface INodeStaking {
    /// @notice Two slots.
    /// @param unbondAt The second from which `withdraw` pays `unbonding`.
    /// @param frozen Held back for open cases: a withdrawal leaves at least so much, until `frozenUntil`.
    /// @param frozenUntil The last second in which `frozen` is held back; every freeze moves it on.
    struct Stake {
        uint96 active;
        uint96 unbonding;
        uint40 unbondAt;
        uint96 frozen;
        uint40 frozenUntil;
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
    /// @notice All of the node's stake is held back for open cases.
    error StakeFrozen(uint256 frozen);
    error NothingToWithdraw();
    /// @notice More than one fault, or what is left of the epoch, may cost: `slashableOf`.
    error SlashTooLarge(uint256 amount, uint256 most);
    /// @notice A victim or a reporter would get more than its part of the slash.
    error RewardTooLarge(uint256 amount, uint256 most);

    /// @notice 21 days.
    function UNBOND_SECONDS() external view returns (uint40);
    /// @notice Nothing is held back longer than this after the last freeze, whoever fails to end a case: 30 days.
    function FREEZE_SECONDS() external view returns (uint40);
    /// @notice The most one fault may cost, basis points of active + unbonding stake, rounded up: 3,000.
    function MOST_FAULT_BPS() external view returns (uint256);
    /// @notice The most all faults executed in one epoch may cost, of the most that stood at any of them had none taken,
    ///         rounded up: 5,000.
    function MOST_EPOCH_BPS() external view returns (uint256);
    /// @notice The most a victim gets of a slash: 5,000. With a reporter's part less than two thirds: no slash is an exit.
    function MOST_VICTIM_BPS() external view returns (uint256);
    /// @notice The most a reporter gets of a slash: 1,000.
    function MOST_REPORTER_BPS() external view returns (uint256);
    function heu() external view returns (IHEU);
    function registry() external view returns (IRegistry);

    /// @notice Adds the caller's HEU to a node's stake. Anyone may give; only the node's owner ever gets it back.
    ///         Counts from the next epoch.
    function stake(uint32 node, uint256 amount) external;

    /// @notice The same with the caller's permit. A permit that somebody presented before does no harm.
    function stakeWithPermit(uint32 node, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Moves active stake to the one unbonding entry, whose time starts afresh. It stops counting at once.
    function requestUnbond(uint32 node, uint256 amount) external;

    /// @notice Makes all unbonding stake active again. It counts from the next epoch.
    function cancelUnbond(uint32 node) external;

    /// @notice Pays the owner's `to` all unbonded stake, but for what open cases hold back and active stake does not cover.
    function withdraw(uint32 node, address to) external returns (uint256 amount);

    /// @notice Holds back an amount for an open case, for at most `FREEZE_SECONDS`. More than the node has is no error: it
    ///         holds back what there is. The Authority says who may (SLASHER).
    function freeze(uint32 node, uint256 amount) external;

    /// @notice Ends that. The Authority says who may (SLASHER).
    function release(uint32 node, uint256 amount) external;

    /// @notice Takes stake for a proven fault, pro rata of active and unbonding, the odd unit from unbonding. What victim
    ///         and reporter do not get is burnt. The Authority says who may (SLASHER).
    /// @param amount At most `slashableOf(node)`.
    /// @param toVictim At most `MOST_VICTIM_BPS` of `amount`; claimed, not pushed.
    /// @param toReporter At most `MOST_REPORTER_BPS` of `amount`; claimed, not pushed.
    function slash(uint32 node, uint256 amount, address victim, uint256 toVictim, address reporter, uint256 toReporter)
        external;

    /// @notice Pays what slashes owe `account`, to it. Anyone may call.
    function claim(address account) external returns (uint256 amount);

    function stakeOf(uint32 node) external view returns (Stake memory);

    /// @notice The most that a slash may take of the node now: `MOST_FAULT_BPS` of its stake, and what this epoch has left.
    function slashableOf(uint32 node) external view returns (uint256);

    /// @notice Stake that counts for a node in `epoch`: the least that was active at its start, at any time in it, and now.
    ///         The sum of it over all nodes is at most `totalIn(epoch)`.
    function countedIn(uint32 node, uint32 epoch) external view returns (uint256);

    /// @notice Stake of all nodes that was active at the start of `epoch`.
    function totalIn(uint32 epoch) external view returns (uint256);

    function owedTo(address account) external view returns (uint256);
}
