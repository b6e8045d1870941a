// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Messages
/// @notice What the parties sign, once and for all. Domain: name `Heurist`, version `1`, this chain, the ledger.
/// @dev The same list in TypeScript is `sdk/protocol/messages.ts`; `test/vectors/messages.json` holds the two equal.
///      Every amount is in base units of the payment asset, every time in Unix seconds.
library Messages {
    /// @notice What the payer wants. Its struct hash is "the request" in every other message.
    /// @param node 0 = the router assigns one.
    /// @param frontend 0 = none; its share is burnt.
    /// @param manifest The pod version's hash.
    /// @param maxPrice The most this call may cost.
    /// @param input keccak256 of the input bytes as sent.
    struct Request {
        address payer;
        bytes32 id;
        uint32 pod;
        bytes32 manifest;
        uint32 frontend;
        uint32 node;
        uint128 maxPrice;
        uint40 deadline;
        bytes32 input;
    }

    /// @notice The payer's one signature per call.
    /// @param ceiling Cumulative: all this key ever allows this router to charge it.
    /// @param expiry The last second in which a batch may use it.
    struct Voucher {
        address router;
        uint128 ceiling;
        uint40 expiry;
        bytes32 request;
    }

    /// @notice The node's word on what it delivered.
    /// @param length Bytes delivered; `output` is their hash.
    /// @param end 0 = complete, 1 = the client left.
    struct Receipt {
        bytes32 request;
        uint32 node;
        uint64 unitsIn;
        uint64 unitsOut;
        uint64 length;
        uint8 end;
        uint128 price;
        bytes32 output;
        bytes32 evidence;
        uint40 completedAt;
    }

    /// @notice The router's countersignature to the payer.
    /// @param charged Cumulative charge of this payer, this call included.
    struct Ack {
        address payer;
        uint128 charged;
        uint64 count;
        bytes32 receipt;
    }

    /// @notice What the router owes a payee, posted or not.
    /// @param role A `Role`.
    /// @param gross Cumulative gross of the payee's calls.
    struct Statement {
        uint8 role;
        uint32 id;
        uint128 gross;
        uint40 asOf;
    }

    /// @notice A key names who may withdraw its account with one router.
    struct Open {
        address router;
        address owner;
    }

    /// @notice One delivered call under a batch's root. Not signed: proven.
    /// @dev `charged` and every gross are cumulative per router, this call included.
    struct Leaf {
        address payer;
        uint128 charged;
        uint64 count;
        bytes32 request;
        bytes32 receipt;
        uint32 node;
        uint128 nodeGross;
        uint32 pod;
        uint128 podGross;
        uint32 frontend;
        uint128 frontendGross;
    }

    bytes32 internal constant REQUEST_TYPEHASH = keccak256(
        "Request(address payer,bytes32 id,uint32 pod,bytes32 manifest,uint32 frontend,uint32 node,uint128 maxPrice,uint40 deadline,bytes32 input)"
    );
    bytes32 internal constant VOUCHER_TYPEHASH =
        keccak256("Voucher(address router,uint128 ceiling,uint40 expiry,bytes32 request)");
    bytes32 internal constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 request,uint32 node,uint64 unitsIn,uint64 unitsOut,uint64 length,uint8 end,uint128 price,bytes32 output,bytes32 evidence,uint40 completedAt)"
    );
    bytes32 internal constant ACK_TYPEHASH =
        keccak256("Ack(address payer,uint128 charged,uint64 count,bytes32 receipt)");
    bytes32 internal constant STATEMENT_TYPEHASH =
        keccak256("Statement(uint8 role,uint32 id,uint128 gross,uint40 asOf)");
    bytes32 internal constant OPEN_TYPEHASH = keccak256("Open(address router,address owner)");

    function hash(Request memory m) internal pure returns (bytes32) {
        return keccak256(abi.encode(REQUEST_TYPEHASH, m));
    }

    function hash(Voucher memory m) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOUCHER_TYPEHASH, m));
    }

    /// @dev The same from its fields, without a copy in memory: the one hash in a hot loop.
    function voucherHash(address router, uint256 ceiling, uint256 expiry, bytes32 request)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(VOUCHER_TYPEHASH, router, ceiling, expiry, request));
    }

    function hash(Receipt memory m) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, m));
    }

    function hash(Ack memory m) internal pure returns (bytes32) {
        return keccak256(abi.encode(ACK_TYPEHASH, m));
    }

    function hash(Statement memory m) internal pure returns (bytes32) {
        return keccak256(abi.encode(STATEMENT_TYPEHASH, m));
    }

    function hash(Open memory m) internal pure returns (bytes32) {
        return keccak256(abi.encode(OPEN_TYPEHASH, m));
    }

    /// @notice The leaf as the tree holds it. Hashed twice, so that no inner node can pass for a leaf.
    function hash(Leaf memory m) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(m))));
    }

    /// @notice Who signed `digest`: 65-byte (r, s, v) or 64-byte EIP-2098 (r, vs) form, high s refused.
    /// @return signer Zero if the signature is not one.
    function signerOf(bytes32 digest, bytes calldata signature) internal pure returns (address signer) {
        if (signature.length == 64) {
            (signer,,) = ECDSA.tryRecover(digest, bytes32(signature[:32]), bytes32(signature[32:]));
        } else {
            (signer,,) = ECDSA.tryRecover(digest, signature);
        }
    }
}
