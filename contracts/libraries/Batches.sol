// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Batches
/// @notice The packed layout of a settlement batch: big-endian, no padding, fixed-size lines.
///
///      header  112 B  seq 8 | prev 32 | root 32 | dataHash 32 | payers 2 | nodes 2 | pods 2 | frontends 2
///      payer   115 B  r 32 | vs 32 | request 32 | ceiling 8 | expiry 5 | charge 6
///      payee    10 B  id 4 | amount 6                     nodes, then pods, then frontends
library Batches {
    uint256 internal constant HEADER = 112;
    uint256 internal constant PAYER = 115;
    uint256 internal constant PAYEE = 10;

    struct Header {
        uint64 seq;
        bytes32 prev;
        bytes32 root;
        bytes32 dataHash;
        uint256 payers;
        uint256 nodes;
        uint256 pods;
        uint256 frontends;
    }

    /// @notice The header, and the length that it implies for the whole batch.
    /// @dev The caller checks both lengths, before and after: all other reads here are inside them.
    function header(bytes calldata batch) internal pure returns (Header memory h, uint256 length) {
        h.seq = uint64(_word(batch, 0) >> 192);
        h.prev = bytes32(_word(batch, 8));
        h.root = bytes32(_word(batch, 40));
        h.dataHash = bytes32(_word(batch, 72));
        uint256 counts = _word(batch, 104) >> 192;
        h.payers = counts >> 48;
        h.nodes = (counts >> 32) & 0xffff;
        h.pods = (counts >> 16) & 0xffff;
        h.frontends = counts & 0xffff;
        length = HEADER + h.payers * PAYER + (h.nodes + h.pods + h.frontends) * PAYEE;
    }

    /// @notice The signature of the payer line at byte `at`, EIP-2098 form.
    function signature(bytes calldata batch, uint256 at) internal pure returns (bytes32 r, bytes32 vs) {
        unchecked {
            r = bytes32(_word(batch, at));
            vs = bytes32(_word(batch, at + 32));
        }
    }

    /// @notice The rest of the payer line at byte `at`.
    function terms(bytes calldata batch, uint256 at)
        internal
        pure
        returns (bytes32 request, uint64 ceiling, uint40 expiry, uint48 charge)
    {
        unchecked {
            request = bytes32(_word(batch, at + 64));
            uint256 packed = _word(batch, at + 96);
            ceiling = uint64(packed >> 192);
            expiry = uint40(packed >> 152);
            charge = uint48(packed >> 104);
        }
    }

    /// @notice The payee line at byte `at`.
    function payee(bytes calldata batch, uint256 at) internal pure returns (uint32 id, uint48 amount) {
        uint256 packed = _word(batch, at);
        id = uint32(packed >> 224);
        amount = uint48(packed >> 176);
    }

    function _word(bytes calldata batch, uint256 at) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(batch.offset, at))
        }
    }
}
