// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

/// @dev Splits that change with the epoch, and what a payee settled in each epoch.
contract LedgerSplitTest is Market {
    uint256 internal constant ALICE = 0xA11CE;
    address internal constant BURNER = address(0xB123);
    address internal constant VOTERS = address(0x7073);

    event SplitSet(IComputeLedger.Split split, uint32 fromEpoch);

    function setUp() public {
        _open();
        IComputeLedger.Terms memory terms = _terms();
        (terms.burner, terms.podVoters) = (BURNER, VOTERS);
        // Whoever the Authority lets: here this contract, which is an authority that lets itself.
        terms.authority = address(this);
        ledger = _newLedger(terms);
        _register(3, 3, 3);
        _deposit(ALICE, 10_000e6);
    }

    /// @dev AccessManager's question, answered: this contract may do everything at once.
    function canCall(address caller, address, bytes4) external view returns (bool, uint32) {
        return (caller == address(this), 0);
    }

    function test_aSplitBindsFromTheNextEpochOn() public {
        _settle(_line(ALICE, 1_000_000));
        vm.expectEmit(true, true, true, true, address(ledger));
        emit SplitSet(IComputeLedger.Split(6_000, 2_000, 1_000, 500), Epochs.current() + 1);
        _set(6_000, 2_000, 1_000, 500);
        _settle(_line(ALICE, 1_000_000));
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 1_400_000, "this epoch's split holds to its end");
        vm.assertEq(ledger.shareBpsOf(Role.Node, 1), 7_000, "70 %");

        _nextEpoch();
        vm.assertEq(ledger.shareBpsOf(Role.Node, 1), 6_000, "60 %");
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 1_400_000, "what was settled does not change");
        _settle(_line(ALICE, 1_000_000));
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 2_000_000, "what comes does");
        vm.assertEq(ledger.claimable(router, Role.Pod, 1), 400_000, "pod");
        vm.assertEq(ledger.claimable(router, Role.Voters, 1), 150_000, "voters");
    }

    function test_aSplitThatDoesNotBindYetCanBeReplaced() public {
        _set(6_000, 2_000, 1_000, 500);
        _set(8_000, 500, 500, 500);
        vm.assertEq(ledger.splitIn(Epochs.current()).node, 7_000, "now");
        vm.assertEq(ledger.splitIn(Epochs.current() + 1).node, 8_000, "next");
        _nextEpoch();
        _settle(_line(ALICE, 1_000_000));
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 800_000);
    }

    function test_aSplitOutOfItsBoundsIsNotSet_SplitOutOfBounds() public {
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.SplitOutOfBounds.selector, 4_999, 5_000));
        _set(4_999, 2_000, 1_000, 500);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.SplitOutOfBounds.selector, 2_501, 2_500));
        _set(5_000, 1_000, 2_501, 500);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.SplitOutOfBounds.selector, 9_801, 9_800));
        _set(7_000, 1_000, 1_000, 801);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.SplitOutOfBounds.selector, 7_999, 8_000));
        _set(6_000, 1_000, 999, 0);
        _set(6_000, 1_000, 1_000, 0);
        _set(7_000, 1_000, 1_000, 800);
    }

    function test_aPayeeThatSleptThroughTwoChangesKeepsTheSplitOfItsWork() public {
        _settle(_line(ALICE, 1_000_001));
        _set(6_000, 2_000, 1_000, 500);
        _nextEpoch();
        _set(8_000, 500, 500, 500);
        _nextEpoch();
        _nextEpoch();
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 700_000, "asleep");
        vm.assertEq(_claim(Role.Node, 1), 700_000, "claimed");
        _settle(_line(ALICE, 1_000_000));
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 800_000, "awake");
        vm.assertEq(ledger.grossOf(router, Role.Node, 1), 2_000_001, "its gross goes on");
        vm.assertEq(ledger.routerOf(router).gross, 2_000_001, "the router's too");
    }

    function test_whatAnEpochSettledIsKeptForGood() public {
        uint32 first = Epochs.current();
        _settle(_line(ALICE, 300));
        _settle(_line(ALICE, 200));
        vm.assertEq(ledger.lastEpochOf(router), 0, "no epoch has closed");
        _nextEpoch();
        vm.assertEq(ledger.lastEpochOf(router), first, "the first has");
        vm.assertEq(ledger.unitsIn(router, Role.Node, 1, first), 500, "asleep");
        _settle(_line(ALICE, 7));
        vm.assertEq(ledger.lastEpochOf(router), first, "still the last that has closed");
        _nextEpoch();
        _nextEpoch();
        _settle(_line(ALICE, 9));

        vm.assertEq(ledger.lastEpochOf(router), first + 1, "the one before this one in which it settled");
        for (uint256 role; role < 4; role++) {
            vm.assertEq(ledger.unitsIn(router, Role(role), 1, first), 500, "first");
            vm.assertEq(ledger.unitsIn(router, Role(role), 1, first + 1), 7, "second");
            vm.assertEq(ledger.unitsIn(router, Role(role), 1, first + 2), 0, "third");
            vm.assertEq(ledger.unitsIn(router, Role(role), 1, first + 3), 9, "fourth");
        }
        vm.assertEq(ledger.volumeIn(router, first), 500, "first");
        vm.assertEq(ledger.volumeIn(router, first + 1), 7, "second");
        vm.assertEq(ledger.volumeIn(router, first + 2), 0, "third");
        vm.assertEq(ledger.volumeIn(router, first + 3), 9, "fourth");
    }

    function test_unitsBeginAfreshWithASplitToo() public {
        _settle(_line(ALICE, 500));
        _set(6_000, 2_000, 1_000, 500);
        _nextEpoch();
        _settle(_line(ALICE, 30));

        vm.assertEq(ledger.unitsIn(router, Role.Node, 1, Epochs.current()), 30, "this epoch");
        vm.assertEq(ledger.unitsIn(router, Role.Node, 1, Epochs.current() - 1), 500, "the one before");
        vm.assertEq(ledger.volumeIn(router, Epochs.current()), 30, "the router's");
    }

    function test_peer25_aSettlementCostsNoMoreAfterALongHistory() public {
        _settle(_line(ALICE, 100));
        _settle(_line(ALICE, 100));
        uint256 few = _settleGas();
        for (uint256 i; i < 256; i++) {
            _settle(_line(ALICE, 1));
        }
        vm.assertEq(_settleGas(), few, "256 batches later, in the same epoch");

        uint256 once = _turnGas(1);
        uint256 often = _turnGas(256);
        // The splits that were ever set are searched by halves: 8 more steps for each of the five totals that turn.
        vm.assertLe(often, once + 5 * 8 * 2_600, "after 256 changes of the split");
    }

    /// @dev Gas of one batch of one line of each role, cold.
    function _settleGas() private returns (uint256 spent) {
        bytes memory batch = _pack(_draft(_line(ALICE, 1)));
        vm.cool(address(ledger));
        vm.prank(router);
        ledger.settle(batch);
        return vm.lastCallGas().gasTotalUsed;
    }

    /// @dev The same as the first of an epoch, after so many changes of the split.
    function _turnGas(uint256 changes) private returns (uint256) {
        for (uint256 i; i < changes; i++) {
            vm.warp(Epochs.startOf(Epochs.current() + 1));
            _set(7_000, 1_000, 1_000, uint16(400 + i % 2));
        }
        vm.warp(Epochs.startOf(Epochs.current() + 1));
        return _settleGas();
    }

    /// @dev Over many changes: every unit of gross is some payee's or the protocol's, a payee loses less than one unit per
    ///      change, and the burner is never paid what a later rounding takes.
    function testFuzz_peer33_sumOfSplitsIsGrossOverChanges(uint256 seed) public {
        uint256 gross;
        uint256[2] memory exact;
        for (uint256 i; i < 12; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            uint256 bps = ledger.shareBpsOf(Role.Node, 1);
            uint256 charge = draw & 1 == 0 ? bound(draw >> 8, 1, 9) : bound(draw >> 8, 1, 1_000_000);
            uint256 id = 1 + (draw >> 100) % 2;
            Draft memory draft = _draft(_line(ALICE, charge));
            draft.nodes = _one(id, charge);
            draft.frontends = _one((draw >> 110) % 3, charge);
            _settle(_pack(draft));
            gross += charge;
            exact[id - 1] += charge * bps;
            if (draw >> 120 & 3 == 0) {
                _set(uint16(bound(draw >> 128, 6_700, 8_000)), 500, uint16(bound(draw >> 160, 400, 900)), 400);
            }
            if (draw >> 122 & 1 == 0) _nextEpoch();
            if (draw >> 124 & 1 == 0 && ledger.collectable(router) != 0) ledger.collect(router);
        }
        uint256 split = ledger.protocolOwed(router) + dollar.balanceOf(BURNER);
        for (uint32 id; id <= 3; id++) {
            for (uint256 role; role < 4; role++) {
                split += ledger.claimable(router, Role(role), id);
            }
        }
        vm.assertEq(split, gross, "sum of splits = gross");
        vm.assertLe(ledger.collectable(router), ledger.protocolOwed(router), "collectable");
        for (uint32 id = 1; id <= 2; id++) {
            uint256 due = exact[id - 1] / 10_000;
            vm.assertLe(ledger.claimable(router, Role.Node, id), due, "never more than its share");
            vm.assertLe(due, ledger.claimable(router, Role.Node, id) + 12, "less than a unit per period less");
        }
    }

    function test_severalRoutersCountBesideEachOther() public {
        _settle(_line(ALICE, 500));
        address first = router;
        router = address(0x0708);
        heu.approve(address(ledger.bond()), 1);
        ledger.bond().deposit(router, 0, 1);
        _deposit(ALICE, 1_000);
        _settle(_line(ALICE, 30));
        _nextEpoch();
        vm.prank(first);
        vm.expectPartialRevert(IComputeLedger.FloatExhausted.selector);
        ledger.withdrawFloat(1);

        uint32 epoch = Epochs.current() - 1;
        vm.assertEq(ledger.unitsIn(first, Role.Node, 1, epoch), 500, "the first's");
        vm.assertEq(ledger.unitsIn(router, Role.Node, 1, epoch), 30, "the second's");
        vm.assertEq(ledger.volumeIn(first, epoch) + ledger.volumeIn(router, epoch), 530, "apart");
        vm.assertEq(_claim(Role.Node, 1), 21, "one claim takes from one router");
        vm.assertEq(ledger.claimable(first, Role.Node, 1), 350, "the other's waits");
        vm.assertEq(ledger.routerOf(first).seq, ledger.routerOf(router).seq, "each counts its own batches");
    }

    function _set(uint16 node, uint16 pod, uint16 frontend, uint16 voters) private {
        ledger.setSplit(IComputeLedger.Split(node, pod, frontend, voters));
    }

    function _nextEpoch() private {
        vm.warp(Epochs.startOf(Epochs.current() + 1));
    }
}
