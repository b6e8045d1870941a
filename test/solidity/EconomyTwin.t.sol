// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Economies} from "./Economies.sol";

/// @dev Lives drawn histories, and compares with what a model of plain loops says must come of them: those of the vector, or
///      the thousands that test/economy/twin.ts has just drawn.
contract EconomyTwinTest is Economies {
    function setUp() public {
        _openEconomy();
        _addBonds();
        _begin();
    }

    function test_theContractsAndTheModelAgreeToTheWeiOnEveryDrawnHistory() public {
        string memory told = vm.readFile(vm.envOr("HEURIST_HISTORIES", string("test/vectors/economy.json")));
        uint256 count = vm.parseJsonUint(told, ".count");
        vm.assertGt(count, 0, "there are histories");
        for (uint256 i; i < count; i++) {
            bytes memory history = vm.parseJsonBytes(told, string.concat(".h", vm.toString(i)));
            uint256 before = vm.snapshotState();
            this.live(abi.decode(history, (uint256[])), vm.toString(i));
            vm.revertToState(before);
        }
    }

    function live(uint256[] calldata words, string calldata name) external {
        vm.assertEq(words[0], Epochs.current(), "the model begins in the same epoch");
        for (uint256 at = 1; at < words.length;) {
            at += 1 + _act(words[at], words[at + 1:], string.concat("history ", name, " word ", vm.toString(at)));
        }
    }

    /// @return used How many words the act took.
    function _act(uint256 kind, uint256[] calldata w, string memory name) private returns (uint256 used) {
        if (kind == 1) return _lockAct(w);
        if (kind == 2) {
            _vote(_voter(w[0]), Ballot(w[1]), uint32(w[2]), uint16(w[3]));
            return 4;
        }
        if (kind == 3) {
            staking.stake(uint32(w[0]), w[1]);
            return 2;
        }
        if (kind == 4) {
            staking.requestUnbond(uint32(w[0]), w[1]);
            return 2;
        }
        if (kind == 5) return _workAct(w);
        if (kind == 6) {
            emission.setTip(uint32(w[0]), uint16(w[1]));
            return 2;
        }
        if (kind == 7) return _turn(w, name);
        if (kind == 8) {
            bool pod = Ballot(w[1]) == Ballot.Pod;
            uint256 paid = pod ? _claimPod(_voter(w[0]), uint32(w[2])) : _claimNode(_voter(w[0]), uint32(w[2]));
            vm.assertEq(paid, w[3], string.concat(name, ": a voter's claim"));
            return 4;
        }
        if (kind == 9) {
            vm.assertEq(emission.claim(_ids(uint32(w[0]))), w[1], string.concat(name, ": a node's claim"));
            return 2;
        }
        if (kind == 10) {
            uint256 weight = votes.weightIn(Ballot(w[0]), uint32(w[1]), uint32(w[2]));
            vm.assertEq(weight, w[3], string.concat(name, ": a weight"));
            return 4;
        }
        if (kind == 12) return _idle(w[0]);
        if (kind == 13) return _refused(w, name);
        if (kind == 14) {
            emission.setHome(uint32(w[0]), w[1] == 1 ? router : address(0));
            return 2;
        }
        vm.assertEq(kind, 11, "an act that is known");
        vm.prank(_voter(w[0]));
        escrow.withdraw();
        return 1;
    }

    /// @dev Weeks in which epochs become final and nothing else happens.
    function _idle(uint256 weeks_) private returns (uint256) {
        for (uint256 i; i < weeks_; i++) {
            _finalize(emission.nextEpoch());
        }
        return 1;
    }

    /// @dev What a contract must not take: votes beyond all power, a shorter lock, more stake than there is, a living lock back.
    function _refused(uint256[] calldata w, string memory name) private returns (uint256) {
        (address target, bytes memory data) = (address(escrow), abi.encodeCall(escrow.withdraw, ()));
        if (w[0] == 1) {
            data = abi.encodeCall(votes.vote, (Ballot(w[2]), _ids(uint32(w[3])), _bps(uint16(w[4]))));
            target = address(votes);
        } else if (w[0] == 2) {
            data = abi.encodeCall(escrow.lock, (0, uint32(w[2])));
        } else if (w[0] == 3) {
            data = abi.encodeCall(staking.requestUnbond, (uint32(w[1]), w[2]));
            target = address(staking);
        }
        // Stake is this contract's, everything else a voter's.
        if (w[0] != 3) vm.prank(_voter(w[1]));
        (bool done,) = target.call(data);
        vm.assertFalse(done, string.concat(name, ": what must be refused"));
        return 5;
    }

    function _lockAct(uint256[] calldata w) private returns (uint256) {
        _lock(_voter(w[0]), w[1], uint32(w[2]));
        return 3;
    }

    function _workAct(uint256[] calldata w) private returns (uint256) {
        Draft memory draft = _draft(_line(PAYER, w[2]));
        draft.nodes = _one(w[0], w[2]);
        draft.pods = _one(w[1], w[2]);
        // Nobody's frontend: that share burns.
        if (w[3] == 1) draft.frontends = _one(0, w[2]);
        _settle(_pack(draft));
        return 4;
    }

    /// @dev The present epoch ends: gathered, closed, recorded, probed, sold, final.
    function _turn(uint256[] calldata w, string memory name) private returns (uint256) {
        uint32 epoch = Epochs.current();
        _at(epoch, 0);
        // Twenty steps are more than two years: one that does not go forward is a failure.
        for (uint256 i; burner.openFrom(router) <= epoch; i++) {
            vm.assertLe(i, 20, string.concat(name, ": gathered"));
            burner.gather(router);
        }
        uint32[] memory nodes = new uint32[](NODES);
        for (uint32 i; i < NODES; i++) {
            nodes[i] = i + 1;
        }
        emission.record(epoch, nodes);
        if (w[1] != 0) _probe(epoch, uint32(w[0]), w[1]);
        for (uint32 pod = 1; pod <= 2; pod++) {
            for (uint256 i; votes.openFrom(Ballot.Pod, router, pod) <= epoch; i++) {
                vm.assertLe(i, 20, string.concat(name, ": closed"));
                votes.closeRevenue(router, pod);
            }
        }
        if (w[2] != 0) {
            _at(epoch, w[2]);
            _buy();
        }
        _finalize(epoch);
        for (uint32 i; i < NODES; i++) {
            votes.closeTips(nodes[i]);
        }
        IEmissionController.Epoch memory seen = emission.epochOf(epoch);
        vm.assertEq(seen.base, w[3], string.concat(name, ": base"));
        vm.assertEq(seen.dynamic, w[4], string.concat(name, ": dynamic"));
        vm.assertEq(seen.burnt, w[5], string.concat(name, ": burnt"));
        vm.assertEq(RESERVE - emission.reserve(), w[6], string.concat(name, ": issued so far"));
        return 7;
    }

    function _voter(uint256 who) private pure returns (address) {
        return address(uint160(0xACC0 + who));
    }
}
