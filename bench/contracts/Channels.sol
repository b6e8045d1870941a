// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Channels
/// @notice A baseline of the settlement bench: one cumulative voucher per payer and node, as small as it can fairly be.
///         It pays neither pods nor frontends, keeps no owners, expiry or thaw and moves no token: everything it lacks
///         would cost more.
/// @dev Vouchers are packed: r 32 | vs 32 | node 4 | cumulative 8 bytes.
contract Channels {
    bytes32 private constant VOUCHER = keccak256("Voucher(uint32 node,uint64 cumulative)");
    uint256 private constant LINE = 76;

    bytes32 private immutable _domain;
    mapping(address payer => uint256) public balanceOf;
    mapping(address payer => mapping(uint256 node => uint256)) public channelOf;
    mapping(uint256 node => uint256) public nodeOf;

    error Invalid(uint256 index);

    event Settled(uint256 vouchers);

    constructor() {
        _domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak256("Channels"),
                block.chainid,
                address(this)
            )
        );
    }

    function deposit(address payer, uint256 amount) external {
        balanceOf[payer] += amount;
    }

    function settle(bytes calldata vouchers) external {
        uint256 count = vouchers.length / LINE;
        for (uint256 i; i < count; i++) {
            bytes calldata line = vouchers[i * LINE:(i + 1) * LINE];
            uint256 node = uint32(bytes4(line[64:68]));
            uint256 cumulative = uint64(bytes8(line[68:76]));
            address payer = _signer(line, keccak256(abi.encode(VOUCHER, node, cumulative)));
            uint256 before = channelOf[payer][node];
            if (payer == address(0) || cumulative <= before) revert Invalid(i);

            channelOf[payer][node] = cumulative;
            balanceOf[payer] -= cumulative - before;
            nodeOf[node] += cumulative - before;
        }
        emit Settled(count);
    }

    function _signer(bytes calldata line, bytes32 structHash) private view returns (address) {
        bytes32 vs = bytes32(line[32:64]);
        bytes32 s = vs & bytes32(type(uint256).max >> 1);
        uint8 v = uint8(uint256(vs >> 255)) + 27;
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", _domain, structHash));
        return ecrecover(digest, v, bytes32(line[0:32]), s);
    }
}
