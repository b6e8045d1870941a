// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";

/// @dev A router that files claims of its own ids: against the fire, and against payees who wait.
contract BondCollusionTest is Bonds {
    uint32 internal constant OWN = 2;
    uint32 internal constant STRANGERS = 100;
    /// @dev Node, pod and frontend have nine tenths of each dollar, and a round half its base for them.
    uint256 internal constant BACK = BOND / 2 * 9 / 10 + BOND / 10;

    function setUp() public {
        _openBonds();
        _register(4 + STRANGERS, 4, 4);
    }

    function test_attack_aConvictedRouterGetsAtMostSixTenthsOfItsBondBackThroughItsOwnIds() public {
        _work(OWN, 10);
        _pass(WEEK);
        _convict();
        uint256 bond = bonds.bondOf(router).asset;
        vm.assertEq(bond, BOND, "before");

        _fileAllOwn();
        vm.warp(bonds.resolvableAt(router, 1));
        uint256 back = _resolveAllOwn(1);
        vm.assertEq(back, BACK, "its shares of half, and a tenth for newcomers");
        vm.assertLe(back, BOND * 6 / 10, "six tenths at most");
        _pass(8 days);
        Messages.Statement memory more = _statement(Role.Node, OWN, type(uint128).max, block.timestamp - 1 days);
        bytes memory signature = _sign(ROUTER_KEY, Messages.hash(more));
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.AlreadyConvicted.selector, router));
        bonds.claimShortfall(router, more, signature);
        vm.warp(bonds.bondOf(router).convictedAt + 30 days);
        bonds.burn(router);
        vm.assertEq(dollar.balanceOf(BURNER), BOND - BACK, "the rest burns");
        vm.assertEq(bonds.bondOf(router).asset, 0, "nothing is left");
    }

    function test_attack_aRouterThatFilesForItselfBeforeItsConvictionGetsNoSecondRound() public {
        _work(OWN, 10);
        _pass(WEEK);
        _fileAllOwn();
        _pass(8 days);
        _convict();

        // The round takes claims again, of the same base: the same claims, no more.
        Messages.Statement memory again = _statement(Role.Node, OWN, type(uint128).max - 1, block.timestamp - 1 days);
        bytes memory signature = _sign(ROUTER_KEY, Messages.hash(again));
        vm.expectPartialRevert(IRouterBond.Superseded.selector);
        bonds.claimShortfall(router, again, signature);
        vm.warp(bonds.resolvableAt(router, 1));
        vm.assertEq(_resolveAllOwn(1), BACK, "of one base");
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.AlreadyConvicted.selector, router));
        bonds.claimShortfall(router, again, signature);
    }

    function test_aPayeeThatAnOpenRoundLocksOutFilesAfterTheConviction() public {
        _work(1, 150e6);
        _work(OWN, 50e6);
        _pass(WEEK);
        _file(Role.Node, OWN, 60e6);
        _pass(8 days);
        _convict();
        uint256 asked = _file(Role.Node, 1, 150e6 + 1_000e6);
        // Two of these dollars are settled: the leaves that convict.
        vm.assertEq(asked, 998e6 * 7_000 / 10_000, "its share of what is not settled");
        vm.assertEq(bonds.resolvableAt(router, 1), block.timestamp + 14 days, "seven days to file, seven of grace");
        vm.warp(bonds.resolvableAt(router, 1));
        vm.assertEq(_resolve(Role.Node, 1), asked, "paid");
    }

    /// @dev The router opens a round with a claim of its own, and settles for itself alone while the others wait.
    function test_attack_aRouterThatKeepsItsRoundBusyDilutesNobodyWhoWaits() public {
        _work(1, 150e6);
        _work(OWN, 50e6);
        _pass(WEEK);
        _file(Role.Node, OWN, type(uint128).max);
        _pass(6 days + 1);
        uint256 share = bonds.capOf(router, Role.Node, 1) - 1e6;
        uint256 owed = 150e6 + share * 10_000 / 7_000;
        Messages.Statement memory statement = _statement(Role.Node, 1, owed, block.timestamp);
        bytes memory signature = _sign(ROUTER_KEY, Messages.hash(statement));
        _pass(1 days);
        vm.expectPartialRevert(IRouterBond.RoundClosed.selector);
        bonds.claimShortfall(router, statement, signature);
        _work(OWN, 1);
        _pass(3 days);
        _work(OWN, 1_000e6);

        vm.warp(bonds.resolvableAt(router, 1));
        bonds.claimShortfall(router, statement, signature);
        _pass(14 days);
        vm.assertGe(bonds.resolveShortfall(router, 2, Role.Node, 1) + 1, share, "paid in full, but the rounding");
    }

    /// @dev The router withholds a node's work for a whole epoch, settles it for its own node, and the node files late.
    function test_attack_aRouterThatSettlesAnothersWorkForItselfGainsNoMoreThanANewcomersCover() public {
        _work(1, 150e6);
        _work(OWN, 50e6);
        _pass(WEEK);
        vm.assertEq(bonds.capOf(router, Role.Node, 1), BOND / 2 * 150 / 200 * 7 / 10, "by the last epoch");
        uint256 cover = bonds.coverOf(router, Role.Node, 1);
        vm.assertEq(cover, BOND / 1_000, "nothing is settled for it in this one");
        uint256 withheld = cover * 10_000 / 7_000;
        _work(OWN, withheld);
        _pass(WEEK);
        _file(Role.Node, 1, 150e6 + withheld);
        _pass(14 days);
        vm.assertGe(_resolve(Role.Node, 1) + 1, cover, "what it served for is paid, but the rounding");
    }

    function test_theCoverFollowsWhatIsSettledInThePresentEpoch() public {
        _work(1, 150e6);
        _work(OWN, 50e6);
        _pass(WEEK);
        _work(1, 30e6);
        _work(OWN, 30e6);
        vm.assertEq(bonds.coverOf(router, Role.Node, 1), BOND / 2 / 2 * 7 / 10, "half of the present epoch");
        _work(1, 240e6);
        vm.assertEq(bonds.coverOf(router, Role.Node, 1), bonds.capOf(router, Role.Node, 1), "never more than by the last");
        vm.prank(router);
        bonds.announceExit();
        vm.assertEq(bonds.coverOf(router, Role.Node, 1), 0, "none by a router that leaves");
    }

    function test_whoComesLateAfterARoundHasTheShareOfTheLastClosedEpoch() public {
        _work(1, 100e6);
        _pass(WEEK);
        _file(Role.Node, 1, 110e6);
        _work(3, 100e6);
        vm.warp(bonds.resolvableAt(router, 1) + 7 days);
        _file(Role.Node, 3, 200e6);
        vm.assertEq(bonds.roundOf(router, 2).epoch, ledger.lastEpochOf(router), "nobody waits any more");
    }

    function test_aVoidClaimOfOneUnitCutsTheCoverOnlyWhileItsRoundTakesClaims() public {
        _work(1, 100e6);
        _pass(WEEK);
        uint256 covered = bonds.capOf(router, Role.Node, 1);
        _file(Role.Node, 3, 2);
        vm.assertEq(bonds.capOf(router, Role.Node, 1), covered * 4 / 10, "others may still file");
        _pass(7 days);
        vm.assertGe(bonds.capOf(router, Role.Node, 1) + 1, covered, "what is reserved is known: one unit");
    }

    // --------------------------------------------------------------------------------------------------- private

    function _convict() private {
        (, IRouterBond.Entry memory a) = _call("a", 1e6, 1e6);
        (, IRouterBond.Entry memory b) = _call("b", 1e6, 1e6);
        (a, b) = (_post(a, 1e6), _post(b, 1e6));
        bonds.proveOverlap(router, Role.Node, a, b);
    }

    function _fileAllOwn() private {
        for (uint32 role; role < 3; role++) {
            _file(Role(role), OWN, type(uint128).max - 1);
        }
        for (uint32 id = 5; id < 5 + STRANGERS; id++) {
            _file(Role.Node, id, type(uint128).max - 1);
        }
    }

    function _resolveAllOwn(uint256 round) private returns (uint256 paid) {
        for (uint32 role; role < 3; role++) {
            paid += bonds.resolveShortfall(router, round, Role(role), OWN);
        }
        for (uint32 id = 5; id < 5 + STRANGERS; id++) {
            paid += bonds.resolveShortfall(router, round, Role.Node, id);
        }
    }
}
