// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {ISlashingManager} from "../../contracts/interfaces/ISlashingManager.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Economies} from "./Economies.sol";

/// @dev Lives drawn histories, and compares with what a model of plain loops says must come of them: those of the vector, or
///      the thousands that test/economy/twin.ts has just drawn.
contract EconomyTwinTest is Economies {
    uint64 private constant SLASHER_ROLE = 7;
    address private constant FIRST_ROUTER = address(0x0707);
    address private constant SECOND_ROUTER = address(0x0708);
    address private constant ACCUSER = address(0xACC5);
    uint256 private constant SIGNERS = 0x516000;
    uint256 private constant PODS = 2;

    ISlashingManager private slashing;

    function setUp() public {
        _openEconomy();
        slashing = _openSlashing();
        _openSecondRouter();
        for (uint32 node = 1; node <= NODES; node++) {
            registry.setSigner(node, vm.addr(SIGNERS + node));
        }
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
        if (kind <= 2 || kind == 8 || kind == 10 || kind == 11 || kind == 29) return _voterAct(kind, w, name);
        if (kind == 3 || kind == 4 || kind == 19 || kind == 20) return _stakeAct(kind, w, name);
        if (kind >= 15 && kind <= 18) return _slashAct(kind, w, name);
        if (kind >= 23 && kind <= 27) return _burnAct(kind, w, name);
        if (kind == 5) return _workAct(w);
        if (kind == 6) {
            emission.setTip(uint32(w[0]), uint16(w[1]));
            return 2;
        }
        if (kind == 7) return _over(w, name);
        if (kind == 9) {
            vm.assertEq(emission.claim(_ids(uint32(w[0]))), w[1], string.concat(name, ": a node's claim"));
            return 2;
        }
        if (kind == 12) return _idle(w[0]);
        if (kind == 13) return _refused(w, name);
        if (kind == 14) {
            emission.setHome(uint32(w[0]), w[1] == 0 ? address(0) : _router(w[1]));
            return 2;
        }
        if (kind == 21) {
            emission.setParams(_rules(w[0], w[1], w[2], w[3], w[4], w[5]));
            return 6;
        }
        if (kind == 22) {
            ledger.setSplit(_split(w[0], w[1], w[2], w[3]));
            return 4;
        }
        vm.assertEq(kind, 28, "an act that is known");
        return _final(w, name);
    }

    // ------------------------------------------------------------------------------------------------------ voters

    function _voterAct(uint256 kind, uint256[] calldata w, string memory name) private returns (uint256) {
        if (kind == 1) {
            _lock(_voter(w[0]), w[1], uint32(w[2]));
            return 3;
        }
        if (kind == 2) {
            _vote(_voter(w[0]), Ballot(w[1]), uint32(w[2]), uint16(w[3]));
            return 4;
        }
        if (kind == 8) {
            router = _router(w[2]);
            bool pod = Ballot(w[1]) == Ballot.Pod;
            uint256 paid = pod ? _claimPod(_voter(w[0]), uint32(w[3])) : _claimNode(_voter(w[0]), uint32(w[3]));
            vm.assertEq(paid, w[4], string.concat(name, ": a voter's claim"));
            return 5;
        }
        if (kind == 10) {
            uint256 weight = votes.weightIn(Ballot(w[0]), uint32(w[1]), uint32(w[2]));
            vm.assertEq(weight, w[3], string.concat(name, ": a weight"));
            return 4;
        }
        if (kind == 29) {
            vm.assertEq(escrow.getPastVotes(_voter(w[0]), w[1]), w[2], string.concat(name, ": past votes"));
            vm.assertEq(escrow.getPastTotalSupply(w[1]), w[3], string.concat(name, ": a past total"));
            return 4;
        }
        vm.prank(_voter(w[0]));
        escrow.withdraw();
        return 1;
    }

    // ------------------------------------------------------------------------------------------- stakes and slashes

    function _stakeAct(uint256 kind, uint256[] calldata w, string memory name) private returns (uint256) {
        uint32 node = uint32(w[0]);
        if (kind == 3) {
            staking.stake(node, w[1]);
            return 2;
        }
        if (kind == 4) {
            staking.requestUnbond(node, w[1]);
            return 2;
        }
        if (kind == 19) {
            staking.cancelUnbond(node);
            _stands(node, w[1], w[2], name);
            return 3;
        }
        uint256 before = heu.balanceOf(address(this));
        (bool done,) = address(staking).call(abi.encodeCall(staking.withdraw, (node, address(this))));
        vm.assertTrue(done == (w[1] != 0), string.concat(name, ": whether stake may leave"));
        vm.assertEq(heu.balanceOf(address(this)) - before, w[1], string.concat(name, ": stake that leaves"));
        _stands(node, w[2], w[3], name);
        return 4;
    }

    function _slashAct(uint256 kind, uint256[] calldata w, string memory name) private returns (uint256) {
        if (kind == 15) {
            _takes(uint32(w[0]), _proof(uint32(w[0]), bytes32(w[1])), w[2], name);
            _stands(uint32(w[0]), w[3], w[4], name);
            return 5;
        }
        if (kind == 16) {
            uint32 epoch = Epochs.current();
            vm.prank(ACCUSER);
            uint256 id = slashing.propose(uint32(w[0]), epoch, w[1], keccak256("evidence"));
            vm.assertEq(id, w[2], string.concat(name, ": a case"));
            return 3;
        }
        if (kind == 17) {
            _takes(uint32(w[1]), abi.encodeCall(slashing.execute, (w[0])), w[2], name);
            _stands(uint32(w[1]), w[3], w[4], name);
            return 5;
        }
        slashing.lapse(w[0]);
        return 1;
    }

    /// @dev A call that takes stake, or is refused if there is nothing to take.
    function _takes(uint32 node, bytes memory call, uint256 amount, string memory name) private {
        INodeStaking.Stake memory before = staking.stakeOf(node);
        uint256 held = heu.balanceOf(address(staking)) - staking.owedTo(address(this));
        (bool done,) = address(slashing).call(call);
        vm.assertTrue(done == (amount != 0), string.concat(name, ": whether a slash takes anything"));
        INodeStaking.Stake memory left = staking.stakeOf(node);
        uint256 taken = uint256(before.active) + before.unbonding - left.active - left.unbonding;
        vm.assertEq(taken, amount, string.concat(name, ": a slash"));
        held -= heu.balanceOf(address(staking)) - staking.owedTo(address(this));
        vm.assertEq(held, amount, string.concat(name, ": burnt or owed"));
    }

    /// @dev Two receipts of a node for one request.
    function _proof(uint32 node, bytes32 request) private view returns (bytes memory) {
        Messages.Receipt memory a;
        Messages.Receipt memory b;
        (a.request, a.node, a.price, a.completedAt) = (request, node, 1, uint40(block.timestamp));
        (b.request, b.node, b.price, b.completedAt) = (request, node, 2, uint40(block.timestamp));
        return abi.encodeCall(slashing.proveEquivocation, (a, _signed(node, a), b, _signed(node, b)));
    }

    function _signed(uint32 node, Messages.Receipt memory receipt) private view returns (bytes memory) {
        bytes32 hash = Messages.hash(receipt);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", ledger.domainSeparator(), hash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SIGNERS + node, digest);
        return abi.encodePacked(r, s, v);
    }

    function _stands(uint32 node, uint256 active, uint256 unbonding, string memory name) private view {
        INodeStaking.Stake memory held = staking.stakeOf(node);
        vm.assertEq(held.active, active, string.concat(name, ": active stake"));
        vm.assertEq(held.unbonding, unbonding, string.concat(name, ": unbonding stake"));
    }

    // --------------------------------------------------------------------------------------------- work and its fees

    function _workAct(uint256[] calldata w) private returns (uint256) {
        router = _router(w[0]);
        Draft memory draft = _draft(_line(PAYER, w[3]));
        draft.nodes = _one(w[1], w[3]);
        draft.pods = _one(w[2], w[3]);
        // Nobody's frontend: that share burns.
        if (w[4] == 1) draft.frontends = _one(0, w[3]);
        _settle(_pack(draft));
        return 5;
    }

    function _burnAct(uint256 kind, uint256[] calldata w, string memory name) private returns (uint256) {
        if (kind == 23) {
            _passed(w[1]);
            vm.assertEq(_gather(_router(w[0])), w[2], string.concat(name, ": gathered"));
            vm.assertEq(burner.carried(), w[3], string.concat(name, ": carried"));
            return 4;
        }
        if (kind == 24) {
            _mint(address(burner), w[0]);
            return 1;
        }
        if (kind == 25) {
            vm.assertEq(ledger.collect(_router(w[0])), w[1], string.concat(name, ": collected"));
            return 2;
        }
        _passed(w[0]);
        if (kind == 26) {
            (uint256 cost,) = _buy();
            vm.assertEq(cost, w[1], string.concat(name, ": the lot's price"));
            return 2;
        }
        burner.settle();
        vm.assertEq(burner.carriedForSale(), w[2], string.concat(name, ": for sale"));
        if (w[2] != 0) {
            vm.prank(BUYER);
            (uint256 burnt, uint256 amount) = burner.buyCarried(type(uint256).max, BUYER);
            vm.assertEq(burnt, w[1], string.concat(name, ": the price of what is carried"));
            vm.assertEq(amount, w[2], string.concat(name, ": what is carried"));
        }
        return 3;
    }

    function _gather(address router_) private returns (uint256 amount) {
        uint32 current = Epochs.current();
        // Twenty steps are more than two years: one that does not go forward is a failure.
        for (uint256 i; i < 20; i++) {
            amount += burner.gather(router_);
            if (burner.openFrom(router_) >= current) return amount;
        }
        vm.assertTrue(false, "gathered");
    }

    // ------------------------------------------------------------------------------------------------- time and rules

    /// @dev The present epoch ends: recorded, probed, and what its pods' voters have closed.
    function _over(uint256[] calldata w, string memory name) private returns (uint256) {
        uint32 epoch = Epochs.current();
        _at(epoch, 0);
        uint32[] memory nodes = new uint32[](NODES);
        for (uint32 i; i < NODES; i++) {
            nodes[i] = i + 1;
        }
        emission.record(epoch, nodes);
        if (w[1] != 0) _probe(epoch, uint32(w[0]), w[1]);
        for (uint256 number = 1; number <= 2; number++) {
            for (uint32 pod = 1; pod <= PODS; pod++) {
                for (uint256 i; votes.openFrom(Ballot.Pod, _router(number), pod) <= epoch; i++) {
                    vm.assertLe(i, 20, string.concat(name, ": closed"));
                    votes.closeRevenue(_router(number), pod);
                }
            }
        }
        return 2;
    }

    /// @dev The epoch before this one becomes final.
    function _final(uint256[] calldata w, string memory name) private returns (uint256) {
        uint32 epoch = Epochs.current() - 1;
        _finalize(epoch);
        burner.settle();
        for (uint32 i; i < NODES; i++) {
            votes.closeTips(i + 1);
        }
        IEmissionController.Epoch memory seen = emission.epochOf(epoch);
        vm.assertEq(seen.base, w[0], string.concat(name, ": base"));
        vm.assertEq(seen.dynamic, w[1], string.concat(name, ": dynamic"));
        vm.assertEq(seen.burnt, w[2], string.concat(name, ": burnt"));
        vm.assertEq(RESERVE - emission.reserve(), w[3], string.concat(name, ": issued so far"));
        vm.assertEq(burner.carried(), w[4], string.concat(name, ": carried"));
        vm.assertEq(burner.median(), w[5], string.concat(name, ": median"));
        return 6;
    }

    /// @dev Weeks in which epochs become final and nothing else happens.
    function _idle(uint256 weeks_) private returns (uint256) {
        for (uint256 i; i < weeks_; i++) {
            _finalize(emission.nextEpoch());
        }
        return 1;
    }

    /// @dev What a contract must not take: votes beyond all power, a shorter lock, more stake than there is, a living lock
    ///      back, parameters under which washing pays, a split that leaves nodes less than half.
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
        } else if (w[0] == 5) {
            data = abi.encodeCall(emission.setParams, (_rules(w[1], 125, w[2], w[3], 5_000, 1)));
            target = address(emission);
        } else if (w[0] == 6) {
            data = abi.encodeCall(ledger.setSplit, (_split(w[1], w[2], w[3], w[4])));
            target = address(ledger);
        }
        // Stake and rules are this contract's, everything else a voter's.
        if (w[0] == 1 || w[0] == 2 || w[0] == 4) vm.prank(_voter(w[1]));
        (bool done,) = target.call(data);
        vm.assertFalse(done, string.concat(name, ": what must be refused"));
        return 5;
    }

    /// @dev So many seconds of the present epoch are gone.
    function _passed(uint256 passed) private {
        vm.warp(Epochs.startOf(Epochs.current()) + passed);
    }

    function _rules(uint256 cap, uint256 base, uint256 lambda, uint256 beta, uint256 eta, uint256 quota)
        private
        pure
        returns (IEmissionController.Params memory)
    {
        return IEmissionController.Params(
            uint16(cap), uint16(base), uint16(lambda), uint16(beta), uint16(eta), uint64(quota)
        );
    }

    function _split(uint256 node, uint256 pod, uint256 frontend, uint256 voters)
        private
        pure
        returns (IComputeLedger.Split memory)
    {
        return IComputeLedger.Split(uint16(node), uint16(pod), uint16(frontend), uint16(voters));
    }

    function _voter(uint256 who) private pure returns (address) {
        return address(uint160(0xACC0 + who));
    }

    function _router(uint256 number) private pure returns (address) {
        return number == 2 ? SECOND_ROUTER : FIRST_ROUTER;
    }

    // ----------------------------------------------------------------------------------------------------- the stage

    function _openSecondRouter() private {
        router = SECOND_ROUTER;
        _bond(router, LEAST_ASSET, LEAST_HEU);
        _deposit(PAYER, 500_000e6);
        router = FIRST_ROUTER;
    }

    /// @dev Proofs and cases by the real policy; this contract sets the split at once.
    function _openSlashing() private returns (ISlashingManager made) {
        bytes memory initialize = abi.encodeWithSignature(
            "initialize(address,(uint96,uint16,uint16,uint40,uint40))",
            authority,
            ISlashingManager.Params(100e18, 1_000, 1_000, 7 days, 3 days)
        );
        address code = vm.deployCode("SlashingManager.sol:SlashingManager", abi.encode(ledger, staking));
        made = ISlashingManager(_proxy(code, initialize));
        bytes4[] memory splitting = new bytes4[](1);
        splitting[0] = IComputeLedger.setSplit.selector;
        bytes4[] memory taking = new bytes4[](3);
        (taking[0], taking[1]) = (INodeStaking.freeze.selector, INodeStaking.release.selector);
        taking[2] = INodeStaking.slash.selector;
        bytes[3] memory calls = [
            abi.encodeCall(authority.setTargetFunctionRole, (address(ledger), splitting, TUNER_ROLE)),
            abi.encodeCall(authority.setTargetFunctionRole, (address(staking), taking, SLASHER_ROLE)),
            abi.encodeCall(authority.grantRole, (SLASHER_ROLE, address(made), 0))
        ];
        vm.startPrank(ADMIN);
        for (uint256 i; i < calls.length; i++) {
            authority.schedule(address(authority), calls[i], 0);
        }
        vm.warp(block.timestamp + UPGRADE_DELAY);
        for (uint256 i; i < calls.length; i++) {
            authority.execute(address(authority), calls[i]);
        }
        vm.stopPrank();
        heu.transfer(ACCUSER, 50_000_000e18);
        vm.prank(ACCUSER);
        heu.approve(address(made), type(uint256).max);
    }
}
