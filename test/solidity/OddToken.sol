// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @dev A token that asks a key for no signature: whoever is authorised, by anybody, may move it.
abstract contract UnaskingToken {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 amount,
        uint256,
        uint256,
        bytes32,
        uint8,
        bytes32,
        bytes32
    ) external {
        _receive(from, to, amount);
    }

    function _receive(address from, address to, uint256 amount) internal virtual;
}

/// @dev A token without allowances that misbehaves as it is told.
contract OddToken is UnaskingToken {
    enum Manner {
        Plain,
        ReturnsNothing,
        ReturnsFalse,
        MovesNothing
    }

    mapping(address => uint256) public balanceOf;
    mapping(address => bool) private _blocked;
    Manner private _manner;
    address private _target;
    bytes private _data;
    bool private _once;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function behave(Manner manner) external {
        _manner = manner;
    }

    function block_(address account) external {
        _blocked[account] = true;
    }

    function callBack(address target, bytes calldata data) external {
        (_target, _data, _once) = (target, data, false);
    }

    /// @dev From the next transfer alone: the call inside it moves tokens undisturbed.
    function callBackOnce(address target, bytes calldata data) external {
        (_target, _data, _once) = (target, data, true);
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        _move(from, to, amount);
    }

    function _receive(address from, address to, uint256 amount) internal override {
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        require(!_blocked[to], "blocked");
        if (_target != address(0)) _callBack();
        if (_manner != Manner.ReturnsFalse && _manner != Manner.MovesNothing) {
            balanceOf[from] -= amount;
            balanceOf[to] += amount;
        }
        if (_manner == Manner.ReturnsNothing) return;
        bool answer = _manner != Manner.ReturnsFalse;
        assembly {
            mstore(0, answer)
            return(0, 32)
        }
    }

    /// @dev Passes the reason of a refusal on, so that a test sees which one it was.
    function _callBack() private {
        address target = _target;
        if (_once) _target = address(0);
        Address.functionCall(target, _data);
    }
}
