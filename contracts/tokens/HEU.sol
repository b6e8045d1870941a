// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IHEU} from "../interfaces/IHEU.sol";
import {AuthorizedToken} from "./AuthorizedToken.sol";

/// @title HEU
/// @notice The manual is {IHEU}.
contract HEU is AuthorizedToken, ERC20Burnable, IHEU {
    /// @inheritdoc IHEU
    uint256 public constant INITIAL_SUPPLY = 1_000_000_000e18;

    /// @param distributor Receives the whole supply.
    constructor(address distributor) AuthorizedToken("Heurist", "HEU") {
        _mint(distributor, INITIAL_SUPPLY);
    }

    /// @inheritdoc IHEU
    function burn(uint256 amount) public override(ERC20Burnable, IHEU) {
        super.burn(amount);
    }

    /// @inheritdoc IHEU
    function burnFrom(address account, uint256 amount) public override(ERC20Burnable, IHEU) {
        super.burnFrom(account, amount);
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }
}
