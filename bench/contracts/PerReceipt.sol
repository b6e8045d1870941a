// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title PerReceipt
/// @notice The baseline of the settlement bench: one payer signature per receipt, checked on chain, as small as it can
///         fairly be. It keeps no owners, no thaw, no registry and moves no token: everything it lacks would cost more.
/// @dev Receipts are packed: r 32 | vs 32 | node 4 | pod 4 | frontend 4 | price 6 | nonce 4 bytes.
contract PerReceipt {
    bytes32 private constant RECEIPT =
        keccak256("Receipt(uint32 node,uint32 pod,uint32 frontend,uint48 price,uint32 nonce)");
    uint256 private constant LINE = 86;

    bytes32 private immutable _domain;
    mapping(address payer => uint256) public balanceOf;
    mapping(address payer => mapping(uint256 word => uint256)) private _used;
    mapping(uint256 node => uint256) public nodeOf;
    mapping(uint256 pod => uint256) public podOf;
    mapping(uint256 frontend => uint256) public frontendOf;

    error Invalid(uint256 index);

    event Settled(uint256 receipts);

    constructor() {
        _domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak256("PerReceipt"),
                block.chainid,
                address(this)
            )
        );
    }

    function deposit(address payer, uint256 amount) external {
        balanceOf[payer] += amount;
    }

    function settle(bytes calldata receipts) external {
        uint256 count = receipts.length / LINE;
        for (uint256 i; i < count; i++) {
            bytes calldata line = receipts[i * LINE:(i + 1) * LINE];
            uint256 node = uint32(bytes4(line[64:68]));
            uint256 pod = uint32(bytes4(line[68:72]));
            uint256 frontend = uint32(bytes4(line[72:76]));
            uint256 price = uint48(bytes6(line[76:82]));
            uint256 nonce = uint32(bytes4(line[82:86]));
            address payer = _signer(line, keccak256(abi.encode(RECEIPT, node, pod, frontend, price, nonce)));
            uint256 bit = 1 << (nonce & 255);
            uint256 word = _used[payer][nonce >> 8];
            if (payer == address(0) || word & bit != 0) revert Invalid(i);

            _used[payer][nonce >> 8] = word | bit;
            balanceOf[payer] -= price;
            nodeOf[node] += price * 7000 / 10_000;
            podOf[pod] += price * 1000 / 10_000;
            frontendOf[frontend] += price * 1000 / 10_000;
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
