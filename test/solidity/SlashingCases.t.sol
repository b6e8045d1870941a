// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ISlashingManager} from "../../contracts/interfaces/ISlashingManager.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Slashes} from "./Slashes.sol";

/// @dev What the chain cannot see: cases with bonds, from the proposal to each of their ends.
contract SlashingCasesTest is Slashes {
    uint256 private constant AMOUNT = 2_000 * UNIT;
    /// A tenth of the amount.
    uint256 private constant BOND = 200 * UNIT;

    function setUp() public {
        _openSlashes();
        staking.stake(NODE, STAKE);
        _nextEpoch();
    }

    // ------------------------------------------------------------------------------------------------- 48: freezing

    function test_48_aProposalFreezesOnlyTheProposedAmount() public {
        _unbond(NODE, STAKE);
        vm.warp(block.timestamp + 21 days);
        uint256 id = _propose(AMOUNT);

        vm.assertEq(_frozen(), AMOUNT, "frozen");
        vm.assertEq(_withdraw(NODE), STAKE - AMOUNT, "the rest leaves as if nothing were");
        vm.assertEq(heu.balanceOf(address(slashing)), BOND, "the accuser's bond");
        _is(id, ISlashingManager.State.Proposed);
    }

    function test_48_spamCostsItsBondAndReleases() public {
        uint256 accuser = heu.balanceOf(ACCUSER);
        uint256 owner = heu.balanceOf(OWNER);
        for (uint256 i; i < 5; i++) {
            uint256 id = _propose(AMOUNT);
            _dispute(id);
            _resolve(id, false);
            _is(id, ISlashingManager.State.Dismissed);
        }
        slashing.claim(OWNER);
        // Another's bond lies there, which a second claim would take.
        _propose(AMOUNT);
        vm.expectRevert(ISlashingManager.ZeroAmount.selector);
        slashing.claim(OWNER);

        vm.assertEq(_frozen(), AMOUNT, "released but for the open case");
        _holds(NODE, STAKE, 0);
        vm.assertEq(accuser - heu.balanceOf(ACCUSER), 6 * BOND, "each accusation cost its bond");
        vm.assertEq(heu.balanceOf(OWNER) - owner, 5 * BOND, "which the accused has");
        vm.expectRevert(ISlashingManager.ZeroAmount.selector);
        slashing.claim(ACCUSER);
    }

    function test_48_aSilentJudgeReleasesAndGivesEachSideItsOwn() public {
        uint256 id = _propose(AMOUNT);
        _dispute(id);
        uint256 until = block.timestamp + JUDGE_TIME;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooEarly.selector, until, until + 1));
        slashing.lapse(id);

        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooLate.selector, until + 1, until));
        vm.prank(JUDGE);
        slashing.resolve(id, true);
        slashing.lapse(id);

        _is(id, ISlashingManager.State.Lapsed);
        vm.assertEq(_frozen(), 0, "released");
        _holds(NODE, STAKE, 0);
        vm.assertEq(slashing.claim(ACCUSER), BOND, "its own");
        vm.assertEq(slashing.claim(OWNER), BOND, "its own");
        vm.assertEq(heu.balanceOf(address(slashing)), 0, "nothing is left");
    }

    function test_48_whatNobodyExecutesLapses() public {
        uint256 id = _propose(AMOUNT);
        uint256 last = block.timestamp + WINDOW + EXECUTE_TIME;
        vm.warp(last);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooEarly.selector, last, last + 1));
        slashing.lapse(id);

        vm.warp(last + 1);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooLate.selector, last + 1, last));
        slashing.execute(id);
        slashing.lapse(id);
        vm.assertEq(_frozen(), 0, "released");
        vm.assertEq(slashing.claim(ACCUSER), BOND, "its own");
    }

    function test_48_anUpheldCaseThatNobodyExecutesLapsesAndItsBondsAreNotPaidTwice() public {
        uint256 id = _propose(AMOUNT);
        _dispute(id);
        _resolve(id, true);
        uint256 last = block.timestamp + EXECUTE_TIME;
        vm.warp(last);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooEarly.selector, last, last + 1));
        slashing.lapse(id);
        vm.warp(last + 1);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooLate.selector, last + 1, last));
        slashing.execute(id);
        slashing.lapse(id);

        vm.assertEq(_frozen(), 0, "released");
        vm.assertEq(slashing.claim(ACCUSER), 2 * BOND, "what the verdict gave it, once");
        vm.expectRevert(ISlashingManager.ZeroAmount.selector);
        slashing.claim(OWNER);
    }

    // ---------------------------------------------------------------------------------------------------- slashing

    function test_anUndisputedCaseIsExecutedByAnyoneAfterItsWindowAndPaysNobody() public {
        uint256 supply = heu.totalSupply();
        uint256 id = _propose(AMOUNT);
        uint256 until = block.timestamp + WINDOW;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooEarly.selector, until, until + 1));
        slashing.execute(id);

        vm.warp(until + 1);
        vm.prank(address(0xA11));
        vm.assertEq(slashing.execute(id), AMOUNT, "slashed");
        _is(id, ISlashingManager.State.Executed);
        _holds(NODE, STAKE - AMOUNT, 0);
        vm.assertEq(_frozen(), 0, "no longer frozen");
        vm.assertEq(supply - heu.totalSupply(), AMOUNT, "all of it burnt: who accuses a sleeper gains nothing");
        vm.assertEq(slashing.claim(ACCUSER), BOND, "its bond back");
    }

    function test_anUpheldCasePaysTheAccuserTheOwnersBondAndItsPart() public {
        uint256 id = _propose(AMOUNT);
        _dispute(id);
        _resolve(id, true);
        _is(id, ISlashingManager.State.Upheld);
        vm.assertEq(_frozen(), AMOUNT, "held until it is executed");

        vm.assertEq(slashing.execute(id), AMOUNT, "at once");

        _holds(NODE, STAKE - AMOUNT, 0);
        vm.assertEq(_frozen(), 0, "no longer frozen");
        vm.assertEq(slashing.claim(ACCUSER), 2 * BOND, "both bonds");
        vm.assertEq(staking.owedTo(ACCUSER), AMOUNT / 10, "and the reporter's part");
        vm.assertEq(slashing.owedTo(OWNER), 0, "the loser has nothing");
    }

    function test_aCaseTakesWhatTheEpochHasLeftAndWaitsIfThatIsNothing_NothingToSlash() public {
        uint256 a = _propose(3_000 * UNIT);
        uint256 b = _propose(3_000 * UNIT);
        uint256 c = _propose(3_000 * UNIT);
        vm.warp(block.timestamp + WINDOW + 1);
        vm.assertEq(slashing.execute(a), 3_000 * UNIT, "the first");
        vm.assertEq(slashing.execute(b), 2_000 * UNIT, "what half an epoch leaves");
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.NothingToSlash.selector, NODE));
        slashing.execute(c);

        _is(c, ISlashingManager.State.Proposed);
        _nextEpoch();
        vm.assertEq(slashing.execute(c), 1_500 * UNIT, "three tenths of 5,000");
    }

    /// @dev Six cases in one hour. There is a week to execute them, which has seconds of two epochs at most.
    function test_oneSleepCostsHalfInEachOfTwoEpochsHoweverManyCases() public {
        vm.warp(block.timestamp + 2 days);
        uint256[6] memory ids;
        for (uint256 i; i < 6; i++) {
            ids[i] = _propose(3 * STAKE / 10);
        }
        vm.warp(block.timestamp + WINDOW + 1);
        vm.assertEq(slashing.execute(ids[0]), 3 * STAKE / 10, "three tenths");
        vm.assertEq(slashing.execute(ids[1]), 2 * STAKE / 10, "half");
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.NothingToSlash.selector, NODE));
        slashing.execute(ids[2]);
        _nextEpoch();
        vm.assertEq(slashing.execute(ids[2]), 15 * STAKE / 100, "three tenths of the rest");
        vm.assertEq(slashing.execute(ids[3]), 10 * STAKE / 100, "half of it");
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.NothingToSlash.selector, NODE));
        slashing.execute(ids[4]);
        _nextEpoch();
        vm.expectPartialRevert(ISlashingManager.TooLate.selector);
        slashing.execute(ids[4]);
        _holds(NODE, STAKE / 4, 0);
        vm.assertEq(staking.owedTo(ACCUSER), 0, "and who accused has nothing of it");
    }

    function test_aCaseHoldsStakeOnItsWayOutUntilItsEnd() public {
        _unbond(NODE, STAKE);
        vm.warp(block.timestamp + 21 days - 1);
        uint256 id = _propose(AMOUNT);
        vm.warp(block.timestamp + 1);
        _withdraw(NODE);
        vm.warp(block.timestamp + WINDOW);

        // Three tenths of the 2,000 that are left is all that a fault may cost now.
        vm.assertEq(slashing.execute(id), 600 * UNIT, "slashed");
    }

    /// @dev The longest case there can be, at the slowest parameters.
    function test_aFreezeOutlastsTheLongestCase() public view {
        uint256 longest = slashing.MOST_DISPUTE_SECONDS() + slashing.JUDGE_SECONDS() + slashing.EXECUTE_SECONDS();
        vm.assertGt(staking.FREEZE_SECONDS(), longest, "it does");
        vm.assertGe(slashing.EXECUTE_SECONDS(), Epochs.LENGTH, "an epoch begins in the time to execute");
    }

    // ---------------------------------------------------------------------------------------------------- refusals

    function test_aProposalIsBounded_ZeroAmount_AmountTooLarge() public {
        uint32 epoch = Epochs.current();
        vm.startPrank(ACCUSER);
        vm.expectRevert(ISlashingManager.ZeroAmount.selector);
        slashing.propose(NODE, epoch, 0, "");
        vm.expectRevert(
            abi.encodeWithSelector(ISlashingManager.AmountTooLarge.selector, 3_000 * UNIT + 1, 3_000 * UNIT)
        );
        slashing.propose(NODE, epoch, 3_000 * UNIT + 1, "");
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.AmountTooLarge.selector, 1, 0));
        slashing.propose(1, epoch, 1, "");
        vm.stopPrank();
    }

    function test_aFaultIsProposedInItsTime_EpochAhead_TooLate() public {
        uint32 epoch = Epochs.current();
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.EpochAhead.selector, epoch + 1, epoch));
        vm.prank(ACCUSER);
        slashing.propose(NODE, epoch + 1, AMOUNT, "");

        uint256 last = Epochs.startOf(epoch + 1) + 7 days;
        vm.warp(last + 1);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooLate.selector, last + 1, last));
        vm.prank(ACCUSER);
        slashing.propose(NODE, epoch, AMOUNT, "");
        vm.warp(last);
        vm.prank(ACCUSER);
        slashing.propose(NODE, epoch, AMOUNT, "");
    }

    function test_aBondIsATenthOfTheAmountAndAtLeast100() public {
        vm.assertEq(slashing.bondFor(AMOUNT), BOND, "a tenth");
        vm.assertEq(slashing.bondFor(1), 100 * UNIT, "the least");
        vm.assertEq(slashing.bondFor(1_000 * UNIT + 1), 100 * UNIT + 1, "rounded up");
        heu.transfer(address(slashing), 7);
        address poor = address(0x9008);
        uint32 epoch = Epochs.current();
        vm.startPrank(poor);
        heu.approve(address(slashing), type(uint256).max);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, poor, 0, BOND)
        );
        slashing.propose(NODE, epoch, AMOUNT, "");
    }

    function test_onlyTheOwnerDisputesAndInTime_NotNodeOwner_TooLate() public {
        uint256 id = _propose(AMOUNT);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.NotNodeOwner.selector, ACCUSER, OWNER));
        vm.prank(ACCUSER);
        slashing.dispute(id);
        uint256 until = block.timestamp + WINDOW;
        uint256 state = vm.snapshotState();
        vm.warp(until);
        _dispute(id);
        vm.assertEq(heu.balanceOf(address(slashing)), 2 * BOND, "as large a bond");
        vm.revertToState(state);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(ISlashingManager.TooLate.selector, until + 1, until));
        vm.prank(OWNER);
        slashing.dispute(id);
    }

    function test_everyStepHasItsState_NotInState() public {
        ISlashingManager.State none = ISlashingManager.State.None;
        ISlashingManager.State proposed = ISlashingManager.State.Proposed;
        ISlashingManager.State disputed = ISlashingManager.State.Disputed;
        vm.expectRevert(_refusedState(none, proposed));
        slashing.execute(1);
        vm.expectRevert(_refusedState(none, proposed));
        slashing.lapse(1);
        vm.expectRevert(_refusedState(none, proposed));
        vm.prank(OWNER);
        slashing.dispute(1);
        uint256 id = _propose(AMOUNT);
        vm.expectRevert(_refusedState(proposed, disputed));
        vm.prank(JUDGE);
        slashing.resolve(id, true);
        _dispute(id);
        vm.expectRevert(_refusedState(disputed, proposed));
        vm.prank(OWNER);
        slashing.dispute(id);
        vm.expectRevert(_refusedState(disputed, proposed));
        slashing.execute(id);
        _resolve(id, true);
        vm.expectRevert(_refusedState(ISlashingManager.State.Upheld, disputed));
        vm.prank(JUDGE);
        slashing.resolve(id, false);
        slashing.execute(id);
        vm.warp(block.timestamp + 60 days);
        vm.expectRevert(_refusedState(ISlashingManager.State.Executed, proposed));
        slashing.execute(id);
        vm.expectRevert(_refusedState(ISlashingManager.State.Executed, proposed));
        slashing.lapse(id);
    }

    // ------------------------------------------------------------------------------------------------- the Authority

    function test_onlyTheJudgeResolves() public {
        uint256 id = _propose(AMOUNT);
        _dispute(id);
        address[4] memory others = [OWNER, ACCUSER, GUARDIAN, ADMIN];
        for (uint256 i; i < 4; i++) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]));
            vm.prank(others[i]);
            slashing.resolve(id, i % 2 == 0);
        }
    }

    function test_theParametersChangeByTheirRoleAfterItsDelayAndBindNewCasesOnly() public {
        uint256 old = _propose(AMOUNT);
        ISlashingManager.Params memory next = _params();
        (next.bondBps, next.reporterBps, next.disputeSeconds) = (2_000, 0, 5 days);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, JUDGE));
        vm.prank(JUDGE);
        slashing.setParams(next);
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        vm.prank(ADMIN);
        slashing.setParams(next);
        vm.prank(ADMIN);
        authority.schedule(address(slashing), abi.encodeCall(slashing.setParams, (next)), 0);
        _dispute(old);
        vm.warp(block.timestamp + UPGRADE_DELAY);
        vm.prank(ADMIN);
        slashing.setParams(next);

        vm.assertEq(slashing.params().bondBps, 2_000, "set");
        vm.assertEq(slashing.caseOf(old).bond, BOND, "the old case keeps its bond");
        _resolve(old, true);
        slashing.execute(old);
        vm.assertEq(staking.owedTo(ACCUSER), AMOUNT / 10, "and its reporter's part");
        uint256 id = _propose(AMOUNT);
        vm.assertEq(slashing.caseOf(id).bond, 2 * BOND, "the new one has the new bond");
        vm.assertEq(slashing.caseOf(id).until, block.timestamp + 5 days, "and window");
    }

    function test_theParametersStayInTheirBounds_ParamOutOfBounds() public {
        ISlashingManager.Params[9] memory wrong;
        for (uint256 i; i < 9; i++) {
            wrong[i] = _params();
        }
        (wrong[0].leastBond, wrong[1].leastBond) = (uint96(UNIT - 1), uint96(100_000 * UNIT + 1));
        (wrong[2].bondBps, wrong[3].bondBps, wrong[4].reporterBps) = (99, 5_001, 1_001);
        (wrong[5].evidenceSeconds, wrong[6].evidenceSeconds) = (3 days - 1, 11 days + 1);
        (wrong[7].disputeSeconds, wrong[8].disputeSeconds) = (3 days - 1, 7 days + 1);
        address code = vm.deployCode("SlashingManager.sol:SlashingManager", abi.encode(ledger, staking));
        for (uint256 i; i < 9; i++) {
            _same(_born(code, address(authority), wrong[i]), ISlashingManager.ParamOutOfBounds.selector);
        }
        _same(_born(code, address(0), _params()), ISlashingManager.ZeroAddress.selector);
    }

    /// @dev 7 days of the fault's epoch + 11 + 3 = 21: the most. One second more, and a fault could leave unpunished.
    function test_nothingLeavesBeforeItsFaultCanBeDisputed_OutlastsUnbonding() public {
        ISlashingManager.Params memory params = _params();
        params.evidenceSeconds = 11 days;
        address code = vm.deployCode("SlashingManager.sol:SlashingManager", abi.encode(ledger, staking));
        _same(_born(code, address(authority), params), bytes4(0));
        params.disputeSeconds += 1;
        _same(_born(code, address(authority), params), ISlashingManager.OutlastsUnbonding.selector);
    }

    function test_theCodeIsBornWithOneRegistryAndNoZeroes() public {
        bytes memory code = vm.getCode("SlashingManager.sol:SlashingManager");
        _same(_create(code, abi.encode(address(0), staking)), ISlashingManager.ZeroAddress.selector);
        _same(_create(code, abi.encode(ledger, address(0))), ISlashingManager.ZeroAddress.selector);
        address other = vm.deployCode("Registry.sol:Registry");
        address strange =
            vm.deployCode("NodeStaking.sol:NodeStaking", abi.encode(heu, other, address(authority)));
        _same(_create(code, abi.encode(ledger, strange)), ISlashingManager.DifferentRegistries.selector);
    }

    function test_76_initializesOnceAndNeverOnTheCodeItself() public {
        address code = vm.deployCode("SlashingManager.sol:SlashingManager", abi.encode(ledger, staking));
        bytes memory call = _initialize(address(authority), _params());
        bytes4 error = bytes4(keccak256("InvalidInitialization()"));
        address[2] memory targets = [code, address(slashing)];
        for (uint256 i; i < 2; i++) {
            vm.expectRevert(error);
            (bool done,) = targets[i].call(call);
            vm.assertTrue(done, "expectRevert turned the revert into success");
        }
    }

    function test_76_storageLivesInItsNamespace() public view {
        bytes32 slot = keccak256(abi.encode(uint256(keccak256("heurist.storage.SlashingManager")) - 1)) & ~bytes32(uint256(0xff));

        // The first word holds the parameters: the least bond is its low 96 bits.
        vm.assertEq(uint96(uint256(vm.load(address(slashing), slot))), _params().leastBond, "there");
        for (uint256 i; i < 8; i++) {
            vm.assertEq(vm.load(address(slashing), bytes32(i)), bytes32(0), "nothing in the first slots");
        }
    }

    function test_76_anUpgradeNeedsItsRoleAndItsDelayAndKeepsCasesAndBonds() public {
        uint256 id = _propose(AMOUNT);
        address next = vm.deployCode("SlashingManager.sol:SlashingManager", abi.encode(ledger, staking));
        bytes memory call = abi.encodeWithSignature("upgradeToAndCall(address,bytes)", next, "");
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, JUDGE));
        vm.prank(JUDGE);
        (bool done,) = address(slashing).call(call);
        vm.assertTrue(done, "expectRevert turned the revert into success");
        vm.prank(ADMIN);
        authority.schedule(address(slashing), call, 0);
        vm.warp(block.timestamp + UPGRADE_DELAY);
        vm.prank(ADMIN);
        authority.execute(address(slashing), call);

        vm.assertEq(slashing.caseOf(id).amount, AMOUNT, "kept");
        vm.assertEq(slashing.execute(id), AMOUNT, "and goes on");
    }

    function _initialize(address by, ISlashingManager.Params memory params) private pure returns (bytes memory) {
        return abi.encodeWithSignature("initialize(address,(uint96,uint16,uint16,uint40,uint40))", by, params);
    }

    /// @dev The error of a proxy's birth; zero if it lives.
    function _born(address code, address by, ISlashingManager.Params memory params) private returns (bytes4) {
        bytes memory proxy = vm.getCode("UpgradeableProxy.sol:UpgradeableProxy");
        return _create(proxy, abi.encode(code, _initialize(by, params)));
    }

    function _same(bytes4 error, bytes4 expected) private pure {
        vm.assertEq(bytes32(error), bytes32(expected));
    }

    function _create(bytes memory code, bytes memory arguments) private returns (bytes4 error) {
        code = bytes.concat(code, arguments);
        assembly ("memory-safe") {
            if iszero(create(0, add(code, 32), mload(code))) {
                mstore(0, 0)
                returndatacopy(0, 0, 4)
                error := mload(0)
            }
        }
    }
}
