// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeLedger} from "./interfaces/IComputeLedger.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Batches} from "./libraries/Batches.sol";
import {Messages} from "./libraries/Messages.sol";
import {Role} from "./libraries/Roles.sol";

/// @title ComputeLedger
/// @notice The manual is {IComputeLedger}.
/// @dev Solvency, always: balance >= sum(deposited - spent) + sum(claimable) + sum(earned - collected) + sum(float); what exceeds it
///      was donated.
contract ComputeLedger is IComputeLedger, EIP712, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @inheritdoc IComputeLedger
    uint256 public constant BPS = 10_000;
    /// @inheritdoc IComputeLedger
    uint256 public constant LEAST_NODE_BPS = 5_000;
    /// @inheritdoc IComputeLedger
    uint256 public constant MOST_SHARE_BPS = 2_500;
    /// @inheritdoc IComputeLedger
    uint256 public constant LEAST_PROTOCOL_BPS = 200;
    /// @inheritdoc IComputeLedger
    uint256 public constant MOST_PROTOCOL_BPS = 2_000;
    /// @inheritdoc IComputeLedger
    uint256 public constant PAUSE_SECONDS = 7 days;
    /// @dev A forced call has this long to land after the L1 -> L2 queue's own deadline.
    uint256 private constant FORCED_CALL_MARGIN = 1 hours;

    /// @inheritdoc IComputeLedger
    IERC20 public immutable asset;
    /// @inheritdoc IComputeLedger
    IRegistry public immutable registry;
    /// @inheritdoc IComputeLedger
    address public immutable podVoters;
    /// @inheritdoc IComputeLedger
    address public immutable burner;
    /// @inheritdoc IComputeLedger
    uint40 public immutable thawSeconds;
    uint16 private immutable _nodeBps;
    uint16 private immutable _podBps;
    uint16 private immutable _frontendBps;
    uint16 private immutable _voterBps;

    /// @inheritdoc IComputeLedger
    uint256 public pausedUntil;
    /// @dev spent <= deposited; spent never falls; every debit was under a ceiling that the key signed.
    mapping(address router => mapping(address key => Account)) private _accounts;
    /// @dev seq counts the settled batches; earned is their gross less all shares of their payees, exactly. Shares are
    ///      floored on totals, so one small batch may credit more than its own gross; the sums never do, and earned never
    ///      falls below what `collectable` counts: collected <= earned, always.
    mapping(address router => Router) private _routers;
    /// @dev Set once per settled batch.
    mapping(address router => mapping(uint64 seq => bytes32)) private _roots;
    /// @dev The lower half is the gross: it never falls, and a router's nodes, pods and frontends have the same sum.
    ///      The upper half is kept free: the epoch roll of emission and of split changes (gross at the epoch's start,
    ///      epoch) belongs there, so that a payee line stays one slot. Voters have no line: their pod's counts.
    mapping(address router => mapping(Role role => mapping(uint32 id => uint256))) private _payees;
    /// @dev Never above the payee's share of its gross.
    mapping(address router => mapping(Role role => mapping(uint32 id => uint256))) private _claimed;

    modifier whenRunning() {
        if (block.timestamp < pausedUntil) revert LedgerPaused(pausedUntil);
        _;
    }

    constructor(Terms memory terms) EIP712("Heurist", "1") AccessManaged(terms.authority) {
        if (address(terms.asset) == address(0) || address(terms.registry) == address(0)) revert ZeroAddress();
        if (terms.authority == address(0)) revert ZeroAddress();
        if (terms.nodeBps < LEAST_NODE_BPS) revert SplitOutOfBounds(terms.nodeBps, LEAST_NODE_BPS);
        uint256 largest = Math.max(terms.podBps, Math.max(terms.frontendBps, terms.voterBps));
        if (largest > MOST_SHARE_BPS) revert SplitOutOfBounds(largest, MOST_SHARE_BPS);
        uint256 shares = uint256(terms.nodeBps) + terms.podBps + terms.frontendBps + terms.voterBps;
        if (shares > BPS - LEAST_PROTOCOL_BPS) revert SplitOutOfBounds(shares, BPS - LEAST_PROTOCOL_BPS);
        if (shares < BPS - MOST_PROTOCOL_BPS) revert SplitOutOfBounds(shares, BPS - MOST_PROTOCOL_BPS);
        uint256 leastThaw = terms.priorityDeadline + FORCED_CALL_MARGIN;
        if (terms.thawSeconds < leastThaw) revert ThawTooShort(terms.thawSeconds, leastThaw);

        asset = terms.asset;
        registry = terms.registry;
        podVoters = terms.podVoters;
        burner = terms.burner;
        thawSeconds = terms.thawSeconds;
        (_nodeBps, _podBps) = (terms.nodeBps, terms.podBps);
        (_frontendBps, _voterBps) = (terms.frontendBps, terms.voterBps);
    }

    // ------------------------------------------------------------------------------------------------ payers

    /// @inheritdoc IComputeLedger
    function deposit(address router, address key, uint256 amount)
        external
        nonReentrant
        whenRunning
        returns (uint256 received)
    {
        received = _deposit(router, key, amount);
    }

    /// @inheritdoc IComputeLedger
    function depositAndOpen(address router, address key, uint256 amount, address owner, bytes calldata signature)
        external
        nonReentrant
        whenRunning
        returns (uint256 received)
    {
        if (owner == address(0) || _accounts[router][key].owner != owner) _open(router, owner, key, signature);
        received = _deposit(router, key, amount);
    }

    /// @inheritdoc IComputeLedger
    function open(address router, address owner, address key, bytes calldata signature) external {
        _open(router, owner, key, signature);
    }

    /// @inheritdoc IComputeLedger
    function thaw(address router, address key, uint256 amount) external {
        Account storage account = _owned(router, key);
        uint256 credit = account.deposited - account.spent;
        if (amount == 0) revert ZeroAmount();
        if (amount > credit) revert InsufficientCredit(amount, credit);

        uint256 thawedAt = block.timestamp + thawSeconds;
        account.thawing = uint128(amount);
        account.thawedAt = uint40(thawedAt);
        emit Thawing(router, key, amount, thawedAt);
    }

    /// @inheritdoc IComputeLedger
    function cancelThaw(address router, address key) external {
        Account storage account = _owned(router, key);
        if (account.thawing == 0) revert NotThawing(router, key);

        account.thawing = 0;
        emit ThawCancelled(router, key);
    }

    /// @inheritdoc IComputeLedger
    function withdraw(address router, address key) external nonReentrant returns (uint256 amount) {
        Account storage account = _owned(router, key);
        if (account.thawing == 0) revert NotThawing(router, key);
        if (block.timestamp < account.thawedAt) revert StillThawing(block.timestamp, account.thawedAt);
        amount = Math.min(account.thawing, account.deposited - account.spent);

        account.thawing = 0;
        account.deposited -= uint128(amount);
        emit Withdrawn(router, key, msg.sender, amount);

        asset.safeTransfer(msg.sender, amount);
    }

    // ----------------------------------------------------------------------------------------------- routers

    /// @inheritdoc IComputeLedger
    function addFloat(address router, uint256 amount) external nonReentrant whenRunning returns (uint256 received) {
        if (router == address(0)) revert ZeroAddress();
        received = _receive(amount);

        _routers[router].float += received.toUint96();
        emit FloatAdded(router, msg.sender, received);
    }

    /// @inheritdoc IComputeLedger
    function withdrawFloat(uint256 amount) external nonReentrant {
        Router storage router = _routers[msg.sender];
        if (amount == 0) revert ZeroAmount();
        if (amount > router.float) revert FloatExhausted(amount, router.float);

        router.float -= uint96(amount);
        emit FloatWithdrawn(msg.sender, amount);

        asset.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IComputeLedger
    function settle(bytes calldata batch) external whenRunning {
        Router memory router = _routers[msg.sender];
        Batches.Header memory head = _next(batch, router);
        (uint256 gross, uint256 floatUsed) = _debit(batch, head);
        if (floatUsed > router.float) revert FloatExhausted(floatUsed, router.float);
        uint256 credited = _creditAll(batch, head, gross);

        router.gross += uint128(gross);
        router.earned = (router.earned + gross - credited).toUint96();
        router.float -= uint96(floatUsed);
        router.seq = head.seq;
        router.batchHash = keccak256(batch);
        _routers[msg.sender] = router;
        _roots[msg.sender][head.seq] = head.root;
        emit BatchSettled(msg.sender, head.seq, router.batchHash, head.root, head.dataHash, gross, floatUsed);
    }

    // ------------------------------------------------------------------------------------------------ payees

    /// @inheritdoc IComputeLedger
    function claim(address router, Role role, uint32[] calldata ids) external nonReentrant returns (uint256 total) {
        for (uint256 i; i < ids.length; i++) {
            uint256 amount = claimable(router, role, ids[i]);
            if (amount == 0) continue;
            address to = role == Role.Voters ? podVoters : registry.payoutOf(role, ids[i]);
            if (to == address(0)) revert NoPayout(role, ids[i]);

            total += amount;
            _claimed[router][role][ids[i]] += amount;
            emit Claimed(router, role, ids[i], to, amount);

            asset.safeTransfer(to, amount);
        }
    }

    /// @inheritdoc IComputeLedger
    function collect(address router) external nonReentrant returns (uint256 amount) {
        if (burner == address(0)) revert NoBurner();
        amount = collectable(router);
        if (amount == 0) revert ZeroAmount();

        _routers[router].collected += uint128(amount);
        emit Collected(router, burner, amount);

        asset.safeTransfer(burner, amount);
    }

    // ------------------------------------------------------------------------------------------------- pause

    /// @inheritdoc IComputeLedger
    function pause() external restricted {
        uint256 pausableAt = pausedUntil == 0 ? 0 : pausedUntil + PAUSE_SECONDS;
        if (block.timestamp < pausableAt) revert PausedLately(block.timestamp, pausableAt);

        pausedUntil = block.timestamp + PAUSE_SECONDS;
        emit Paused(pausedUntil);
    }

    /// @inheritdoc IComputeLedger
    function unpause() external restricted {
        if (block.timestamp < pausedUntil) pausedUntil = block.timestamp;
        emit Unpaused();
    }

    // ------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IComputeLedger
    function accountOf(address router, address key) external view returns (Account memory account) {
        account = _accounts[router][key];
        if (account.owner == address(0)) account.owner = key;
    }

    /// @inheritdoc IComputeLedger
    function creditOf(address router, address key) external view returns (uint256) {
        Account storage account = _accounts[router][key];
        return account.deposited - account.spent;
    }

    /// @inheritdoc IComputeLedger
    function routerOf(address router) external view returns (Router memory) {
        return _routers[router];
    }

    /// @inheritdoc IComputeLedger
    function rootOf(address router, uint64 seq) external view returns (bytes32) {
        return _roots[router][seq];
    }

    /// @inheritdoc IComputeLedger
    function grossOf(address router, Role role, uint32 id) public view returns (uint256) {
        return uint128(_payees[router][role == Role.Voters ? Role.Pod : role][id]);
    }

    /// @inheritdoc IComputeLedger
    function claimable(address router, Role role, uint32 id) public view returns (uint256) {
        return _share(grossOf(router, role, id), shareBpsOf(role, id)) - _claimed[router][role][id];
    }

    /// @inheritdoc IComputeLedger
    function claimedOf(address router, Role role, uint32 id) external view returns (uint256) {
        return _claimed[router][role][id];
    }

    /// @inheritdoc IComputeLedger
    function protocolOwed(address router) external view returns (uint256) {
        return _routers[router].earned - _routers[router].collected;
    }

    /// @inheritdoc IComputeLedger
    /// @dev What no payee's rounding can ever claim back: the protocol's own share of the total, and the shares of calls
    ///      without a frontend. Both only grow, and their sum is at most `earned`.
    function collectable(address router) public view returns (uint256) {
        uint256 rest = BPS - _nodeBps - _podBps - _frontendBps - shareBpsOf(Role.Voters, 1);
        uint256 unclaimed = _share(grossOf(router, Role.Frontend, 0), _frontendBps);
        return _share(_routers[router].gross, rest) + unclaimed - _routers[router].collected;
    }

    /// @inheritdoc IComputeLedger
    /// @dev The one place that knows the split: a split that changes with the epoch changes this and the payee's roll.
    function shareBpsOf(Role role, uint32 id) public view returns (uint256) {
        if (role == Role.Node) return _nodeBps;
        if (role == Role.Pod) return _podBps;
        if (role == Role.Voters) return podVoters == address(0) ? 0 : _voterBps;
        return id == 0 ? 0 : _frontendBps;
    }

    /// @inheritdoc IComputeLedger
    function verifyLeaf(address router, uint64 seq, Messages.Leaf calldata leaf, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return MerkleProof.verifyCalldata(proof, _roots[router][seq], Messages.hash(leaf));
    }

    /// @inheritdoc IComputeLedger
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    // -------------------------------------------------------------------------------------- private: accounts

    function _deposit(address router, address key, uint256 amount) private returns (uint256 received) {
        if (router == address(0) || key == address(0)) revert ZeroAddress();
        received = _receive(amount);

        _accounts[router][key].deposited += received.toUint128();
        emit Deposited(router, key, msg.sender, received);
    }

    /// @dev The one transfer that precedes a write, because what arrives is known only afterwards. Every function that
    ///      moves tokens shares one guard, so nothing else can move the balance in between.
    function _receive(uint256 amount) private returns (uint256 received) {
        uint256 before = asset.balanceOf(address(this));
        asset.safeTransferFrom(msg.sender, address(this), amount);
        received = asset.balanceOf(address(this)) - before;
        if (received == 0) revert ZeroAmount();
    }

    function _open(address router, address owner, address key, bytes calldata signature) private {
        Account storage account = _accounts[router][key];
        if (owner == address(0)) revert ZeroAddress();
        if (account.owner != address(0)) revert AlreadyOpened(key, account.owner);
        bytes32 digest = _hashTypedDataV4(Messages.hash(Messages.Open({router: router, owner: owner})));
        address recovered = Messages.signerOf(digest, signature);
        if (recovered == address(0) || recovered != key) revert NotSignedByKey(recovered, key);

        account.owner = owner;
        emit Opened(router, key, owner);
    }

    function _owned(address router, address key) private view returns (Account storage account) {
        account = _accounts[router][key];
        address owner = account.owner == address(0) ? key : account.owner;
        if (msg.sender != owner) revert NotAccountOwner(msg.sender, owner);
    }

    // ------------------------------------------------------------------------------------ private: settlement

    /// @dev Refuses everything but the one batch that may come next: this is the replay guard.
    function _next(bytes calldata batch, Router memory router) private pure returns (Batches.Header memory head) {
        if (batch.length < Batches.HEADER) revert BadLength(batch.length, Batches.HEADER);
        uint256 length;
        (head, length) = Batches.header(batch);
        if (batch.length != length) revert BadLength(batch.length, length);
        if (head.seq != uint256(router.seq) + 1) revert BadSequence(head.seq, uint256(router.seq) + 1);
        if (head.prev != router.batchHash) revert BadChain(head.prev, router.batchHash);
    }

    /// @return gross All charges, of skipped lines too.
    /// @return skipped The charges of skipped lines.
    function _debit(bytes calldata batch, Batches.Header memory head) private returns (uint256 gross, uint256 skipped) {
        mapping(address key => Account) storage accounts = _accounts[msg.sender];
        bytes32 domain = _domainSeparatorV4();
        uint256 at = Batches.HEADER;
        for (uint256 i; i < head.payers; i++) {
            (bytes32 request, uint64 ceiling, uint40 expiry, uint48 charge) = Batches.terms(batch, at);
            bytes32 voucher = Messages.voucherHash(msg.sender, ceiling, expiry, request);
            (bytes32 r, bytes32 vs) = Batches.signature(batch, at);
            (address key,,) = ECDSA.tryRecover(MessageHashUtils.toTypedDataHash(domain, voucher), r, vs);
            Account storage account = accounts[key];
            (uint256 deposited, uint256 spent) = (account.deposited, uint256(account.spent) + charge);

            gross += charge;
            if (charge != 0 && key != address(0) && block.timestamp <= expiry && spent <= ceiling && spent <= deposited) {
                account.spent = uint128(spent);
            } else {
                skipped += charge;
                emit LineSkipped(msg.sender, head.seq, i, _reason(charge, key, expiry, spent, ceiling));
            }
            at += Batches.PAYER;
        }
    }

    function _reason(uint256 charge, address key, uint256 expiry, uint256 spent, uint256 ceiling)
        private
        view
        returns (Skip)
    {
        if (charge == 0) return Skip.ZeroCharge;
        if (key == address(0)) return Skip.BadSignature;
        if (block.timestamp > expiry) return Skip.Expired;
        return spent > ceiling ? Skip.OverCeiling : Skip.OverDeposit;
    }

    /// @return credited What all shares of this batch's payees grew by; the rest of the gross is the protocol's.
    function _creditAll(bytes calldata batch, Batches.Header memory head, uint256 gross)
        private
        returns (uint256 credited)
    {
        uint256 at = Batches.HEADER + head.payers * Batches.PAYER;
        credited = _credit(batch, at, head.nodes, Role.Node, gross);
        at += head.nodes * Batches.PAYEE;
        credited += _credit(batch, at, head.pods, Role.Pod, gross);
        at += head.pods * Batches.PAYEE;
        credited += _credit(batch, at, head.frontends, Role.Frontend, gross);
    }

    /// @dev A pod's line credits its voters too. Shares are floored on cumulative totals, never per batch.
    function _credit(bytes calldata batch, uint256 at, uint256 lines, Role role, uint256 gross)
        private
        returns (uint256 credited)
    {
        mapping(uint32 id => uint256) storage payees = _payees[msg.sender][role];
        uint256 bps = shareBpsOf(role, 1);
        uint256 voterBps = role == Role.Pod ? shareBpsOf(Role.Voters, 1) : 0;
        uint256 sum;
        uint256 previous;
        // Unchecked: a batch adds at most 2^16 times 2^48, so a total would overflow after 2^64 batches.
        unchecked {
            for (uint256 i; i < lines; i++) {
                (uint32 id, uint48 amount) = Batches.payee(batch, at);
                // Only a frontend may be 0 = none, and then it comes first.
                bool none = role == Role.Frontend && id == 0 && i == 0;
                if (id <= previous && !none) revert UnorderedIds(id, previous);
                previous = id;
                sum += amount;
                uint256 slot = payees[id];
                payees[id] = slot + amount;
                uint256 old = uint128(slot);
                if (!none) credited += _share(old + amount, bps) - _share(old, bps);
                if (voterBps != 0) credited += _share(old + amount, voterBps) - _share(old, voterBps);
                at += Batches.PAYEE;
            }
        }
        if (sum != gross) revert Unbalanced(sum, gross);
    }

    /// @dev Rounded down: what rounding leaves over is the protocol's.
    function _share(uint256 gross, uint256 bps) private pure returns (uint256) {
        // A gross is below 2^128 and a share below 2^14.
        unchecked {
            return gross * bps / BPS;
        }
    }
}
