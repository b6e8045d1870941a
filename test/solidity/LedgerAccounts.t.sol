// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

/// @dev Deposits, owners, thaw and withdrawal, float.
contract LedgerAccountsTest is Market {
    uint256 internal constant ALICE = 0xA11CE;
    address internal constant OWNER = address(0x0123);
    address internal alice;

    function setUp() public {
        _open();
        _register(1, 1, 1);
        alice = vm.addr(ALICE);
        _deposit(ALICE, 10e6);
    }

    function test_aDepositCountsWhatArrives() public view {
        IComputeLedger.Account memory account = ledger.accountOf(router, alice);
        vm.assertEq(account.deposited, 10e6);
        vm.assertEq(account.owner, alice, "a key owns its own account");
        vm.assertEq(dollar.balanceOf(address(ledger)), 10e6);
    }

    function test_aDepositForNobody_ZeroAddress() public {
        vm.expectRevert(IComputeLedger.ZeroAddress.selector);
        ledger.deposit(address(0), alice, 1);
        vm.expectRevert(IComputeLedger.ZeroAddress.selector);
        ledger.deposit(router, address(0), 1);
        vm.expectRevert(IComputeLedger.ZeroAddress.selector);
        ledger.addFloat(address(0), 1);
    }

    function test_aDepositOfNothing_ZeroAmount() public {
        vm.expectRevert(IComputeLedger.ZeroAmount.selector);
        ledger.deposit(router, alice, 0);
    }

    function test_65_aFeeOnTransferTokenCreditsWhatArrived() public {
        IComputeLedger.Terms memory terms = _terms();
        FeeToken token = new FeeToken();
        terms.asset = token.asIERC20();
        ledger = _newLedger(terms);
        token.mint(address(this), 1_000);

        vm.assertEq(ledger.deposit(router, alice, 1_000), 990);
        vm.assertEq(ledger.creditOf(router, alice), 990);
    }

    // ------------------------------------------------------------------------------------------- owners

    function test_aKeyNamesItsOwnerOnce_AlreadyOpened() public {
        bytes memory signature = _openSignature(ALICE, OWNER);
        ledger.open(router, OWNER, alice, signature);
        vm.assertEq(ledger.accountOf(router, alice).owner, OWNER);

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.AlreadyOpened.selector, alice, OWNER));
        ledger.open(router, OWNER, alice, signature);
    }

    function test_anOpenThatTheKeyDidNotSign_NotSignedByKey() public {
        bytes memory signature = _openSignature(0xBAD, OWNER);

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotSignedByKey.selector, vm.addr(0xBAD), alice));
        ledger.open(router, OWNER, alice, signature);
    }

    function test_anOpenToNobody_ZeroAddress() public {
        bytes memory signature = _openSignature(ALICE, address(0));
        vm.expectRevert(IComputeLedger.ZeroAddress.selector);
        ledger.open(router, address(0), alice, signature);
    }

    function test_anOpenForAnotherRouterIsNotThisOnes_NotSignedByKey() public {
        bytes memory signature = _openSignature(ALICE, OWNER);
        vm.expectPartialRevert(IComputeLedger.NotSignedByKey.selector);
        ledger.open(address(0x9999), OWNER, alice, signature);
    }

    function test_aDepositCarriesTheOpenAndMayCarryItAgain() public {
        bytes memory signature = _openSignature(ALICE, OWNER);
        _fund(address(this), 5e6);
        ledger.depositAndOpen(router, alice, 1e6, OWNER, signature);
        ledger.depositAndOpen(router, alice, 1e6, OWNER, signature);

        vm.assertEq(ledger.accountOf(router, alice).owner, OWNER);
        vm.assertEq(ledger.accountOf(router, alice).deposited, 12e6);
    }

    function test_onlyTheOwnerWithdraws_NotAccountOwner() public {
        ledger.open(router, OWNER, alice, _openSignature(ALICE, OWNER));

        vm.startPrank(alice);
        bytes memory refused = abi.encodeWithSelector(IComputeLedger.NotAccountOwner.selector, alice, OWNER);
        vm.expectRevert(refused);
        ledger.thaw(router, alice, 1);
        vm.expectRevert(refused);
        ledger.cancelThaw(router, alice);
        vm.expectRevert(refused);
        ledger.withdraw(router, alice);
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------------------ 63: thaw, withdraw

    function test_63_aWithdrawalWaitsADay_StillThawing() public {
        vm.startPrank(alice);
        ledger.thaw(router, alice, 4e6);
        uint256 ready = block.timestamp + THAW;
        vm.warp(ready - 1);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.StillThawing.selector, ready - 1, ready));
        ledger.withdraw(router, alice);
        vm.warp(ready);
        vm.assertEq(ledger.withdraw(router, alice), 4e6);
        vm.stopPrank();

        vm.assertEq(dollar.balanceOf(alice), 4e6);
        vm.assertEq(ledger.creditOf(router, alice), 6e6);
    }

    function test_63_theRouterSettlesDuringTheThawAndTheRestIsPaid() public {
        vm.prank(alice);
        ledger.thaw(router, alice, 10e6);
        _settle(_line(ALICE, 3e6));
        vm.warp(block.timestamp + THAW);
        vm.prank(alice);

        vm.assertEq(ledger.withdraw(router, alice), 7e6);
        vm.assertEq(ledger.creditOf(router, alice), 0);
    }

    /// @dev An owner revokes a key by thawing what it may spend.
    function test_64_aRevokedKeysVouchersSettleUntilTheThawEndsAndNotAfter() public {
        address owner = address(0x0E);
        bytes32 open = Messages.hash(Messages.Open(router, owner));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", ledger.domainSeparator(), open));
        (bytes32 r, bytes32 vs) = vm.signCompact(ALICE, digest);
        ledger.open(router, owner, vm.addr(ALICE), abi.encodePacked(r, vs));
        _deposit(ALICE, 10e6);
        _float(10e6);
        uint256 credit = ledger.creditOf(router, vm.addr(ALICE));
        vm.prank(owner);
        ledger.thaw(router, vm.addr(ALICE), credit);
        vm.warp(block.timestamp + THAW);
        _settle(_line(ALICE, 3e6));
        vm.prank(owner);
        vm.assertEq(ledger.withdraw(router, vm.addr(ALICE)), credit - 3e6, "until it ends the key is charged");
        _settle(_line(ALICE, 3e6));
        vm.assertEq(ledger.accountOf(router, vm.addr(ALICE)).spent, 3e6, "and nothing after");
    }

    function test_63_afterTheWithdrawalAnOldVoucherHasNoClaim() public {
        _float(1e6);
        vm.prank(alice);
        ledger.thaw(router, alice, 10e6);
        vm.warp(block.timestamp + THAW);
        vm.prank(alice);
        ledger.withdraw(router, alice);
        _settle(_line(ALICE, 1e6));

        vm.assertEq(ledger.routerOf(router).float, 0, "the router's risk, paid by its float");
    }

    function test_aSecondWithdrawal_NotThawing() public {
        vm.startPrank(alice);
        ledger.thaw(router, alice, 4e6);
        vm.warp(block.timestamp + THAW);
        ledger.withdraw(router, alice);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotThawing.selector, router, alice));
        ledger.withdraw(router, alice);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotThawing.selector, router, alice));
        ledger.cancelThaw(router, alice);
        vm.stopPrank();
    }

    function test_aThawTakenBackThawsNothing_NotThawing() public {
        vm.startPrank(alice);
        ledger.thaw(router, alice, 4e6);
        ledger.cancelThaw(router, alice);
        vm.warp(block.timestamp + THAW);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotThawing.selector, router, alice));
        ledger.withdraw(router, alice);
        vm.stopPrank();
    }

    function test_aThawOfMoreThanTheCredit_InsufficientCredit() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.InsufficientCredit.selector, 10e6 + 1, 10e6));
        ledger.thaw(router, alice, 10e6 + 1);
        vm.expectRevert(IComputeLedger.ZeroAmount.selector);
        ledger.thaw(router, alice, 0);
        vm.stopPrank();
    }

    function test_aSecondThawStartsTheWaitAfresh_StillThawing() public {
        vm.startPrank(alice);
        ledger.thaw(router, alice, 1e6);
        vm.warp(block.timestamp + THAW);
        ledger.thaw(router, alice, 2e6);
        vm.expectPartialRevert(IComputeLedger.StillThawing.selector);
        ledger.withdraw(router, alice);
        vm.stopPrank();
    }

    // -------------------------------------------------------------------------------------------- float

    function test_aRouterTakesItsFloatBackAtOnce_FloatExhausted() public {
        _float(5e6);
        vm.startPrank(router);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.FloatExhausted.selector, 5e6 + 1, 5e6));
        ledger.withdrawFloat(5e6 + 1);
        vm.expectRevert(IComputeLedger.ZeroAmount.selector);
        ledger.withdrawFloat(0);
        ledger.withdrawFloat(5e6);
        vm.stopPrank();

        vm.assertEq(dollar.balanceOf(router), 5e6);
    }

    function testFuzz_80_noViewRevertsWhateverWasSettled(uint48 charge, address r, address key, uint8 role, uint32 id)
        public
    {
        _float(charge == 0 ? 1 : charge);
        _settle(_line(ALICE, charge));
        (address[2] memory routers, uint32[2] memory ids) = ([router, r], [uint32(1), id]);

        for (uint256 i; i < 4; i++) {
            (address at, uint32 payee) = (routers[i / 2], ids[i % 2]);
            ledger.accountOf(at, key);
            ledger.creditOf(at, alice);
            ledger.routerOf(at);
            ledger.rootOf(at, payee);
            ledger.grossOf(at, Role(role % 4), payee);
            ledger.claimable(at, Role(role % 4), payee);
            ledger.claimedOf(at, Role(role % 4), payee);
            ledger.collectable(at);
            ledger.shareBpsOf(Role(role % 4), payee);
            vm.assertLe(ledger.collectable(at), ledger.protocolOwed(at), "collectable <= owed");
        }
    }

    function _openSignature(uint256 key, address owner) internal view returns (bytes memory) {
        bytes32 open = Messages.hash(Messages.Open({router: router, owner: owner}));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", ledger.domainSeparator(), open)));
        return abi.encodePacked(r, s, v);
    }
}

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @dev A token that keeps 1 % of each transfer.
contract FeeToken {
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        balanceOf[from] -= amount;
        balanceOf[to] += amount - amount / 100;
        return true;
    }

    function asIERC20() external view returns (IERC20) {
        return IERC20(address(this));
    }
}
