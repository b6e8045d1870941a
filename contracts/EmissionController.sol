// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Upgradeable} from "./access/Upgradeable.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IEmissionController} from "./interfaces/IEmissionController.sol";
import {IFeeBurner} from "./interfaces/IFeeBurner.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {INodeStaking} from "./interfaces/INodeStaking.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IVoteController} from "./interfaces/IVoteController.sol";
import {Ballot} from "./libraries/Ballots.sol";
import {Emissions} from "./libraries/Emissions.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Role} from "./libraries/Roles.sol";

/// @title EmissionController
/// @notice The manual is {IEmissionController}.
/// @dev Always: HEU held >= bonds + owed, and the difference is the reserve; owed >= sum over nodes of owed, tips and what is pending.
contract EmissionController is IEmissionController, Upgradeable, ReentrancyGuardTransient {
    using SafeERC20 for IHEU;
    using SafeCast for uint256;
    using Checkpoints for Checkpoints.Trace208;

    /// @dev Four slots. Points of an epoch are the sum of its nodes'.
    struct Pools {
        uint88 feeUnits;
        uint168 feePoints;
        uint88 baseUnits;
        uint168 basePoints;
        uint80 base;
        uint80 dynamic;
        uint80 paid;
        uint96 burnt;
        uint40 finalizedAt;
    }

    /// @dev Two slots: the newest epoch that is recorded for a node, and what is owed for older ones. Neither goes back to
    ///      zero, so that recording a node again is cheap.
    /// @param tipBps Of that epoch.
    /// @param folded What that epoch earned is owed, tipped or paid: its points are of no use any more.
    /// @param drawn Tips before this index are the VoteController's.
    /// @param tipped Tips there ever were.
    struct Account {
        uint32 epoch;
        uint144 basePoints;
        uint16 tipBps;
        bool folded;
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
    uint256 public constant MOST_TIP_BPS = 5_000;
    /// @inheritdoc IEmissionController
    uint256 public constant FINAL_SECONDS = 4 days;
    /// @inheritdoc IEmissionController
    uint256 public constant RECORD_SECONDS = 1 days;
    /// @inheritdoc IEmissionController
    uint256 public constant REPORT_SECONDS = 1 days;
    /// @inheritdoc IEmissionController
    uint256 public constant CHALLENGE_SECONDS = 3 days;
    /// @inheritdoc IEmissionController
    uint256 public constant JUDGE_SECONDS = 7 days;
    /// @inheritdoc IEmissionController
    uint256 public constant REPORT_BOND = 10_000e18;
    /// @inheritdoc IEmissionController
    uint256 public constant MOST_TIPS_DRAWN = 52;
    uint256 private constant HEU_UNIT = 1e18;

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

    // ------------------------------------------------------------------------------------------------ node owners

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

    // ---------------------------------------------------------------------------------------------------- reports

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
        (address winner, address loser) =
            upheld ? (filed.challenger, filed.prober) : (filed.prober, filed.challenger);

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

    // -------------------------------------------------------------------------------------------------- the cycle

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
    function claim(uint32[] calldata nodes) external nonReentrant returns (uint256 total) {
        EmissionStorage storage $ = _emission();
        for (uint256 i; i < nodes.length; i++) {
            Account storage account = $.accounts[nodes[i]];
            uint96 amount = account.owed;
            if (amount != 0) account.owed = 0;
            amount += _fold($, account, nodes[i]);
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
    function drawTips(uint32 node)
        external
        nonReentrant
        returns (uint32[] memory epochs, uint256[] memory amounts)
    {
        if (msg.sender != address(votes)) revert NotVotes(msg.sender);
        EmissionStorage storage $ = _emission();
        Account storage account = $.accounts[node];
        account.owed += _fold($, account, node);
        uint256 from = account.drawn;
        uint256 count = Math.min(account.tipped - from, MOST_TIPS_DRAWN);
        (epochs, amounts) = (new uint32[](count), new uint256[](count));
        uint256 sum;
        for (uint256 i; i < count; i++) {
            Tip storage tip = $.tips[node][from + i];
            (epochs[i], amounts[i]) = (tip.epoch, tip.amount);
            sum += tip.amount;
        }
        if (count == 0) return (epochs, amounts);

        account.drawn = uint24(from + count);
        $.owed -= uint96(sum);
        emit TipsDrawn(node, sum);

        heu.safeTransfer(msg.sender, sum);
    }

    // ------------------------------------------------------------------------------------------- the Authority

    /// @inheritdoc IEmissionController
    function setParams(Params calldata params) external restricted {
        Emissions.check(params);

        uint32 from = Epochs.current() + 1;
        _emission().params.push(from, Emissions.pack(params));
        emit ParamsSet(params, from);
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IEmissionController
    function firstEpoch() external view returns (uint32) {
        return _emission().firstEpoch;
    }

    /// @inheritdoc IEmissionController
    function paramsIn(uint32 epoch) public view returns (Params memory) {
        return Emissions.unpack(_emission().params.upperLookupRecent(epoch));
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
    function epochOf(uint32 epoch) external view returns (Epoch memory seen) {
        Pools storage pools = _emission().pools[epoch];
        seen.params = paramsIn(epoch);
        (seen.baseUnits, seen.basePoints) = (pools.baseUnits, pools.basePoints);
        (seen.feeUnits, seen.feePoints) = (pools.feeUnits, pools.feePoints);
        (seen.burnt, seen.base, seen.dynamic, seen.paid) = (pools.burnt, pools.base, pools.dynamic, pools.paid);
        seen.finalizedAt = pools.finalizedAt;
    }

    /// @inheritdoc IEmissionController
    function reportOf(uint32 epoch) external view returns (Report memory) {
        return _emission().reports[epoch];
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
    function capOf(uint32 epoch) public view returns (uint256 cap, uint256 base) {
        Params memory params = paramsIn(epoch);
        uint256 supply = heu.INITIAL_SUPPLY();
        return (Emissions.perEpoch(supply, params.capBps), Emissions.perEpoch(supply, params.baseBps));
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

    /// @inheritdoc IEmissionController
    function claimable(uint32 node) external view returns (uint256) {
        EmissionStorage storage $ = _emission();
        (uint256 amount, uint256 tip) = _pending($, $.accounts[node], node);
        return $.accounts[node].owed + amount - tip;
    }

    /// @inheritdoc IEmissionController
    function tipsOf(uint32 node) external view returns (uint256 sum) {
        EmissionStorage storage $ = _emission();
        Account storage account = $.accounts[node];
        (, sum) = _pending($, account, node);
        for (uint256 i = account.drawn; i < account.tipped; i++) {
            sum += $.tips[node][i].amount;
        }
    }

    /// @inheritdoc IEmissionController
    function recordOf(uint32 node) external view returns (uint32, uint256, uint256) {
        Account storage account = _emission().accounts[node];
        if (account.folded) return (0, 0, 0);
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

    /// @inheritdoc IEmissionController
    function bondOf(address account) external view returns (uint256, uint256) {
        Bond storage bond = _emission().bondOf[account];
        return (bond.amount, bond.held);
    }

    // ------------------------------------------------------------------------------------------------- private

    function _owned(uint32 node) private view returns (Checkpoints.Trace208 storage, uint32 from) {
        address owner = registry.ownerOf(Role.Node, node);
        if (msg.sender != owner) revert NotNodeOwner(msg.sender, owner);
        return (_emission().terms[node], Epochs.current() + 1);
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

    /// @dev Only the oldest epoch that is not final, and only once it is over, is recorded.
    function _requireOpen(uint32 epoch) private view {
        uint32 next = _emission().next;
        if (epoch < next) revert AlreadyFinal(epoch);
        if (epoch != next) revert OutOfOrder(epoch, next);
        uint256 over = Epochs.startOf(epoch + 1);
        if (block.timestamp < over) revert TooEarly(block.timestamp, over);
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

    /// @dev Begins the record of `epoch`, unless it is begun; what the one before it earned is owed.
    function _turn(EmissionStorage storage $, uint32 node, uint32 epoch, uint16 tipBps) private {
        Account storage account = $.accounts[node];
        if (account.epoch == epoch) return;

        account.owed += _fold($, account, node);
        (account.epoch, account.basePoints, account.feePoints) = (epoch, 0, 0);
        (account.tipBps, account.folded) = (tipBps, false);
    }

    /// @dev If the node's record is of a final epoch, its tip waits for the voters.
    /// @return amount What the node itself has of it: the caller notes it as owed, or pays it.
    function _fold(EmissionStorage storage $, Account storage account, uint32 node) private returns (uint96 amount) {
        (uint256 all, uint256 tip) = _pending($, account, node);
        uint32 epoch = account.epoch;
        if (epoch == 0 || account.folded || epoch >= $.next) return 0;

        account.folded = true;
        $.pools[epoch].paid += uint80(all);
        if (tip != 0) $.tips[node][account.tipped++] = Tip({epoch: epoch, amount: uint96(tip)});
        emit NodeEmission(node, epoch, all, tip);
        return uint96(all - tip);
    }

    /// @return amount What the node's record earned, if its epoch is final.
    /// @return tip The voters' part of it: none if they have too little weight to be paid.
    function _pending(EmissionStorage storage $, Account storage account, uint32 node)
        private
        view
        returns (uint256 amount, uint256 tip)
    {
        uint32 epoch = account.epoch;
        if (epoch == 0 || account.folded || epoch >= $.next) return (0, 0);
        Pools storage pools = $.pools[epoch];
        (uint256 base, uint256 dynamic) = (account.basePoints, account.feePoints);
        if (base != 0 && pools.base != 0) amount = Math.mulDiv(pools.base, base, pools.basePoints);
        if (dynamic != 0 && pools.dynamic != 0) amount += Math.mulDiv(pools.dynamic, dynamic, pools.feePoints);
        uint256 bps = account.tipBps;
        if (bps == 0 || votes.weightIn(Ballot.Node, node, epoch) < votes.LEAST_WEIGHT()) return (amount, 0);
        tip = amount * bps / BPS;
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
        if (pools.feePoints == 0) return (base, 0, burnt, cap);
        dynamic = Math.min(left - base, Emissions.dynamicOf(cap - whole, params.lambdaBps, burnt));
    }

    function _emission() private pure returns (EmissionStorage storage $) {
        assembly ("memory-safe") {
            $.slot := EMISSION_STORAGE
        }
    }
}
