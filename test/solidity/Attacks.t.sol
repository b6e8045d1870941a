// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";

/// @dev Attacks that must lose, with the money counted before and after. Those that are one step of a door stand beside
///      that door: squatting and redirected deposits in LedgerDeposits, single payments in LedgerPayOnce, one gross for many
///      leaves in BondProofs, a newcomer's limit in Bond.
contract AttacksTest is Bonds {
    uint256 internal constant ACCOMPLICE = 2;

    function setUp() public {
        _openBonds();
        // The honest node 1 has three quarters of the router's last epoch, the router's own node 2 a quarter.
        _work(1, 150e6);
        _work(ACCOMPLICE, 50e6);
        _pass(WEEK);
    }

    function test_attack_aHugeStatementForTheRoutersOwnNodeFiledFirstTakesNothingFromTheHonest() public {
        uint256 covered = bonds.capOf(router, Role.Node, 1);
        // 70 % of three quarters of half of 10,000.
        vm.assertEq(covered, 2_625e6, "what the honest node's client lets the router hold");
        // The accomplice files first, with all it can say; the honest node in the last second of the round.
        uint256 theirs = _file(Role.Node, uint32(ACCOMPLICE), type(uint128).max);
        theirs += _file(Role.Pod, uint32(ACCOMPLICE), type(uint128).max);
        theirs += _file(Role.Frontend, uint32(ACCOMPLICE), type(uint128).max);
        _register(200, 4, 4);
        for (uint32 id = 5; id <= 200; id++) {
            _file(Role.Node, id, type(uint128).max);
        }
        _pass(7 days - 1);
        uint256 owed = 150e6 + covered * 10_000 / 7_000;
        vm.assertEq(_file(Role.Node, 1, owed), covered, "its whole cap is there");
        _pass(8 days);

        for (uint32 id = 5; id <= 200; id++) {
            _resolve(Role.Node, id);
        }
        _resolve(Role.Node, uint32(ACCOMPLICE));
        _resolve(Role.Pod, uint32(ACCOMPLICE));
        _resolve(Role.Frontend, uint32(ACCOMPLICE));
        vm.assertEq(_resolve(Role.Node, 1), covered, "paid in full, last of all");
        // A quarter of (70 + 10 + 10) % of half the bond, and the newcomers' tenth.
        vm.assertEq(theirs, 1_125e6, "what the accomplices of the router could ask");
        vm.assertLe(bonds.bondOf(router).asset, BOND - covered - theirs, "of the router's own money");
        vm.assertFalse(bonds.mayRoute(router), "and it is stopped until it has given all of it back");
    }

    function test_attack_aRouterCannotWithdrawItsBondBeforeHonestClaims() public {
        vm.prank(router);
        bonds.announceExit();
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 0, "the honest node stops serving at once");
        _pass(1 days);
        uint256 asked = _file(Role.Node, 1, 160e6);
        _pass(29 days);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.ClaimsOpen.selector, asked));
        vm.prank(router);
        bonds.withdraw();

        _resolve(Role.Node, 1);
        vm.prank(router);
        bonds.withdraw();
        vm.assertEq(dollar.balanceOf(_payout(Role.Node, 1)), 7e6, "the node has what it was owed");
        vm.assertEq(dollar.balanceOf(router), BOND - 7e6, "the router the rest");
    }

    function test_attack_listingANodeInTheRootAndCreditingAnotherIsPaidByTheBond() public {
        // The leaf says node 1; the batch credits the router's own node.
        (, IRouterBond.Entry memory entry) = _call("a", 160e6, 10e6);
        Draft memory draft = _draft(_line(PAYER, 10e6));
        draft.root = Messages.hash(entry.leaf);
        (draft.nodes, draft.pods, draft.frontends) =
            (_one(ACCOMPLICE, 10e6), _one(ACCOMPLICE, 10e6), _one(ACCOMPLICE, 10e6));
        uint256 before = ledger.claimable(router, Role.Node, 1);
        _settle(_pack(draft));
        vm.assertEq(ledger.claimable(router, Role.Node, 1), before, "the honest node got nothing of it");
        _pass(1 days);
        _file(Role.Node, 1, 160e6);
        _pass(14 days);

        vm.assertEq(_resolve(Role.Node, 1), 7e6, "its statement is paid");
        vm.assertEq(bonds.bondOf(router).owedAsset, 7e6, "by the router, twice: its own node's share is the batch's");
    }

    function test_attack_anotherRoutersCreditsAnswerForNothingHere() public {
        uint256 rivalKey = 0x51DE;
        address rival = vm.addr(rivalKey);
        _bond(rival, BOND, BOND_HEU);
        // The rival settles 10 dollars for node 1; this router owes it 10 dollars all the same.
        router = rival;
        _deposit(PAYER, 100e6);
        _work(1, 10e6);
        router = vm.addr(ROUTER_KEY);
        _file(Role.Node, 1, 160e6);
        _pass(14 days);

        vm.assertEq(_resolve(Role.Node, 1), 7e6, "paid by the one that owed it");
        vm.assertEq(bonds.bondOf(rival).asset, BOND, "the other's bond is whole");
        vm.assertEq(ledger.claimable(rival, Role.Node, 1), 7e6, "and so is what it settled");
    }

    function test_attack_chargingFailedCallsTakesAtMostTheUnexpiredVouchers() public {
        // Two calls of at most 3 dollars were signed for and failed: the ceilings are cumulative over what was verified (0).
        uint256 deposited = ledger.creditOf(router, vm.addr(PAYER));
        uint256 spent = ledger.accountOf(router, vm.addr(PAYER)).spent;
        uint64 ceiling = uint64(spent + 6e6);
        _float(1_006e6);
        Line memory line = _line(PAYER, 1_000e6);
        line.ceiling = ceiling;
        _settle(line);
        vm.assertEq(ledger.creditOf(router, vm.addr(PAYER)), deposited, "more than the ceiling takes nothing");
        line.charge = 6e6;
        _settle(line);
        _settle(line);

        vm.assertEq(deposited - ledger.creditOf(router, vm.addr(PAYER)), 6e6, "two maxPrices, once");
        vm.assertEq(ledger.routerOf(router).float, 0, "all the rest the router paid itself");
    }

    function test_attack_aPayerThatEmptiesItsAccountWhileServedCostsTheRouterOnly() public {
        _float(20e6);
        uint256 credit = ledger.creditOf(router, vm.addr(PAYER));
        vm.startPrank(vm.addr(PAYER));
        ledger.thaw(router, vm.addr(PAYER), credit);
        vm.warp(block.timestamp + THAW);
        ledger.withdraw(router, vm.addr(PAYER));
        vm.stopPrank();
        uint256 before = ledger.claimable(router, Role.Node, 1);
        _work(1, 10e6);

        vm.assertEq(ledger.claimable(router, Role.Node, 1) - before, 7e6, "the node is paid in full");
        vm.assertEq(ledger.routerOf(router).float, 10e6, "out of the router's float");
    }

    function test_attack_dustAcrossThousandsOfFrontendsCostsALineEachAndNobodyMoney() public {
        uint256 frontends = 3_000;
        _register(4, 4, frontends);
        uint256 held = dollar.balanceOf(address(ledger));
        Draft memory draft = _draft(_line(PAYER, frontends));
        draft.frontends.ids = new uint32[](frontends);
        draft.frontends.amounts = new uint48[](frontends);
        for (uint256 i; i < frontends; i++) {
            (draft.frontends.ids[i], draft.frontends.amounts[i]) = (uint32(i + 1), 1);
        }
        bytes memory first = _pack(draft);
        _settle(first);
        uint256 meeting = vm.lastCallGas().gasTotalUsed;
        draft = _draft(_line(PAYER, frontends));
        draft.frontends.ids = new uint32[](frontends);
        draft.frontends.amounts = new uint48[](frontends);
        for (uint256 i; i < frontends; i++) {
            (draft.frontends.ids[i], draft.frontends.amounts[i]) = (uint32(i + 1), 1);
        }
        _settle(_pack(draft));
        uint256 again = vm.lastCallGas().gasTotalUsed;

        vm.assertLe(meeting, 100_000_000, "a block holds it");
        vm.assertLe(again / frontends, 6_000, "a line each, once they are known");
        vm.assertEq(dollar.balanceOf(address(ledger)), held, "no money moved");
        vm.assertEq(ledger.routerOf(router).gross, 200e6 + 2 * frontends, "and every unit is counted");
    }

    function test_attack_aSignerRotatedAwayStaysEvidenceForTwentyOneDays() public {
        address old = address(uint160(0x5160000 + 1));
        uint40 signedAt = uint40(block.timestamp);
        _pass(1);
        registry.setSigner(1, address(0xF2E5));
        uint40 later = uint40(block.timestamp + 1);
        vm.assertTrue(registry.wasSigner(1, old, signedAt), "what it signed before counts");
        vm.assertFalse(registry.wasSigner(1, old, later), "what it signs from now on does not");
        _pass(21 days);
        vm.assertTrue(registry.wasSigner(1, old, signedAt), "for 21 days");
        _pass(1);
        vm.assertFalse(registry.wasSigner(1, old, signedAt), "and no longer");
    }
}
