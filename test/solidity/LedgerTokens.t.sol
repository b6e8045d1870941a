// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";
import {OddToken} from "./OddToken.sol";

/// @dev The ledger beside payment assets that misbehave, one way each. 65, 66 and 67 of the protocol's test list.
contract LedgerTokensTest is Market {
    uint256 internal constant ALICE = 0xA11CE;
    uint256 internal constant AMOUNT = 100e6;

    OddToken internal token;
    address internal alice;

    function setUp() public {
        _open();
        _register(2, 1, 1);
        alice = vm.addr(ALICE);
        token = new OddToken();
        IComputeLedger.Terms memory terms = _terms();
        (terms.asset, terms.burner) = (IERC20(address(token)), address(0xB123));
        ledger = _newLedger(terms);
        token.mint(address(this), 10 * AMOUNT);
    }

    function test_65_aTokenThatReturnsNothingWorks() public {
        token.behave(OddToken.Manner.ReturnsNothing);
        ledger.deposit(router, alice, AMOUNT);
        _withdrawAll();

        vm.assertEq(token.balanceOf(alice), AMOUNT);
    }

    function test_65_aTokenThatReturnsFalseDepositsNothing() public {
        token.behave(OddToken.Manner.ReturnsFalse);

        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        ledger.deposit(router, alice, AMOUNT);
        vm.assertEq(ledger.creditOf(router, alice), 0);
    }

    function test_65_aTokenThatMovesNothingDepositsNothing_ZeroAmount() public {
        token.behave(OddToken.Manner.MovesNothing);

        vm.expectRevert(IComputeLedger.ZeroAmount.selector);
        ledger.deposit(router, alice, AMOUNT);
    }

    function test_65_anAddressWithoutCodeDepositsNothing() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.asset = IERC20(address(0xDEAD));
        ledger = _newLedger(terms);

        vm.expectRevert();
        ledger.deposit(router, alice, AMOUNT);
        vm.assertEq(ledger.creditOf(router, alice), 0);
    }

    /// @dev A negative rebase breaks solvency for the last who leaves, and gives nobody more than it deposited.
    function test_65_aTokenThatRebasesPaysNobodyMoreThanItDeposited() public {
        ledger.deposit(router, alice, AMOUNT);
        token.mint(address(ledger), AMOUNT);
        _withdrawAll();

        vm.assertEq(token.balanceOf(alice), AMOUNT, "a gift is nobody's");
        vm.assertEq(token.balanceOf(address(ledger)), AMOUNT);
    }

    function test_67_aBlockedPayoutStopsNoOtherAndReceivesAtAnother() public {
        _settleOverBothNodes();
        token.block_(_payout(Role.Node, 1));

        vm.expectRevert(bytes("blocked"));
        _claim(Role.Node, 1);
        _claim(Role.Node, 2);
        vm.assertEq(token.balanceOf(_payout(Role.Node, 2)), 700_000);
        registry.setPayout(Role.Node, 1, address(0xFEE));
        _claim(Role.Node, 1);
        vm.assertEq(token.balanceOf(address(0xFEE)), 700_000);
    }

    function test_67_anIdNamedTwiceIsPaidOnce() public {
        _settleOverBothNodes();
        uint32[] memory ids = new uint32[](3);
        (ids[0], ids[1], ids[2]) = (1, 2, 1);

        vm.assertEq(ledger.claim(router, Role.Node, ids), 1_400_000);
        vm.assertEq(token.balanceOf(_payout(Role.Node, 1)), 700_000);
        vm.assertEq(ledger.claim(router, Role.Node, ids), 0);
    }

    /// @dev Every door that moves tokens, entered from within every transfer of a token.
    function test_66_noDoorIsEnteredTwice_ReentrancyGuardReentrantCall() public {
        ledger.deposit(router, alice, AMOUNT);
        ledger.addFloat(address(this), AMOUNT);
        _settleOverBothNodes();
        token.mint(alice, AMOUNT);
        vm.startPrank(alice);
        ledger.thaw(router, alice, 1e6);
        vm.stopPrank();
        vm.warp(START + THAW);
        uint32[] memory ids = new uint32[](1);
        ids[0] = 1;
        IComputeLedger.Authorization memory authorization = _unsigned();
        bytes[] memory doors = new bytes[](10);
        doors[0] = abi.encodeCall(ledger.deposit, (router, alice, 1));
        doors[1] = abi.encodeCall(ledger.depositAndOpen, (router, alice, 1, alice, ""));
        doors[2] = abi.encodeCall(ledger.withdraw, (router, alice));
        doors[3] = abi.encodeCall(ledger.addFloat, (router, 1));
        doors[4] = abi.encodeCall(ledger.withdrawFloat, (1));
        doors[5] = abi.encodeCall(ledger.claim, (router, Role.Node, ids));
        doors[6] = abi.encodeCall(ledger.collect, (router));
        doors[7] = abi.encodeCall(ledger.depositWithPermit, (router, alice, 1, 0, 0, 0, 0));
        doors[8] = abi.encodeCall(
            ledger.depositWithAuthorization, (router, alice, alice, 0, alice, 1, authorization, "")
        );
        doors[9] = abi.encodeCall(
            ledger.payOnce, (_request(), type(uint40).max, 1, 600_000, "receipt", authorization)
        );

        for (uint256 i; i < doors.length; i++) {
            token.callBack(address(ledger), doors[i]);
            _entersOnce(address(this), doors[0]);
            _entersOnce(address(this), doors[3]);
            _entersOnce(address(this), doors[4]);
            _entersOnce(alice, doors[2]);
            _entersOnce(address(this), doors[5]);
            _entersOnce(address(this), doors[6]);
            _entersOnce(address(this), doors[7]);
            _entersOnce(address(this), doors[8]);
            _entersOnce(router, doors[9]);
        }

        // Not for another reason: with the token at rest each of them passes.
        token.callBack(address(0), "");
        ledger.deposit(router, alice, 1);
        ledger.addFloat(router, 1);
        ledger.withdrawFloat(1);
        vm.prank(alice);
        ledger.withdraw(router, alice);
        vm.assertEq(ledger.claim(router, Role.Node, ids), 700_000);
        vm.assertGt(ledger.collect(router), 0, "collected");
        ledger.depositWithPermit(router, alice, 1, 0, 0, 0, 0);
        ledger.depositWithAuthorization(router, alice, alice, 0, alice, 1, authorization, "");
        vm.prank(router);
        ledger.payOnce(_request(), type(uint40).max, 1, 600_000, "receipt", authorization);
    }

    /// @dev What a door counts is how much the ledger's balance grew while the token moved. A deposit inside it grows it
    ///      too: counted by both, it would be money out of nothing.
    function test_66_whatIsDepositedWithinADepositIsNotCountedTwice() public {
        token.mint(address(token), 3 * AMOUNT);
        token.mint(alice, AMOUNT);
        bytes[] memory doors = new bytes[](3);
        doors[0] = abi.encodeCall(ledger.deposit, (router, alice, AMOUNT));
        doors[1] = abi.encodeCall(ledger.depositWithPermit, (router, alice, AMOUNT, 0, 0, 0, 0));
        doors[2] = abi.encodeCall(
            ledger.depositWithAuthorization, (router, alice, alice, 0, alice, AMOUNT, _unsigned(), "")
        );

        for (uint256 i; i < doors.length; i++) {
            token.callBackOnce(address(ledger), doors[i]);
            try ledger.deposit(router, alice, AMOUNT) {} catch {}
            vm.assertLe(ledger.creditOf(router, alice), token.balanceOf(address(ledger)), "credit without money");
        }
        token.callBack(address(0), "");
        ledger.deposit(router, alice, AMOUNT);
        vm.assertEq(ledger.creditOf(router, alice), AMOUNT, "alone it counts, once");
    }

    function _entersOnce(address caller, bytes memory door) private {
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vm.prank(caller);
        (bool ok,) = address(ledger).call(door);
        vm.assertTrue(ok, "expectRevert turned the revert into success");
    }

    /// @dev What the odd token asks no signature of.
    function _unsigned() private pure returns (IComputeLedger.Authorization memory) {
        return IComputeLedger.Authorization(0, type(uint256).max, new bytes(65));
    }

    function _request() private view returns (Messages.Request memory) {
        return Messages.Request(alice, "id", 1, "manifest", 1, 1, 1_000_000, type(uint40).max, "input");
    }

    /// @dev Two units of value to each node, from alice's account, which is filled first.
    function _settleOverBothNodes() private {
        ledger.deposit(router, alice, AMOUNT);
        Draft memory draft = _draft(_line(ALICE, 2_000_000));
        draft.nodes.ids = new uint32[](2);
        draft.nodes.amounts = new uint48[](2);
        (draft.nodes.ids[0], draft.nodes.ids[1]) = (1, 2);
        (draft.nodes.amounts[0], draft.nodes.amounts[1]) = (1_000_000, 1_000_000);
        _settle(_pack(draft));
    }

    function _withdrawAll() private {
        uint256 credit = ledger.creditOf(router, alice);
        vm.prank(alice);
        ledger.thaw(router, alice, credit);
        vm.warp(START + THAW);
        vm.prank(alice);
        ledger.withdraw(router, alice);
    }
}
