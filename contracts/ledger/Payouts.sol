// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeLedger} from "../interfaces/IComputeLedger.sol";
import {Role} from "../libraries/Roles.sol";
import {Books} from "./Books.sol";

/// @title Payouts
/// @notice The payees' room: what each has earned, and money out.
abstract contract Payouts is Books {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @inheritdoc IComputeLedger
    function claim(address router, Role role, uint32[] calldata ids) external nonReentrant returns (uint256 total) {
        for (uint256 i; i < ids.length; i++) {
            total += _claim(router, role, ids[i]);
        }
    }

    /// @inheritdoc IComputeLedger
    function collect(address router) external nonReentrant returns (uint256 amount) {
        if (burner == address(0)) revert NoBurner();
        amount = collectable(router);
        if (amount == 0) revert ZeroAmount();

        _books[router].collected += amount.toUint96();
        emit Collected(router, burner, amount);

        asset.safeTransfer(burner, amount);
    }

    /// @inheritdoc IComputeLedger
    function advance(address router, Role role, uint32 id, uint256 amount) external onlyBond {
        (, uint256 back) = _drawable(router, role, id);
        _recoup(router, role, id, back);
        Paid storage paid = _paid[router][role][id];
        paid.mark = _earned(router, role, id).toUint96();
        paid.advanced += amount.toUint64();
        emit Advanced(router, role, id, amount);
    }

    /// @inheritdoc IComputeLedger
    function claimable(address router, Role role, uint32 id) external view returns (uint256 amount) {
        (amount,) = _drawable(router, role, id);
    }

    /// @inheritdoc IComputeLedger
    /// @dev What no payee's rounding can ever claim back: the protocol's own share of the totals, and the shares of calls
    ///      without a frontend. Both only grow, and their sum is at most `earned`.
    function collectable(address router) public view returns (uint256) {
        Book storage book = _books[router];
        uint256 own = book.owed + _share(book.gross, _protocolBps(_splitIn(book.epoch)));
        return own + _earned(router, Role.Frontend, 0) - book.collected;
    }

    // ------------------------------------------------------------------------------------------------ private

    function _claim(address router, Role role, uint32 id) private returns (uint256 amount) {
        uint256 back;
        (amount, back) = _drawable(router, role, id);
        if (amount + back == 0) return 0;
        address to = role == Role.Voters ? podVoters : registry.payoutOf(role, id);
        if (to == address(0)) revert NoPayout(role, id);

        _recoup(router, role, id, back);
        _paid[router][role][id].drawn += amount.toUint96();
        if (amount == 0) return 0;
        emit Claimed(router, role, id, to, amount);

        asset.safeTransfer(to, amount);
    }

    /// @return amount What the payee may draw now.
    /// @return back What of its share is the router's, because the bond paid it ahead.
    function _drawable(address router, Role role, uint32 id) internal view returns (uint256 amount, uint256 back) {
        if (role == Role.Frontend && id == 0) return (0, 0);
        Paid storage paid = _paid[router][role][id];
        uint256 earned = _earned(router, role, id);
        back = Math.min(paid.advanced, earned - paid.mark);
        amount = earned - paid.drawn - back;
    }

    /// @dev Gives the router what its bond had advanced and its settlements have covered since.
    function _recoup(address router, Role role, uint32 id, uint256 back) private {
        if (back == 0) return;
        Paid storage paid = _paid[router][role][id];
        paid.drawn += uint96(back);
        paid.advanced -= uint64(back);
        paid.mark += uint96(back);
        _books[router].float += uint96(back);
        emit Recouped(router, role, id, back);
    }
}
