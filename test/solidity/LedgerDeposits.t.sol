// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Authorizations} from "../../contracts/libraries/Authorizations.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Signed} from "./Signed.sol";
import {
    BombWallet,
    BurningWallet,
    FlippingWallet,
    GoodWallet,
    ReenteringWallet,
    RevertingWallet,
    ShortWallet
} from "./Wallets.sol";

/// @dev Deposits by signature: permits, EIP-3009, ERC-1271 wallets.
contract LedgerDepositsTest is Signed {
    uint256 internal constant GIVER = 0x617E;
    uint256 internal constant KEY = 0x4E7;
    bytes32 internal constant SALT = keccak256("salt");
    bytes4 internal constant INVALID_SIGNATURE = bytes4(keccak256("ERC3009InvalidSignature()"));

    function setUp() public {
        _openSigned();
        _mint(vm.addr(GIVER), 100e6);
    }

    // ----------------------------------------------------------------------------------------------------- permits

    function test_aPermitDepositsInOneTransaction() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(GIVER, 10e6);
        vm.prank(vm.addr(GIVER));
        ledger.depositWithPermit(router, vm.addr(KEY), 10e6, type(uint256).max, v, r, s);

        vm.assertEq(ledger.creditOf(router, vm.addr(KEY)), 10e6);
    }

    function test_74_aPermitThatSomebodyElsePresentedFirstDoesNotBrickTheDeposit() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(GIVER, 10e6);
        dollar.permit(vm.addr(GIVER), address(ledger), 10e6, type(uint256).max, v, r, s);
        vm.prank(vm.addr(GIVER));
        ledger.depositWithPermit(router, vm.addr(KEY), 10e6, type(uint256).max, v, r, s);

        vm.assertEq(ledger.creditOf(router, vm.addr(KEY)), 10e6);
    }

    function test_aPermitOfAnotherIsNoAllowance() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(GIVER, 10e6);
        vm.expectPartialRevert(bytes4(keccak256("ERC20InsufficientAllowance(address,uint256,uint256)")));
        ledger.depositWithPermit(router, vm.addr(KEY), 10e6, type(uint256).max, v, r, s);
    }

    // ---------------------------------------------------------------------------------------------------- EIP-3009

    function test_anAuthorizedDepositIsRelayedByAnybody() public {
        _relay(vm.addr(KEY), vm.addr(KEY), vm.addr(GIVER), _authorize(GIVER, vm.addr(KEY), vm.addr(KEY)), "");

        vm.assertEq(ledger.creditOf(router, vm.addr(KEY)), 10e6, "credit");
        vm.assertEq(dollar.balanceOf(vm.addr(GIVER)), 90e6, "out of the giver's pocket");
    }

    function test_anAuthorizedDepositCarriesItsOpen() public {
        address owner = vm.addr(GIVER);
        bytes memory open = _sign(KEY, Messages.hash(Messages.Open(router, owner)));
        _relay(vm.addr(KEY), owner, owner, _authorize(GIVER, vm.addr(KEY), owner), open);

        vm.assertEq(ledger.accountOf(router, vm.addr(KEY)).owner, owner, "the giver may withdraw it");
        // A second one finds the account open already.
        _mint(owner, 10e6);
        bytes32 nonce = ledger.depositNonce(router, vm.addr(KEY), owner, "again");
        IComputeLedger.Authorization memory authorization = _receive(GIVER, owner, 10e6, nonce);
        ledger.depositWithAuthorization(router, vm.addr(KEY), owner, "again", owner, 10e6, authorization, open);
        vm.assertEq(ledger.creditOf(router, vm.addr(KEY)), 20e6, "twice");
    }

    function test_attack_aRelayerCannotRedirectAnAuthorizedDeposit() public {
        address owner = vm.addr(KEY);
        IComputeLedger.Authorization memory authorization = _authorize(GIVER, owner, owner);
        address thief = address(0xBAD);
        uint256 before = dollar.balanceOf(vm.addr(GIVER));

        // To another key, which is its own owner; to another router; with another salt; more; for another owner.
        vm.expectRevert(INVALID_SIGNATURE);
        ledger.depositWithAuthorization(router, thief, thief, SALT, vm.addr(GIVER), 10e6, authorization, "");
        vm.expectRevert(INVALID_SIGNATURE);
        ledger.depositWithAuthorization(thief, owner, owner, SALT, vm.addr(GIVER), 10e6, authorization, "");
        vm.expectRevert(INVALID_SIGNATURE);
        ledger.depositWithAuthorization(router, owner, owner, "", vm.addr(GIVER), 10e6, authorization, "");
        vm.expectRevert(INVALID_SIGNATURE);
        ledger.depositWithAuthorization(router, owner, owner, SALT, vm.addr(GIVER), 11e6, authorization, "");
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotAccountOwner.selector, thief, owner));
        ledger.depositWithAuthorization(router, owner, thief, SALT, vm.addr(GIVER), 10e6, authorization, "");
        // Nor straight out of the token: only the ledger may present it.
        (bytes32 r, bytes32 s, uint8 v) = _parts(authorization.signature);
        bytes32 nonce = ledger.depositNonce(router, owner, owner, SALT);
        vm.expectPartialRevert(bytes4(keccak256("ERC20InvalidReceiver(address)")));
        IERC3009(address(dollar)).receiveWithAuthorization(
            vm.addr(GIVER), address(ledger), 10e6, 0, type(uint256).max, nonce, v, r, s
        );

        vm.assertEq(dollar.balanceOf(vm.addr(GIVER)), before, "nothing moved");
        _relay(owner, owner, vm.addr(GIVER), authorization, "");
        vm.assertEq(ledger.creditOf(router, owner), 10e6, "and the right one still works");
        vm.expectPartialRevert(bytes4(keccak256("ERC3009UsedAuthorization(address,bytes32)")));
        ledger.depositWithAuthorization(router, owner, owner, SALT, vm.addr(GIVER), 10e6, authorization, "");
    }

    function test_attack_aFirstDepositorCannotSquatAnAccount() public {
        // Mallory deposits first and would like to own the account of the key.
        address mallory = address(0xBAD);
        _fund(mallory, 1e6);
        bytes memory forged = _sign(0xBAD, Messages.hash(Messages.Open(router, mallory)));
        vm.startPrank(mallory);
        vm.expectRevert(
            abi.encodeWithSelector(IComputeLedger.NotSignedByKey.selector, vm.addr(0xBAD), vm.addr(KEY))
        );
        ledger.depositAndOpen(router, vm.addr(KEY), 1e6, mallory, forged);
        ledger.deposit(router, vm.addr(KEY), 1e6);
        vm.expectRevert(
            abi.encodeWithSelector(IComputeLedger.NotAccountOwner.selector, mallory, vm.addr(KEY))
        );
        ledger.thaw(router, vm.addr(KEY), 1e6);
        vm.stopPrank();

        _relay(vm.addr(KEY), vm.addr(KEY), vm.addr(GIVER), _authorize(GIVER, vm.addr(KEY), vm.addr(KEY)), "");
        vm.startPrank(vm.addr(KEY));
        ledger.thaw(router, vm.addr(KEY), 11e6);
        vm.warp(block.timestamp + THAW);
        ledger.withdraw(router, vm.addr(KEY));
        vm.stopPrank();
        vm.assertEq(dollar.balanceOf(vm.addr(KEY)), 11e6, "the key withdraws all of it, Mallory's dollar included");
        vm.assertEq(dollar.balanceOf(mallory), 0, "Mallory has lost it");
    }

    function test_anAuthorizedDepositForNobody_ZeroAddress() public {
        IComputeLedger.Authorization memory authorization = _authorize(GIVER, vm.addr(KEY), vm.addr(KEY));
        vm.expectRevert(IComputeLedger.ZeroAddress.selector);
        ledger.depositWithAuthorization(
            address(0), vm.addr(KEY), vm.addr(KEY), SALT, vm.addr(GIVER), 10e6, authorization, ""
        );
        vm.expectRevert(IComputeLedger.ZeroAddress.selector);
        ledger.depositWithAuthorization(
            router, address(0), address(0), SALT, vm.addr(GIVER), 10e6, authorization, ""
        );
    }

    function test_aKeysAuthorizationHas65Bytes_BadAuthorization() public {
        IComputeLedger.Authorization memory authorization = _authorize(GIVER, vm.addr(KEY), vm.addr(KEY));
        authorization.signature = hex"1234";
        vm.expectRevert(abi.encodeWithSelector(Authorizations.BadAuthorization.selector, 2));
        ledger.depositWithAuthorization(
            router, vm.addr(KEY), vm.addr(KEY), SALT, vm.addr(GIVER), 10e6, authorization, ""
        );
    }

    function test_nothingIsDeposited_ZeroAmount() public {
        bytes32 nonce = ledger.depositNonce(router, vm.addr(KEY), vm.addr(KEY), SALT);
        IComputeLedger.Authorization memory authorization = _receive(GIVER, vm.addr(GIVER), 0, nonce);
        vm.expectRevert(IComputeLedger.ZeroAmount.selector);
        ledger.depositWithAuthorization(
            router, vm.addr(KEY), vm.addr(KEY), SALT, vm.addr(GIVER), 0, authorization, ""
        );
    }

    function test_72_aPauseStopsSignedDeposits() public {
        IComputeLedger.Authorization memory authorization = _authorize(GIVER, vm.addr(KEY), vm.addr(KEY));
        (uint8 v, bytes32 r, bytes32 s) = _permit(GIVER, 10e6);
        vm.prank(GUARDIAN);
        ledger.pause();
        bytes memory paused = abi.encodeWithSelector(IComputeLedger.LedgerPaused.selector, block.timestamp + 7 days);
        vm.expectRevert(paused);
        ledger.depositWithAuthorization(
            router, vm.addr(KEY), vm.addr(KEY), SALT, vm.addr(GIVER), 10e6, authorization, ""
        );
        vm.expectRevert(paused);
        vm.prank(vm.addr(GIVER));
        ledger.depositWithPermit(router, vm.addr(KEY), 10e6, type(uint256).max, v, r, s);
    }

    // ---------------------------------------------------------------------------------------------------- ERC-1271

    function test_62_aWalletContractDepositsBySignature() public {
        address wallet = address(new GoodWallet(vm.addr(GIVER)));
        _fromWallet(wallet, "");
        vm.assertEq(ledger.creditOf(router, vm.addr(KEY)), 10e6);
    }

    function test_62_aWalletThatSaysNoRevertsBurnsAnswersShortOrBombsMovesNothing() public {
        address[6] memory wallets = [
            address(new GoodWallet(address(0xBAD))),
            address(new RevertingWallet()),
            address(new BurningWallet()),
            address(new ShortWallet()),
            address(new BombWallet()),
            address(new ReenteringWallet(ledger, router))
        ];
        for (uint256 i; i < wallets.length; i++) {
            uint256 gas = gasleft();
            _fromWallet(wallets[i], abi.encodeWithSelector(INVALID_SIGNATURE));
            vm.assertLe(gas - gasleft(), 600_000, "and burns no more than it is given");
            vm.assertEq(dollar.balanceOf(wallets[i]), 10e6, "its money stays");
        }
    }

    function test_62_aWalletThatChangesItsMindBetweenTwoUsesDecidesEach() public {
        FlippingWallet wallet = new FlippingWallet();
        _fromWallet(address(wallet), "");
        wallet.flip();
        _mint(address(wallet), 10e6);
        bytes32 nonce = ledger.depositNonce(router, vm.addr(KEY), vm.addr(KEY), "second");
        IComputeLedger.Authorization memory authorization = _receive(GIVER, address(wallet), 10e6, nonce);
        vm.expectRevert(INVALID_SIGNATURE);
        ledger.depositWithAuthorization(
            router, vm.addr(KEY), vm.addr(KEY), "second", address(wallet), 10e6, authorization, ""
        );
    }

    function test_62_aSignatureForOneWalletIsNoneForAnotherOfTheSameOwner() public {
        address one = address(new GoodWallet(vm.addr(GIVER)));
        address two = address(new GoodWallet(vm.addr(GIVER)));
        _mint(two, 10e6);
        bytes32 nonce = ledger.depositNonce(router, vm.addr(KEY), vm.addr(KEY), SALT);
        IComputeLedger.Authorization memory ofOne = _receive(GIVER, one, 10e6, nonce);
        vm.expectRevert(INVALID_SIGNATURE);
        ledger.depositWithAuthorization(router, vm.addr(KEY), vm.addr(KEY), SALT, two, 10e6, ofOne, "");
    }

    function test_62_aWalletOwnsAndWithdrawsAnAccount() public {
        GoodWallet wallet = new GoodWallet(vm.addr(GIVER));
        bytes memory open = _sign(KEY, Messages.hash(Messages.Open(router, address(wallet))));
        ledger.open(router, address(wallet), vm.addr(KEY), open);
        _fund(vm.addr(KEY), 10e6);
        vm.prank(vm.addr(KEY));
        ledger.deposit(router, vm.addr(KEY), 10e6);
        wallet.call(address(ledger), abi.encodeCall(ledger.thaw, (router, vm.addr(KEY), 10e6)));
        vm.warp(block.timestamp + THAW);
        wallet.call(address(ledger), abi.encodeCall(ledger.withdraw, (router, vm.addr(KEY))));

        vm.assertEq(dollar.balanceOf(address(wallet)), 10e6);
    }

    // ---------------------------------------------------------------------------------------------------- private

    function _fromWallet(address wallet, bytes memory error) private {
        _mint(wallet, 10e6);
        bytes32 nonce = ledger.depositNonce(router, vm.addr(KEY), vm.addr(KEY), SALT);
        IComputeLedger.Authorization memory authorization = _receive(GIVER, wallet, 10e6, nonce);
        if (error.length != 0) vm.expectRevert(error);
        ledger.depositWithAuthorization(
            router, vm.addr(KEY), vm.addr(KEY), SALT, wallet, 10e6, authorization, ""
        );
    }

    function _authorize(uint256 giver, address key, address owner)
        private
        view
        returns (IComputeLedger.Authorization memory)
    {
        return _receive(giver, vm.addr(giver), 10e6, ledger.depositNonce(router, key, owner, SALT));
    }

    function _relay(
        address key,
        address owner,
        address from,
        IComputeLedger.Authorization memory authorization,
        bytes memory open
    ) private {
        vm.prank(address(0x4E1A));
        ledger.depositWithAuthorization(router, key, owner, SALT, from, 10e6, authorization, open);
    }
}
