// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Market} from "./Market.sol";

contract LedgerGasTest is Market {
    uint256 internal constant PAYERS = 50;
    uint256 internal constant NODES = 100;
    uint256 internal constant PODS = 20;
    uint256 internal constant FRONTENDS = 10;
    uint256 internal constant CHARGE = 20_000_000;

    bytes internal batch;

    function setUp() public {
        _open();
        _register(NODES, PODS, FRONTENDS);
        _float(1_000_000);
        for (uint256 i = 1; i <= PAYERS; i++) {
            _deposit(0x1000 + i, 1000e6);
        }
        _settle(_pack(_walk(PAYERS, NODES, PODS, FRONTENDS)));
        batch = _pack(_walk(PAYERS, NODES, PODS, FRONTENDS));
    }

    function test_gas() public {
        bytes memory b = batch;
        vm.prank(router);
        ledger.settle(b);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        uint256 data;
        bytes memory call = abi.encodeCall(ledger.settle, (b));
        for (uint256 i; i < call.length; i++) data += call[i] == 0 ? 4 : 16;
        vm.assertEq(used, 0, vm.toString(data));
    }

    function _walk(uint256 payers, uint256 nodes, uint256 pods, uint256 frontends) internal view returns (Draft memory draft) {
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
