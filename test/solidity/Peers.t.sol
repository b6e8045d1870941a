// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Vm} from "./Base.sol";
import {Signed} from "./Signed.sol";
import {BurningWallet} from "./Wallets.sol";

/// @dev Real defects of other systems, one test each by its number in the list of peers: those of the ledger. The bond's
///      are in `BondPeers.t.sol`.
contract PeersTest is Signed {
    uint256 internal constant PAYER = 0xA11CE;
    uint256 internal constant WALLET = 0xA11E7;
    uint256 internal constant DEPOSIT = 100e6;
    uint256 internal constant FLOAT = 500e6;
    uint40 internal constant EXPIRY = type(uint40).max;
    bytes4 internal constant INVALID_SIGNATURE = bytes4(keccak256("ERC3009InvalidSignature()"));

    address internal payer = vm.addr(PAYER);

    function setUp() public {
        _openSigned();
        _deposit(PAYER, DEPOSIT);
        _float(FLOAT);
        _mint(vm.addr(WALLET), 10e6);
    }

    function test_peer1_aPaymentIsBoundToPayerNodePodPriceExpiryChainAndLedger() public {
        Messages.Request memory asked = _request(vm.addr(WALLET));
        IComputeLedger.Authorization memory authorization = _authorize(asked);
        _mint(vm.addr(PAYER), 10e6);
        for (uint256 field; field < 4; field++) {
            Messages.Request memory changed = _request(vm.addr(WALLET));
            if (field == 0) changed.payer = vm.addr(PAYER);
            if (field == 1) changed.node = 2;
            if (field == 2) changed.pod = 2;
            if (field == 3) changed.maxPrice += 1;
            _refuses(INVALID_SIGNATURE, changed, EXPIRY, changed.node, authorization);
        }
        _refuses(INVALID_SIGNATURE, asked, EXPIRY - 1, 1, authorization);
        _refuses(IComputeLedger.WrongNode.selector, asked, EXPIRY, 2, authorization);
        uint256 state = vm.snapshotState();
        vm.chainId(7);
        _refuses(INVALID_SIGNATURE, asked, EXPIRY, 1, authorization);
        vm.revertToState(state);
        vm.chainId(31_337);
        IComputeLedger here = ledger;
        ledger = _newLedger(_terms());
        _refuses(INVALID_SIGNATURE, asked, EXPIRY, 1, authorization);
        ledger = here;

        vm.prank(router);
        ledger.payOnce(asked, EXPIRY, 1, 1e6, "receipt", authorization);
        vm.assertEq(dollar.balanceOf(vm.addr(WALLET)), 9e6, "as it was signed it pays");
    }

    function test_peer2_aMessageOfOneKindIsNoneOfAnother() public {
        Line memory line = _line(PAYER, 1e6);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER, _voucherDigest(line));
        vm.expectPartialRevert(IComputeLedger.NotSignedByKey.selector);
        ledger.open(router, address(0xBAD), payer, abi.encodePacked(r, s, v));

        bytes32 open = Messages.hash(Messages.Open(router, payer));
        bytes32 vs;
        (r, vs) = vm.signCompact(PAYER, keccak256(abi.encodePacked(hex"1901", domain, open)));
        Draft memory draft = _draft(line);
        _settle(bytes.concat(_packHeader(draft), _packLine(line, r, vs), _packPayees(draft)));
        vm.assertEq(ledger.creditOf(router, payer), DEPOSIT, "an Open is no voucher");
        vm.assertEq(ledger.routerOf(router).float, FLOAT - 1e6, "its router pays");
    }

    function test_peer3_bothFormsOfASignatureAreTakenAndItsTwinIsNot() public {
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes32 open = Messages.hash(Messages.Open(router, address(0x0E)));
        (bytes32 r, bytes32 s, uint8 v) = _parts(_sign(PAYER, open));
        vm.expectPartialRevert(IComputeLedger.NotSignedByKey.selector);
        ledger.open(router, address(0x0E), payer, abi.encodePacked(r, order - uint256(s), v == 27 ? 28 : 27));
        uint256 state = vm.snapshotState();
        ledger.open(router, address(0x0E), payer, abi.encodePacked(r, s, v));
        vm.revertToState(state);
        bytes32 vs = v == 28 ? bytes32(uint256(s) | 1 << 255) : s;
        ledger.open(router, address(0x0E), payer, abi.encodePacked(r, vs));
        vm.assertEq(ledger.accountOf(router, payer).owner, address(0x0E), "64 bytes say the same");
    }

    function test_peer4_whatAKeySpentSurvivesTheEmptyingOfItsAccount() public {
        Line memory line = _line(PAYER, 5e6);
        line.ceiling = 5e6;
        _settle(line);
        _withdrawAll();
        vm.assertEq(ledger.creditOf(router, payer), 0, "emptied");
        _deposit(PAYER, 10e6);
        _settle(line);

        vm.assertEq(ledger.accountOf(router, payer).spent, 5e6, "an old voucher charges nothing again");
        vm.assertEq(ledger.creditOf(router, payer), 10e6, "of the new deposit");
    }

    function test_peer6_oneBadRowNeverRevertsABatchAndEachHasItsReason() public {
        Line[] memory lines = new Line[](6);
        lines[0] = _line(PAYER, 0);
        lines[1] = _line(PAYER, 1e6);
        lines[1].expiry = uint40(block.timestamp - 1);
        lines[2] = _line(PAYER, 2e6);
        lines[2].ceiling = 2e6 - 1;
        lines[3] = _line(PAYER, DEPOSIT + 1);
        lines[4] = _line(0x57A, 4e6);
        lines[5] = _line(PAYER, 8e6);
        bytes memory batch = _pack(_draft(lines));
        vm.recordLogs();
        _settle(batch);

        IComputeLedger.Skip[5] memory reasons = [
            IComputeLedger.Skip.ZeroCharge,
            IComputeLedger.Skip.Expired,
            IComputeLedger.Skip.OverCeiling,
            IComputeLedger.Skip.OverDeposit,
            IComputeLedger.Skip.OverDeposit
        ];
        uint256 found;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; i++) {
            if (logs[i].topics[0] != IComputeLedger.LineSkipped.selector) continue;
            (uint256 index, IComputeLedger.Skip reason) = abi.decode(logs[i].data, (uint256, IComputeLedger.Skip));
            vm.assertEq(index, found, "each bad row by its place");
            vm.assertEq(uint256(reason), uint256(reasons[found++]), "with its reason");
        }
        vm.assertEq(found, 5, "five of six");
        vm.assertEq(ledger.creditOf(router, payer), DEPOSIT - 8e6, "the good row is debited");
        vm.assertEq(ledger.routerOf(router).float, FLOAT - (1e6 + 2e6 + DEPOSIT + 1 + 4e6), "the float pays the rest");
    }

    function test_peer7_aChargeThatItsPayerCannotPayIsTheRoutersToTheLastUnit() public {
        _settle(_line(PAYER, DEPOSIT + 3));

        vm.assertEq(ledger.routerOf(router).float, FLOAT - DEPOSIT - 3, "all of it from the float");
        vm.assertEq(ledger.creditOf(router, payer), DEPOSIT, "no part of it from the payer");
        vm.assertEq(ledger.claimable(router, Role.Node, 1), (DEPOSIT + 3) * NODE_BPS / 10_000, "the node has its share");
    }

    function test_peer8_openVouchersAreServedBeforeAWithdrawal() public {
        vm.prank(payer);
        ledger.thaw(router, payer, DEPOSIT);
        vm.warp(block.timestamp + THAW - 1);
        _settle(_line(PAYER, 30e6));
        vm.warp(block.timestamp + 1);
        vm.prank(payer);
        vm.assertEq(ledger.withdraw(router, payer), DEPOSIT - 30e6, "the rest leaves");
    }

    function test_peer10_aPayersExitNeedsNobodyElse() public {
        vm.prank(GUARDIAN);
        ledger.pause();
        vm.prank(address(bonds));
        ledger.allow(router, false);
        vm.etch(address(registry), hex"fe");
        vm.etch(address(authority), hex"fe");
        vm.etch(address(bonds), hex"fe");
        _withdrawAll();
        vm.assertEq(dollar.balanceOf(payer), DEPOSIT, "all of it");
    }

    function test_peer22_aVoucherFromBeforeANodesDeactivationIsStillPaid() public {
        bytes memory batch = _pack(_draft(_line(PAYER, 10e6)));
        registry.deactivate(Role.Node, 1);
        vm.warp(Epochs.startOf(Epochs.current() + 1));
        _settle(batch);

        vm.assertEq(_claim(Role.Node, 1), 7e6, "paid");
        vm.assertEq(dollar.balanceOf(_payout(Role.Node, 1)), 7e6, "to its payout");
    }

    function test_peer23_anExpiryOfZeroIsExpiredNotNever() public {
        Line memory line = _line(PAYER, 1e6);
        line.expiry = 0;
        _settle(line);
        vm.assertEq(ledger.creditOf(router, payer), DEPOSIT, "a voucher");

        Messages.Request memory request = _request(vm.addr(WALLET));
        _refuses(IComputeLedger.VoucherExpired.selector, request, 0, 1, _authorize(request));
    }

    function test_peer24_skippedEpochsMultiplyNothing() public {
        uint32 first = Epochs.current();
        _settle(_line(PAYER, 100));
        vm.warp(Epochs.startOf(first + 10));
        _settle(_line(PAYER, 7));
        vm.warp(Epochs.startOf(first + 20));

        uint256 units;
        uint256 volume;
        for (uint32 epoch = first; epoch <= first + 20; epoch++) {
            units += ledger.unitsIn(router, Role.Node, 1, epoch);
            volume += ledger.volumeIn(router, epoch);
        }
        vm.assertEq(units, 107, "units");
        vm.assertEq(volume, 107, "volume");
        // 70 % of 107, rounded down.
        vm.assertEq(_claim(Role.Node, 1), 74, "paid");
    }

    function test_peer5_theNonceOfAPaymentComesFromItsTermsAndNeverFromTheClock() public {
        bytes32 nonce = ledger.depositNonce(router, payer, payer, bytes32("salt"));
        vm.assertEq(nonce, keccak256(abi.encode(router, payer, payer, bytes32("salt"))), "the terms");
        vm.warp(block.timestamp + 365 days);
        vm.roll(block.number + 1_000_000);
        vm.assertEq(ledger.depositNonce(router, payer, payer, bytes32("salt")), nonce, "a year later");
        vm.assertNotEq(ledger.depositNonce(router, payer, payer, bytes32("other")), nonce, "another salt");
    }

    function test_peer28_aWalletsAnswerIsGasCapped() public {
        address wallet = address(new BurningWallet());
        _mint(wallet, 10e6);
        Messages.Request memory request = _request(wallet);
        IComputeLedger.Authorization memory authorization = _authorize(request);
        uint256 gas = gasleft();
        _refuses(INVALID_SIGNATURE, request, EXPIRY, 1, authorization);
        // 150,000 for the wallet, 400,000 for the token around it, and what the ledger does itself.
        vm.assertLe(gas - gasleft(), 600_000, "whatever it burns");
    }

    function test_peer29_aRefundDuringAThawLosesNothing() public {
        vm.prank(payer);
        ledger.thaw(router, payer, DEPOSIT);
        vm.prank(router);
        ledger.refund(payer, 5e6, "request");
        vm.warp(block.timestamp + THAW);
        vm.prank(payer);
        vm.assertEq(ledger.withdraw(router, payer), DEPOSIT, "what was announced");
        vm.assertEq(ledger.creditOf(router, payer), 5e6, "the refund stays");
        vm.assertEq(dollar.balanceOf(address(ledger)), 5e6 + FLOAT - 5e6, "and the sums are conserved");
    }

    function test_peer30_aRouterThatLostItsBooksClaimsNothingTwice() public {
        Line memory line = _line(PAYER, 10e6);
        line.ceiling = 10e6;
        Draft memory lost = _draft(line);
        _settle(_pack(lost));
        bytes memory again = _pack(lost);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.BadSequence.selector, 1, 2));
        _settle(again);
        lost.seq = 2;
        again = _pack(lost);
        vm.expectPartialRevert(IComputeLedger.BadChain.selector);
        _settle(again);
        _settle(line);
        vm.assertEq(ledger.creditOf(router, payer), DEPOSIT - 10e6, "the payer is charged once");
        vm.assertEq(ledger.routerOf(router).float, FLOAT - 10e6, "the second time is the router's");
    }

    function test_peer31_whatIsSettledAfterItsVouchersExpiryCostsThePayerNothing() public {
        Line memory line = _line(PAYER, 10e6);
        line.expiry = uint40(block.timestamp);
        vm.warp(block.timestamp + 1);
        _settle(line);
        vm.assertEq(ledger.creditOf(router, payer), DEPOSIT);
    }

    function test_peer32_noRoleMovesAPayersMoneyOrBlessesAnOwner() public {
        bytes memory forged = _sign(0xAD, Messages.hash(Messages.Open(router, ADMIN)));
        bytes[5] memory moves = [
            abi.encodeCall(ledger.thaw, (router, payer, 1)),
            abi.encodeCall(ledger.withdraw, (router, payer)),
            abi.encodeCall(ledger.open, (router, ADMIN, payer, forged)),
            abi.encodeCall(ledger.advance, (router, Role.Node, 1, 1)),
            abi.encodeCall(ledger.allow, (ADMIN, true))
        ];
        for (uint256 i; i < moves.length; i++) {
            address[2] memory callers = [ADMIN, GUARDIAN];
            for (uint256 j; j < 2; j++) {
                vm.prank(callers[j]);
                (bool moved,) = address(ledger).call(moves[i]);
                vm.assertFalse(moved, "by itself");
            }
            // Nor through the Authority, announced and after its delay.
            vm.prank(ADMIN);
            authority.schedule(address(ledger), moves[i], 0);
            vm.warp(block.timestamp + UPGRADE_DELAY);
            vm.prank(ADMIN);
            (bool done,) = address(authority).call(abi.encodeCall(authority.execute, (address(ledger), moves[i])));
            vm.assertFalse(done, "as the Authority");
        }
        vm.assertEq(ledger.creditOf(router, payer), DEPOSIT, "nothing moved");
    }

    // ---------------------------------------------------------------------------------------------------- private

    function _withdrawAll() private {
        uint256 credit = ledger.creditOf(router, payer);
        vm.prank(payer);
        ledger.thaw(router, payer, credit);
        vm.warp(block.timestamp + THAW);
        vm.prank(payer);
        ledger.withdraw(router, payer);
    }

    function _request(address who) private pure returns (Messages.Request memory request) {
        (request.payer, request.id, request.pod, request.manifest) = (who, "id", 1, "manifest");
        (request.frontend, request.node, request.maxPrice) = (1, 1, 1e6);
        (request.deadline, request.input) = (EXPIRY, "input");
    }

    function _authorize(Messages.Request memory request) private view returns (IComputeLedger.Authorization memory) {
        bytes32 voucher =
            Messages.hash(Messages.Voucher(router, request.maxPrice, EXPIRY, Messages.hash(request)));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, voucher));
        return _receive(WALLET, request.payer, request.maxPrice, digest);
    }

    function _refuses(
        bytes4 error,
        Messages.Request memory request,
        uint40 expiry,
        uint32 node,
        IComputeLedger.Authorization memory authorization
    ) private {
        vm.expectPartialRevert(error);
        vm.prank(router);
        ledger.payOnce(request, expiry, node, 1e6, "receipt", authorization);
    }
}
