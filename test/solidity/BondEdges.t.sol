// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";

/// @dev Ways around the bond's promises that were found, each held shut.
contract BondEdgesTest is Bonds {
    function setUp() public {
        _openBonds();
        _work(1, 100e6);
        _work(2, 100e6);
        _pass(WEEK);
    }

    /// @dev Once: Claims of an older round that nobody has resolved yet are not subtracted from what `capOf` says.
    function test_capOfNeverCoversMoreThanARoundCouldPay() public {
        _file(Role.Node, 2, type(uint128).max); // asks its whole cap, 1,750
        _file(Role.Pod, 2, type(uint128).max);
        _file(Role.Frontend, 2, type(uint128).max);
        _pass(14 days); // over, and nobody resolves it
        _file(Role.Pod, 1, 101e6); // round 2, base 10,000 - 2,250

        uint256 promised = bonds.capOf(router, Role.Node, 1);
        uint256 asked = _file(Role.Node, 1, type(uint128).max); // the cap of this round
        vm.assertEq(asked, (BOND - 2_250e6) * 35 / 200, "base / 2 x its share");
        // New work can only count on what is left after this round: the rest of the bond less six tenths of the base.
        uint256 base = BOND - 2_250e6;
        vm.assertEq(promised, (base - base * 6 / 10) * 35 / 200, "what new work is covered for");
    }

    /// Bug 1, in money: the node served up to capOf during round 2; when it files in round 3 its cap is smaller.
    function test_workUpToCapOfIsPaidThoughOldRoundsWereNotResolved() public {
        _work(1, 100e6);
        _work(2, 800e6); // the accomplice has eight ninths of the router's last epoch
        _pass(WEEK);
        _accomplicesAskAll();
        _pass(14 days);
        _accomplicesAskAll(); // round 2 at once, and nobody resolves round 1
        vm.assertTrue(bonds.mayRoute(router), "nothing was paid: it goes on");
        uint256 promised = bonds.capOf(router, Role.Node, 1);
        _pass(14 days); // the node worked up to it meanwhile; the router vanishes
        uint256 asked = _file(Role.Node, 1, 200e6 + promised * 10_000 / 7_000 + 1);
        vm.assertGe(asked, promised, "what the node's client let the router hold");
    }

    /// @dev Once: A payee with a dust history is covered for less than one without: a router settles one unit of a newcomer's
    /// work and so takes its cover away.
    function test_oneDustCallNeverCoversANodeForLessThanAStranger() public {
        uint256 stranger = bonds.capOf(router, Role.Node, 3);
        vm.assertEq(stranger, BOND / 1_000, "a newcomer");
        _work(1, 500e6);
        _work(3, 1); // the dust
        _pass(WEEK);
        vm.assertGe(bonds.capOf(router, Role.Node, 3), stranger, "it serves at least what a stranger may");
    }

    /// Bug 2, in money: ten dollars of withheld work cannot even be filed.
    function test_oneDustCallDoesNotVoidTheClaimOfANewcomer() public {
        _work(1, 500e6);
        _work(3, 1);
        _pass(WEEK);
        vm.assertEq(_file(Role.Node, 3, 1 + 10e6), 7e6, "70 % of ten dollars, below a thousandth of the bond");
    }

    /// @dev Once: HEU burns by the asset held at the moment of the payment: a router lends its bond money for one block and
    /// keeps its HEU.
    function test_assetLentForOneBlockSavesNoHeu() public {
        vm.prank(router);
        bonds.announceExit();
        _pass(20 days);
        uint256 asked = _file(Role.Node, 1, type(uint128).max); // 1,750 of 10,000
        _pass(14 days);

        uint256 supply = heu.totalSupply();
        _bond(router, 990_000e6, 0); // own money or a loan; the exit is due, it is back in this very block
        _resolve(Role.Node, 1);
        vm.prank(router);
        bonds.withdraw();

        vm.assertEq(dollar.balanceOf(router), BOND - asked + 990_000e6, "the loan is back");
        vm.assertEq(supply - heu.totalSupply(), BOND_HEU * asked / BOND, "17.5 % of the HEU is burnt");
    }

    /// @dev Once: One claim that cannot be paid (an id that is never registered; the same with a blocked payout) keeps a
    /// convicted router's whole bond from the fire, for good: the router files it itself.
    function test_oneUnpayableClaimDoesNotKeepAConvictedBondFromTheFire() public {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 10, 10);
        (a, b) = (_post(a, 10), _post(b, 10));
        bonds.proveOverlap(router, Role.Node, a, b);
        uint256 asked = _file(Role.Node, type(uint32).max, 1_000e6);
        _pass(30 days);

        bonds.burn(router);
        vm.assertGe(dollar.balanceOf(BURNER), BOND - asked, "all but the reserved part burns");
    }

    /// @dev A later statement says more, but its router has settled since: less is due than the first one asked for.
    function test_aLaterStatementNeverLowersWhatIsReserved() public {
        vm.assertEq(_file(Role.Node, 1, 110e6), 7e6, "70 % of 110 less the 100 settled");
        _work(1, 5e6);
        vm.assertEq(_file(Role.Node, 1, 111e6), 7e6, "70 % of 6 would be less");
        vm.assertEq(bonds.bondOf(router).reserved, 7e6, "as reserved");

        _pass(14 days);
        vm.assertEq(_resolve(Role.Node, 1), 4_200_000, "and paid is what is due");
        vm.assertEq(bonds.bondOf(router).reserved, 0, "the rest is free");
    }

    /// @dev The router settles more than the statement said before its claim is due.
    function test_aClaimForLessThanWasSettledSinceIsVoid() public {
        _file(Role.Node, 1, 110e6);
        _work(1, 20e6);
        _pass(14 days);

        vm.assertEq(_resolve(Role.Node, 1), 0, "nothing is due");
        vm.assertEq(bonds.bondOf(router).reserved, 0, "nothing is held back");
        vm.assertTrue(bonds.mayRoute(router), "and the router goes on");
    }

    /// @dev Nor does an old one say that anything is missing.
    function test_aStatementOfLessThanWasSettledFilesNothing_NoShortfall() public {
        Messages.Statement memory statement = _statement(Role.Node, 1, 90e6, block.timestamp - 1 days);
        bytes memory signature = _sign(ROUTER_KEY, Messages.hash(statement));
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.NoShortfall.selector, 90e6, 100e6));
        bonds.claimShortfall(router, statement, signature);
    }

    /// Bug 5 (words only). `capOf` covers parties that have no Statement.
    function test_nobodyAndVotersAreCoveredForNothing() public view {
        vm.assertEq(bonds.capOf(router, Role.Node, 0), 0, "nobody");
        vm.assertEq(bonds.capOf(router, Role.Voters, 3), 0, "voters");
    }

    /// @dev Once: A pause that begins when a round is over closes it again: claims that were due are not paid, new ones not
    /// taken, for up to seven days. A pause must not stop `claimShortfall`.
    function test_72_aPauseAfterTheGraceTimeStopsNoClaim() public {
        _file(Role.Node, 1, 110e6);
        _file(Role.Node, 2, 110e6);
        uint256 opened = block.timestamp;
        _guard();
        vm.warp(opened + 14 days);
        vm.assertEq(_resolve(Role.Node, 1), 7e6, "due, and paid");
        vm.prank(GUARDIAN);
        ledger.pause();

        vm.assertEq(_file(Role.Pod, 1, 110e6), 1e6, "the next round takes claims");
        vm.assertEq(_resolve(Role.Node, 2), 7e6, "what was due stays due");
    }

    /// @dev The guardian may pause this ledger too.
    function _guard() private {
        bytes4[] memory pausing = new bytes4[](1);
        pausing[0] = IComputeLedger.pause.selector;
        bytes memory act = abi.encodeCall(authority.setTargetFunctionRole, (address(ledger), pausing, GUARDIAN_ROLE));
        vm.startPrank(ADMIN);
        authority.schedule(address(authority), act, 0);
        vm.warp(block.timestamp + UPGRADE_DELAY);
        authority.setTargetFunctionRole(address(ledger), pausing, GUARDIAN_ROLE);
        vm.stopPrank();
    }

    function _accomplicesAskAll() private {
        _file(Role.Node, 2, type(uint128).max);
        _file(Role.Pod, 2, type(uint128).max);
        _file(Role.Frontend, 2, type(uint128).max);
    }
}
