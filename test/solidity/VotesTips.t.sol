// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {IFeeBurner} from "../../contracts/interfaces/IFeeBurner.sol";
import {IVoteController} from "../../contracts/interfaces/IVoteController.sol";
import {IVotingEscrow} from "../../contracts/interfaces/IVotingEscrow.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Votes} from "./Votes.sol";

/// @dev 31 and the way of a tip, with the real reserve, burner and stakes: work, sale, final epoch, voters.
contract VotesTipsTest is Votes {
    uint256 internal constant GROSS = 1_000e6;
    uint16 internal constant LAMBDA_BPS = 3_000;

    IEmissionController internal emission;
    IFeeBurner internal burner;

    function setUp() public {
        _open();
        escrow = IVotingEscrow(vm.deployCode("VotingEscrow.sol:VotingEscrow", abi.encode(heu, true)));
        address staking = vm.deployCode("NodeStaking.sol:NodeStaking", abi.encode(heu, registry, address(authority)));
        // Ledger, bond, votes, then two proxies behind their implementations.
        uint256 nonce = vm.getNonce(address(this));
        IComputeLedger.Terms memory terms = _terms();
        terms.podVoters = vm.computeCreateAddress(address(this), nonce + 2);
        address reserve = vm.computeCreateAddress(address(this), nonce + 4);
        terms.burner = vm.computeCreateAddress(address(this), nonce + 6);
        (ledger, bonds) = _newLedger(terms, LEAST_ASSET, LEAST_HEU);
        votes = IVoteController(
            vm.deployCode("VoteController.sol:VoteController", abi.encode(escrow, ledger, reserve))
        );
        address code = vm.deployCode(
            "EmissionController.sol:EmissionController",
            abi.encode(heu, ledger, registry, votes, staking, terms.burner)
        );
        IEmissionController.Params memory params = IEmissionController.Params(500, 125, LAMBDA_BPS, 25_000, 5_000, 1_000);
        emission = IEmissionController(
            _proxy(code, abi.encodeWithSignature(
                "initialize(address,(uint16,uint16,uint16,uint16,uint16,uint64))", address(authority), params
            ))
        );
        code = vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, 1e6));
        burner = IFeeBurner(
            _proxy(code, abi.encodeWithSignature("initialize(address,uint256)", address(authority), 20e18))
        );
        heu.transfer(address(emission), 500_000_000e18);
        heu.approve(address(burner), type(uint256).max);
        _bond(router, LEAST_ASSET, LEAST_HEU);
        _register(2, 2, 1);
        _deposit(PAYER, 100_000e6);
        emission.setHome(1, router);
    }

    function _proxy(address code, bytes memory call) private returns (address) {
        return vm.deployCode("UpgradeableProxy.sol:UpgradeableProxy", abi.encode(code, call));
    }

    /// @dev Goes to the next epoch, sells the fees of the one that is over and makes it final.
    /// @return em All that its only node earned: lambda of what was burnt, far below the cap.
    function _finish() private returns (uint256 em) {
        uint32 epoch = Epochs.current();
        _wait(1);
        burner.gather(router);
        vm.warp(Epochs.startOf(epoch + 1) + burner.GATHER_SECONDS() + 1 days);
        (uint256 burnt,) = burner.buy(type(uint256).max, address(this));
        emission.record(epoch, _ids(1));
        vm.warp(emission.finalizableAt());
        emission.finalize(epoch);
        em = burnt * LAMBDA_BPS / 10_000;
        vm.assertGt(em, 0, "something was earned");
    }

    function _skip() private {
        uint32 epoch = Epochs.current();
        _wait(1);
        vm.warp(emission.finalizableAt());
        emission.finalize(epoch);
    }

    function test_31_aTipChangedInAnEpochCountsFromTheNext() public {
        _lock(ANN, 30e18, _after(50));
        _lock(BEN, 10e18, _after(50));
        _vote(ANN, Ballot.Node, 1, 10_000);
        _vote(BEN, Ballot.Node, 1, 10_000);
        emission.setTip(1, 1_000);
        _skip();

        emission.setTip(1, 4_000);
        _earn(1, GROSS);
        uint256 first = _finish() * 1_000 / 10_000;
        vm.assertEq(votes.closeTips(1), first, "a tenth, as it stood when the epoch began");

        emission.setTip(1, 0);
        _earn(1, GROSS);
        uint256 second = _finish() * 4_000 / 10_000;
        vm.assertEq(votes.closeTips(1), second, "what was set in the last epoch counts in this one");

        _earn(1, GROSS);
        _finish();
        vm.assertEq(votes.closeTips(1), 0, "and then nothing");

        uint256 anns = _claimNode(ANN, 1);
        uint256 bens = _claimNode(BEN, 1);
        vm.assertLe(anns + bens, first + second, "never more than the tips");
        vm.assertGe(anns + bens + 2, first + second, "less than a wei lost each");
        // Equal ends: the parts are as the amounts.
        vm.assertLe(anns, (first + second) * 3 / 4, "three quarters");
        vm.assertGe(anns + 1, (first + second) * 3 / 4, "to the wei");
        vm.assertEq(heu.balanceOf(ANN), anns);
        vm.assertGt(emission.claim(_ids(1)), 0, "the node has the rest");
    }

    function test_tipsOfManyEpochsComeInOneCall() public {
        _lock(ANN, 30e18, _after(50));
        _vote(ANN, Ballot.Node, 1, 10_000);
        emission.setTip(1, 5_000);
        _skip();
        uint256 sum;
        for (uint256 i; i < 5; i++) {
            _earn(1, GROSS);
            sum += _finish() * 5_000 / 10_000;
        }
        vm.assertEq(votes.closeTips(1), sum);
        vm.assertEq(votes.closeTips(1), 0);
        uint256 paid = _claimNode(ANN, 1);
        vm.assertLe(paid, sum, "all of them");
        vm.assertGe(paid + 1, sum, "less than a wei lost");
    }

    function test_aNodeThatNobodyVotesForKeepsItsTip() public {
        emission.setTip(1, 5_000);
        _skip();
        _earn(1, GROSS);
        uint256 em = _finish();
        vm.assertEq(votes.closeTips(1), 0);
        vm.assertEq(emission.claim(_ids(1)), em, "all of it is the node's");
        vm.assertEq(heu.balanceOf(_payout(Role.Node, 1)), em);
    }
}
