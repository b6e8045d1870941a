// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Escrows} from "./Escrows.sol";

/// @dev OpenZeppelin's Governor as it is, over an escrow: a day until the vote, a week to vote, 4 % have to.
contract LockGovernor is GovernorSettings, GovernorCountingSimple, GovernorVotes, GovernorVotesQuorumFraction {
    constructor(IVotes escrow)
        Governor("Heurist")
        GovernorSettings(1 days, 7 days, 1e18)
        GovernorVotes(escrow)
        GovernorVotesQuorumFraction(4)
    {}

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }
}

/// @dev A Governor is the admin of the roles, and the escrow is all it needs for that.
contract EscrowGovernorTest is Escrows {
    uint64 private constant ROLE = 7;

    AccessManager private manager;
    LockGovernor private governor;

    function setUp() public {
        _openEscrow();
        governor = new LockGovernor(IVotes(address(escrow)));
        manager = new AccessManager(address(governor));
        _lock(ANN, 60e18, _after(10));
        _lock(BEN, 40e18, _after(10));
        _wait(1);
        vm.warp(block.timestamp + 1);
    }

    function test_aGovernorGivesARoleByTheVotesOfLocks() public {
        uint256 id = _propose();
        vm.warp(governor.proposalSnapshot(id) + 1);
        _cast(ANN, id, 1);
        _cast(BEN, id, 0);
        vm.warp(governor.proposalDeadline(id) + 1);
        _execute();

        (uint256 against, uint256 for_,) = governor.proposalVotes(id);
        uint32 epochs = 9;
        vm.assertEq(for_, 60e18 * epochs, "the lock's token-weeks at the snapshot");
        vm.assertEq(against, 40e18 * epochs);
        (bool member,) = manager.hasRole(ROLE, EVE);
        vm.assertTrue(member, "voted into the role");
    }

    /// @dev The snapshot is a day away and in this epoch, which has begun.
    function test_whoLocksInTheEpochOfTheSnapshotHasNoSay() public {
        uint256 id = _propose();
        _lock(EVE, 10_000e18, _after(104));
        vm.warp(governor.proposalSnapshot(id) + 1);
        _cast(EVE, id, 1);
        _cast(BEN, id, 0);
        vm.warp(governor.proposalDeadline(id) + 1);

        (, uint256 for_,) = governor.proposalVotes(id);
        vm.assertEq(for_, 0, "nothing was locked when the epoch began");
        vm.assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Defeated));
    }

    /// @dev The vote's snapshot is what counts, not the day on which a proposal is known: who locks before the epoch of the
    ///      snapshot begins has a say.
    function test_whoLocksBeforeTheSnapshotsEpochHasASay() public {
        vm.warp(Epochs.startOf(_after(1)) - 12 hours);
        uint256 id = _propose();
        _lock(EVE, 1e18, _after(104));
        vm.warp(governor.proposalSnapshot(id) + 1);
        _cast(EVE, id, 1);
        vm.warp(governor.proposalDeadline(id) + 1);

        (, uint256 for_,) = governor.proposalVotes(id);
        vm.assertEq(for_, 103 * 1e18, "its power in the epoch of the snapshot");
    }

    function test_whoLockedInThisEpochCannotProposeYet() public {
        _lock(EVE, 10_000e18, _after(104));
        vm.warp(block.timestamp + 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _call();

        vm.expectPartialRevert(IGovernor.GovernorInsufficientProposerVotes.selector);
        vm.prank(EVE);
        governor.propose(targets, values, calls, "a role");
    }

    function _propose() private returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _call();
        vm.prank(ANN);
        return governor.propose(targets, values, calls, "a role");
    }

    function _execute() private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _call();
        governor.execute(targets, values, calls, keccak256("a role"));
    }

    function _cast(address account, uint256 id, uint8 support) private {
        vm.prank(account);
        governor.castVote(id, support);
    }

    function _call() private view returns (address[] memory targets, uint256[] memory values, bytes[] memory calls) {
        (targets, values, calls) = (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(manager);
        calls[0] = abi.encodeCall(manager.grantRole, (ROLE, EVE, 0));
    }
}
