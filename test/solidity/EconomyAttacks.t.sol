// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
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

    /// @dev Nobody gathers its router's fees in time, so they are in no lot. It has its part of what others' burn issues, then
    ///      brings its own fees in the last second of the sale and is the first to ask for them.
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
        vm.assertGt(WASH + spent * 1e6 / PRICE, _dollars(OWN_ROUTER) + earned * 1e6 / PRICE, "washing loses");
    }

    /// @dev The same, if it lets the market buy its fees a week later: what it washed burns all the same.
    function test_attack_washingBesideTheLotLoses() public {
        uint32 epoch = _washAtHome();
        _finalize(epoch);
        vm.assertGt(WASH, _dollars(OWN_ROUTER) + _emission() * 1e6 / PRICE, "washing loses");
        burner.gather(OWN_ROUTER);
        vm.assertEq(burner.carried(), _fee(WASH), "its fees wait for the fire");
    }

    /// @dev Its old fees were carried because nobody had asked for them. Asking now, it would take what another router's
    ///      lot is made of.
    function test_attack_noRouterTakesTheLotOfAnother() public {
        uint32 epoch = Epochs.current();
        _wait(2);
        _wash(OWN_ROUTER, HONEST);
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

    // ------------------------------------------------------------------------------------- prices, stakes and gifts

    /// @dev HEU has fallen to a tenth, so the lot opens at a fifth of its worth. The coalition has it in the first second,
    ///      its own fees in it: it would have had the others' as cheaply without them.
    function test_attack_washingWhileHeuFallsTenfoldLosesThoughItWinsTheLot() public {
        uint256 before = vm.snapshotState();
        uint256 idle = _wealthWithTheLot(0);
        vm.revertToState(before);
        vm.assertGt(idle, _wealthWithTheLot(WASH), "washing loses");
    }

    /// @dev Ninety thousand HEU come in the last second before the epoch and ask to leave in its first one.
    function test_attack_stakeThatSleepsThroughAnEpochEarnsNothing() public {
        uint32 epoch = _begin();
        _addBonds();
        _stakeFor(1, 10_000e18);
        _at(epoch, 7 days - 1);
        _finalize(epoch);
        _stakeFor(OWN_NODE, 90_000e18);
        epoch = Epochs.current() + 1;
        _wait(1);
        vm.prank(washer);
        staking.requestUnbond(OWN_NODE, 90_000e18);
        _at(epoch, 0);
        _finalize(epoch - 1);
        _probe(epoch, [uint32(1), OWN_NODE], [uint256(10_000), 90_000]);
        _finalize(epoch);
        vm.assertEq(_emission(), 0, "nothing for who was not there");
        // Ten of a hundred thousand answered, and half of all quotas is asked for.
        vm.assertEq(emission.epochOf(epoch).base, _base() / 5, "the base in proportion; the rest stays");
        vm.expectPartialRevert(INodeStaking.StillUnbonding.selector);
        vm.prank(washer);
        staking.withdraw(OWN_NODE, washer);
    }

    function test_attack_giftsMoveNoLotNoEmissionAndNoClaim() public {
        uint256 before = vm.snapshotState();
        uint256[5] memory plain = _epochWith(0);
        vm.revertToState(before);
        uint256[5] memory gifted = _epochWith(1_000_000);
        for (uint256 i; i < plain.length; i++) {
            vm.assertGt(plain[i], 0, "something to move");
            vm.assertEq(gifted[i], plain[i], "not moved");
        }
    }

    // ------------------------------------------------------------------------------------------------------ private

    /// @return What it has more than at the beginning, in dollars with HEU at a tenth, above a thousand millions.
    function _wealthWithTheLot(uint256 gross) private returns (uint256) {
        vm.prank(washer);
        emission.setHome(OWN_NODE, open);
        uint32 epoch = _voteAndBegin();
        _workFor(1, HONEST);
        if (gross != 0) _wash(open, gross);
        _at(epoch, 0);
        burner.gather(open);
        emission.record(epoch, _ids(1, OWN_NODE));
        _at(epoch, 1 days);
        vm.prank(washer);
        (uint256 burnt, uint256 lot) = burner.buy(type(uint256).max, washer);
        vm.assertEq(lot, _fee(HONEST + gross), "all fees");
        vm.assertEq(burnt, lot * 2 * PRICE / 1e6, "a fifth of ten times the median");
        if (gross != 0) votes.closeRevenue(open, OWN_POD);
        _finalize(epoch);
        uint256 earned = _emission();
        return 1e15 + _dollars(open) + earned * 1e6 / (10 * PRICE) - gross - burnt * 1e6 / (10 * PRICE);
    }

    /// @return seen The lot, its burn, the dynamic part, a node's claim and a voter's.
    function _epochWith(uint256 gift) private returns (uint256[5] memory seen) {
        uint32 epoch = _voteAndBegin();
        _workFor(1, HONEST);
        _wash(OWN_ROUTER, WASH);
        if (gift != 0) _giveEveryone(gift);
        _at(epoch, 0);
        burner.gather(OWN_ROUTER);
        seen[1] = _sellAndRecord(epoch, _ids(1, OWN_NODE));
        votes.closeRevenue(OWN_ROUTER, OWN_POD);
        if (gift != 0) _giveEveryone(gift);
        _finalize(epoch);
        seen[0] = burner.lotOf(epoch).amount;
        seen[2] = emission.epochOf(epoch).dynamic;
        seen[3] = _emission();
        router = OWN_ROUTER;
        seen[4] = _claimPod(washer, OWN_POD);
    }

    function _giveEveryone(uint256 gift) private {
        address[7] memory all = [
            address(burner),
            address(votes),
            address(staking),
            address(escrow),
            address(emission),
            address(ledger),
            address(bonds)
        ];
        for (uint256 i; i < all.length; i++) {
            heu.transfer(all[i], gift * 1e18);
            _mint(all[i], 10_000e6);
        }
    }

    /// @dev Honest calls at the open router for two epochs; in the second the coalition washes at its own. The lot is sold
    ///      at what HEU is worth.
    function _washAtHome() private returns (uint32 epoch) {
        epoch = _voteAndBegin();
        _workFor(1, HONEST);
        _wash(OWN_ROUTER, WASH);
        _sellAndRecord(epoch, _ids(1, OWN_NODE));
        votes.closeRevenue(OWN_ROUTER, OWN_POD);
    }

    /// @dev It has all votes for nodes and for its pod; an epoch of honest calls is sold and final, so that votes multiply.
    /// @return epoch The next one.
    function _voteAndBegin() private returns (uint32 epoch) {
        epoch = _begin();
        _lock(washer, 1_000e18, _after(52));
        _vote(washer, Ballot.Node, OWN_NODE, 10_000);
        _vote(washer, Ballot.Pod, OWN_POD, 10_000);
        heu.transfer(washer, 2_000_000e18);
        _workFor(1, HONEST);
        _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        epoch += 1;
    }

    function _wash(address at, uint256 gross) private {
        router = at;
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

    function _dollars(address at) private returns (uint256) {
        router = at;
        _claim(Role.Node, OWN_NODE);
        _claim(Role.Pod, OWN_POD);
        _claim(Role.Frontend, OWN_FRONTEND);
        _claimPod(washer, OWN_POD);
        router = open;
        return dollar.balanceOf(washer);
    }
}
