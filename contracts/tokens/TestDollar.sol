// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ITestDollar} from "../interfaces/ITestDollar.sol";
import {AuthorizedToken} from "./AuthorizedToken.sol";

/// @title TestDollar
/// @notice The manual is {ITestDollar}.
contract TestDollar is AuthorizedToken, ITestDollar {
    /// @inheritdoc ITestDollar
    uint256 public constant FAUCET_CAP = 10_000e6;

    /// @dev The ids that anvil, Hardhat and Ganache give a chain on one machine.
    constructor() AuthorizedToken("Test Dollar", "tUSD") {
        if (block.chainid != 31337 && block.chainid != 1337) revert NotLocalChain(block.chainid);
    }

    /// @inheritdoc ITestDollar
    function faucet(address to, uint256 amount) external {
        if (amount > FAUCET_CAP) revert FaucetCapExceeded(amount, FAUCET_CAP);

        _mint(to, amount);
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public pure override(ERC20, IERC20Metadata) returns (uint8) {
        return 6;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }
}
