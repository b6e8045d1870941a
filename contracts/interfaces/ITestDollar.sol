// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title TestDollar
/// @notice Play money with the manners of a real stablecoin: 6 decimals, permit, EIP-3009. Local chains only.
/// @dev WARNING: anyone mints. It is worth nothing, and refuses to exist on any chain but a local one.
interface ITestDollar is IERC20Metadata, IERC20Permit, IERC3009, IERC3009Cancel {
    /// @notice This chain is not one of the local ones.
    error NotLocalChain(uint256 chainId);

    /// @notice One call of the faucet gives at most `cap`.
    error FaucetCapExceeded(uint256 amount, uint256 cap);

    /// @notice The most one call of the faucet gives. Base units, 1e-6 USD.
    function FAUCET_CAP() external view returns (uint256);

    /// @notice Mints `amount` base units to `to`. Anyone, any time, up to `FAUCET_CAP` per call.
    function faucet(address to, uint256 amount) external;
}
