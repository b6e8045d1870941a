// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Upgradeable} from "./access/Upgradeable.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IHEU} from "./interfaces/IHEU.sol";
import {INodeStaking} from "./interfaces/INodeStaking.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISlashingManager} from "./interfaces/ISlashingManager.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Messages} from "./libraries/Messages.sol";
import {Role} from "./libraries/Roles.sol";

/// @title SlashingManager
/// @notice The manual is {ISlashingManager}.
/// @dev Always: HEU held >= bonds of open cases + sum(owed). A case's amount is frozen at NodeStaking exactly while the case
///      is Proposed, Disputed or Upheld, which is at most 28 days: less than a freeze lasts.
contract SlashingManager is ISlashingManager, Upgradeable, ReentrancyGuardTransient {
    using SafeERC20 for IHEU;

    /// @custom:storage-location erc7201:heurist.storage.SlashingManager
    struct SlashingStorage {
        Params params;
        /// Ids are exactly 1 to this.
        uint256 count;
        mapping(uint256 id => Case) cases;
        mapping(address account => uint256) owed;
        /// Only ever set to true.
        mapping(uint32 node => mapping(bytes32 request => bool)) punished;
    }

    // keccak256(abi.encode(uint256(keccak256("heurist.storage.SlashingManager")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant SLASHING_STORAGE = 0x903478e6429fca31c652abc2883b1df0ada2dd423b333ba0386539ee4d3ab700;
    uint256 private constant BPS = 10_000;
    /// @inheritdoc ISlashingManager
    uint256 public constant JUDGE_SECONDS = 14 days;
    /// @inheritdoc ISlashingManager
    uint256 public constant EXECUTE_SECONDS = 7 days;
    /// @inheritdoc ISlashingManager
    uint256 public constant LEAST_BOND = 1e18;
    /// @inheritdoc ISlashingManager
    uint256 public constant MOST_BOND = 100_000e18;
    /// @inheritdoc ISlashingManager
    uint256 public constant LEAST_BOND_BPS = 100;
    /// @inheritdoc ISlashingManager
    uint256 public constant MOST_BOND_BPS = 5_000;
    /// @inheritdoc ISlashingManager
    uint256 public constant LEAST_EVIDENCE_SECONDS = 3 days;
    /// @inheritdoc ISlashingManager
    uint256 public constant MOST_EVIDENCE_SECONDS = 11 days;
    /// @inheritdoc ISlashingManager
    uint256 public constant LEAST_DISPUTE_SECONDS = 3 days;
    /// @inheritdoc ISlashingManager
    uint256 public constant MOST_DISPUTE_SECONDS = 7 days;

    /// @inheritdoc ISlashingManager
    IComputeLedger public immutable ledger;
    /// @inheritdoc ISlashingManager
    IRegistry public immutable registry;
    /// @inheritdoc ISlashingManager
    INodeStaking public immutable staking;
    /// @inheritdoc ISlashingManager
    IHEU public immutable heu;

    /// @dev What the code itself knows: the same in every version of it.
    constructor(IComputeLedger ledger_, INodeStaking staking_) {
        if (address(ledger_) == address(0) || address(staking_) == address(0)) revert ZeroAddress();
        (IRegistry ledgers, IRegistry stakes) = (ledger_.registry(), staking_.registry());
        if (ledgers != stakes) revert DifferentRegistries(address(ledgers), address(stakes));

        (ledger, registry, staking, heu) = (ledger_, ledgers, staking_, staking_.heu());
    }

    /// @notice Once, through the proxy.
    function initialize(address authority_, Params calldata first) external initializer {
        if (authority_ == address(0)) revert ZeroAddress();

        _initializeAuthority(authority_);
        _setParams(first);
    }

    // --------------------------------------------------------------------------------------------------- proofs

    /// @inheritdoc ISlashingManager
    function proveEquivocation(
        Messages.Receipt calldata a,
        bytes calldata signatureA,
        Messages.Receipt calldata b,
        bytes calldata signatureB
    ) external returns (uint256 slashed) {
        if (a.node != b.node) revert DifferentNodes(a.node, b.node);
        if (a.request != b.request) revert DifferentRequests(a.request, b.request);
        bytes32 receipt = _checkReceipt(a, signatureA);
        if (_checkReceipt(b, signatureB) == receipt) revert SameReceipt(receipt);

        slashed = _punish(a.node, a.request, Fault.Equivocation);
    }

    /// @inheritdoc ISlashingManager
    function proveContradiction(
        Messages.Request calldata request,
        Messages.Voucher calldata voucher,
        bytes calldata voucherSignature,
        Messages.Receipt calldata receipt,
        bytes calldata receiptSignature
    ) external returns (uint256 slashed) {
        bytes32 asked = Messages.hash(request);
        if (voucher.request != asked) revert DifferentRequests(voucher.request, asked);
        if (receipt.request != asked) revert DifferentRequests(receipt.request, asked);
        address payer = Messages.signerOf(_digest(Messages.hash(voucher)), voucherSignature);
        if (payer == address(0) || payer != request.payer) revert NotPayer(payer, request.payer);
        _checkReceipt(receipt, receiptSignature);
        bool overprice = receipt.price > request.maxPrice;
        bool wrongNode = request.node != 0 && request.node != receipt.node;
        if (!overprice && !wrongNode) revert NoContradiction();

        slashed = _punish(receipt.node, asked, overprice ? Fault.Overprice : Fault.WrongNode);
    }

    // ---------------------------------------------------------------------------------------------------- cases

    /// @inheritdoc ISlashingManager
    function propose(uint32 node, uint32 faultEpoch, uint256 amount, bytes32 evidence) external returns (uint256 id) {
        SlashingStorage storage $ = _slashing();
        uint256 most = _faultCap(node);
        if (amount > most) revert AmountTooLarge(amount, most);
        if (faultEpoch > Epochs.current()) revert EpochAhead(faultEpoch, Epochs.current());
        uint256 last = Epochs.startOf(faultEpoch + 1) + $.params.evidenceSeconds;
        if (block.timestamp > last) revert TooLate(block.timestamp, last);

        id = ++$.count;
        Case storage it = $.cases[id];
        (it.proposer, it.amount, it.bond) = (msg.sender, uint96(amount), uint96(bondFor(amount)));
        (it.node, it.faultEpoch, it.evidence) = (node, faultEpoch, evidence);
        (it.state, it.reporterBps) = (State.Proposed, $.params.reporterBps);
        it.until = uint40(block.timestamp + $.params.disputeSeconds);
        emit Proposed(id, node, msg.sender, faultEpoch, amount, it.bond, evidence, it.until);

        // Refuses an amount of zero.
        staking.freeze(node, amount);
        heu.safeTransferFrom(msg.sender, address(this), it.bond);
    }

    /// @inheritdoc ISlashingManager
    function dispute(uint256 id) external {
        Case storage it = _in(id, State.Proposed);
        address owner = registry.ownerOf(Role.Node, it.node);
        if (msg.sender != owner) revert NotNodeOwner(msg.sender, owner);
        if (block.timestamp > it.until) revert TooLate(block.timestamp, it.until);

        (it.state, it.disputer) = (State.Disputed, msg.sender);
        it.until = uint40(block.timestamp + JUDGE_SECONDS);
        emit Disputed(id, msg.sender, it.until);

        heu.safeTransferFrom(msg.sender, address(this), it.bond);
    }

    /// @inheritdoc ISlashingManager
    function resolve(uint256 id, bool upheld) external restricted {
        Case storage it = _in(id, State.Disputed);
        if (block.timestamp > it.until) revert TooLate(block.timestamp, it.until);

        it.state = upheld ? State.Upheld : State.Dismissed;
        it.until = uint40(block.timestamp + EXECUTE_SECONDS);
        _slashing().owed[upheld ? it.proposer : it.disputer] += 2 * uint256(it.bond);
        emit Resolved(id, upheld, it.until);

        if (!upheld) staking.release(it.node, it.amount);
    }

    /// @inheritdoc ISlashingManager
    function execute(uint256 id) external returns (uint256 slashed) {
        Case storage it = _slashing().cases[id];
        bool disputed = it.state == State.Upheld;
        if (!disputed) _in(id, State.Proposed);
        if (!disputed && block.timestamp <= it.until) revert TooEarly(block.timestamp, uint256(it.until) + 1);
        uint256 last = _lastToExecute(it);
        if (block.timestamp > last) revert TooLate(block.timestamp, last);

        it.state = State.Executed;
        if (!disputed) _slashing().owed[it.proposer] += it.bond;
        staking.release(it.node, it.amount);
        uint256 reward;
        // Who accuses a sleeper gains nothing.
        (slashed, reward) = _slash(it.node, it.amount, it.proposer, disputed ? it.reporterBps : 0);
        emit Executed(id, slashed, reward);
    }

    /// @inheritdoc ISlashingManager
    function lapse(uint256 id) external {
        SlashingStorage storage $ = _slashing();
        Case storage it = $.cases[id];
        State state = it.state;
        if (state != State.Disputed && state != State.Upheld) _in(id, State.Proposed);
        uint256 last = state == State.Proposed ? _lastToExecute(it) : it.until;
        if (block.timestamp <= last) revert TooEarly(block.timestamp, last + 1);

        it.state = State.Lapsed;
        if (state != State.Upheld) $.owed[it.proposer] += it.bond;
        if (state == State.Disputed) $.owed[it.disputer] += it.bond;
        emit Lapsed(id);

        staking.release(it.node, it.amount);
    }

    /// @inheritdoc ISlashingManager
    function claim(address account) external nonReentrant returns (uint256 amount) {
        SlashingStorage storage $ = _slashing();
        amount = $.owed[account];
        if (amount == 0) revert ZeroAmount();

        $.owed[account] = 0;
        emit Claimed(account, amount);

        heu.safeTransfer(account, amount);
    }

    /// @inheritdoc ISlashingManager
    function setParams(Params calldata next) external restricted {
        _setParams(next);
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ISlashingManager
    function params() external view returns (Params memory) {
        return _slashing().params;
    }

    /// @inheritdoc ISlashingManager
    function count() external view returns (uint256) {
        return _slashing().count;
    }

    /// @inheritdoc ISlashingManager
    function caseOf(uint256 id) external view returns (Case memory) {
        return _slashing().cases[id];
    }

    /// @inheritdoc ISlashingManager
    function bondFor(uint256 amount) public view returns (uint256) {
        Params storage its = _slashing().params;
        return Math.max(its.leastBond, Math.mulDiv(amount, its.bondBps, BPS, Math.Rounding.Ceil));
    }

    /// @inheritdoc ISlashingManager
    function owedTo(address account) external view returns (uint256) {
        return _slashing().owed[account];
    }

    /// @inheritdoc ISlashingManager
    function isPunished(uint32 node, bytes32 request) external view returns (bool) {
        return _slashing().punished[node][request];
    }

    // -------------------------------------------------------------------------------------------------- private

    function _setParams(Params calldata next) private {
        _checkBounds(next.leastBond, LEAST_BOND, MOST_BOND);
        _checkBounds(next.bondBps, LEAST_BOND_BPS, MOST_BOND_BPS);
        _checkBounds(next.reporterBps, 0, staking.MOST_REPORTER_BPS());
        _checkBounds(next.evidenceSeconds, LEAST_EVIDENCE_SECONDS, MOST_EVIDENCE_SECONDS);
        _checkBounds(next.disputeSeconds, LEAST_DISPUTE_SECONDS, MOST_DISPUTE_SECONDS);
        uint256 total = Epochs.LENGTH + next.evidenceSeconds + next.disputeSeconds;
        uint256 unbonding = staking.UNBOND_SECONDS();
        if (total > unbonding) revert OutlastsUnbonding(total, unbonding);

        _slashing().params = next;
        emit ParamsSet(next);
    }

    /// @return hash Of the receipt, which a key signed that was the node's when it was completed.
    function _checkReceipt(Messages.Receipt calldata receipt, bytes calldata signature)
        private
        view
        returns (bytes32 hash)
    {
        hash = Messages.hash(receipt);
        address signer = Messages.signerOf(_digest(hash), signature);
        if (!registry.wasSigner(receipt.node, signer, receipt.completedAt)) {
            revert NotNodeSigner(receipt.node, signer, receipt.completedAt);
        }
    }

    function _digest(bytes32 hash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(ledger.domainSeparator(), hash);
    }

    /// @dev The caller is the reporter.
    function _punish(uint32 node, bytes32 request, Fault fault) private returns (uint256 slashed) {
        SlashingStorage storage $ = _slashing();
        if ($.punished[node][request]) revert AlreadyPunished(node, request);

        $.punished[node][request] = true;
        uint256 reward;
        (slashed, reward) = _slash(node, type(uint256).max, msg.sender, $.params.reporterBps);
        emit Proven(node, request, fault, slashed, msg.sender, reward);
    }

    /// @dev `amount`, or what one fault and this epoch may still cost.
    function _slash(uint32 node, uint256 amount, address reporter, uint256 reporterBps)
        private
        returns (uint256 slashed, uint256 reward)
    {
        slashed = Math.min(amount, staking.slashableOf(node));
        if (slashed == 0) revert NothingToSlash(node);

        reward = slashed * reporterBps / BPS;
        staking.slash(node, slashed, address(0), 0, reporter, reward);
    }

    /// @dev What one fault may cost, whatever this epoch has left.
    function _faultCap(uint32 node) private view returns (uint256) {
        INodeStaking.Stake memory held = staking.stakeOf(node);
        return Math.ceilDiv((uint256(held.active) + held.unbonding) * staking.MOST_FAULT_BPS(), BPS);
    }

    /// @dev Of an undisputed case the state ends with the dispute window, and the time to execute begins.
    function _lastToExecute(Case storage it) private view returns (uint256) {
        return it.state == State.Proposed ? it.until + EXECUTE_SECONDS : it.until;
    }

    function _in(uint256 id, State asked) private view returns (Case storage it) {
        it = _slashing().cases[id];
        if (it.state != asked) revert NotInState(it.state, asked);
    }

    function _checkBounds(uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert ParamOutOfBounds(value, least, most);
    }

    function _slashing() private pure returns (SlashingStorage storage $) {
        assembly ("memory-safe") {
            $.slot := SLASHING_STORAGE
        }
    }
}
