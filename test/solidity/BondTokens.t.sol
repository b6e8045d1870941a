// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";
import {OddToken} from "./OddToken.sol";

/// @dev The bond beside a payment asset that calls back. 66 of the protocol's test list.
contract BondTokensTest is Bonds {
    uint256 private constant LEAVERS = 5e6;
    address private constant OTHER = address(0x51DE);

    OddToken private token;

    /// @dev The router is convicted and owes node 1 a million; this contract is a router that may leave.
    function setUp() public {
        router = vm.addr(ROUTER_KEY);
        _open();
        token = new OddToken();
        IComputeLedger.Terms memory terms = _terms();
        (terms.asset, terms.burner) = (IERC20(address(token)), BURNER);
        (ledger, bonds) = _newLedger(terms, LEAST_ASSET, LEAST_HEU);
        domain = ledger.domainSeparator();
        _register(1, 1, 1);
        token.mint(address(this), 2 * BOND);
        heu.approve(address(bonds), BOND_HEU);
        bonds.deposit(router, BOND, BOND_HEU);
        bonds.deposit(address(this), LEAVERS, 0);
        bonds.announceExit();
        ledger.deposit(router, vm.addr(PAYER), 20);

        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 10, 10);
        (a, b) = (_post(a, 10), _post(b, 10));
        bonds.proveOverlap(router, Role.Node, a, b);
        vm.assertEq(_file(Role.Node, 1, 20 + 1e6), 700_000, "70 % of what it is owed");
        _pass(30 days);
    }

    /// @dev Every door that moves tokens, entered from within every transfer of the asset.
    function test_66_noDoorOfTheBondIsEnteredTwice_ReentrancyGuardReentrantCall() public {
        bytes[] memory doors = new bytes[](4);
        doors[0] = abi.encodeCall(bonds.deposit, (OTHER, 1, 0));
        doors[1] = abi.encodeCall(bonds.withdraw, ());
        doors[2] = abi.encodeCall(bonds.resolveShortfall, (router, 1, Role.Node, 1));
        doors[3] = abi.encodeCall(bonds.burn, (router));

        for (uint256 inner; inner < doors.length; inner++) {
            token.callBack(address(bonds), doors[inner]);
            for (uint256 outer; outer < doors.length; outer++) {
                vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
                (bool ok,) = address(bonds).call(doors[outer]);
                vm.assertTrue(ok, "expectRevert turned the revert into success");
            }
        }

        // Not for another reason: with the token at rest each of them passes.
        token.callBack(address(0), "");
        bonds.deposit(OTHER, 1, 0);
        vm.assertEq(bonds.bondOf(OTHER).asset, 1, "deposited");
        uint256 before = token.balanceOf(address(this));
        bonds.withdraw();
        vm.assertEq(token.balanceOf(address(this)) - before, LEAVERS, "withdrawn");
        vm.assertEq(_resolve(Role.Node, 1), 700_000, "resolved");
        vm.assertEq(token.balanceOf(_payout(Role.Node, 1)), 700_000, "and paid");
        bonds.burn(router);
        vm.assertEq(token.balanceOf(BURNER), BOND - 700_000, "burnt");
        vm.assertEq(token.balanceOf(address(bonds)), 1, "and the bond holds what is another's");
    }
}
