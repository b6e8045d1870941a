// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Economies} from "./Economies.sol";
import {Snapshots} from "./Snapshots.sol";

/// @dev Execution gas of an epoch's turn, every slot cold, held at +3 % of `bench/snapshots/economy/`.
abstract contract EmissionGas is Economies, Snapshots {
    uint32 internal epoch;

    function _folder() internal pure override returns (string memory) {
        return "economy";
    }

    /// @dev So many nodes, that worked, were paid and said new terms in so many epochs. The next epoch's lot is sold, and
    ///      what is measured is left to be done.
    function _prepare(uint32 nodes, uint256 epochs) internal {
        _openEconomy();
        _addBonds();
        _register(nodes, 2, 1);
        for (uint32 node = 1; node <= nodes; node++) {
            emission.setHome(node, router);
            _stakeFor(node, 100e18);
        }
        _lock(ANN, 1_000e18, _after(MOST));
        _vote(ANN, Ballot.Node, 1, 5_000);
        _deposit(PAYER, 100e6 * uint256(nodes) * (epochs + 1));
        _begin();
        for (uint256 i; i < epochs; i++) {
            emission.setTip(2, uint16(i % 2));
            _turn(nodes);
            emission.record(epoch, _all(nodes));
            _finalize(epoch);
            emission.claim(_all(nodes));
        }
        _turn(nodes);
    }

    /// @dev Every node works; the epoch ends, is reported, and its lot is sold.
    function _turn(uint32 nodes) private {
        epoch = Epochs.current();
        Draft memory draft = _draft(_line(PAYER, 100e6 * uint256(nodes)));
        draft.nodes.ids = _all(nodes);
        draft.nodes.amounts = new uint48[](nodes);
        for (uint256 i; i < nodes; i++) {
            draft.nodes.amounts[i] = 100e6;
        }
        _settle(_pack(draft));
        _at(epoch, 0);
        _probe(epoch, 3, 100);
        burner.gather(router);
        _at(epoch, 2 days);
        _buy();
    }

    function _all(uint32 nodes) internal pure returns (uint32[] memory ids) {
        ids = new uint32[](nodes);
        for (uint32 i; i < nodes; i++) {
            ids[i] = i + 1;
        }
    }

    function _cost(address account, address target, bytes memory call) internal returns (uint256) {
        vm.prank(account);
        (bool done,) = target.call(call);
        vm.assertTrue(done, "done");
        return vm.lastCallGas().gasTotalUsed;
    }

    function _claimCost(uint32 node) internal returns (uint256) {
        return _cost(EVE, address(emission), abi.encodeCall(emission.claim, (_ids(node))));
    }

    function _heldClaim(string memory name, uint32 node) internal returns (uint256 gas) {
        gas = _claimCost(node);
        _hold(name, gas);
    }
}

contract EmissionClaimGasTest is EmissionGas {
    function setUp() public {
        _prepare(4, 3);
        emission.record(epoch, _all(4));
        _finalize(epoch);
    }

    function test_gas_aNodesClaimCosts60000AtMost() public {
        vm.assertLe(_heldClaim("emission_claim", 4), 60_000, "one pool");
    }

    function test_gas_aNodesClaimOfBothPoolsCosts60000AtMost() public {
        vm.assertLe(_heldClaim("emission_claim_both", 3), 60_000, "both pools");
    }
}

contract EmissionTipGasTest is EmissionGas {
    function setUp() public {
        _prepare(4, 0);
        emission.setTip(1, 1_000);
        emission.record(epoch, _all(4));
        _finalize(epoch);
        for (uint256 i; i < 2; i++) {
            epoch = Epochs.current();
            _workFor(1, 1_000e6);
            _sellAndRecord(epoch, _ids(1));
            _finalize(epoch);
            if (i == 0) emission.claim(_ids(1));
        }
    }

    /// @dev The voters' part is left where it is: whoever closes the tips, or records the next epoch, moves it.
    function test_gas_aNodesClaimWithATipCosts60000AtMost() public {
        vm.assertLe(_heldClaim("emission_claim_tip", 1), 60_000, "with a tip");
        vm.assertGt(emission.tipsOf(1), 0, "a tip there is");
    }
}

contract EmissionTurnGasTest is EmissionGas {
    function setUp() public {
        _prepare(24, 2);
    }

    function test_gas_aRecordPerNode() public {
        bytes memory few = abi.encodeCall(emission.record, (epoch, _all(4)));
        bytes memory many = abi.encodeCall(emission.record, (epoch, _all(24)));
        uint256 state = vm.snapshotState();
        uint256 least = _cost(EVE, address(emission), few);
        vm.revertToState(state);
        vm.cool(address(emission));
        vm.cool(address(ledger));
        vm.cool(address(registry));
        vm.cool(address(votes));
        uint256 most = _cost(EVE, address(emission), many);
        _hold("emission_record_24", most);
        _hold("emission_record_node", (most - least) / 20);
        vm.assertLe((most - least) / 20, 60_000, "a node more");
    }

    function test_gas_finalize() public {
        emission.record(epoch, _all(24));
        vm.warp(emission.finalizableAt());
        vm.cool(address(emission));
        vm.cool(address(burner));
        vm.cool(address(staking));
        vm.cool(address(heu));
        _hold("emission_finalize", _cost(EVE, address(emission), abi.encodeCall(emission.finalize, (epoch))));
    }
}

contract BurnerGasTest is EmissionGas {
    function setUp() public {
        _prepare(4, 3);
        epoch = Epochs.current();
        _workFor(1, 10_000e6);
        _at(epoch, 0);
    }

    function test_gas_gather() public {
        _hold("burner_gather", _cost(EVE, address(burner), abi.encodeCall(burner.gather, (router))));
    }

    function test_gas_buy() public {
        burner.gather(router);
        _at(epoch, 2 days);
        vm.cool(address(burner));
        vm.cool(address(heu));
        vm.cool(address(dollar));
        vm.cool(address(ledger));
        _hold("burner_buy", _cost(BUYER, address(burner), abi.encodeCall(burner.buy, (type(uint256).max, BUYER))));
    }
}

/// @dev A claim costs the same among few nodes after few epochs as among many after many, for the chart of `docs/economy.md`.
abstract contract EmissionGrowthGas is EmissionGas {
    uint32 internal constant SMALLEST = 4;
    uint32 private _size;

    function _grow(uint32 size) internal {
        _size = size;
        _prepare(size, size);
        emission.record(epoch, _all(size));
        _finalize(epoch);
    }

    function test_gas_aNodesClaimIsFlat() public {
        uint256 gas = _heldClaim(string.concat("flat_node_claim_", vm.toString(uint256(_size))), 4);
        uint256 least = _kept(string.concat("flat_node_claim_", vm.toString(uint256(SMALLEST))));
        vm.assertLe(gas * 100, least * 103, "what it costs among the fewest, and 3 % at most");
        vm.assertLe(gas, 60_000, "and no more than the bar");
    }
}

contract EmissionGrowth4GasTest is EmissionGrowthGas {
    function setUp() public {
        _grow(4);
    }
}

contract EmissionGrowth16GasTest is EmissionGrowthGas {
    function setUp() public {
        _grow(16);
    }
}

contract EmissionGrowth64GasTest is EmissionGrowthGas {
    function setUp() public {
        _grow(64);
    }
}

contract EmissionGrowth256GasTest is EmissionGrowthGas {
    function setUp() public {
        _grow(256);
    }
}
