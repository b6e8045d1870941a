// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";

/// @dev Real defects of other systems, one test each by its number in the list of peers: those of the bond.
contract BondPeersTest is Bonds {
    function setUp() public {
        _openBonds();
        _work(1, 100e6);
        _pass(WEEK);
    }

    function test_peer11_aBondLeavesAfterTheLastDisputeOfItsLastWorkCanBeFiledAndPaid() public {
        uint256 dispute = bonds.STATEMENT_SECONDS() + bonds.FILING_SECONDS() + bonds.GRACE_SECONDS();
        vm.assertGe(bonds.EXIT_SECONDS(), dispute, "statement, filing and grace fit into the exit");
        vm.prank(router);
        bonds.announceExit();
        uint256 announced = block.timestamp;
        _pass(bonds.STATEMENT_SECONDS());
        _file(Role.Node, 1, 110e6);
        vm.warp(bonds.resolvableAt(router, 1));
        vm.assertLe(block.timestamp, announced + bonds.EXIT_SECONDS(), "in time");
        vm.assertEq(_resolve(Role.Node, 1), 7e6, "paid");
    }

    function test_peer12_aRouterWithOpenClaimsDoesNotLeave() public {
        vm.prank(router);
        bonds.announceExit();
        _pass(29 days);
        uint256 asked = _file(Role.Node, 1, 110e6);
        _pass(30 days);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.ClaimsOpen.selector, asked));
        vm.prank(router);
        bonds.withdraw();
    }

    function test_peer13_everyRoleIsPaidByTheBondThroughTheRealRegistry() public {
        uint256[3] memory bps = [uint256(NODE_BPS), POD_BPS, FRONTEND_BPS];
        for (uint256 role; role < 3; role++) {
            vm.assertEq(_file(Role(role), 1, 110e6), 10e6 * bps[role] / 10_000, "its share of what is not settled");
        }
        _pass(14 days);
        for (uint256 role; role < 3; role++) {
            uint256 paid = _resolve(Role(role), 1);
            vm.assertEq(paid, 10e6 * bps[role] / 10_000, "paid");
            vm.assertEq(dollar.balanceOf(_payout(Role(role), 1)), paid, "to its payout");
        }
    }

    function test_peer14_whoLosesADisputeLosesItsBondAndWhoIsAccusedFalselyNothing() public {
        (, IRouterBond.Entry memory a) = _call("a", 110e6, 10e6);
        (, IRouterBond.Entry memory b) = _call("b", 120e6, 10e6);
        (, IRouterBond.Entry memory c) = _call("c", 115e6, 10e6);
        (a, b, c) = (_post(a, 10e6), _post(b, 10e6), _post(c, 1));
        vm.expectRevert(IRouterBond.NoContradiction.selector);
        bonds.proveOverlap(router, Role.Node, a, b);
        vm.assertEq(bonds.bondOf(router).asset, BOND, "its bond is whole");
        vm.assertTrue(bonds.mayRoute(router), "and it goes on");

        bonds.proveOverlap(router, Role.Node, a, c);
        _pass(30 days);
        bonds.burn(router);
        vm.assertEq(dollar.balanceOf(BURNER), BOND, "all its asset");
        vm.assertEq(heu.totalSupply(), 1_000_000_000e18 - BOND_HEU, "and all its HEU");
        vm.assertEq(dollar.balanceOf(router), 0, "it has nothing back");
    }

    function test_peer19_sixDecimalsAndEighteenNeverMix() public {
        _file(Role.Node, 1, 110e6);
        _pass(14 days);
        uint256 paid = _resolve(Role.Node, 1);
        // 7 dollars of 10,000 in 1e-6, and as large a part of 10,000 HEU in 1e-18.
        vm.assertEq(bonds.bondOf(router).asset, BOND - paid, "asset");
        vm.assertEq(bonds.bondOf(router).heu, BOND_HEU - BOND_HEU * paid / BOND, "HEU");
        vm.assertEq(paid, 7 * 10 ** 6, "dollars");
    }
}
