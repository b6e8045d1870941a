// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {IFeeBurner} from "../../contracts/interfaces/IFeeBurner.sol";
import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {IVoteController} from "../../contracts/interfaces/IVoteController.sol";
import {IVotingEscrow} from "../../contracts/interfaces/IVotingEscrow.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Votes} from "./Votes.sol";

/// @dev A whole economy, every contract of it the real one, and the words of one epoch's life. Nodes, pods and the frontend
///      are this contract's; four nodes are at home at `router` from the first whole epoch on.
abstract contract Economies is Votes {
    uint64 internal constant PROBER_ROLE = 4;
    uint64 internal constant JUDGE_ROLE = 5;
    uint64 internal constant TUNER_ROLE = 6;
    address internal constant PROBER = address(0x9206);
    address internal constant JUDGE = address(0x70D6);
    address internal constant DOUBTER = address(0xD0B7);
    address internal constant BUYER = address(0xB0B);
    uint256 internal constant RESERVE = 500_000_000e18;
    uint256 internal constant SUPPLY = 1_000_000_000e18;
    uint256 internal constant PRICE = 50e18;
    uint256 internal constant LEAST_LOT = 10e6;
    uint256 internal constant ONE = 1 << 64;
    uint256 internal constant NODES = 4;

    INodeStaking internal staking;
    IFeeBurner internal burner;
    IEmissionController internal emission;

    function _openEconomy() internal {
        _openEconomy(PRICE);
    }

    /// @param price The burner's first median.
    function _openEconomy(uint256 price) internal {
        _open();
        escrow = IVotingEscrow(vm.deployCode("VotingEscrow.sol:VotingEscrow", abi.encode(heu, true)));
        staking = INodeStaking(vm.deployCode("NodeStaking.sol:NodeStaking", abi.encode(heu, registry, address(authority))));
        address emissionAt = _made(6);
        _giveRoles(emissionAt);
        _wait(1);
        IComputeLedger.Terms memory terms = _terms();
        (terms.podVoters, terms.burner) = (_made(2), _made(4));
        (ledger, bonds) = _newLedger(terms, LEAST_ASSET, LEAST_HEU);
        votes = IVoteController(vm.deployCode("VoteController.sol:VoteController", abi.encode(escrow, ledger, emissionAt)));
        burner = IFeeBurner(
            _proxy(
                vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, LEAST_LOT)),
                abi.encodeWithSignature("initialize(address,uint256)", authority, price)
            )
        );
        emission = IEmissionController(
            _proxy(
                vm.deployCode(
                    "EmissionController.sol:EmissionController",
                    abi.encode(heu, ledger, registry, votes, staking, burner)
                ),
                _initialize(_params())
            )
        );
        vm.assertEq(address(emission), emissionAt, "the emission is where the votes look for it");
        _furnish();
    }

    function _furnish() private {
        heu.transfer(address(emission), RESERVE);
        _bond(router, LEAST_ASSET, LEAST_HEU);
        _register(NODES, 2, 1);
        for (uint32 node = 1; node <= NODES; node++) {
            emission.setHome(node, router);
        }
        _deposit(PAYER, 500_000e6);
        _arm(BUYER, 250_000_000e18, address(burner));
        _arm(PROBER, 100_000e18, address(emission));
        _arm(DOUBTER, 100_000e18, address(emission));
        heu.approve(address(staking), type(uint256).max);
    }

    function _made(uint64 after_) internal view returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + after_);
    }

    function _proxy(address code, bytes memory initialize) internal returns (address) {
        return vm.deployCode("UpgradeableProxy.sol:UpgradeableProxy", abi.encode(code, initialize));
    }

    function _initialize(IEmissionController.Params memory params) internal view returns (bytes memory) {
        return abi.encodeWithSignature(
            "initialize(address,(uint16,uint16,uint16,uint16,uint16,uint64))", authority, params
        );
    }

    function _arm(address account, uint256 amount, address spender) private {
        heu.transfer(account, amount);
        vm.prank(account);
        heu.approve(spender, type(uint256).max);
    }

    /// @dev Prober and judge each have their role, this contract tunes at once; the upgrade stays the admin's, with its delay.
    function _giveRoles(address emissionAt) private {
        bytes[6] memory calls = [
            _functionRole(emissionAt, IEmissionController.report.selector, PROBER_ROLE),
            _functionRole(emissionAt, IEmissionController.judge.selector, JUDGE_ROLE),
            _functionRole(emissionAt, IEmissionController.setParams.selector, TUNER_ROLE),
            abi.encodeCall(authority.grantRole, (PROBER_ROLE, PROBER, 0)),
            abi.encodeCall(authority.grantRole, (JUDGE_ROLE, JUDGE, 0)),
            abi.encodeCall(authority.grantRole, (TUNER_ROLE, address(this), 0))
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
    }

    function _functionRole(address target, bytes4 selector, uint64 role) private view returns (bytes memory) {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        return abi.encodeCall(authority.setTargetFunctionRole, (target, selectors, role));
    }

    function _params() internal pure returns (IEmissionController.Params memory) {
        return IEmissionController.Params({
            capBps: 500,
            baseBps: 125,
            lambdaBps: 3_000,
            betaBps: 25_000,
            etaBps: 5_000,
            quota: 1
        });
    }

    // --------------------------------------------------------------------------------------------- an epoch's work

    /// @dev The first epoch is final, and nothing happened in it. Four days of this one are gone.
    function _begin() internal returns (uint32 epoch) {
        epoch = emission.firstEpoch() + 1;
        _finalize(epoch - 1);
    }

    function _stakeFor(uint32 node, uint256 amount) internal {
        staking.stake(node, amount);
    }

    /// @dev `router` settles calls of a node, which it charges to the one payer.
    function _workFor(uint32 node, uint256 gross) internal {
        Draft memory draft = _draft(_line(PAYER, gross));
        draft.nodes = _one(node, gross);
        _settle(_pack(draft));
    }

    /// @dev The second `sinceEnd` after the end of `epoch`.
    function _at(uint32 epoch, uint256 sinceEnd) internal {
        vm.warp(Epochs.startOf(epoch + 1) + sinceEnd);
    }

    function _ids(uint32 a, uint32 b, uint32 c) internal pure returns (uint32[] memory ids) {
        ids = new uint32[](3);
        (ids[0], ids[1], ids[2]) = (a, b, c);
    }

    /// @dev Gathers in time, sells the lot one day into its sale, when its price is the median, and records the nodes.
    function _sellAndRecord(uint32 epoch, uint32[] memory nodes) internal returns (uint256 burnt) {
        _at(epoch, 0);
        burner.gather(router);
        emission.record(epoch, nodes);
        _at(epoch, 2 days);
        if (burner.priceNow(false) == 0) return 0;
        (burnt,) = _buy();
    }

    function _buy() internal returns (uint256 burnt, uint256 amount) {
        vm.prank(BUYER);
        return burner.buy(type(uint256).max, BUYER);
    }

    function _finalize(uint32 epoch) internal {
        if (block.timestamp < emission.finalizableAt()) vm.warp(emission.finalizableAt());
        emission.finalize(epoch);
    }

    // ----------------------------------------------------------------------------------------------------- probes

    function _leaf(uint32 node, uint256 units) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(node, units))));
    }

    function _addBonds() internal {
        uint256 bond = 2 * emission.REPORT_BOND();
        vm.prank(PROBER);
        emission.addBond(bond);
        vm.prank(DOUBTER);
        emission.addBond(bond);
    }

    function _report(uint32 epoch, bytes32 root) internal {
        vm.prank(PROBER);
        emission.report(epoch, root, keccak256("evidence"));
    }

    function _challenge(uint32 epoch) internal {
        vm.prank(DOUBTER);
        emission.challenge(epoch);
    }

    function _judge(uint32 epoch, bool upheld) internal {
        vm.prank(JUDGE);
        emission.judge(epoch, upheld);
    }

    /// @dev The report of two nodes, and the record of both.
    function _probe(uint32 epoch, uint32[2] memory nodes, uint256[2] memory units) internal {
        bytes32[2] memory leaves = [_leaf(nodes[0], units[0]), _leaf(nodes[1], units[1])];
        _report(epoch, Hashes.commutativeKeccak256(leaves[0], leaves[1]));
        bytes32[] memory proof = new bytes32[](1);
        for (uint256 i; i < 2; i++) {
            proof[0] = leaves[1 - i];
            emission.recordBase(epoch, nodes[i], units[i], proof);
        }
    }

    /// @dev The report of one node, and its record.
    function _probe(uint32 epoch, uint32 node, uint256 units) internal {
        _report(epoch, _leaf(node, units));
        emission.recordBase(epoch, node, units, new bytes32[](0));
    }

    // --------------------------------------------------------------------------------- the formulas, written anew

    /// @dev C of the shipped parameters.
    function _cap() internal pure returns (uint256) {
        return uint256(50_000_000e18) / 52;
    }

    /// @dev B of the shipped parameters.
    function _base() internal pure returns (uint256) {
        return uint256(12_500_000e18) / 52;
    }

    /// @dev The protocol's part of settled calls that have a node, a pod and a frontend.
    function _fee(uint256 gross) internal pure returns (uint256) {
        return gross * (10_000 - NODE_BPS - POD_BPS - FRONTEND_BPS - VOTER_BPS) / 10_000;
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
