// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Upgradeable} from "../access/Upgradeable.sol";
import {IComputeLedger} from "../interfaces/IComputeLedger.sol";
import {IEmissionController} from "../interfaces/IEmissionController.sol";
import {IFeeBurner} from "../interfaces/IFeeBurner.sol";
import {IHEU} from "../interfaces/IHEU.sol";
import {INodeStaking} from "../interfaces/INodeStaking.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {IVoteController} from "../interfaces/IVoteController.sol";
import {Emissions} from "../libraries/Emissions.sol";
import {Epochs} from "../libraries/Epochs.sol";

/// @title Reserve
/// @notice What the emission holds: the reserve, the two pools of every epoch, and the rules that bound both.
abstract contract Reserve is IEmissionController, Upgradeable {
    using Checkpoints for Checkpoints.Trace208;

    /// @dev Four slots. Points of an epoch are the sum of its nodes'.
    struct Pools {
        uint88 feeUnits;
        uint168 feePoints;
        uint88 baseUnits;
        uint168 basePoints;
        uint80 base;
        uint80 dynamic;
        uint96 burnt;
        uint40 finalizedAt;
    }

    /// @dev Two slots: the newest epoch that is recorded for a node, and what is owed for older ones. Neither goes back to
    ///      zero, so that recording a node again is cheap.
    /// @param tipBps Of that epoch; 0 if its voters have too little weight to be paid.
    /// @param taken The node's own part of that epoch is owed or paid.
    /// @param tipDrawn The voters' part of that epoch is the VoteController's.
    /// @param drawn Tips before this index are the VoteController's.
    /// @param tipped Tips of epochs before that one, ever.
    struct Account {
        uint32 epoch;
        uint144 basePoints;
        uint16 tipBps;
        bool taken;
        bool tipDrawn;
        uint24 drawn;
        uint24 tipped;
        uint144 feePoints;
        uint96 owed;
    }

    struct Tip {
        uint32 epoch;
        uint96 amount;
    }

    struct Bond {
        uint128 amount;
        uint128 held;
    }

    /// @custom:storage-location erc7201:heurist.storage.EmissionController
    struct EmissionStorage {
        /// One slot: what every claim reads and writes.
        uint32 next;
        uint40 finalizedAt;
        uint96 owed;
        uint32 firstEpoch;
        uint96 bonds;
        uint128 reservoir;
        Checkpoints.Trace208 params;
        mapping(uint32 epoch => Pools) pools;
        mapping(uint32 node => Account) accounts;
        mapping(uint32 node => mapping(uint256 index => Tip)) tips;
        /// Tip (16 bits) and home router (160), by the epoch that they begin with.
        mapping(uint32 node => Checkpoints.Trace208) terms;
        mapping(uint32 epoch => Report) reports;
        mapping(address account => Bond) bondOf;
    }

    // keccak256(abi.encode(uint256(keccak256("heurist.storage.EmissionController")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant EMISSION_STORAGE = 0x4c596f38a8f4f9c30ec5a4af5481b2aeeace0246ba2ccd551a8c6108c7c09500;

    /// @inheritdoc IEmissionController
    uint256 public constant BPS = Emissions.BPS;
    /// @inheritdoc IEmissionController
    uint256 public constant EPOCHS_PER_YEAR = Emissions.EPOCHS_PER_YEAR;
    /// @inheritdoc IEmissionController
    uint256 public constant RECOVERABLE_BPS = Emissions.RECOVERABLE_BPS;
    /// @inheritdoc IEmissionController
    uint256 public constant FINAL_SECONDS = 4 days;
    /// @inheritdoc IEmissionController
    uint256 public constant RECORD_SECONDS = 1 days;
    uint256 internal constant HEU_UNIT = 1e18;

    /// @inheritdoc IEmissionController
    IHEU public immutable heu;
    /// @inheritdoc IEmissionController
    IRegistry public immutable registry;
    /// @inheritdoc IEmissionController
    IComputeLedger public immutable ledger;
    /// @inheritdoc IEmissionController
    IVoteController public immutable votes;
    /// @inheritdoc IEmissionController
    INodeStaking public immutable staking;
    /// @inheritdoc IEmissionController
    IFeeBurner public immutable burner;

    constructor(
        IHEU heu_,
        IComputeLedger ledger_,
        IRegistry registry_,
        IVoteController votes_,
        INodeStaking staking_,
        IFeeBurner burner_
    ) {
        if (address(heu_) == address(0) || address(ledger_) == address(0) || address(registry_) == address(0)) {
            revert ZeroAddress();
        }
        if (address(votes_) == address(0) || address(staking_) == address(0) || address(burner_) == address(0)) {
            revert ZeroAddress();
        }

        (heu, ledger, registry, votes, staking, burner) = (heu_, ledger_, registry_, votes_, staking_, burner_);
    }

    /// @inheritdoc IEmissionController
    function firstEpoch() external view returns (uint32) {
        return _emission().firstEpoch;
    }

    /// @inheritdoc IEmissionController
    function nextEpoch() external view returns (uint32) {
        return _emission().next;
    }

    /// @inheritdoc IEmissionController
    function finalizableAt() public view returns (uint256) {
        EmissionStorage storage $ = _emission();
        uint256 after_ = $.finalizedAt == 0 ? 0 : $.finalizedAt + RECORD_SECONDS;
        return Math.max(Epochs.startOf($.next + 1) + FINAL_SECONDS, after_);
    }

    /// @inheritdoc IEmissionController
    function paramsIn(uint32 epoch) public view returns (Params memory) {
        return Emissions.unpack(_emission().params.upperLookupRecent(epoch));
    }

    /// @inheritdoc IEmissionController
    function capOf(uint32 epoch) public view returns (uint256 cap, uint256 base) {
        Params memory params = paramsIn(epoch);
        uint256 supply = heu.INITIAL_SUPPLY();
        return (Emissions.perEpoch(supply, params.capBps), Emissions.perEpoch(supply, params.baseBps));
    }

    /// @inheritdoc IEmissionController
    function epochOf(uint32 epoch) external view returns (Epoch memory seen) {
        Pools storage pools = _emission().pools[epoch];
        seen.params = paramsIn(epoch);
        (seen.baseUnits, seen.basePoints) = (pools.baseUnits, pools.basePoints);
        (seen.feeUnits, seen.feePoints) = (pools.feeUnits, pools.feePoints);
        (seen.burnt, seen.base, seen.dynamic) = (pools.burnt, pools.base, pools.dynamic);
        seen.finalizedAt = pools.finalizedAt;
    }

    /// @inheritdoc IEmissionController
    function reserve() public view returns (uint256) {
        return heu.balanceOf(address(this)) - _emission().bonds - _emission().owed;
    }

    /// @inheritdoc IEmissionController
    function reservoir() external view returns (uint256) {
        return _emission().reservoir;
    }

    /// @inheritdoc IEmissionController
    function owed() external view returns (uint256) {
        return _emission().owed;
    }

    /// @dev Only the oldest epoch that is not final, and only once it is over, is recorded.
    function _requireOpen(uint32 epoch) internal view {
        uint32 next = _emission().next;
        if (epoch < next) revert AlreadyFinal(epoch);
        if (epoch != next) revert OutOfOrder(epoch, next);
        uint256 over = Epochs.startOf(epoch + 1);
        if (block.timestamp < over) revert TooEarly(block.timestamp, over);
    }

    function _emission() internal pure returns (EmissionStorage storage $) {
        assembly ("memory-safe") {
            $.slot := EMISSION_STORAGE
        }
    }
}
