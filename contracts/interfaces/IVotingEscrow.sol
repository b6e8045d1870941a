// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IHEU} from "./IHEU.sol";

/// @title VotingEscrow
/// @notice HEU locked for votes: one lock per account, bound to it, for at most `MOST_EPOCHS` epochs.
///         Power is counted exactly, in token-weeks: `amount * (end - epoch)` wei-epochs, constant within an epoch.
/// @dev WARNING: a lock cannot be left early, moved, merged, split or delegated. Nobody has any power over it: no owner,
///      no pause, no upgrade. The sum of all powers equals the total at every epoch, exactly.
///      For a Governor a lock counts as it stood when the epoch began: what is locked in an epoch has its first say in the
///      next one, as votes for nodes and pods do. That past is kept for every epoch, or for none: the deployment chooses.
interface IVotingEscrow {
    /// @param amount HEU wei; 0 = no lock.
    /// @param end First epoch without power, and the first in which `withdraw` pays.
    struct Lock {
        uint96 amount;
        uint32 end;
    }

    event Locked(address indexed account, address indexed giver, uint256 added, uint256 amount, uint32 end);
    event Withdrawn(address indexed account, uint256 amount);

    error ZeroAmount();
    error ZeroAddress();
    /// @notice HEU amounts are below 2^96.
    error AmountTooLarge(uint256 amount, uint256 most);
    /// @notice The lock is over: withdraw it first.
    error LockExpired(uint32 end);
    /// @notice There is no lock to add to.
    error NoLock(address account);
    /// @notice A lock lasts at least until the next epoch's end: `end` must exceed the present epoch.
    error EndTooSoon(uint32 end, uint32 least);
    error EndTooFar(uint32 end, uint32 most);
    /// @notice A lock never becomes shorter.
    error EndNotLater(uint32 end, uint32 present);
    error NotExpired(uint32 end);
    /// @notice The epoch asked for is over, or the second is not, or no past is kept.
    error PastUnknown(uint256 asked);
    /// @notice Votes are not delegated.
    error NoDelegation();

    /// @notice 104.
    function MOST_EPOCHS() external view returns (uint32);

    function heu() external view returns (IHEU);
    /// @notice Whether a Governor can be attached: every lock and the total are known as they were when an epoch began. Else the
    ///         views for one revert `PastUnknown`, and neither a lock nor the total ever takes a slot for what it was.
    function keepsPast() external view returns (bool);

    /// @notice Creates the caller's lock, adds to it, extends it, or both.
    /// @param amount HEU wei to add; 0 = only extend.
    /// @param end The lock's end; 0 = as it is.
    function lock(uint256 amount, uint32 end) external;

    /// @notice `lock` with a permit for this contract. A permit that somebody presented before is no failure.
    function lockWithPermit(uint256 amount, uint32 end, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Adds the caller's HEU to the living lock of `account`. Never creates or extends one.
    function lockFor(address account, uint256 amount) external;

    /// @notice Pays the caller its expired lock.
    function withdraw() external returns (uint256 amount);

    /// @notice Opens the present epoch: puts the total of the last one away, which else the first lock of the epoch pays for.
    ///         Anyone may; twice is harmless.
    function checkpoint() external;

    /// @return epoch The last one that was opened, by `checkpoint` or by a lock.
    function lastCheckpoint() external view returns (uint32 epoch);

    function lockOf(address account) external view returns (Lock memory);

    /// @notice Power of an account in the present or a coming epoch as its lock now stands, token-weeks.
    /// @dev Reverts `PastUnknown` for an epoch that is over.
    function powerIn(address account, uint32 epoch) external view returns (uint256);

    /// @notice The same of all locks together.
    function totalPowerIn(uint32 epoch) external view returns (uint256);

    /// @notice `powerIn` the present epoch.
    function balanceOf(address account) external view returns (uint256);

    /// @notice `totalPowerIn` the present epoch.
    function totalSupply() external view returns (uint256);

    // ------------------------------------------------------------------------- for a Governor (ERC-5805, ERC-6372)

    function clock() external view returns (uint48);
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external view returns (string memory);
    /// @notice Power in the present epoch of what the account had locked when it began.
    function getVotes(address account) external view returns (uint256);
    /// @param timepoint Unix seconds, in the past: all of an epoch have the same answer.
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256);
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256);
    /// @notice Always the account itself.
    function delegates(address account) external view returns (address);
    function delegate(address delegatee) external;
}
