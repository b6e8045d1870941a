// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {UnaskingToken} from "./OddToken.sol";
import {Signed} from "./Signed.sol";
import {GoodWallet} from "./Wallets.sol";

/// @dev One call paid by a wallet in one transaction, and refunds.
contract LedgerPayOnceTest is Signed {
    uint256 internal constant WALLET = 0xA11E7;
    uint128 internal constant MOST = 1_000_000;
    uint40 internal constant EXPIRY = type(uint40).max;
    bytes4 internal constant INVALID_SIGNATURE = bytes4(keccak256("ERC3009InvalidSignature()"));

    event PaidOnce(
        address indexed router,
        address indexed payer,
        bytes32 indexed request,
        uint32 node,
        uint32 pod,
        uint32 frontend,
        bytes32 receipt,
        uint256 price
    );

    function setUp() public {
        _openSigned();
        _mint(vm.addr(WALLET), 10e6);
    }

    function test_aWalletPaysExactlyThePriceAndTheSplitSumsToIt() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        vm.expectEmit(true, true, true, true, address(ledger));
        emit PaidOnce(router, vm.addr(WALLET), Messages.hash(request), 1, 2, 3, "receipt", 600_001);
        _pay(request, 1, 600_001);

        vm.assertEq(dollar.balanceOf(vm.addr(WALLET)), 10e6 - 600_001, "the change is back at once");
        // 70, 10 and 10 % of 600,001, each rounded down; the rest is the protocol's.
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 420_000, "node");
        vm.assertEq(ledger.claimable(router, Role.Pod, 2), 60_000, "pod");
        vm.assertEq(ledger.claimable(router, Role.Frontend, 3), 60_000, "frontend");
        vm.assertEq(ledger.protocolOwed(router), 60_001, "protocol");
        vm.assertEq(dollar.balanceOf(address(ledger)), 600_001, "and the ledger holds just that");
    }

    function test_aSinglePaymentCountsInItsEpochLikeABatch() public {
        _pay(_request(vm.addr(WALLET)), 1, MOST);

        vm.assertEq(ledger.grossOf(router, Role.Node, 1), MOST, "gross");
        vm.assertEq(ledger.unitsIn(router, Role.Node, 1, Epochs.at(START)), MOST, "units");
        vm.assertEq(ledger.volumeIn(router, Epochs.at(START)), MOST, "volume");
        vm.assertEq(ledger.routerOf(router).gross, MOST, "the router's");
        vm.assertEq(ledger.routerOf(router).seq, 0, "no batch");
    }

    function test_withoutAFrontendItsShareIsTheProtocols() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        request.frontend = 0;
        _pay(request, 1, MOST);
        vm.assertEq(ledger.protocolOwed(router), 200_000);
    }

    /// @dev 70, 10, 10 and 5 % of 600,001, each rounded down: 420,000, 60,000, 60,000 and 30,000.
    function test_votersHaveTheirShareOfASinglePayment() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.podVoters = address(0x7073);
        ledger = _newLedger(terms);
        domain = ledger.domainSeparator();
        _pay(_request(vm.addr(WALLET)), 1, 600_001);

        vm.assertEq(ledger.claimable(router, Role.Voters, 2), 30_000, "the pod's voters");
        vm.assertEq(ledger.claimable(router, Role.Pod, 2), 60_000, "the pod itself");
        vm.assertEq(ledger.protocolOwed(router), 30_001, "the rest is the protocol's");
        _claim(Role.Voters, 2);
        vm.assertEq(dollar.balanceOf(address(0x7073)), 30_000, "and they draw it");
    }

    function test_aPriceAboveTheSignedMost_OverMaxPrice() public {
        _refuses(
            _request(vm.addr(WALLET)),
            1,
            MOST + 1,
            abi.encodeWithSelector(IComputeLedger.OverMaxPrice.selector, MOST + 1, MOST)
        );
    }

    function test_aPriceOfNothing_ZeroAmount() public {
        _refuses(_request(vm.addr(WALLET)), 1, 0, abi.encodeWithSelector(IComputeLedger.ZeroAmount.selector));
    }

    function test_anotherNodeThanAskedFor_WrongNode() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        request.node = 2;
        _refuses(request, 1, MOST, abi.encodeWithSelector(IComputeLedger.WrongNode.selector, 1, 2));
        _pay(request, 2, MOST);
    }

    function test_nodeZeroAndPodZeroAreNobody_UnorderedIds() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        _refuses(request, 0, MOST, abi.encodeWithSelector(IComputeLedger.UnorderedIds.selector, 0, 0));
        request.pod = 0;
        _refuses(request, 1, MOST, abi.encodeWithSelector(IComputeLedger.UnorderedIds.selector, 0, 0));
    }

    function test_afterTheVouchersExpiry_VoucherExpired() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        uint40 expiry = uint40(block.timestamp);
        IComputeLedger.Authorization memory authorization = _authorize(WALLET, request, router, expiry);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IComputeLedger.VoucherExpired.selector, block.timestamp, expiry)
        );
        vm.prank(router);
        ledger.payOnce(request, expiry, 1, MOST, "receipt", authorization);
    }

    function test_59_aSinglePaymentIsPaidOnce() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        _pay(request, 1, MOST);
        IComputeLedger.Authorization memory authorization = _authorize(WALLET, request, router, EXPIRY);
        vm.expectPartialRevert(bytes4(keccak256("ERC3009UsedAuthorization(address,bytes32)")));
        vm.prank(router);
        ledger.payOnce(request, EXPIRY, 1, MOST, "receipt", authorization);
    }

    function test_attack_anotherRouterCannotTakeASinglePayment() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        IComputeLedger.Authorization memory authorization = _authorize(WALLET, request, router, EXPIRY);
        address rival = address(0x51DE);
        _bond(rival, LEAST_ASSET, LEAST_HEU);
        vm.expectRevert(INVALID_SIGNATURE);
        vm.prank(rival);
        ledger.payOnce(request, EXPIRY, 1, MOST, "receipt", authorization);
        // Nor as a deposit of its own.
        vm.expectRevert(INVALID_SIGNATURE);
        ledger.depositWithAuthorization(rival, rival, rival, "", vm.addr(WALLET), MOST, authorization, "");
        vm.assertEq(dollar.balanceOf(vm.addr(WALLET)), 10e6, "nothing moved");
    }

    function test_attack_whatThePayerSignedCannotBeChanged() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        IComputeLedger.Authorization memory authorization = _authorize(WALLET, request, router, EXPIRY);
        for (uint256 field; field < 5; field++) {
            Messages.Request memory changed = _request(vm.addr(WALLET));
            if (field == 0) changed.pod = 1;
            if (field == 1) changed.frontend = 1;
            if (field == 2) changed.manifest = "another";
            if (field == 3) changed.maxPrice = MOST - 1;
            if (field == 4) changed.input = "another";
            vm.expectRevert(INVALID_SIGNATURE);
            vm.prank(router);
            ledger.payOnce(changed, EXPIRY, 1, MOST - 1, "receipt", authorization);
        }
    }

    function test_65_aTokenThatDeliversLessThanAuthorised_ShortTransfer() public {
        ShortToken short = new ShortToken();
        IComputeLedger.Terms memory terms = _terms();
        terms.asset = IERC20(address(short));
        ledger = _newLedger(terms);
        short.mint(vm.addr(WALLET), MOST);
        _refuses(
            _request(vm.addr(WALLET)),
            1,
            MOST / 2,
            abi.encodeWithSelector(IComputeLedger.ShortTransfer.selector, MOST - 1, MOST)
        );
        vm.assertEq(short.balanceOf(vm.addr(WALLET)), MOST, "it keeps all");
    }

    function test_62_aWalletContractPaysOnce() public {
        address wallet = address(new GoodWallet(vm.addr(WALLET)));
        _mint(wallet, MOST);
        _pay(_request(wallet), 1, 400_000);
        vm.assertEq(dollar.balanceOf(wallet), 600_000, "with its change");
    }

    function test_72_aPausedOrStoppedRouterTakesNoSinglePayment() public {
        Messages.Request memory request = _request(vm.addr(WALLET));
        vm.prank(GUARDIAN);
        ledger.pause();
        _refuses(
            request, 1, MOST, abi.encodeWithSelector(IComputeLedger.LedgerPaused.selector, block.timestamp + 7 days)
        );
        vm.prank(GUARDIAN);
        ledger.unpause();
        vm.prank(address(bonds));
        ledger.allow(router, false);
        _refuses(request, 1, MOST, abi.encodeWithSelector(IComputeLedger.RouterStopped.selector, router));
    }

    function testFuzz_aSinglePaymentConservesEveryUnit(uint128 price, uint8 times) public {
        price = uint128(bound(price, 1, MOST));
        for (uint256 i; i < 1 + times % 8; i++) {
            Messages.Request memory request = _request(vm.addr(WALLET));
            request.id = bytes32(i);
            _pay(request, 1, price);
        }
        uint256 gross = uint256(price) * (1 + times % 8);
        uint256 split = ledger.claimable(router, Role.Node, 1) + ledger.claimable(router, Role.Pod, 2)
            + ledger.claimable(router, Role.Frontend, 3) + ledger.protocolOwed(router);
        vm.assertEq(split, gross, "split = gross");
        vm.assertEq(dollar.balanceOf(address(ledger)), gross, "held");
    }

    // ----------------------------------------------------------------------------------------------------- refunds

    function test_aRefundMovesFloatToThePayersCredit() public {
        _float(5e6);
        vm.prank(router);
        ledger.refund(vm.addr(WALLET), 2e6, "request");

        vm.assertEq(ledger.creditOf(router, vm.addr(WALLET)), 2e6, "credit");
        vm.assertEq(ledger.routerOf(router).float, 3e6, "float");
    }

    function test_aRefundOfMoreThanTheFloatOfNothingOrToNobodyIsRefused() public {
        _float(5e6);
        vm.startPrank(router);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.FloatExhausted.selector, 6e6, 5e6));
        ledger.refund(vm.addr(WALLET), 6e6, "request");
        vm.expectRevert(IComputeLedger.ZeroAmount.selector);
        ledger.refund(vm.addr(WALLET), 0, "request");
        vm.expectRevert(IComputeLedger.ZeroAddress.selector);
        ledger.refund(address(0), 1, "request");
        vm.stopPrank();
    }

    // ---------------------------------------------------------------------------------------------------- private

    function _request(address payer) private pure returns (Messages.Request memory) {
        return Messages.Request({
            payer: payer,
            id: "id",
            pod: 2,
            manifest: "manifest",
            frontend: 3,
            node: 0,
            maxPrice: MOST,
            deadline: EXPIRY,
            input: "input"
        });
    }

    function _authorize(uint256 key, Messages.Request memory request, address to, uint40 expiry)
        private
        view
        returns (IComputeLedger.Authorization memory)
    {
        bytes32 voucher = Messages.hash(Messages.Voucher(to, request.maxPrice, expiry, Messages.hash(request)));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, voucher));
        return _receive(key, request.payer, request.maxPrice, digest);
    }

    function _pay(Messages.Request memory request, uint32 node, uint128 price) private {
        IComputeLedger.Authorization memory authorization = _authorize(WALLET, request, router, EXPIRY);
        vm.prank(router);
        ledger.payOnce(request, EXPIRY, node, price, "receipt", authorization);
    }

    function _refuses(Messages.Request memory request, uint32 node, uint128 price, bytes memory error) private {
        IComputeLedger.Authorization memory authorization = _authorize(WALLET, request, router, EXPIRY);
        vm.expectRevert(error);
        vm.prank(router);
        ledger.payOnce(request, EXPIRY, node, price, "receipt", authorization);
    }
}

/// @dev Keeps one unit of whatever it is authorised to move.
contract ShortToken is ERC20("Short", "SHORT"), UnaskingToken {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _receive(address from, address to, uint256 amount) internal override {
        _transfer(from, to, amount - 1);
        _transfer(from, address(this), 1);
    }
}
