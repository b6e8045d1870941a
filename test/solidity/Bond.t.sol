// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";

/// @dev RouterBond: who may route, exits, shortfalls in rounds. Node 1 has half of the router's last epoch, node 2 the rest.
contract BondTest is Bonds {
    function setUp() public {
        _openBonds();
        _work(1, 100e6);
        _work(2, 100e6);
        _pass(WEEK);
    }

    // ------------------------------------------------------------------------------------------- who may route

    function test_aRouterWithoutABondMayNotSettle_RouterStopped() public {
        router = vm.addr(0xBEEF);
        bytes memory batch = _pack(_draft(_line(PAYER, 1)));

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.RouterStopped.selector, router));
        vm.prank(router);
        ledger.settle(batch);
        vm.assertFalse(bonds.mayRoute(router), "may route");
    }

    function test_theLeastBondOfBothLetsARouterSettle() public {
        router = vm.addr(0xBEEF);
        _bond(router, LEAST_ASSET, LEAST_HEU - 1);
        vm.assertFalse(ledger.routerOf(router).allowed, "too little HEU");
        _bond(router, 0, 1);
        vm.assertTrue(ledger.routerOf(router).allowed, "enough");
    }

    function test_aBondOfNothingForNobody_ZeroAmount_ZeroAddress() public {
        vm.expectRevert(IRouterBond.ZeroAmount.selector);
        bonds.deposit(router, 0, 0);
        vm.expectRevert(IRouterBond.ZeroAddress.selector);
        bonds.deposit(address(0), 1, 0);
    }

    function test_onlyTheBondLetsRoutersInAndAdvances_NotBond() public {
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotBond.selector, address(this)));
        ledger.allow(address(this), true);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NotBond.selector, address(this)));
        ledger.advance(router, Role.Node, 1, 1);
    }

    // --------------------------------------------------------------------------------------------------- exits

    function test_anExitTakesThirtyDaysAndPaysTheWholeBond() public {
        vm.startPrank(router);
        bonds.announceExit();
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 0, "no new work is covered");
        vm.assertTrue(bonds.mayRoute(router), "it posts what it holds");
        _pass(30 days - 1);
        uint256 exitAt = block.timestamp + 1;
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.TooEarly.selector, block.timestamp, exitAt));
        bonds.withdraw();
        _pass(1);
        bonds.withdraw();
        vm.stopPrank();

        vm.assertEq(dollar.balanceOf(router), BOND, "asset");
        vm.assertEq(heu.balanceOf(router), BOND_HEU, "HEU");
        vm.assertFalse(ledger.routerOf(router).allowed, "it may no longer settle");
    }

    function test_anExitMustBeAnnouncedAndCanBeTakenBack_NotExiting() public {
        bytes memory notExiting = abi.encodeWithSelector(IRouterBond.NotExiting.selector, router);
        vm.startPrank(router);
        vm.expectRevert(notExiting);
        bonds.withdraw();
        vm.expectRevert(notExiting);
        bonds.cancelExit();
        bonds.announceExit();
        bonds.cancelExit();
        vm.expectRevert(notExiting);
        bonds.withdraw();
        vm.stopPrank();
        vm.assertGt(bonds.capOf(router, Role.Node, 1), 0, "it covers again");
    }

    function test_whoHasNoBondAnnouncesNoExit_ZeroAmount() public {
        vm.expectRevert(IRouterBond.ZeroAmount.selector);
        bonds.announceExit();
    }

    function test_69_anOpenClaimHoldsTheBondBack_ClaimsOpen() public {
        vm.prank(router);
        bonds.announceExit();
        _pass(29 days);
        uint256 asked = _file(Role.Node, 1, 110e6);
        _pass(30 days);

        vm.expectRevert(abi.encodeWithSelector(IRouterBond.ClaimsOpen.selector, asked));
        vm.prank(router);
        bonds.withdraw();
        vm.assertEq(_resolve(Role.Node, 1), 7e6, "the claim is paid first");
        vm.prank(router);
        bonds.withdraw();
        vm.assertEq(dollar.balanceOf(router), BOND - 7e6, "then the rest leaves");
    }

    // ------------------------------------------------------------------------------------------------- filing

    function test_aShortfallIsPaidAfterItsRoundAndStopsTheRouter() public {
        vm.assertEq(_file(Role.Node, 1, 110e6), 7e6, "70 % of the 10 dollars that are not settled");
        _pass(14 days);
        vm.assertEq(_resolve(Role.Node, 1), 7e6, "paid");

        vm.assertEq(dollar.balanceOf(_payout(Role.Node, 1)), 7e6, "to the payout of the Registry");
        IRouterBond.Bond memory bond = bonds.bondOf(router);
        vm.assertEq(bond.asset, BOND - 7e6, "out of the bond");
        vm.assertEq(bond.reserved, 0, "nothing reserved");
        // HEU goes in the proportion of the asset: 7 of 10,000.
        vm.assertEq(bond.heu, BOND_HEU - 7e18, "HEU burnt");
        vm.assertEq(heu.totalSupply(), 1_000_000_000e18 - 7e18, "out of the supply");
        vm.assertFalse(ledger.routerOf(router).allowed, "it may not settle");
        _bond(router, 7e6, 7e18 - 1);
        vm.assertFalse(ledger.routerOf(router).allowed, "not before it has given back all");
        _bond(router, 0, 1);
        vm.assertTrue(ledger.routerOf(router).allowed, "then it may");
    }

    function test_69_whatTheBondPaidTheRouterGetsBackWhenItSettles() public {
        _file(Role.Node, 1, 110e6);
        _pass(14 days);
        _resolve(Role.Node, 1);
        _bond(router, 7e6, 7e18);
        uint256 before = _claim(Role.Node, 1);
        vm.assertEq(before, 70e6, "what was settled before");
        _work(1, 10e6);

        vm.assertEq(ledger.claimable(router, Role.Node, 1), 0, "the node had it from the bond");
        vm.assertEq(_claim(Role.Node, 1), 0, "and is not paid twice");
        vm.assertEq(ledger.routerOf(router).float, 7e6, "it is the router's");
        _work(1, 10e6);
        vm.assertEq(_claim(Role.Node, 1), 7e6, "later work is the node's again");
    }

    function test_69_aShortfallAfterAnAdvanceCountsWhatWasSettledSince() public {
        _file(Role.Node, 1, 110e6);
        _pass(14 days);
        _resolve(Role.Node, 1);
        _bond(router, 7e6, 7e18);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NoShortfall.selector, 110e6, 100e6));
        _file(Role.Node, 1, 110e6);
        _work(1, 5e6);

        // Stated 120, settled 105: 15 are open, of which the bond has paid the 5 that are not settled of the first 10.
        vm.assertEq(_file(Role.Node, 1, 120e6), 7e6, "ten dollars are still owed");
    }

    function test_69_aClaimIsVoidWhenTheRouterSettlesInTime() public {
        _file(Role.Node, 1, 110e6);
        _work(1, 10e6);
        _pass(14 days);

        vm.assertEq(_resolve(Role.Node, 1), 0, "void");
        vm.assertTrue(ledger.routerOf(router).allowed, "and the router goes on");
        vm.assertEq(bonds.bondOf(router).reserved, 0, "with its whole bond");
    }

    function test_69_partOfAClaimIsVoidWhenPartIsSettled() public {
        _file(Role.Node, 1, 110e6);
        _work(1, 4e6);
        _pass(14 days);

        vm.assertEq(_resolve(Role.Node, 1), 4_200_000, "70 % of the 6 dollars that are missing");
    }

    function test_aStatementMustBeADayOld_StatementTooYoung() public {
        Messages.Statement memory statement = _statement(Role.Node, 1, 110e6, block.timestamp - 1 days + 1);
        bytes memory signature = _sign(ROUTER_KEY, Messages.hash(statement));

        vm.expectRevert(
            abi.encodeWithSelector(IRouterBond.StatementTooYoung.selector, block.timestamp, block.timestamp + 1)
        );
        bonds.claimShortfall(router, statement, signature);
    }

    function test_onlyTheRoutersOwnWordIsAStatement_NotSignedByRouter() public {
        Messages.Statement memory statement = _statement(Role.Node, 1, 110e6, block.timestamp - 1 days);
        bytes memory forged = _sign(0xBAD, Messages.hash(statement));

        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NotSignedByRouter.selector, vm.addr(0xBAD), router));
        bonds.claimShortfall(router, statement, forged);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NotSignedByRouter.selector, address(0), address(0)));
        bonds.claimShortfall(address(0), statement, hex"00");
    }

    function test_votersAndNobodyHaveNoStatement_NoStatement() public {
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NoStatement.selector, 3, 1));
        _file(Role.Voters, 1, 110e6);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NoStatement.selector, 2, 0));
        _file(Role.Frontend, 0, 110e6);
    }

    function test_whatIsSettledIsNoShortfall_NoShortfall() public {
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NoShortfall.selector, 100e6, 100e6));
        _file(Role.Node, 1, 100e6);
    }

    function test_69_anOlderStatementAfterANewerIsRefused_Superseded() public {
        _file(Role.Node, 1, 110e6);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.Superseded.selector, 105e6, 110e6));
        _file(Role.Node, 1, 105e6);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.Superseded.selector, 110e6, 110e6));
        _file(Role.Node, 1, 110e6);
        vm.assertEq(_file(Role.Node, 1, 120e6), 14e6, "a higher one replaces it");
        vm.assertEq(bonds.bondOf(router).reserved, 14e6, "and reserves once");
        vm.assertEq(bonds.roundOf(router, 1).open, 1, "one claim");
    }

    function test_aClaimAgainstAnEmptyBond_NothingBonded() public {
        uint256 other = 0xBEEF;
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NothingBonded.selector, 0));
        _file(other, Role.Node, 1, 1e6);
    }

    // ----------------------------------------------------------------------------------------------- the caps

    function test_aKnownPayeeIsCappedAtHalfTheBondTimesItsShare() public {
        // Node 1 has 70 % of half of the volume: 35 % of all shares. 10,000 / 2 * 0.35 = 1,750.
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 1_750e6, "the node's client serves up to it");
        vm.assertEq(_file(Role.Node, 1, 1_000_000e6), 1_750e6, "node");
        // 10 % of half of the volume: 5 %. 10,000 / 2 * 0.05 = 250.
        vm.assertEq(_file(Role.Pod, 1, 1_000_000e6), 250e6, "pod");
        vm.assertEq(_file(Role.Frontend, 2, 1_000_000e6), 250e6, "frontend");
    }

    function test_attack_aNewNodesLimitIsNotZero() public {
        vm.assertEq(bonds.capOf(router, Role.Node, 4), 10e6, "a thousandth of the bond");
        vm.assertEq(_file(Role.Node, 4, 1_000_000e6), 10e6, "a newcomer");
    }

    function test_newcomersShareATenthProRata() public {
        uint32 newcomers = 150;
        _register(newcomers + 10, 4, 4);
        for (uint32 id = 11; id <= newcomers + 10; id++) {
            vm.assertEq(_file(Role.Node, id, 1_000_000e6), 10e6, "each asks its thousandth");
        }
        vm.assertEq(bonds.bondOf(router).reserved, 1_000e6, "a tenth is reserved");
        _pass(14 days);
        uint256 paid;
        for (uint32 id = 11; id <= newcomers + 10; id++) {
            // 10 * 1,000 / 1,500, rounded down.
            uint256 got = _resolve(Role.Node, id);
            vm.assertEq(got, 6_666_666, "two thirds");
            paid += got;
        }
        vm.assertLe(paid, 1_000e6, "at most a tenth");
        vm.assertEq(bonds.bondOf(router).reserved, 0, "what rounding left is free again");
    }

    function test_aRoundThatIsOpenCoversLessNewWork() public {
        _file(Role.Node, 2, 110e6);
        // All its claims may come to six tenths of 10,000: new work has 4,000 / 2 * 0.35.
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 700e6, "while it is open");
        _pass(14 days);
        vm.assertEq(bonds.capOf(router, Role.Node, 1), (BOND - 7e6) * 35 / 200, "when it is over, less its claim");
    }

    function test_capsAreOfTheLastClosedEpoch() public {
        _work(1, 300e6);
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 1_750e6, "this epoch does not count yet");
        _pass(WEEK);
        // In the epoch that has closed node 1 had everything: 70 % of 10,000 / 2.
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 3_500e6, "the last one counts");
        vm.assertEq(bonds.capOf(router, Role.Node, 2), 10e6, "node 2 is a newcomer again");
        _pass(20 * WEEK);
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 3_500e6, "however long ago it was");
    }

    // ------------------------------------------------------------------------------------------------- rounds

    function test_aRoundTakesClaimsForSevenDaysAndTheNextOpensSevenLater_RoundClosed() public {
        uint256 opened = block.timestamp;
        _file(Role.Node, 1, 110e6);
        _pass(7 days - 1);
        _file(Role.Node, 2, 110e6);
        vm.assertEq(bonds.bondOf(router).round, 1, "joined");
        _pass(1);
        vm.expectRevert(
            abi.encodeWithSelector(IRouterBond.RoundClosed.selector, block.timestamp, opened + 14 days)
        );
        _file(Role.Pod, 1, 110e6);
        _pass(7 days);
        _file(Role.Pod, 1, 110e6);
        vm.assertEq(bonds.bondOf(router).round, 2, "a new round");
        vm.assertEq(bonds.roundOf(router, 2).base, BOND - 14e6, "on what is not reserved");
    }

    function test_aClaimIsNotPaidBeforeItsRoundIsOver_TooEarly() public {
        _file(Role.Node, 1, 110e6);
        uint256 readyAt = block.timestamp + 14 days;
        _pass(14 days - 1);

        vm.expectRevert(abi.encodeWithSelector(IRouterBond.TooEarly.selector, readyAt - 1, readyAt));
        _resolve(Role.Node, 1);
    }

    function test_aClaimIsResolvedOnce_NoClaim() public {
        _file(Role.Node, 1, 110e6);
        _pass(14 days);
        _resolve(Role.Node, 1);

        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NoClaim.selector, 1, Role.Node, 1));
        _resolve(Role.Node, 1);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NoClaim.selector, 1, Role.Node, 2));
        _resolve(Role.Node, 2);
    }

    function test_72_aPauseNeverStopsAClaimAndGivesTheRouterItsTimeBackOnce() public {
        _grantPause();
        _file(Role.Node, 1, 110e6);
        uint256 opened = block.timestamp;
        _pass(6 days);
        vm.prank(GUARDIAN);
        ledger.pause();
        _file(Role.Node, 2, 110e6);
        vm.assertEq(bonds.resolvableAt(router, 1), opened + 21 days, "seven days more");
        _pass(8 days);
        vm.expectRevert(
            abi.encodeWithSelector(IRouterBond.TooEarly.selector, block.timestamp, opened + 21 days)
        );
        _resolve(Role.Node, 1);
        _pass(6 days);
        vm.prank(GUARDIAN);
        ledger.pause();
        _pass(1 days);
        vm.assertEq(_resolve(Role.Node, 1), 7e6, "a second pause does not hold it off");
    }

    function test_aPayeeThatNobodyRegisteredCannotBePaid_NoPayout() public {
        _file(Role.Node, 99, 110e6);
        _pass(14 days);

        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NoPayout.selector, Role.Node, 99));
        _resolve(Role.Node, 99);
        _register(99, 4, 4);
        vm.assertEq(_resolve(Role.Node, 99), 10e6, "until somebody is it");
    }

    function test_69_twoRoutersAnswerForThemselvesAlone() public {
        uint256 other = 0xBEEF;
        _bond(vm.addr(other), BOND, BOND_HEU);
        vm.assertEq(_file(other, Role.Node, 1, 110e6), 10e6, "settled with the other router, it is a newcomer here");
        vm.assertEq(bonds.bondOf(router).reserved, 0, "the first router's bond is untouched");
        _pass(14 days);
        bonds.resolveShortfall(vm.addr(other), 1, Role.Node, 1);
        vm.assertEq(bonds.bondOf(router).asset, BOND, "after the payment too");
        vm.assertTrue(ledger.routerOf(router).allowed, "and it goes on");
    }

    // ------------------------------------------------------------------------------------- what it is born with

    function test_aBondOfAnotherLedger_NotTheLedgersBond() public {
        bytes memory code = bytes.concat(
            vm.getCode("RouterBond.sol:RouterBond"), abi.encode(ledger, heu, LEAST_ASSET, LEAST_HEU, uint40(0))
        );
        vm.assertEq(_creationError(code), IRouterBond.NotTheLedgersBond.selector);
    }

    function test_77_aWaitShorterThanTheForcedCallsDelay_WaitTooShort() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.bond = IRouterBond(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1));
        IComputeLedger made = IComputeLedger(vm.deployCode("ComputeLedger.sol:ComputeLedger", abi.encode(terms)));
        bytes memory code = bytes.concat(
            vm.getCode("RouterBond.sol:RouterBond"), abi.encode(made, heu, LEAST_ASSET, LEAST_HEU, uint40(23 hours + 1))
        );
        vm.assertEq(_creationError(code), IRouterBond.WaitTooShort.selector);
    }

    function test_aBondWithoutItsParties_ZeroAddress() public {
        bytes memory made = vm.getCode("RouterBond.sol:RouterBond");
        bytes memory noLedger = abi.encode(address(0), heu, LEAST_ASSET, LEAST_HEU, uint40(0));
        vm.assertEq(_creationError(bytes.concat(made, noLedger)), IRouterBond.ZeroAddress.selector);
        bytes memory noHeu = abi.encode(ledger, address(0), LEAST_ASSET, LEAST_HEU, uint40(0));
        vm.assertEq(_creationError(bytes.concat(made, noHeu)), IRouterBond.ZeroAddress.selector);
    }

    /// @dev 80: the views that routers, nodes and pages read never revert.
    function testFuzz_80_noViewOfTheBondReverts(address who, uint8 role, uint32 id, uint256 round, uint256 late) public {
        _pass(late % 100 days);
        Role asked = Role(role % 4);
        bonds.mayRoute(who);
        bonds.bondOf(who);
        bonds.roundOf(who, round);
        bonds.claimOf(who, round, asked, id);
        bonds.resolvableAt(who, round);
        bonds.capOf(who, asked, id);
        bonds.capOf(router, asked, id);
        ledger.exposureOf(who, asked, id, uint32(round));
        ledger.lastEpochOf(who);
        ledger.volumeIn(who, uint32(round));
        ledger.unitsIn(router, asked, id, uint32(round));
        ledger.claimable(router, asked, id);
        ledger.collectable(who);
    }

    function _grantPause() private {
        bytes4[] memory pausing = new bytes4[](1);
        pausing[0] = IComputeLedger.pause.selector;
        vm.startPrank(ADMIN);
        authority.schedule(
            address(authority),
            abi.encodeCall(authority.setTargetFunctionRole, (address(ledger), pausing, GUARDIAN_ROLE)),
            0
        );
        vm.warp(block.timestamp + UPGRADE_DELAY);
        authority.setTargetFunctionRole(address(ledger), pausing, GUARDIAN_ROLE);
        vm.stopPrank();
    }

    /// @dev The selector with which a creation fails; zero if it does not.
    function _creationError(bytes memory code) private returns (bytes32 selector) {
        assembly ("memory-safe") {
            if iszero(create(0, add(code, 32), mload(code))) {
                returndatacopy(0, 0, 4)
                selector := shl(224, shr(224, mload(0)))
            }
        }
    }
}
