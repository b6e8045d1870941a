// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";
import {Snapshots} from "./Snapshots.sol";

/// @dev Gas of the hot paths, every slot cold and non-zero: batches as whole transactions (21,000 + calldata + execution), a
///      claim by its execution alone.
///      71: held at +3 % of `bench/snapshots/ledger/`; HEURIST_SNAPSHOT=true writes it anew.
contract LedgerGasTest is Market, Snapshots {
    uint256 internal constant PAYERS = 50;
    uint256 internal constant NODES = 100;
    uint256 internal constant PODS = 20;
    uint256 internal constant FRONTENDS = 10;
    uint256 internal constant CHARGE = 20_000_000;

    bytes internal whole;
    bytes internal oneOfEach;
    bytes internal twoPayers;
    bytes internal twoNodes;

    function setUp() public {
        _open();
        _register(NODES, PODS, FRONTENDS);
        _float(1_000_000);
        for (uint256 i = 1; i <= PAYERS; i++) {
            _deposit(0x1000 + i, 10_000e6);
        }
        _settle(_pack(_walk(PAYERS, NODES, PODS, FRONTENDS)));
        _settle(_pack(_walk(PAYERS, NODES, PODS, FRONTENDS)));
        for (uint32 id = 1; id <= 2; id++) {
            _claim(Role.Node, id);
        }
        _settle(_pack(_walk(PAYERS, NODES, PODS, FRONTENDS)));
        whole = _pack(_walk(PAYERS, NODES, PODS, FRONTENDS));
        oneOfEach = _pack(_walk(1, 1, 1, 1));
        twoPayers = _pack(_walk(2, 1, 1, 1));
        twoNodes = _pack(_walk(1, 2, 1, 1));
    }

    function test_71_aThousandJobsSettleWithin1450GasEach() public {
        uint256 gas = _gasOf(whole);
        _hold("settle_50_100_20_10", gas);

        vm.assertLe(gas, 1_450_000, "1,000 jobs");
    }

    function test_71_theFixedPartIsWithin80000() public {
        // One line of each kind, less what such lines cost at the margin.
        uint256 gas = _gasOf(oneOfEach);
        _hold("settle_1_1_1_1", gas);

        uint256 payer = _kept("settle_2_1_1_1") - _kept("settle_1_1_1_1");
        uint256 payee = _kept("settle_1_2_1_1") - _kept("settle_1_1_1_1");
        vm.assertLe(gas - payer - 3 * payee, 80_000, "what a batch costs without its lines");
    }

    function test_71_aPayerLineIsWithin12000() public {
        uint256 gas = _gasOf(twoPayers);
        _hold("settle_2_1_1_1", gas);

        vm.assertLe(gas - _kept("settle_1_1_1_1"), 12_000, "one payer line more");
    }

    function test_71_aPayeeLineIsWithin6000() public {
        uint256 gas = _gasOf(twoNodes);
        _hold("settle_1_2_1_1", gas);

        vm.assertLe(gas - _kept("settle_1_1_1_1"), 6_000, "one node line more");
    }

    function test_71_aClaimIsWithin55000() public {
        uint32[] memory ids = new uint32[](1);
        ids[0] = 1;
        ledger.claim(router, Role.Node, ids);
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        _hold("claim", gas);

        vm.assertLe(gas, 55_000, "a claim");
    }

    /// @dev A payee's first line in an epoch writes down the last one: one slot more.
    function test_71_aNodeLineThatTurnsTheEpochIsWithin36000() public {
        vm.warp(Epochs.startOf(Epochs.current() + 1));
        uint256 state = vm.snapshotState();
        uint256 one = _gasOf(oneOfEach);
        vm.revertToState(state);
        uint256 two = _gasOf(twoNodes);
        _hold("settle_turn_1_1_1_1", one);
        _hold("settle_turn_1_2_1_1", two);

        vm.assertLe(two - one, 36_000, "the turn of a node");
    }

    /// @dev As large as common nodes take a transaction (128 KiB): as many payers as fit, every payee met for the first time.
    function test_71_aBatchOf120000BytesFitsABlock() public {
        uint256 lines = 900;
        _register(NODES, PODS, lines);
        for (uint256 i = PAYERS + 1; i <= lines; i++) {
            _deposit(0x1000 + i, CHARGE);
        }
        router = address(0x0708);
        _bond(router, LEAST_ASSET, LEAST_HEU);
        for (uint256 i = 1; i <= lines; i++) {
            _deposit(0x1000 + i, CHARGE);
        }
        bytes memory batch = _pack(_walk(lines, 1, 1, lines));

        vm.assertLe(batch.length, 120_000, "bytes");
        vm.assertLe(_gasOf(batch), 100_000_000, "gas of a block");
    }

    /// @dev What a line costs that meets its payee for the first time: the most that a byte of a batch can cost.
    function test_71_aPayeesFirstLineIsWithin24000() public {
        router = address(0x0708);
        _bond(router, LEAST_ASSET, LEAST_HEU);
        _deposit(0x1001, 10_000e6);
        uint256 state = vm.snapshotState();
        uint256 ten = _gasOf(_pack(_walk(1, 10, 1, 1)));
        vm.revertToState(state);
        uint256 hundred = _gasOf(_pack(_walk(1, 100, 1, 1)));

        vm.assertLe((hundred - ten) / 90, 24_000, "a new payee");
    }

    function _gasOf(bytes memory batch) internal returns (uint256 gas) {
        vm.prank(router);
        ledger.settle(batch);
        gas = 21_000 + vm.lastCallGas().gasTotalUsed + _calldataGas(abi.encodeCall(ledger.settle, (batch)));
    }

    function _walk(uint256 payers, uint256 nodes, uint256 pods, uint256 frontends)
        internal
        view
        returns (Draft memory draft)
    {
        Line[] memory lines = new Line[](payers);
        for (uint256 i; i < payers; i++) {
            lines[i] = _line(0x1001 + i, CHARGE);
        }
        draft = _draft(lines);
        uint256 gross = payers * CHARGE;
        draft.nodes = _even(nodes, gross);
        draft.pods = _even(pods, gross);
        draft.frontends = _even(frontends, gross);
    }

    function _even(uint256 count, uint256 gross) internal pure returns (Payees memory payees) {
        payees.ids = new uint32[](count);
        payees.amounts = new uint48[](count);
        for (uint256 i; i < count; i++) {
            payees.ids[i] = uint32(i + 1);
            payees.amounts[i] = uint48(gross / count + (i == 0 ? gross % count : 0));
        }
    }
}
