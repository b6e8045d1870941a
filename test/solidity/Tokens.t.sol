// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {IHEU} from "../../contracts/interfaces/IHEU.sol";
import {ITestDollar} from "../../contracts/interfaces/ITestDollar.sol";
import {Base} from "./Base.sol";

/// @dev Both tokens move by signature in the same way: every test here runs against each.
abstract contract AuthorizedTokenTest is Base {
    uint256 internal constant KEY = 0xA11CE;
    // A constant, because the optimizer takes block.timestamp for one and re-reads it after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    bytes32 internal constant NONCE = keccak256("nonce");

    IHEU internal token;
    address internal holder = vm.addr(KEY);
    address internal to = address(0xB0B);

    function test_permitLetsASpenderSpend() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(100, NOW);

        token.permit(holder, to, 100, NOW, v, r, s);

        vm.assertEq(token.allowance(holder, to), 100);
        vm.assertEq(token.nonces(holder), 1);
    }

    function test_74_aPermitCannotBePresentedTwiceAndAFrontRunOneLeavesItsAllowance() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(100, NOW);
        vm.prank(address(0xBAD));
        token.permit(holder, to, 100, NOW, v, r, s);

        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        token.permit(holder, to, 100, NOW, v, r, s);

        vm.prank(to);
        token.transferFrom(holder, to, 100);
        vm.assertEq(token.balanceOf(to), 100);
    }

    function test_anExpiredPermitIsRefused() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(100, NOW - 1);

        vm.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, NOW - 1));
        token.permit(holder, to, 100, NOW - 1, v, r, s);
    }

    function test_transferWithAuthorizationMovesOnce() public {
        (uint8 v, bytes32 r, bytes32 s) = _authorize("TransferWithAuthorization", 100, 0, NOW + 1);

        token.transferWithAuthorization(holder, to, 100, 0, NOW + 1, NONCE, v, r, s);

        vm.assertEq(token.balanceOf(to), 100);
        vm.assertTrue(token.authorizationState(holder, NONCE), "used");
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, holder, NONCE));
        token.transferWithAuthorization(holder, to, 100, 0, NOW + 1, NONCE, v, r, s);
    }

    function test_receiveWithAuthorizationIsTheReceiversAlone() public {
        (uint8 v, bytes32 r, bytes32 s) = _authorize("ReceiveWithAuthorization", 100, 0, NOW + 1);

        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, to));
        token.receiveWithAuthorization(holder, to, 100, 0, NOW + 1, NONCE, v, r, s);

        vm.prank(to);
        token.receiveWithAuthorization(holder, to, 100, 0, NOW + 1, NONCE, v, r, s);
        vm.assertEq(token.balanceOf(to), 100);
    }

    function test_anAuthorizationOfOneKindIsNotOneOfTheOther() public {
        (uint8 v, bytes32 r, bytes32 s) = _authorize("ReceiveWithAuthorization", 100, 0, NOW + 1);

        vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
        token.transferWithAuthorization(holder, to, 100, 0, NOW + 1, NONCE, v, r, s);
    }

    function test_aCancelledAuthorizationNeverMoves() public {
        (uint8 v, bytes32 r, bytes32 s) = _authorize("TransferWithAuthorization", 100, 0, NOW + 1);
        bytes32 cancel = keccak256(
            abi.encode(keccak256("CancelAuthorization(address authorizer,bytes32 nonce)"), holder, NONCE)
        );
        (uint8 cv, bytes32 cr, bytes32 cs) = _sign(cancel);
        token.cancelAuthorization(holder, NONCE, cv, cr, cs);

        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, holder, NONCE));
        token.transferWithAuthorization(holder, to, 100, 0, NOW + 1, NONCE, v, r, s);
    }

    function test_anAuthorizationHoldsStrictlyBetweenItsTwoSeconds() public {
        (uint256 from, uint256 until) = (NOW + 10, NOW + 20);
        (uint8 v, bytes32 r, bytes32 s) = _authorize("TransferWithAuthorization", 100, from, until);
        bytes memory early = abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, from, until);

        vm.warp(from);
        vm.expectRevert(early);
        token.transferWithAuthorization(holder, to, 100, from, until, NONCE, v, r, s);
        vm.warp(until);
        vm.expectRevert(early);
        token.transferWithAuthorization(holder, to, 100, from, until, NONCE, v, r, s);
        vm.warp(until - 1);
        token.transferWithAuthorization(holder, to, 100, from, until, NONCE, v, r, s);

        vm.assertEq(token.balanceOf(to), 100);
    }

    /// @dev OpenZeppelin would read these bounds as block numbers.
    function test_bit47OfABoundIsPartOfASecond() public {
        uint256 flag = 1 << 47;
        (uint256 from, uint256 until) = (flag, flag | type(uint40).max);
        (uint8 v, bytes32 r, bytes32 s) = _authorize("TransferWithAuthorization", 100, from, until);

        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, from, until));
        token.transferWithAuthorization(holder, to, 100, from, until, NONCE, v, r, s);
    }

    function test_60_anAuthorizationOfAnotherChainIsRefused() public {
        (uint8 v, bytes32 r, bytes32 s) = _authorize("TransferWithAuthorization", 100, 0, NOW + 1);

        vm.chainId(block.chainid + 1);

        vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
        token.transferWithAuthorization(holder, to, 100, 0, NOW + 1, NONCE, v, r, s);
    }

    function _permit(uint256 value, uint256 deadline) internal view returns (uint8, bytes32, bytes32) {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        return _sign(keccak256(abi.encode(typeHash, holder, to, value, token.nonces(holder), deadline)));
    }

    function _authorize(string memory kind, uint256 value, uint256 from, uint256 until)
        internal
        view
        returns (uint8, bytes32, bytes32)
    {
        bytes32 typeHash = keccak256(
            bytes(
                string.concat(
                    kind,
                    "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                )
            )
        );
        return _sign(keccak256(abi.encode(typeHash, holder, to, value, from, until, NONCE)));
    }

    function _sign(bytes32 structHash) private view returns (uint8, bytes32, bytes32) {
        return vm.sign(KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
    }
}

contract HEUTest is AuthorizedTokenTest {
    IHEU private heu;

    function setUp() public {
        vm.warp(NOW);
        heu = _newHeu(address(this));
        heu.transfer(holder, 1_000);
        token = heu;
    }

    function test_theWholeSupplyIsBornWithTheDistributor() public {
        IHEU fresh = _newHeu(to);

        vm.assertEq(fresh.totalSupply(), 1_000_000_000e18);
        vm.assertEq(fresh.balanceOf(to), 1_000_000_000e18);
        vm.assertEq(fresh.INITIAL_SUPPLY(), 1_000_000_000e18);
        vm.assertEq(fresh.decimals(), 18);
        vm.assertEq(fresh.name(), "Heurist", "name");
        vm.assertEq(fresh.symbol(), "HEU", "symbol");
    }

    function test_supplyPlusBurntIsTheInitialSupply(uint128 burnt, uint128 burntFrom) public {
        burnt = uint128(bound(burnt, 0, heu.balanceOf(address(this))));
        burntFrom = uint128(bound(burntFrom, 0, 1_000));
        vm.prank(holder);
        heu.approve(address(this), burntFrom);

        heu.burn(burnt);
        heu.burnFrom(holder, burntFrom);

        vm.assertEq(heu.totalSupply() + burnt + burntFrom, heu.INITIAL_SUPPLY());
    }

    function test_nobodyBurnsWithoutAllowance() public {
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(this), 0, 1)
        );
        heu.burnFrom(holder, 1);
    }

    function _newHeu(address distributor) private returns (IHEU) {
        return IHEU(vm.deployCode("HEU.sol:HEU", abi.encode(distributor)));
    }

    function test_heuHasNoFunctionThatMintsOwnsOrPauses() public view {
        string memory json = vm.readFile("out/HEU.sol/HEU.json");
        string[21] memory allowed = [
            "DOMAIN_SEPARATOR()",
            "INITIAL_SUPPLY()",
            "allowance(address,address)",
            "approve(address,uint256)",
            "authorizationState(address,bytes32)",
            "balanceOf(address)",
            "burn(uint256)",
            "burnFrom(address,uint256)",
            "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)",
            "decimals()",
            "eip712Domain()",
            "name()",
            "nonces(address)",
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
            "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
            "symbol()",
            "totalSupply()",
            "transfer(address,uint256)",
            "transferFrom(address,address,uint256)",
            "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
        ];
        string[] memory found = vm.parseJsonKeys(json, ".methodIdentifiers");
        vm.assertEq(found.length, 21);
        for (uint256 i; i < found.length; i++) {
            bool known;
            for (uint256 j; j < allowed.length; j++) {
                known = known || keccak256(bytes(allowed[j])) == keccak256(bytes(found[i]));
            }
            vm.assertTrue(known, found[i]);
        }
    }
}

contract TestDollarTest is AuthorizedTokenTest {
    ITestDollar private dollar;

    function setUp() public {
        vm.warp(NOW);
        dollar = _newDollar();
        dollar.faucet(holder, 1_000);
        token = IHEU(address(dollar)); // for the signing functions, which both have
    }

    function _newDollar() private returns (ITestDollar) {
        return ITestDollar(vm.deployCode("TestDollar.sol:TestDollar"));
    }

    function test_itHasSixDecimals() public view {
        vm.assertEq(dollar.decimals(), 6);
    }

    function test_theFaucetGivesUpToItsCapPerCall() public {
        uint256 cap = dollar.FAUCET_CAP();
        dollar.faucet(to, cap);
        dollar.faucet(to, cap);

        vm.assertEq(dollar.balanceOf(to), 2 * cap);
    }

    function test_FaucetCapExceeded() public {
        uint256 cap = dollar.FAUCET_CAP();

        vm.expectRevert(abi.encodeWithSelector(ITestDollar.FaucetCapExceeded.selector, cap + 1, cap));
        dollar.faucet(to, cap + 1);
    }

    function test_NotLocalChain() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(ITestDollar.NotLocalChain.selector, 1));
        _newDollar();

        vm.chainId(1337);
        _newDollar();
    }
}
