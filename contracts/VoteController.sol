// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IEmissionController} from "./interfaces/IEmissionController.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {IVoteController} from "./interfaces/IVoteController.sol";
import {IVotingEscrow} from "./interfaces/IVotingEscrow.sol";
import {Ballot} from "./libraries/Ballots.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Papers} from "./libraries/Papers.sol";
import {Role} from "./libraries/Roles.sol";
import {Streams} from "./libraries/Streams.sol";
import {Weights} from "./libraries/Weights.sol";
import {Votes} from "./votes/Votes.sol";

/// @title VoteController
/// @notice The manual is {IVoteController}.
/// @dev `votes/Votes` is the voters' room; here is what they are paid. Always: what closed epochs owe is held: revenue is
///      counted down per epoch, and the ledger pays the sum of them, counted down once.
contract VoteController is Votes, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Papers for Papers.Paper;
    using Streams for Streams.Stream;
    using Weights for Weights.Target;

    /// @inheritdoc IVoteController
    uint256 public constant LEAST_WEIGHT = 1e18;
    /// @inheritdoc IVoteController
    uint256 public constant MOST_CLOSED = 52;

    /// @inheritdoc IVoteController
    IComputeLedger public immutable ledger;
    /// @inheritdoc IVoteController
    IEmissionController public immutable emission;
    /// @inheritdoc IVoteController
    address public immutable burner;
    /// @inheritdoc IVoteController
    uint32 public immutable firstEpoch;
    IERC20 private immutable _asset;
    IHEU private immutable _heu;

    /// @dev Router zero: tips.
    mapping(Ballot => mapping(address router => mapping(uint32 id => Streams.Stream))) private _streams;
    /// @dev The last epoch that an account was paid for.
    mapping(Ballot => mapping(address router => mapping(uint32 id => mapping(address account => Streams.Place)))) private
        _claimed;

    /// @param ledger_ Pays its voters' part to this contract, and names the registry, the asset and the burner.
    constructor(IVotingEscrow escrow_, IComputeLedger ledger_, IEmissionController emission_)
        Votes(escrow_, ledger_.registry())
    {
        if (address(escrow_) == address(0) || address(emission_) == address(0)) revert ZeroAddress();
        if (ledger_.podVoters() != address(this)) revert NotTheLedgersVoters(ledger_.podVoters());
        if (ledger_.burner() == address(0)) revert ZeroAddress();

        ledger = ledger_;
        emission = emission_;
        burner = ledger_.burner();
        firstEpoch = Epochs.current();
        _asset = ledger_.asset();
        _heu = escrow_.heu();
    }

    /// @inheritdoc IVoteController
    function closeRevenue(address router, uint32 pod) external nonReentrant returns (uint256 amount) {
        Streams.Stream storage stream = _streams[Ballot.Pod][router][pod];
        uint32 epoch = _openFrom(stream);
        uint256 end = Epochs.current();
        if (end > epoch + MOST_CLOSED) end = epoch + MOST_CLOSED;
        uint256 burnt;
        for (; epoch < end; epoch++) {
            uint256 reward = _revenueIn(router, pod, epoch);
            amount += reward;
            burnt += _close(Ballot.Pod, router, pod, epoch, reward);
        }
        stream.open = epoch;
        if (amount == 0) return 0;

        uint32[] memory pods = new uint32[](1);
        pods[0] = pod;
        ledger.claim(router, Role.Voters, pods);
        if (burnt != 0) _asset.safeTransfer(burner, burnt);
    }

    /// @inheritdoc IVoteController
    function closeTips(uint32 node) external nonReentrant returns (uint256 amount) {
        Streams.Stream storage stream = _streams[Ballot.Node][address(0)][node];
        uint256 received = _heu.balanceOf(address(this));
        (uint32[] memory epochs, uint256[] memory amounts) = emission.drawTips(node);
        received = _heu.balanceOf(address(this)) - received;
        uint256 burnt;
        for (uint256 i; i < epochs.length; i++) {
            uint32 least = _openFrom(stream);
            if (epochs[i] < least || epochs[i] >= Epochs.current()) revert TipOutOfOrder(epochs[i], least);
            amount += amounts[i];
            burnt += _close(Ballot.Node, address(0), node, epochs[i], amounts[i]);
            stream.open = epochs[i] + 1;
        }
        if (received < amount) revert ShortTransfer(received, amount);

        if (burnt != 0) _heu.burn(burnt);
    }

    /// @inheritdoc IVoteController
    function claimRevenue(address router, uint32[] calldata pods, address to)
        external
        nonReentrant
        returns (uint256 amount)
    {
        amount = _claim(Ballot.Pod, router, pods, to);
        if (amount != 0) _asset.safeTransfer(to, amount);
    }

    /// @inheritdoc IVoteController
    function claimTips(uint32[] calldata nodes, address to) external nonReentrant returns (uint256 amount) {
        amount = _claim(Ballot.Node, address(0), nodes, to);
        if (amount != 0) IERC20(_heu).safeTransfer(to, amount);
    }

    /// @inheritdoc IVoteController
    function claimable(address account, Ballot ballot, address router, uint32 id) external view returns (uint256 due) {
        (due,) = _due(account, ballot, router, id);
    }

    /// @inheritdoc IVoteController
    function openFrom(Ballot ballot, address router, uint32 id) external view returns (uint32) {
        return _openFrom(_streams[ballot][router][id]);
    }

    /// @dev The voters' part of what a router settled for a pod in an epoch that is over.
    function _revenueIn(address router, uint32 pod, uint32 epoch) private view returns (uint256) {
        uint256 units = ledger.unitsIn(router, Role.Voters, pod, epoch);
        return units == 0 ? 0 : units * ledger.splitIn(epoch).voters / BPS;
    }

    /// @return burnt The reward, if nobody's votes are enough to share it.
    function _close(Ballot ballot, address router, uint32 id, uint32 epoch, uint256 reward)
        private
        returns (uint256 burnt)
    {
        if (reward == 0) return 0;
        uint256 weight = _targets[ballot][id].weightIn(epoch);
        bool dust = weight < LEAST_WEIGHT;
        emit RewardClosed(ballot, router, id, epoch, reward, weight, dust);
        if (dust) return reward;
        _streams[ballot][router][id].push(epoch, reward, weight);
    }

    function _claim(Ballot ballot, address router, uint32[] calldata ids, address to) private returns (uint256 total) {
        if (to == address(0)) revert ZeroAddress();
        for (uint256 i; i < ids.length; i++) {
            (uint256 amount, Streams.Place memory claimed) = _due(msg.sender, ballot, router, ids[i]);
            if (amount == 0) continue;
            _claimed[ballot][router][ids[i]][msg.sender] = claimed;
            total += amount;
            emit RewardClaimed(msg.sender, ballot, router, ids[i], to, amount);
        }
    }

    /// @dev Walks the account's votes back from the last closed epoch to the last one it was paid for.
    /// @return amount Rounded down once.
    /// @return claimed What is to be noted when it is paid.
    function _due(address account, Ballot ballot, address router, uint32 id)
        private
        view
        returns (uint256 amount, Streams.Place memory claimed)
    {
        Streams.Stream storage stream = _streams[ballot][router][id];
        Streams.Place memory last = _claimed[ballot][router][id][account];
        (claimed.epoch, claimed.count) = (_openFrom(stream) - 1, stream.count);
        if (claimed.count == last.count) return (0, claimed);

        Papers.Paper storage paper = _papers[ballot][account][id];
        Papers.Walk memory votes = paper.begin();
        Streams.Walk memory rewards = stream.begin(claimed);
        uint256 lock;
        uint256 held;
        uint256 end;
        while (rewards.epoch > last.epoch) {
            (uint256 bps, uint256 number, uint256 from) = paper.next(votes);
            if (from == 0) break;
            if (from > rewards.epoch) continue;
            if (number != lock) {
                lock = number;
                (held, end) = _lockOf(ballot, account, number);
            }
            uint256 low = from > last.epoch ? from - 1 : last.epoch;
            if (end <= rewards.epoch) stream.back(rewards, end > low ? end - 1 : low, last);
            (uint256 a, uint256 b) = stream.back(rewards, low, last);
            amount += Streams.share(held * bps / BPS, end, a, b);
        }
        amount /= Streams.ONE;
    }

    function _openFrom(Streams.Stream storage stream) private view returns (uint32) {
        return stream.open == 0 ? firstEpoch : stream.open;
    }
}
