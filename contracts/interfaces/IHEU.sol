// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title HEU
/// @notice The network's token. 18 decimals. The whole supply is minted once; it can only shrink.
/// @dev WARNING: there is no owner, no minter, no pause and no upgrade. Emission is a transfer out of a reserve.
///      `transferWithAuthorization` can be presented by anyone who sees it: contracts take `receiveWithAuthorization`.
interface IHEU is IERC20Metadata, IERC20Permit, IERC3009, IERC3009Cancel {
    /// @notice 1,000,000,000 HEU. `totalSupply()` plus everything ever burnt equals it, always.
    function INITIAL_SUPPLY() external view returns (uint256);

    /// @notice Destroys `amount` of the caller's HEU.
    function burn(uint256 amount) external;

    /// @notice Destroys `amount` of `account`'s HEU, out of the caller's allowance.
    function burnFrom(address account, uint256 amount) external;
}
