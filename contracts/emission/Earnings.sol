// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";
import {IHEU} from "../interfaces/IHEU.sol";
import {Ballot} from "../libraries/Ballots.sol";
import {Emissions} from "../libraries/Emissions.sol";
import {Epochs} from "../libraries/Epochs.sol";
import {Role} from "../libraries/Roles.sol";
import {Reserve} from "./Reserve.sol";

/// @title Earnings
/// @notice The nodes' room: their terms, what is recorded for each in an epoch, and what they and their voters are paid.
abstract contract Earnings is Reserve, ReentrancyGuardTransient {
    using SafeERC20 for IHEU;
    using SafeCast for uint256;
    using Checkpoints for Checkpoints.Trace208;

    /// @inheritdoc IEmissionController
    uint256 public constant MOST_TIP_BPS = 5_000;
    /// @inheritdoc IEmissionController
    uint256 public constant MOST_TIPS_DRAWN = 52;

    /// @inheritdoc IEmissionController
    function setTip(uint32 node, uint16 bps) external {
        if (bps > MOST_TIP_BPS) revert TipTooHigh(bps, MOST_TIP_BPS);
        (Checkpoints.Trace208 storage terms, uint32 from) = _owned(node);

        terms.push(from, uint208(uint160(terms.latest())) | uint208(bps) << 160);
        emit TipSet(node, bps, from);
    }

    /// @inheritdoc IEmissionController
    function setHome(uint32 node, address router) external {
        (Checkpoints.Trace208 storage terms, uint32 from) = _owned(node);

        terms.push(from, terms.latest() >> 160 << 160 | uint160(router));
        emit HomeSet(node, router, from);
    }

    /// @inheritdoc IEmissionController
    function record(uint32 epoch, uint32[] calldata nodes) external {
        _requireOpen(epoch);
        EmissionStorage storage $ = _emission();
        uint256 beta = paramsIn(epoch).betaBps;
        uint256 total = votes.ballotWeightIn(Ballot.Node, epoch);
        uint256 last = $.pools[epoch - 1].feeUnits;
        (uint256 allUnits, uint256 allPoints) = (0, 0);
        for (uint256 i; i < nodes.length; i++) {
            (Account storage account, uint256 units) = _feeUnits($, epoch, nodes[i]);
            if (units == 0) continue;
            uint256 weight = total == 0 ? 0 : votes.weightIn(Ballot.Node, nodes[i], epoch);
            uint256 points = Emissions.points(units, beta, last, weight, total);
            account.feePoints = points.toUint144();
            allUnits += units;
            allPoints += points;
            emit Recorded(epoch, nodes[i], false, units, points);
        }
        $.pools[epoch].feeUnits += allUnits.toUint88();
        $.pools[epoch].feePoints += uint168(allPoints);
    }

    /// @inheritdoc IEmissionController
    function recordBase(uint32 epoch, uint32 node, uint256 units, bytes32[] calldata proof) external {
        _requireOpen(epoch);
        EmissionStorage storage $ = _emission();
        Report storage filed = $.reports[epoch];
        if (filed.state == ReportState.None || filed.state == ReportState.Void) revert NotReported(epoch);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(node, units))));
        if (!MerkleProof.verifyCalldata(proof, filed.root, leaf)) revert BadProof(node);
        if (!registry.isActiveIn(Role.Node, node, epoch)) return;
        uint256 counted = Math.min(units, quotaOf(node, epoch));
        Account storage account = $.accounts[node];
        if (counted == 0 || (account.epoch == epoch && account.basePoints != 0)) return;
        _turn($, node, epoch, tipIn(node, epoch));

        uint256 points = pointsOf(node, epoch, true, counted);
        account.basePoints = points.toUint144();
        $.pools[epoch].baseUnits += counted.toUint88();
        $.pools[epoch].basePoints += uint168(points);
        emit Recorded(epoch, node, true, counted, points);
    }

    /// @inheritdoc IEmissionController
    function claim(uint32[] calldata nodes) external nonReentrant returns (uint256 total) {
        EmissionStorage storage $ = _emission();
        for (uint256 i; i < nodes.length; i++) {
            Account storage account = $.accounts[nodes[i]];
            uint96 amount = account.owed;
            if (amount != 0) account.owed = 0;
            amount += _take($, account, nodes[i]);
            if (amount == 0) continue;
            address to = registry.payoutOf(Role.Node, nodes[i]);
            if (to == address(0)) revert NoPayout(nodes[i]);

            $.owed -= amount;
            total += amount;
            emit Claimed(nodes[i], to, amount);

            heu.safeTransfer(to, amount);
        }
    }

    /// @inheritdoc IEmissionController
    function drawTips(uint32 node) external nonReentrant returns (uint32[] memory epochs, uint256[] memory amounts) {
        if (msg.sender != address(votes)) revert NotVotes(msg.sender);
        EmissionStorage storage $ = _emission();
        Account storage account = $.accounts[node];
        uint256 waiting = account.tipped - account.drawn + (_newestTip($, account) == 0 ? 0 : 1);
        uint256 count = Math.min(waiting, MOST_TIPS_DRAWN);
        if (count == 0) return (epochs, amounts);

        (epochs, amounts) = (new uint32[](count), new uint256[](count));
        uint256 sum;
        for (uint256 i; i < count; i++) {
            (epochs[i], amounts[i]) = _drawTip($, account, node);
            sum += amounts[i];
        }
        $.owed -= uint96(sum);
        emit TipsDrawn(node, sum);

        heu.safeTransfer(msg.sender, sum);
    }

    /// @inheritdoc IEmissionController
    function tipIn(uint32 node, uint32 epoch) public view returns (uint16) {
        return uint16(_emission().terms[node].upperLookupRecent(epoch) >> 160);
    }

    /// @inheritdoc IEmissionController
    function homeIn(uint32 node, uint32 epoch) public view returns (address) {
        return address(uint160(_emission().terms[node].upperLookupRecent(epoch)));
    }

    /// @inheritdoc IEmissionController
    function claimable(uint32 node) external view returns (uint256) {
        EmissionStorage storage $ = _emission();
        Account storage account = $.accounts[node];
        (uint256 amount, uint256 tip) = _pending($, account);
        return account.owed + (account.taken ? 0 : amount - tip);
    }

    /// @inheritdoc IEmissionController
    function tipsOf(uint32 node) external view returns (uint256 sum) {
        EmissionStorage storage $ = _emission();
        Account storage account = $.accounts[node];
        sum = _newestTip($, account);
        for (uint256 i = account.drawn; i < account.tipped; i++) {
            sum += $.tips[node][i].amount;
        }
    }

    /// @inheritdoc IEmissionController
    function recordOf(uint32 node) external view returns (uint32, uint256, uint256) {
        Account storage account = _emission().accounts[node];
        return (account.epoch, account.basePoints, account.feePoints);
    }

    /// @inheritdoc IEmissionController
    function pointsOf(uint32 node, uint32 epoch, bool base, uint256 units) public view returns (uint256) {
        Pools storage before = _emission().pools[epoch == 0 ? 0 : epoch - 1];
        return Emissions.points(
            units,
            paramsIn(epoch).betaBps,
            base ? before.baseUnits : before.feeUnits,
            votes.weightIn(Ballot.Node, node, epoch),
            votes.ballotWeightIn(Ballot.Node, epoch)
        );
    }

    /// @inheritdoc IEmissionController
    function quotaOf(uint32 node, uint32 epoch) public view returns (uint256) {
        return staking.countedIn(node, epoch) * paramsIn(epoch).quota / HEU_UNIT;
    }

    function _owned(uint32 node) private view returns (Checkpoints.Trace208 storage, uint32 from) {
        address owner = registry.ownerOf(Role.Node, node);
        if (msg.sender != owner) revert NotNodeOwner(msg.sender, owner);
        return (_emission().terms[node], Epochs.current() + 1);
    }

    /// @return account The node's, turned to `epoch` if there is something to record.
    /// @return units 0 if the node is inactive, homeless, idle or recorded.
    function _feeUnits(EmissionStorage storage $, uint32 epoch, uint32 node)
        private
        returns (Account storage account, uint256 units)
    {
        account = $.accounts[node];
        if (account.epoch == epoch && account.feePoints != 0) return (account, 0);
        uint208 terms = $.terms[node].upperLookupRecent(epoch);
        address home = address(uint160(terms));
        if (home == address(0) || !registry.isActiveIn(Role.Node, node, epoch)) return (account, 0);
        units = ledger.unitsIn(home, Role.Node, node, epoch);
        if (units != 0) _turn($, node, epoch, uint16(terms >> 160));
    }

    /// @dev Begins the record of `epoch`, unless it is begun; what the one before it earned is owed, and its tip waits.
    /// @param tipBps Nothing is tipped to voters who have too little weight to be paid.
    function _turn(EmissionStorage storage $, uint32 node, uint32 epoch, uint16 tipBps) private {
        Account storage account = $.accounts[node];
        if (account.epoch == epoch) return;

        uint256 tip = _newestTip($, account);
        if (tip != 0) $.tips[node][account.tipped++] = Tip(account.epoch, uint96(tip));
        account.owed += _take($, account, node);
        (account.epoch, account.basePoints, account.feePoints) = (epoch, 0, 0);
        if (tipBps != 0 && votes.weightIn(Ballot.Node, node, epoch) < votes.LEAST_WEIGHT()) tipBps = 0;
        (account.tipBps, account.taken, account.tipDrawn) = (tipBps, false, false);
    }

    /// @return amount What the node itself has of its record, if that is of a final epoch: once, and the caller notes it as
    ///         owed, or pays it.
    function _take(EmissionStorage storage $, Account storage account, uint32 node) private returns (uint96 amount) {
        uint32 epoch = account.epoch;
        if (account.taken || epoch == 0 || epoch >= $.next) return 0;

        (uint256 all, uint256 tip) = _pending($, account);
        account.taken = true;
        emit NodeEmission(node, epoch, all, tip);
        return uint96(all - tip);
    }

    /// @dev The oldest tip that waits: there is one.
    function _drawTip(EmissionStorage storage $, Account storage account, uint32 node)
        private
        returns (uint32 epoch, uint256 amount)
    {
        uint256 at = account.drawn;
        if (at == account.tipped) {
            (epoch, amount) = (account.epoch, _newestTip($, account));
            account.tipDrawn = true;
            return (epoch, amount);
        }
        account.drawn = uint24(at + 1);
        Tip storage tip = $.tips[node][at];
        return (tip.epoch, tip.amount);
    }

    /// @return tip Of the node's record, unless it was drawn.
    function _newestTip(EmissionStorage storage $, Account storage account) private view returns (uint256 tip) {
        if (account.tipDrawn || account.tipBps == 0) return 0;
        (, tip) = _pending($, account);
    }

    /// @return amount What the node's record earned: nothing before its epoch is final, because no pool is filled before.
    /// @return tip The voters' part of it.
    function _pending(EmissionStorage storage $, Account storage account)
        private
        view
        returns (uint256 amount, uint256 tip)
    {
        Pools storage pools = $.pools[account.epoch];
        (uint256 base, uint256 dynamic) = (account.basePoints, account.feePoints);
        if (base != 0 && pools.base != 0) amount = Math.mulDiv(pools.base, base, pools.basePoints);
        if (dynamic != 0 && pools.dynamic != 0) amount += Math.mulDiv(pools.dynamic, dynamic, pools.feePoints);
        tip = amount * account.tipBps / BPS;
    }
}
