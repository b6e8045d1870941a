// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IHEU} from "../../contracts/interfaces/IHEU.sol";
import {IVotingEscrow} from "../../contracts/interfaces/IVotingEscrow.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Base} from "./Base.sol";

/// @dev HEU, an escrow, and the words to lock with.
abstract contract Escrows is Base {
    uint256 internal constant BIRTH = 1_800_000_000;
    uint32 internal constant MOST = 104;
    address internal constant ANN = address(0xA22);
    address internal constant BEN = address(0xBE2);
    address internal constant EVE = address(0xE7E);

    IHEU internal token;
    IVotingEscrow internal escrow;

    function _openEscrow() internal {
        vm.warp(BIRTH);
        token = IHEU(vm.deployCode("HEU.sol:HEU", abi.encode(address(this))));
        escrow = IVotingEscrow(vm.deployCode("VotingEscrow.sol:VotingEscrow", abi.encode(token, _keepsPast())));
    }

    /// @dev As it is deployed.
    function _keepsPast() internal pure virtual returns (bool) {
        return true;
    }

    function _give(address account, uint256 amount) internal {
        token.transfer(account, amount);
        vm.prank(account);
        token.approve(address(escrow), type(uint256).max);
    }

    /// @dev Adds `amount` to the account's lock and lets it end in `end`; gives it the HEU first.
    function _lock(address account, uint256 amount, uint32 end) internal {
        _give(account, amount);
        vm.prank(account);
        escrow.lock(amount, end);
    }

    /// @dev The first second of the epoch that comes `epochs` after this one.
    function _wait(uint32 epochs) internal {
        vm.warp(Epochs.startOf(Epochs.current() + epochs));
    }

    function _after(uint32 epochs) internal view returns (uint32) {
        return Epochs.current() + epochs;
    }

    /// @dev What ends in `epoch`, from the totals alone: W(e) - W(e + 1) is everything with an end after e.
    function _endingIn(uint32 epoch) internal view returns (uint256) {
        uint256 before = escrow.totalPowerIn(epoch - 1) - escrow.totalPowerIn(epoch);
        return before - (escrow.totalPowerIn(epoch) - escrow.totalPowerIn(epoch + 1));
    }
}
