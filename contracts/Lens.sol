// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IEmissionController} from "./interfaces/IEmissionController.sol";
import {IFeeBurner} from "./interfaces/IFeeBurner.sol";
import {ILens} from "./interfaces/ILens.sol";
import {INodeStaking} from "./interfaces/INodeStaking.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IVoteController} from "./interfaces/IVoteController.sol";
import {IVotingEscrow} from "./interfaces/IVotingEscrow.sol";
import {Ballot} from "./libraries/Ballots.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Role} from "./libraries/Roles.sol";

/// @title Lens
/// @notice The manual is {ILens}.
contract Lens is ILens {
    uint256 private constant BPS = 10_000;
    /// @inheritdoc ILens
    uint256 public constant MOST_POD_BPS = 2_500;

    /// @inheritdoc ILens
    IVoteController public immutable votes;
    IVotingEscrow private immutable _escrow;
    IRegistry private immutable _registry;
    IComputeLedger private immutable _ledger;
    IEmissionController private immutable _emission;
    INodeStaking private immutable _staking;
    IFeeBurner private immutable _burner;

    constructor(IVoteController votes_) {
        votes = votes_;
        (_escrow, _registry, _ledger, _emission) =
            (votes_.escrow(), votes_.registry(), votes_.ledger(), votes_.emission());
        (_staking, _burner) = (_emission.staking(), _emission.burner());
    }

    /// @inheritdoc ILens
    function clock() external view returns (Clock memory seen) {
        uint32 epoch = Epochs.current();
        (seen.epoch, seen.endsAt) = (epoch, Epochs.startOf(epoch + 1));
        (seen.finalizes, seen.finalizableAt) = (_emission.nextEpoch(), _emission.finalizableAt());
        seen.totalPower = _escrow.totalPowerIn(epoch);
        seen.nodeWeight = votes.ballotWeightIn(Ballot.Node, epoch);
        seen.podWeight = votes.ballotWeightIn(Ballot.Pod, epoch);
        (seen.lot, seen.lotPrice) = (_burner.lotOf(epoch - 1).amount, _burner.priceNow(false));
        (seen.carried, seen.carriedPrice) = (_burner.carried(), _burner.priceNow(true));
        (seen.reserve, seen.reservoir, seen.owed) = (_emission.reserve(), _emission.reservoir(), _emission.owed());
    }

    /// @inheritdoc ILens
    function nodes(uint32[] calldata ids) external view returns (Node[] memory seen) {
        seen = new Node[](ids.length);
        for (uint256 i; i < ids.length; i++) {
            seen[i] = _node(ids[i], Epochs.current());
        }
    }

    /// @inheritdoc ILens
    function voter(address account, address router, uint32[] calldata nodeIds, uint32[] calldata podIds)
        external
        view
        returns (Voter memory seen)
    {
        seen.lock = _escrow.lockOf(account);
        seen.power = _escrow.balanceOf(account);
        seen.usedOnNodes = votes.usedBps(account, Ballot.Node);
        seen.usedOnPods = votes.usedBps(account, Ballot.Pod);
        seen.nodes = _votes(account, Ballot.Node, address(0), nodeIds);
        seen.pods = _votes(account, Ballot.Pod, router, podIds);
    }

    /// @inheritdoc ILens
    function capacity(uint32[] calldata pods, uint256 slots, uint256 active, uint256 free)
        external
        view
        returns (uint256[] memory caps)
    {
        caps = new uint256[](pods.length);
        if (active == 0) return caps;
        uint32 epoch = Epochs.current();
        uint256 total = votes.ballotWeightIn(Ballot.Pod, epoch);
        uint256 least = Math.min(free, slots / 2 / active);
        uint256 rest = slots - least * active;
        for (uint256 i; i < pods.length; i++) {
            if (!_registry.isActiveIn(Role.Pod, pods[i], epoch)) continue;
            uint256 voted = total == 0 ? rest / active : Math.mulDiv(rest, votes.weightIn(Ballot.Pod, pods[i], epoch), total);
            caps[i] = least + Math.min(voted, rest * MOST_POD_BPS / BPS);
        }
    }

    function _node(uint32 id, uint32 epoch) private view returns (Node memory seen) {
        seen.entry = _registry.entryOf(Role.Node, id);
        seen.active = _registry.isActiveIn(Role.Node, id, epoch);
        (seen.stake, seen.counted) = (_staking.stakeOf(id), _staking.countedIn(id, epoch));
        seen.quota = _emission.quotaOf(id, epoch);
        (seen.tip, seen.nextTip) = (_emission.tipIn(id, epoch), _emission.tipIn(id, epoch + 1));
        (seen.home, seen.nextHome) = (_emission.homeIn(id, epoch), _emission.homeIn(id, epoch + 1));
        seen.weight = votes.weightIn(Ballot.Node, id, epoch);
        seen.nextWeight = votes.weightIn(Ballot.Node, id, epoch + 1);
        seen.units = _ledger.unitsIn(seen.home, Role.Node, id, epoch);
        seen.points = _emission.pointsOf(id, epoch, false, seen.units);
        (seen.claimable, seen.tips) = (_emission.claimable(id), _emission.tipsOf(id));
    }

    function _votes(address account, Ballot ballot, address router, uint32[] calldata ids)
        private
        view
        returns (Vote[] memory seen)
    {
        uint32 epoch = Epochs.current();
        seen = new Vote[](ids.length);
        for (uint256 i; i < ids.length; i++) {
            uint32 id = ids[i];
            Vote memory vote = seen[i];
            vote.id = id;
            (vote.bps, vote.amount, vote.end, vote.from) = votes.voteOf(account, ballot, id);
            vote.votes = votes.votesIn(account, ballot, id, epoch);
            vote.nextVotes = votes.votesIn(account, ballot, id, epoch + 1);
            vote.claimable = votes.claimable(account, ballot, router, id);
        }
    }
}
