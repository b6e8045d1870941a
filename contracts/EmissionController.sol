// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Earnings} from "./emission/Earnings.sol";
import {Reports} from "./emission/Reports.sol";
import {Reserve} from "./emission/Reserve.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IEmissionController} from "./interfaces/IEmissionController.sol";
import {IFeeBurner} from "./interfaces/IFeeBurner.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {INodeStaking} from "./interfaces/INodeStaking.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IVoteController} from "./interfaces/IVoteController.sol";
import {Emissions} from "./libraries/Emissions.sol";
import {Epochs} from "./libraries/Epochs.sol";

/// @title EmissionController
/// @notice The manual is {IEmissionController}.
/// @dev Three rooms: `emission/Reserve` is what it holds, `Reports` the probers', `Earnings` the nodes'. Here: what an epoch
///      issues, and the rules. Always: HEU held >= bonds + owed, and the difference is the reserve; owed >= sum over nodes of
///      owed, tips and what is pending.
contract EmissionController is Reports, Earnings {
    using Checkpoints for Checkpoints.Trace208;

    constructor(
        IHEU heu_,
        IComputeLedger ledger_,
        IRegistry registry_,
        IVoteController votes_,
        INodeStaking staking_,
        IFeeBurner burner_
    ) Reserve(heu_, ledger_, registry_, votes_, staking_, burner_) {}

    /// @notice Once, through the proxy. The present epoch is the first that issues anything.
    function initialize(address authority_, Params calldata params) external initializer {
        if (authority_ == address(0)) revert ZeroAddress();
        Emissions.check(params);

        _initializeAuthority(authority_);
        EmissionStorage storage $ = _emission();
        uint32 epoch = Epochs.current();
        ($.firstEpoch, $.next) = (epoch, epoch);
        $.params.push(epoch, Emissions.pack(params));
        emit ParamsSet(params, epoch);
    }

    /// @inheritdoc IEmissionController
    function finalize(uint32 epoch) external {
        EmissionStorage storage $ = _emission();
        if (epoch < $.next) revert AlreadyFinal(epoch);
        if (epoch != $.next) revert OutOfOrder(epoch, $.next);
        uint256 from = finalizableAt();
        if (block.timestamp < from) revert TooEarly(block.timestamp, from);
        Report storage filed = $.reports[epoch];
        if (filed.state == ReportState.Challenged) revert BondHeld(epoch);
        if (filed.state == ReportState.Filed) $.bondOf[filed.prober].held -= uint128(REPORT_BOND);

        ($.next, $.finalizedAt) = (epoch + 1, uint40(block.timestamp));
        Pools storage pools = $.pools[epoch];
        if (filed.state != ReportState.Filed) (pools.baseUnits, pools.basePoints) = (0, 0);
        (uint256 base, uint256 dynamic, uint256 burnt, uint256 cap) = _issue(epoch, pools);
        (pools.base, pools.dynamic) = (uint80(base), uint80(dynamic));
        (pools.burnt, pools.finalizedAt) = (uint96(burnt), uint40(block.timestamp));
        $.owed += uint96(base + dynamic);
        $.reservoir += uint128(cap - base - dynamic);
        emit EpochFinalized(epoch, base, dynamic, pools.basePoints, pools.feePoints, burnt, cap - base - dynamic);
    }

    /// @inheritdoc IEmissionController
    function setParams(Params calldata params) external restricted {
        Emissions.check(params);

        uint32 from = Epochs.current() + 1;
        _emission().params.push(from, Emissions.pack(params));
        emit ParamsSet(params, from);
    }

    /// @dev What a final epoch issues: never more than its cap, never more than the reserve.
    function _issue(uint32 epoch, Pools storage pools)
        private
        view
        returns (uint256 base, uint256 dynamic, uint256 burnt, uint256 cap)
    {
        Params memory params = paramsIn(epoch);
        uint256 whole;
        (cap, whole) = capOf(epoch);
        burnt = burner.burntIn(epoch);
        uint256 left = reserve();
        uint256 quotas = staking.totalIn(epoch) * params.quota / HEU_UNIT;
        base = Math.min(left, Emissions.baseOf(whole, pools.basePoints, quotas, params.etaBps));
        uint256 matched = burner.burntFor(epoch, pools.feeUnits);
        dynamic = Math.min(left - base, Emissions.dynamicOf(cap - whole, params.lambdaBps, matched));
    }
}
