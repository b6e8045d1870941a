// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";
import {IHEU} from "../interfaces/IHEU.sol";
import {Epochs} from "../libraries/Epochs.sol";
import {Reserve} from "./Reserve.sol";

/// @title Reports
/// @notice The probers' room: what they say of an epoch, who doubts it, and the bonds that both stand on.
abstract contract Reports is Reserve, ReentrancyGuardTransient {
    using SafeERC20 for IHEU;
    using SafeCast for uint256;

    /// @inheritdoc IEmissionController
    uint256 public constant REPORT_SECONDS = 1 days;
    /// @inheritdoc IEmissionController
    uint256 public constant CHALLENGE_SECONDS = 3 days;
    /// @inheritdoc IEmissionController
    uint256 public constant JUDGE_SECONDS = 7 days;
    /// @inheritdoc IEmissionController
    uint256 public constant REPORT_BOND = 10_000e18;

    /// @inheritdoc IEmissionController
    function report(uint32 epoch, bytes32 root, bytes32 evidence) external restricted {
        uint256 over = Epochs.startOf(epoch + 1);
        if (block.timestamp < over) revert TooEarly(block.timestamp, over);
        if (block.timestamp > over + REPORT_SECONDS) revert TooLate(block.timestamp, over + REPORT_SECONDS);
        Report storage filed = _emission().reports[epoch];
        if (filed.state != ReportState.None) revert AlreadyReported(epoch);
        _hold(msg.sender);

        (filed.prober, filed.filedAt, filed.state) = (msg.sender, uint40(block.timestamp), ReportState.Filed);
        (filed.root, filed.evidence) = (root, evidence);
        emit Reported(epoch, msg.sender, root, evidence);
    }

    /// @inheritdoc IEmissionController
    function challenge(uint32 epoch) external {
        if (epoch < _emission().next) revert AlreadyFinal(epoch);
        Report storage filed = _emission().reports[epoch];
        if (filed.state != ReportState.Filed || filed.challenger != address(0)) revert NotReported(epoch);
        uint256 until = filed.filedAt + CHALLENGE_SECONDS;
        if (block.timestamp > until) revert TooLate(block.timestamp, until);
        _hold(msg.sender);

        (filed.challenger, filed.challengedAt) = (msg.sender, uint40(block.timestamp));
        filed.state = ReportState.Challenged;
        emit Challenged(epoch, msg.sender);
    }

    /// @inheritdoc IEmissionController
    function judge(uint32 epoch, bool upheld) external restricted {
        Report storage filed = _challenged(epoch);
        (address winner, address loser) = upheld ? (filed.challenger, filed.prober) : (filed.prober, filed.challenger);

        filed.state = upheld ? ReportState.Void : ReportState.Filed;
        EmissionStorage storage $ = _emission();
        uint256 reward = REPORT_BOND / 2;
        $.bondOf[loser].amount -= uint128(REPORT_BOND);
        $.bondOf[loser].held -= uint128(REPORT_BOND);
        $.bondOf[winner].amount += uint128(reward);
        if (upheld) $.bondOf[winner].held -= uint128(REPORT_BOND);
        $.bonds -= uint96(REPORT_BOND - reward);
        emit Judged(epoch, upheld, false);

        heu.burn(REPORT_BOND - reward);
    }

    /// @inheritdoc IEmissionController
    function lapse(uint32 epoch) external {
        Report storage filed = _challenged(epoch);
        uint256 from = filed.challengedAt + JUDGE_SECONDS;
        if (block.timestamp <= from) revert TooEarly(block.timestamp, from);

        filed.state = ReportState.Filed;
        _emission().bondOf[filed.challenger].held -= uint128(REPORT_BOND);
        emit Judged(epoch, false, true);
    }

    /// @inheritdoc IEmissionController
    function addBond(uint256 amount) external nonReentrant {
        EmissionStorage storage $ = _emission();
        $.bondOf[msg.sender].amount += amount.toUint128();
        $.bonds += amount.toUint96();
        emit BondMoved(msg.sender, amount.toInt256());

        heu.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IEmissionController
    function withdrawBond(uint256 amount) external nonReentrant {
        EmissionStorage storage $ = _emission();
        Bond storage bond = $.bondOf[msg.sender];
        uint256 free = bond.amount - bond.held;
        if (amount > free) revert BondTooSmall(free, amount);

        bond.amount -= uint128(amount);
        $.bonds -= uint96(amount);
        emit BondMoved(msg.sender, -amount.toInt256());

        heu.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IEmissionController
    function reportOf(uint32 epoch) external view returns (Report memory) {
        return _emission().reports[epoch];
    }

    /// @inheritdoc IEmissionController
    function bondOf(address account) external view returns (uint256, uint256) {
        Bond storage bond = _emission().bondOf[account];
        return (bond.amount, bond.held);
    }

    function _hold(address account) private {
        Bond storage bond = _emission().bondOf[account];
        uint256 free = bond.amount - bond.held;
        if (free < REPORT_BOND) revert BondTooSmall(free, REPORT_BOND);
        bond.held += uint128(REPORT_BOND);
    }

    function _challenged(uint32 epoch) private view returns (Report storage filed) {
        filed = _emission().reports[epoch];
        if (filed.state != ReportState.Challenged) revert NotChallenged(epoch);
    }
}
