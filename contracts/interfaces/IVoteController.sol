// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Ballot} from "../libraries/Ballots.sol";
import {IComputeLedger} from "./IComputeLedger.sol";
import {IEmissionController} from "./IEmissionController.sol";
import {IRegistry} from "./IRegistry.sol";
import {IVotingEscrow} from "./IVotingEscrow.sol";

/// @title VoteController
/// @notice Two ballots: votes for nodes share the tips of their emission (HEU), votes for pods share the voters' part of
///         their revenue (the payment asset). Each account has all its power on each ballot.
///         A vote binds from the next epoch until it is replaced or the lock that it was cast with ends; nothing in the
///         present epoch can be changed by a vote, so there is no cool-down.
/// @dev WARNING: immutable, and it holds what it owes. A vote is a snapshot of the lock: after adding to or extending the
///      lock, vote again. A deactivated target keeps its votes until they are removed, and removing always works.
///      A vote that has ended holds its basis points until it is replaced or removed.
///      Weights are token-weeks. Sum of all weights of a ballot = its total, in every epoch ever.
interface IVoteController {
    /// @notice A vote is another from epoch `from` on. One that changes nothing is not told.
    event Voted(
        address indexed account, Ballot indexed ballot, uint32 indexed id, uint16 bps, uint96 amount, uint32 end, uint32 from
    );
    event Rolled(Ballot indexed ballot, uint32 indexed id, uint32 epoch, uint256 weight);
    /// @notice Reward of one epoch. `router` is zero on the ballot of nodes.
    /// @param burnt Whether the epoch had too little weight, so that the burner got it instead.
    event RewardClosed(
        Ballot indexed ballot, address indexed router, uint32 indexed id, uint32 epoch, uint256 amount, uint256 weight, bool burnt
    );
    event RewardClaimed(
        address indexed account, Ballot indexed ballot, address indexed router, uint32 id, address to, uint256 amount
    );

    /// @notice More than 10,000 bps on one ballot.
    error OverAllocated(uint256 bps);
    /// @notice The lock has no power in the next epoch.
    error LockTooShort(uint32 end, uint32 least);
    error UnknownTarget(Ballot ballot, uint32 id);
    error InactiveTarget(Ballot ballot, uint32 id);
    error LengthMismatch(uint256 ids, uint256 bps);
    error ZeroAddress();
    /// @notice The ledger pays its voters' part to another contract.
    error NotTheLedgersVoters(address voters);
    /// @notice A tip of an epoch that is closed, or not over.
    error TipOutOfOrder(uint32 epoch, uint32 least);
    /// @notice Less HEU came than the tips of it.
    error ShortTransfer(uint256 received, uint256 expected);
    /// @notice Weights are known up to the next epoch.
    error EpochTooFar(uint32 epoch, uint32 most);

    /// @notice 1 HEU for one epoch: below it a target's reward is burnt, and a node keeps its tip.
    function LEAST_WEIGHT() external view returns (uint256);
    /// @notice At most so many epochs are closed in one call.
    function MOST_CLOSED() external view returns (uint256);
    function escrow() external view returns (IVotingEscrow);
    function registry() external view returns (IRegistry);
    function ledger() external view returns (IComputeLedger);
    function emission() external view returns (IEmissionController);
    function burner() external view returns (address);
    /// @notice No revenue or tip of an epoch before this one is counted.
    function firstEpoch() external view returns (uint32);

    /// @notice Sets the caller's votes for `ids`, from the next epoch on; votes for other targets stay.
    ///         A target that the account has no vote for must be active in the next epoch; one that it has can be changed.
    ///         A vote that changes nothing writes nothing: it counts on as it was cast.
    /// @param bps Parts of the lock's amount, in whole ten-thousandths of it, in basis points; 0 removes. The last of a
    ///        duplicate id counts.
    function vote(Ballot ballot, uint32[] calldata ids, uint16[] calldata bps) external;

    /// @notice `vote` on both ballots in one call; each has the lock's whole power.
    function voteBoth(
        uint32[] calldata nodes,
        uint16[] calldata nodeBps,
        uint32[] calldata pods,
        uint16[] calldata podBps
    ) external;

    /// @notice Counts a target up to the next epoch, so that later calls need not. Anyone may. Id 0 = the whole ballot.
    function roll(Ballot ballot, uint32 id) external;

    /// @notice Takes in the voters' part of what `router` settled for `pod` in every epoch that is over and not closed,
    ///         oldest first, at most `MOST_CLOSED` of them. Anyone may.
    /// @return amount Now owed to voters, or burnt.
    function closeRevenue(address router, uint32 pod) external returns (uint256 amount);

    /// @notice Takes in the tips of `node` that the EmissionController has for its voters. Anyone may.
    function closeTips(uint32 node) external returns (uint256 amount);

    /// @notice Pays the caller its part of all closed revenue of `pods` at `router`.
    function claimRevenue(address router, uint32[] calldata pods, address to) external returns (uint256 amount);

    /// @notice Pays the caller its part of all closed tips of `nodes`.
    function claimTips(uint32[] calldata nodes, address to) external returns (uint256 amount);

    /// @notice What `claimRevenue` (ballot of pods) or `claimTips` (ballot of nodes; router zero) would pay now.
    function claimable(address account, Ballot ballot, address router, uint32 id) external view returns (uint256);

    /// @notice The epoch up to which a target is counted, by votes or `roll`: the next one at most; 0 if never.
    function lastRoll(Ballot ballot, uint32 id) external view returns (uint32);

    /// @notice Basis points of the account's power that stand on a ballot.
    function usedBps(address account, Ballot ballot) external view returns (uint256);

    /// @notice Weight of a target in `epoch`, which is at most the next one. Never reverts for past epochs.
    function weightIn(Ballot ballot, uint32 id, uint32 epoch) external view returns (uint256);

    /// @notice The same of a whole ballot.
    function ballotWeightIn(Ballot ballot, uint32 epoch) external view returns (uint256);

    /// @notice What an account adds to a target in `epoch`.
    /// @return weight Token-weeks.
    function votesIn(address account, Ballot ballot, uint32 id, uint32 epoch) external view returns (uint256 weight);

    /// @notice The vote as last changed: basis points, amount, end of the lock then, first epoch.
    function voteOf(address account, Ballot ballot, uint32 id)
        external
        view
        returns (uint16 bps, uint96 amount, uint32 end, uint32 from);

    /// @notice The first epoch that is not closed yet of a stream; router zero = a node's tips.
    function openFrom(Ballot ballot, address router, uint32 id) external view returns (uint32);
}
