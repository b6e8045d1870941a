// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Economies} from "./Economies.sol";

/// @dev A coalition with a router of its own, beside payer, node, pod, frontend and votes; and what else moves a lot or the
///      base without a fee. Money is counted before and after: HEU in dollars at what it is worth outside.
contract EconomyAttacksTest is Economies {
    uint256 internal constant KEY = 0xBADBAD;
    uint32 internal constant OWN_NODE = 5;
    uint32 internal constant OWN_POD = 3;
    uint32 internal constant OWN_FRONTEND = 2;
    uint256 internal constant HONEST = 100_000e6;
    uint256 internal constant WASH = 5_000e6;
    address internal constant OWN_ROUTER = address(0x0708);
    address internal washer;
    address internal open;

    function setUp() public {
        _openEconomy();
        (washer, open) = (vm.addr(KEY), router);
        _bond(OWN_ROUTER, LEAST_ASSET, LEAST_HEU);
        vm.startPrank(washer);
        registry.registerNode(address(0x77777), washer, bytes32(uint256(7)));
        registry.registerPod(washer, keccak256("washer"));
        registry.registerFrontend(washer, bytes32(uint256(2)));
        emission.setHome(OWN_NODE, OWN_ROUTER);
        heu.approve(address(burner), type(uint256).max);
        vm.stopPrank();
    }

    // --------------------------------------------------------------------------------------------- lots and routers

    /// @dev Its router's fees are gathered by nobody in time, so they are in no lot; the coalition takes part in the burn
    ///      of others, brings its own fees in the last second of the sale and is the first to ask for them.
    function test_attack_washingThatBuysItsOwnFeesBackInTheLastSecondLoses() public {
        uint32 epoch = _washAtHome();
        _at(epoch, 4 days - 1);
        burner.gather(OWN_ROUTER);
        uint256 before = heu.balanceOf(washer);
        uint256 price = burner.priceNow(true);
        if (price != 0) {
            vm.prank(washer);
            burner.buyCarried(type(uint256).max, washer);
        }
        _finalize(epoch);
        uint256 spent = before - heu.balanceOf(washer);
        uint256 earned = _emission();
        vm.assertGt(earned, 0, "it has a part of the emission");
        vm.assertGt(WASH + spent * 1e6 / PRICE, _dollars() + earned * 1e6 / PRICE, "washing loses");
    }

    /// @dev The same, if it lets the market buy its fees a week later: what it washed burns all the same.
    function test_attack_washingBesideTheLotLoses() public {
        uint32 epoch = _washAtHome();
        _finalize(epoch);
        vm.assertGt(WASH, _dollars() + _emission() * 1e6 / PRICE, "washing loses");
        burner.gather(OWN_ROUTER);
        vm.assertEq(burner.carried(), _fee(WASH), "its fees wait for the fire");
    }

    /// @dev Its old fees were carried because nobody had asked for them. Asking now, it would take what another router's
    ///      lot is made of.
    function test_attack_noRouterTakesTheLotOfAnother() public {
        uint32 epoch = Epochs.current();
        _wait(2);
        _wash(HONEST);
        ledger.collect(OWN_ROUTER);
        burner.settle();
        _wait(2);
        burner.settle();
        vm.assertEq(burner.carried(), _fee(HONEST), "its fees are carried");
        epoch = Epochs.current();
        _workFor(1, HONEST);
        _at(epoch, 0);
        ledger.collect(open);
        burner.gather(OWN_ROUTER);
        burner.gather(open);
        vm.assertEq(burner.lotOf(epoch).amount, _fee(HONEST), "the lot is whole");
        vm.assertEq(burner.carried(), _fee(HONEST), "nothing is carried twice");
    }

    /// @dev Nobody gathered a router for a week, and its fees of that week had been collected early.
    function test_aWeekThatNobodyGatheredTakesNothingOfTheNextLot() public {
        _wait(2);
        _workFor(1, HONEST);
        ledger.collect(open);
        burner.settle();
        _wait(1);
        uint32 epoch = Epochs.current();
        _workFor(1, HONEST / 2);
        _at(epoch, 0);
        burner.gather(open);
        vm.assertEq(burner.lotOf(epoch).amount, _fee(HONEST / 2), "the lot is whole");
        vm.assertEq(burner.carried(), _fee(HONEST), "what nobody asked for is carried, once");
    }

    // ------------------------------------------------------------------------------------------------------ private

    /// @dev Honest calls at the open router for two epochs; in the second the coalition washes at its own. The lot is sold
    ///      at what HEU is worth.
    function _washAtHome() private returns (uint32 epoch) {
        epoch = _begin();
        _lock(washer, 1_000e18, _after(52));
        _vote(washer, Ballot.Node, OWN_NODE, 10_000);
        _vote(washer, Ballot.Pod, OWN_POD, 10_000);
        heu.transfer(washer, 1_000_000e18);
        _workFor(1, HONEST);
        _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        epoch += 1;
        _workFor(1, HONEST);
        _wash(WASH);
        _sellAndRecord(epoch, _ids(1, OWN_NODE));
        votes.closeRevenue(OWN_ROUTER, OWN_POD);
    }

    function _wash(uint256 gross) private {
        router = OWN_ROUTER;
        _deposit(KEY, gross);
        Draft memory draft = _draft(_line(KEY, gross));
        draft.nodes = _one(OWN_NODE, gross);
        draft.pods = _one(OWN_POD, gross);
        draft.frontends = _one(OWN_FRONTEND, gross);
        _settle(_pack(draft));
        router = open;
    }

    function _emission() private returns (uint256 earned) {
        earned = heu.balanceOf(washer);
        emission.claim(_ids(OWN_NODE));
        earned = heu.balanceOf(washer) - earned;
    }

    function _dollars() private returns (uint256) {
        router = OWN_ROUTER;
        _claim(Role.Node, OWN_NODE);
        _claim(Role.Pod, OWN_POD);
        _claim(Role.Frontend, OWN_FRONTEND);
        _claimPod(washer, OWN_POD);
        router = open;
        return dollar.balanceOf(washer);
    }
}
