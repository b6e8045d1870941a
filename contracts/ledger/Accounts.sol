// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeLedger} from "../interfaces/IComputeLedger.sol";
import {Authorizations} from "../libraries/Authorizations.sol";
import {Messages} from "../libraries/Messages.sol";
import {Books} from "./Books.sol";

/// @title Accounts
/// @notice The payers' room: money in, whose it is, money out.
abstract contract Accounts is Books {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @inheritdoc IComputeLedger
    function deposit(address router, address key, uint256 amount)
        external
        nonReentrant
        whenRunning
        returns (uint256 received)
    {
        received = _deposit(router, key, amount);
    }

    /// @inheritdoc IComputeLedger
    function depositAndOpen(address router, address key, uint256 amount, address owner, bytes calldata signature)
        external
        nonReentrant
        whenRunning
        returns (uint256 received)
    {
        if (owner == address(0) || _accounts[router][key].owner != owner) _open(router, owner, key, signature);
        received = _deposit(router, key, amount);
    }

    /// @inheritdoc IComputeLedger
    function depositWithPermit(
        address router,
        address key,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant whenRunning returns (uint256 received) {
        // Whoever saw the permit may have presented it first: then the allowance is there and this call is not needed.
        try IERC20Permit(address(asset)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        received = _deposit(router, key, amount);
    }

    /// @inheritdoc IComputeLedger
    function depositWithAuthorization(
        address router,
        address key,
        address owner,
        bytes32 salt,
        address from,
        uint256 amount,
        Authorization calldata authorization,
        bytes calldata open_
    ) external nonReentrant whenRunning returns (uint256 received) {
        if (router == address(0) || key == address(0)) revert ZeroAddress();
        if (open_.length != 0 && _accounts[router][key].owner != owner) _open(router, owner, key, open_);
        address holder = _ownerOf(router, key);
        if (holder != owner) revert NotAccountOwner(owner, holder);

        received = _draw(from, amount, depositNonce(router, key, owner, salt), authorization);
        _add(router, key, from, received);
    }

    /// @inheritdoc IComputeLedger
    function open(address router, address owner, address key, bytes calldata signature) external {
        _open(router, owner, key, signature);
    }

    /// @inheritdoc IComputeLedger
    function thaw(address router, address key, uint256 amount) external {
        Account storage account = _owned(router, key);
        uint256 credit = account.deposited - account.spent;
        if (amount == 0) revert ZeroAmount();
        if (amount > credit) revert InsufficientCredit(amount, credit);

        uint256 thawedAt = block.timestamp + thawSeconds;
        account.thawing = uint128(amount);
        account.thawedAt = uint40(thawedAt);
        emit Thawing(router, key, amount, thawedAt);
    }

    /// @inheritdoc IComputeLedger
    function cancelThaw(address router, address key) external {
        Account storage account = _owned(router, key);
        if (account.thawing == 0) revert NotThawing(router, key);

        account.thawing = 0;
        emit ThawCancelled(router, key);
    }

    /// @inheritdoc IComputeLedger
    function withdraw(address router, address key) external nonReentrant returns (uint256 amount) {
        Account storage account = _owned(router, key);
        if (account.thawing == 0) revert NotThawing(router, key);
        if (block.timestamp < account.thawedAt) revert StillThawing(block.timestamp, account.thawedAt);
        amount = Math.min(account.thawing, account.deposited - account.spent);

        account.thawing = 0;
        account.deposited -= uint128(amount);
        emit Withdrawn(router, key, msg.sender, amount);

        asset.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IComputeLedger
    function depositNonce(address router, address key, address owner, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(router, key, owner, salt));
    }

    // ------------------------------------------------------------------------------------------------ private

    function _deposit(address router, address key, uint256 amount) private returns (uint256 received) {
        if (router == address(0) || key == address(0)) revert ZeroAddress();
        received = _receive(amount);
        _add(router, key, msg.sender, received);
    }

    function _add(address router, address key, address from, uint256 amount) private {
        _accounts[router][key].deposited += amount.toUint128();
        emit Deposited(router, key, from, amount);
    }

    /// @dev `_receive` by an EIP-3009 authorisation.
    function _draw(address from, uint256 amount, bytes32 nonce, Authorization calldata authorization)
        internal
        returns (uint256 received)
    {
        uint256 before = asset.balanceOf(address(this));
        Authorizations.draw(
            asset,
            from,
            amount,
            authorization.validAfter,
            authorization.validBefore,
            nonce,
            authorization.signature
        );
        received = asset.balanceOf(address(this)) - before;
        if (received == 0) revert ZeroAmount();
    }

    function _open(address router, address owner, address key, bytes calldata signature) private {
        Account storage account = _accounts[router][key];
        if (owner == address(0)) revert ZeroAddress();
        if (account.owner != address(0)) revert AlreadyOpened(key, account.owner);
        bytes32 digest = _hashTypedDataV4(Messages.hash(Messages.Open({router: router, owner: owner})));
        address recovered = Messages.signerOf(digest, signature);
        if (recovered == address(0) || recovered != key) revert NotSignedByKey(recovered, key);

        account.owner = owner;
        emit Opened(router, key, owner);
    }

    function _owned(address router, address key) private view returns (Account storage account) {
        account = _accounts[router][key];
        address owner = _ownerOf(router, key);
        if (msg.sender != owner) revert NotAccountOwner(msg.sender, owner);
    }

    function _ownerOf(address router, address key) internal view returns (address owner) {
        owner = _accounts[router][key].owner;
        if (owner == address(0)) owner = key;
    }
}
