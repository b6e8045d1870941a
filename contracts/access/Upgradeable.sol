// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AuthorityUtils} from "@openzeppelin/contracts/access/manager/AuthorityUtils.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// @title Upgradeable
/// @notice A contract behind a proxy whose only privileged act is its upgrade, allowed and delayed by the Authority.
/// @dev OpenZeppelin's AccessManaged with its two variables in ERC-7201 storage, so that no layout of an heir meets it.
abstract contract Upgradeable is Initializable, UUPSUpgradeable, IAccessManaged {
    /// @custom:storage-location erc7201:heurist.storage.Upgradeable
    struct UpgradeableStorage {
        address authority;
        bool consumingSchedule;
    }

    // keccak256(abi.encode(uint256(keccak256("heurist.storage.Upgradeable")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant UPGRADEABLE_STORAGE = 0xf0de9a6efcef05160d0d1206ecc654b67a8436997f54001f820d3542a3a58500;

    /// @dev Passes if the Authority lets the caller do this now, or if the caller scheduled it and its delay is over.
    modifier restricted() {
        _checkCanCall(msg.sender, msg.data);
        _;
    }

    constructor() {
        _disableInitializers();
    }

    function _initializeAuthority(address initialAuthority) internal onlyInitializing {
        _setAuthority(initialAuthority);
    }

    /// @inheritdoc IAccessManaged
    function authority() public view returns (address) {
        return _upgradeable().authority;
    }

    /// @inheritdoc IAccessManaged
    function setAuthority(address newAuthority) external {
        if (msg.sender != authority()) revert AccessManagedUnauthorized(msg.sender);
        if (newAuthority.code.length == 0) revert AccessManagedInvalidAuthority(newAuthority);
        _setAuthority(newAuthority);
    }

    /// @inheritdoc IAccessManaged
    function isConsumingScheduledOp() external view returns (bytes4) {
        return _upgradeable().consumingSchedule ? this.isConsumingScheduledOp.selector : bytes4(0);
    }

    /// @dev Reached from `upgradeToAndCall` alone, so that `msg.data` is its call data.
    function _authorizeUpgrade(address) internal override restricted {}

    function _setAuthority(address newAuthority) private {
        _upgradeable().authority = newAuthority;
        emit AuthorityUpdated(newAuthority);
    }

    function _checkCanCall(address caller, bytes calldata data) private {
        UpgradeableStorage storage $ = _upgradeable();
        (bool immediate, uint32 delay) =
            AuthorityUtils.canCallWithDelay($.authority, caller, address(this), bytes4(data[0:4]));
        if (immediate) return;
        if (delay == 0) revert AccessManagedUnauthorized(caller);

        $.consumingSchedule = true;
        IAccessManager($.authority).consumeScheduledOp(caller, data);
        $.consumingSchedule = false;
    }

    function _upgradeable() private pure returns (UpgradeableStorage storage $) {
        assembly ("memory-safe") {
            $.slot := UPGRADEABLE_STORAGE
        }
    }
}
