// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeLedger} from "../interfaces/IComputeLedger.sol";
import {Batches} from "../libraries/Batches.sol";
import {Epochs} from "../libraries/Epochs.sol";
import {Messages} from "../libraries/Messages.sol";
import {Role} from "../libraries/Roles.sol";
import {Accounts} from "./Accounts.sol";

/// @title Settlement
/// @notice The routers' room: batches, single payments, float.
abstract contract Settlement is Accounts {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @dev What all lines of one settlement share.
    struct Turn {
        uint32 epoch;
        uint32 since;
        uint64 split;
    }

    /// @inheritdoc IComputeLedger
    function allow(address router, bool allowed) external onlyBond {
        if (_books[router].allowed == allowed) return;

        _books[router].allowed = allowed;
        emit RouterAllowed(router, allowed);
    }

    /// @inheritdoc IComputeLedger
    function addFloat(address router, uint256 amount) external nonReentrant whenRunning returns (uint256 received) {
        if (router == address(0)) revert ZeroAddress();
        received = _receive(amount);

        _books[router].float += received.toUint96();
        emit FloatAdded(router, msg.sender, received);
    }

    /// @inheritdoc IComputeLedger
    function withdrawFloat(uint256 amount) external nonReentrant {
        _takeFloat(amount);
        emit FloatWithdrawn(msg.sender, amount);

        asset.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IComputeLedger
    function refund(address key, uint256 amount, bytes32 request) external {
        if (key == address(0)) revert ZeroAddress();
        _takeFloat(amount);

        _accounts[msg.sender][key].deposited += amount.toUint128();
        emit Refunded(msg.sender, key, request, amount);
    }

    /// @inheritdoc IComputeLedger
    function settle(bytes calldata batch) external {
        Turn memory turn = _begin();
        Book storage book = _books[msg.sender];
        Batches.Header memory head = _next(batch, book);
        (uint256 gross, uint256 floatUsed) = _debit(batch, head);
        if (floatUsed > book.float) revert FloatExhausted(floatUsed, book.float);
        uint256 credited = _creditAll(batch, head, gross, turn);

        bytes32 batchHash = keccak256(batch);
        _book(book, turn, gross, credited, floatUsed, head.seq);
        book.batchHash = batchHash;
        _roots[msg.sender][head.seq] = head.root;
        emit BatchSettled(msg.sender, head.seq, batchHash, head.root, head.dataHash, gross, floatUsed);
    }

    /// @inheritdoc IComputeLedger
    function payOnce(
        Messages.Request calldata request,
        uint40 expiry,
        uint32 node,
        uint128 price,
        bytes32 receipt,
        Authorization calldata authorization
    ) external nonReentrant {
        Turn memory turn = _begin();
        if (block.timestamp > expiry) revert VoucherExpired(block.timestamp, expiry);
        if (price == 0) revert ZeroAmount();
        if (price > request.maxPrice) revert OverMaxPrice(price, request.maxPrice);
        if (request.node != 0 && request.node != node) revert WrongNode(node, request.node);
        if (node == 0) revert UnorderedIds(node, 0);
        if (request.pod == 0) revert UnorderedIds(request.pod, 0);

        bytes32 requestHash = Messages.hash(request);
        bytes32 voucher = Messages.voucherHash(msg.sender, request.maxPrice, expiry, requestHash);
        uint256 received = _draw(request.payer, request.maxPrice, _hashTypedDataV4(voucher), authorization);
        if (received < request.maxPrice) revert ShortTransfer(received, request.maxPrice);

        uint256 credited = _creditOne(Role.Node, node, price, turn);
        credited += _creditOne(Role.Pod, request.pod, price, turn);
        credited += _creditOne(Role.Frontend, request.frontend, price, turn);
        Book storage book = _books[msg.sender];
        _book(book, turn, price, credited, 0, book.seq);
        emit PaidOnce(
            msg.sender, request.payer, requestHash, node, request.pod, request.frontend, receipt, price
        );

        if (price < request.maxPrice) asset.safeTransfer(request.payer, request.maxPrice - price);
    }

    // ------------------------------------------------------------------------------------------------ private

    /// @dev Whether the caller may settle now, and what holds for everything it settles in this call.
    function _begin() private view returns (Turn memory turn) {
        Rules memory rules = _rules;
        if (block.timestamp < rules.pausedUntil) revert LedgerPaused(rules.pausedUntil);
        if (!_books[msg.sender].allowed) revert RouterStopped(msg.sender);
        turn.epoch = Epochs.current();
        (turn.split, turn.since) = _splitNow(rules, turn.epoch);
    }

    /// @dev Refuses everything but the one batch that may come next: this is the replay guard.
    function _next(bytes calldata batch, Book storage book) private view returns (Batches.Header memory head) {
        if (batch.length < Batches.HEADER) revert BadLength(batch.length, Batches.HEADER);
        uint256 length;
        (head, length) = Batches.header(batch);
        if (batch.length != length) revert BadLength(batch.length, length);
        uint256 expected = uint256(book.seq) + 1;
        if (head.seq != expected) revert BadSequence(head.seq, expected);
        if (head.prev != book.batchHash) revert BadChain(head.prev, book.batchHash);
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
    function _creditAll(bytes calldata batch, Batches.Header memory head, uint256 gross, Turn memory turn)
        private
        returns (uint256 credited)
    {
        uint256 at = Batches.HEADER + head.payers * Batches.PAYER;
        credited = _creditLines(batch, at, head.nodes, Role.Node, gross, turn);
        at += head.nodes * Batches.PAYEE;
        credited += _creditLines(batch, at, head.pods, Role.Pod, gross, turn);
        at += head.pods * Batches.PAYEE;
        credited += _creditLines(batch, at, head.frontends, Role.Frontend, gross, turn);
    }

    function _creditLines(
        bytes calldata batch,
        uint256 at,
        uint256 lines,
        Role role,
        uint256 gross,
        Turn memory turn
    ) private returns (uint256 credited) {
        mapping(uint32 id => uint256) storage payees = _payees[msg.sender][role];
        (uint256 bps, uint256 voterBps) = _lineBps(turn, role);
        uint256 epoch = turn.epoch;
        uint256 sum;
        uint256 previous;
        // Unchecked: at most 2^16 lines of less than 2^48.
        unchecked {
            for (uint256 i; i < lines; i++) {
                (uint32 id, uint48 amount) = Batches.payee(batch, at);
                // Only a frontend may be 0 = none, and then it comes first.
                bool none = role == Role.Frontend && id == 0 && i == 0;
                if (id <= previous && !none) revert UnorderedIds(id, previous);
                previous = id;
                sum += amount;
                uint256 slot = payees[id];
                if (uint32(slot >> 192) != epoch) slot = _turn(msg.sender, role, id, slot, turn.epoch, turn.since);
                payees[id] = slot + amount;
                uint256 old = uint96(slot);
                if (!none) credited += _share(old + amount, bps) - _share(old, bps);
                if (voterBps != 0) credited += _share(old + amount, voterBps) - _share(old, voterBps);
                at += Batches.PAYEE;
            }
        }
        if (sum != gross) revert Unbalanced(sum, gross);
    }

    /// @dev One payee's part of a single payment; a line of a batch does the same.
    function _creditOne(Role role, uint32 id, uint256 amount, Turn memory turn) private returns (uint256 credited) {
        mapping(uint32 id => uint256) storage payees = _payees[msg.sender][role];
        (uint256 bps, uint256 voterBps) = _lineBps(turn, role);
        uint256 slot = payees[id];
        if (uint32(slot >> 192) != turn.epoch) slot = _turn(msg.sender, role, id, slot, turn.epoch, turn.since);
        uint256 old = uint96(slot);
        uint256 total = (old + amount).toUint96();

        payees[id] = slot + amount;
        if (role != Role.Frontend || id != 0) credited = _share(total, bps) - _share(old, bps);
        if (voterBps != 0) credited += _share(total, voterBps) - _share(old, voterBps);
    }

    /// @dev The shares that a line of this role adds to: a pod's counts for its voters too.
    function _lineBps(Turn memory turn, Role role) private view returns (uint256 own, uint256 voters) {
        own = _bps(turn.split, role);
        if (role == Role.Pod) voters = _bps(turn.split, Role.Voters);
    }

    /// @dev The router's own totals after a settlement.
    function _book(
        Book storage book,
        Turn memory turn,
        uint256 gross,
        uint256 credited,
        uint256 floatUsed,
        uint256 seq
    ) private {
        if (book.epoch != turn.epoch) _turn(msg.sender, book, turn.epoch, turn.since);
        book.gross = (uint256(book.gross) + gross).toUint96();
        uint96 earned = (uint256(book.earned) + gross - credited).toUint96();
        (book.earned, book.float, book.seq) = (earned, book.float - uint96(floatUsed), uint56(seq));
    }

    function _takeFloat(uint256 amount) private {
        Book storage book = _books[msg.sender];
        if (amount == 0) revert ZeroAmount();
        if (amount > book.float) revert FloatExhausted(amount, book.float);

        book.float -= uint96(amount);
    }
}
