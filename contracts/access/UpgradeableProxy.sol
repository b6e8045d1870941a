// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

/// @title UpgradeableProxy
/// @notice The fixed address of an upgradeable contract: OpenZeppelin's ERC-1967 proxy, unchanged.
contract UpgradeableProxy is ERC1967Proxy {
    constructor(address implementation, bytes memory initialize) ERC1967Proxy(implementation, initialize) {}
}
