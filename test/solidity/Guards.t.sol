// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {IWalletAuthorization} from "../../contracts/interfaces/IWalletAuthorization.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Signed} from "./Signed.sol";
import {BurningWallet, GoodWallet} from "./Wallets.sol";

/// @dev One test for each guard that no other test missed when it was switched off; see test/guards.
contract GuardsTest is Signed {
    bytes4 private constant INVALID_SIGNATURE = bytes4(keccak256("ERC3009InvalidSignature()"));

    function setUp() public {
        _openSigned();
    }

    // ---------------------------------------------------------------------------------------------- the registry

    function test_whoNobodyRegisteredIsActiveInNoEpoch() public view {
        uint32 nobody = uint32(registry.countOf(Role.Node) + 1);
        vm.assertFalse(registry.isActiveIn(Role.Node, nobody, Epochs.current()), "a node that is not there is active");
        vm.assertTrue(registry.isActiveIn(Role.Node, nobody - 1, Epochs.current()), "the last node is not active");
    }

    // -------------------------------------------------------------------------------------------- the signatures

    function test_theZeroAddressSignsNothing() public {
        vm.expectRevert(INVALID_SIGNATURE);
        _draw(address(0), new bytes(65));
    }

    function test_aWalletThatRevertsWithTheAnswerOfAYesSaysNo() public {
        address wallet = address(new RevertingYesWallet());
        vm.expectRevert(INVALID_SIGNATURE);
        _draw(wallet, "");
    }

    /// @dev 150,000 for the wallet, and the token's own work beside it.
    function test_aWalletThatBurnsItsGasBurnsNoMoreThanATokenGivesIt() public {
        bytes memory call = _drawing(address(new BurningWallet()), "");
        uint256 before = gasleft();
        (bool done,) = address(dollar).call{gas: 2_000_000}(call);
        vm.assertFalse(done, "a wallet that burns all its gas says yes");
        vm.assertLe(before - gasleft(), 250_000, "and burns more than it is given");
    }

    /// @dev 400,000 for the token, and the ledger's own work beside it.
    function test_aTokenThatBurnsItsGasBurnsNoMoreThanTheLedgerGivesIt() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.asset = IERC20(address(new BurningToken()));
        IComputeLedger made = _newLedger(terms);
        address from = address(new GoodWallet(address(this)));
        bytes memory call = abi.encodeCall(
            made.depositWithAuthorization,
            (router, from, from, bytes32(0), from, 1, IComputeLedger.Authorization(0, type(uint256).max, ""), "")
        );
        uint256 before = gasleft();
        (bool done,) = address(made).call{gas: 4_000_000}(call);
        vm.assertFalse(done, "a token that burns all its gas pays");
        vm.assertLe(before - gasleft(), 500_000, "and burns more than it is given");
    }

    // ------------------------------------------------------------------------------------------------ the ledger

    function test_nobodysFrontendHasNoShare() public view {
        vm.assertEq(ledger.shareBpsOf(Role.Frontend, 0), 0);
        vm.assertEq(ledger.shareBpsOf(Role.Frontend, 1), FRONTEND_BPS);
    }

    function test_aDepositsNonceNamesKeyAndOwner() public view {
        bytes32 nonce = ledger.depositNonce(router, address(1), address(2), "salt");
        bytes32 expected = keccak256(abi.encode(router, address(1), address(2), bytes32("salt")));
        vm.assertEq(nonce, expected, "the nonce is not of router, key, owner and salt");
    }

    function test_whileTheLedgerIsPausedNobodyDepositsAndOpens() public {
        vm.prank(GUARDIAN);
        ledger.pause();
        vm.expectPartialRevert(IComputeLedger.LedgerPaused.selector);
        ledger.depositAndOpen(router, address(1), 1, address(2), "");
    }

    function test_aLedgerWithoutAssetRegistryAuthorityOrBond_ZeroAddress() public {
        for (uint256 i; i < 4; i++) {
            IComputeLedger.Terms memory terms = _terms();
            terms.bond = bonds;
            if (i == 0) terms.asset = IERC20(address(0));
            if (i == 1) terms.registry = IRegistry(address(0));
            if (i == 2) terms.authority = address(0);
            if (i == 3) terms.bond = IRouterBond(address(0));
            bytes memory code = bytes.concat(vm.getCode("ComputeLedger.sol:ComputeLedger"), abi.encode(terms));
            bytes4 error;
            assembly ("memory-safe") {
                if iszero(create(0, add(code, 32), mload(code))) {
                    returndatacopy(0, 0, 4)
                    error := and(mload(0), shl(224, 0xffffffff))
                }
            }
            vm.assertEq(bytes32(error), bytes32(IComputeLedger.ZeroAddress.selector), "made without a party");
        }
    }

    // ---------------------------------------------------------------------------------------------------- private

    function _draw(address from, bytes memory signature) private {
        IWalletAuthorization(address(dollar)).receiveWithAuthorization(
            from, address(this), 0, 0, type(uint256).max, bytes32(0), signature
        );
    }

    function _drawing(address from, bytes memory signature) private view returns (bytes memory) {
        return abi.encodeCall(
            IWalletAuthorization.receiveWithAuthorization,
            (from, address(this), 0, 0, type(uint256).max, bytes32(0), signature)
        );
    }

    /// @dev The form for wallets too can only be presented by who is paid: here the ledger.
    function test_nobodyButTheReceiverPresentsAWalletsAuthorization() public {
        address payer = vm.addr(0x1001);
        _mint(payer, 1e6);
        IComputeLedger.Authorization memory authorization = _receive(0x1001, payer, 1e6, "nonce");
        vm.expectPartialRevert(bytes4(keccak256("ERC20InvalidReceiver(address)")));
        IWalletAuthorization(address(dollar)).receiveWithAuthorization(
            payer, address(ledger), 1e6, 0, type(uint256).max, "nonce", authorization.signature
        );
        vm.assertEq(dollar.balanceOf(payer), 1e6, "its money stays");
    }

    // ---------------------------------------------------------------------------------------------- settlement

    function test_aBatchIsChainedByItsOwnHash() public {
        _deposit(0x1001, 10e6);
        bytes memory batch = _pack(_draft(_line(0x1001, 1e6)));
        _settle(batch);
        vm.assertEq(ledger.routerOf(router).batchHash, keccak256(batch), "the hash of the last batch");
    }

    function test_frontendZeroComesFirstOrNotAtAll_UnorderedIds() public {
        _deposit(0x1001, 10e6);
        Draft memory draft = _draft(_line(0x1001, 10));
        draft.frontends.ids = new uint32[](2);
        draft.frontends.amounts = new uint48[](2);
        (draft.frontends.ids[0], draft.frontends.amounts[0]) = (1, 4);
        (draft.frontends.ids[1], draft.frontends.amounts[1]) = (0, 6);
        bytes memory batch = _pack(draft);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.UnorderedIds.selector, 0, 1));
        _settle(batch);
    }

    function test_aBatchWithoutAWholeHeaderIsTooShort_BadLength() public {
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.BadLength.selector, 1, 112));
        _settle(hex"00");
    }

    /// @dev One unit in one epoch and nine in the next, under one split: floor(10 * 0.7) = 7, not 0 + 6; and of the
    ///      protocol's tenth floor(10 * 0.1) = 1, not 0 + 0.
    function test_anEpochAloneRoundsNothing() public {
        _deposit(0x1001, 10e6);
        _settle(_line(0x1001, 1));
        vm.warp(Epochs.startOf(Epochs.current() + 1));
        _settle(_line(0x1001, 9));
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 7, "the node's");
        vm.assertEq(ledger.collectable(router), 1, "the protocol's");
    }

    // ---------------------------------------------------------------------------------------------- accounts

    function test_aDepositThatOpensToNobodyIsRefused_ZeroAddress() public {
        _fund(vm.addr(0x1001), 1e6);
        vm.expectRevert(IComputeLedger.ZeroAddress.selector);
        vm.prank(vm.addr(0x1001));
        ledger.depositAndOpen(router, vm.addr(0x1001), 1e6, address(0), "");
    }

    function test_theZeroKeyOpensNothing_NotSignedByKey() public {
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotSignedByKey.selector, address(0), address(0)));
        ledger.open(router, address(this), address(0), new bytes(65));
    }

    // ---------------------------------------------------------------------------------------------- payouts and pause

    function test_aSecondAdvanceGivesTheRouterFirstWhatItHasSettledSince() public {
        _deposit(0x1001, 10e6);
        vm.prank(address(bonds));
        ledger.advance(router, Role.Node, 1, 700_000);
        _settle(_line(0x1001, 1e6));
        vm.assertEq(ledger.routerOf(router).float, 0, "nobody has claimed yet");
        vm.prank(address(bonds));
        ledger.advance(router, Role.Node, 1, 700_000);

        vm.assertEq(ledger.routerOf(router).float, 700_000, "the first advance is back");
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 0, "the node had it from the bond");
        _settle(_line(0x1001, 1e6));
        _claim(Role.Node, 1);
        vm.assertEq(ledger.routerOf(router).float, 1_400_000, "and so is the second");
    }

    function test_endingAPauseThatHasLapsedPutsTheNextOneOffByNothing() public {
        vm.prank(GUARDIAN);
        ledger.pause();
        uint256 until = ledger.pausedUntil();
        vm.warp(until + 6 days);
        vm.prank(GUARDIAN);
        ledger.unpause();
        vm.assertEq(ledger.pausedUntil(), until, "it ended when it lapsed");
    }
}

/// @dev Reverts with the very word that means yes.
contract RevertingYesWallet {
    fallback() external {
        bytes32 yes = bytes32(IERC1271.isValidSignature.selector);
        assembly ("memory-safe") {
            mstore(0, yes)
            revert(0, 32)
        }
    }
}

/// @dev Has no balances to speak of, and burns all gas of whoever draws from it.
contract BurningToken {
    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }

    fallback() external {
        assembly ("memory-safe") {
            invalid()
        }
    }
}
