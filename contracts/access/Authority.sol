// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Authority
/// @notice Who may do what, and after which delay: OpenZeppelin's AccessManager, unchanged.
contract Authority is AccessManager {
    constructor(address admin) AccessManager(admin) {}
}
