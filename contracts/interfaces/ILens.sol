// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEmissionController} from "./IEmissionController.sol";
import {IRegistry} from "./IRegistry.sol";
import {INodeStaking} from "./INodeStaking.sol";
import {IVoteController} from "./IVoteController.sol";
import {IVotingEscrow} from "./IVotingEscrow.sol";

/// @title Lens
/// @notice Views that read several contracts in one call. It holds nothing, may do nothing and can be replaced any day.
///         No view reverts, on any state: an id that does not exist is all zeros.
interface ILens {
    /// @notice Where the network's clock stands.
    /// @param endsAt Unix second in which the next epoch begins.
    /// @param finalizes The epoch that is finalized next, and the second from which it may be.
    /// @param lot Base units of the asset whose sale is open or to come for the last epoch.
    /// @param lotPrice HEU wei per whole asset unit; 0 = not for sale now.
    struct Clock {
        uint32 epoch;
        uint256 endsAt;
        uint32 finalizes;
        uint256 finalizableAt;
        uint256 totalPower;
        uint256 nodeWeight;
        uint256 podWeight;
        uint256 lot;
        uint256 lotPrice;
        uint256 carried;
        uint256 carriedPrice;
        uint256 reserve;
        uint256 reservoir;
        uint256 owed;
    }

    /// @notice A node as its owner and its voters see it.
    /// @param counted Stake that counts in this epoch.
    /// @param units Base units settled at its home router in this epoch so far.
    /// @param points What they would make if the epoch ended now (64 binary places).
    struct Node {
        IRegistry.Entry entry;
        bool active;
        INodeStaking.Stake stake;
        uint256 counted;
        uint256 quota;
        uint16 tip;
        uint16 nextTip;
        address home;
        address nextHome;
        uint256 weight;
        uint256 nextWeight;
        uint256 units;
        uint256 points;
        uint256 claimable;
        uint256 tips;
    }

    /// @notice One target of an account's votes.
    /// @param claimable Closed rewards: HEU of a node's tips, asset of a pod's revenue at the asked router.
    struct Vote {
        uint32 id;
        uint16 bps;
        uint96 amount;
        uint32 end;
        uint32 from;
        uint256 votes;
        uint256 nextVotes;
        uint256 claimable;
    }

    struct Voter {
        IVotingEscrow.Lock lock;
        uint256 power;
        uint256 usedOnNodes;
        uint256 usedOnPods;
        Vote[] nodes;
        Vote[] pods;
    }

    function votes() external view returns (IVoteController);

    /// @notice The most of all slots that votes give one pod: 2,500 bps.
    function MOST_POD_BPS() external view returns (uint256);

    function clock() external view returns (Clock memory);

    function nodes(uint32[] calldata ids) external view returns (Node[] memory);

    /// @param router Whose revenue the claimables of pods are asked for.
    function voter(address account, address router, uint32[] calldata nodeIds, uint32[] calldata podIds)
        external
        view
        returns (Voter memory);

    /// @notice Slots that each pod is guaranteed in this epoch when all want them; idle ones are lent anyway.
    ///         free' + floor((slots - free' * active) * min(MOST_POD_BPS, votes share)), where free' = min(free, slots / 2 / active);
    ///         without any votes all shares are equal. The sum never exceeds `slots`.
    /// @param slots Schedulable slots of all nodes, as the asking router counts them.
    /// @param active Pods that it serves; ids that are not active in this epoch get nothing.
    /// @param free Slots that every pod has without any vote.
    function capacity(uint32[] calldata pods, uint256 slots, uint256 active, uint256 free)
        external
        view
        returns (uint256[] memory);
}
