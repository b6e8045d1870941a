// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "./IComputeLedger.sol";
import {IFeeBurner} from "./IFeeBurner.sol";
import {IHEU} from "./IHEU.sol";
import {INodeStaking} from "./INodeStaking.sol";
import {IRegistry} from "./IRegistry.sol";
import {IVoteController} from "./IVoteController.sol";

/// @title EmissionController
/// @notice The reserve and what leaves it. Each epoch has a cap C, a base B of it for answered probes, and a dynamic part
///         D = min(C - B, lambda * HEU burnt for the fees of the same epoch) for fees settled at a node's home router.
///         Votes raise a node's points up to beta times. What is not issued stays in the reserve.
///
///         An epoch's life, counted from the first second after it: reports and records from then on; the burn lot is sold
///         until `FINAL_SECONDS`; then anyone finalizes, epochs in order, at least `RECORD_SECONDS` after the one before.
/// @dev WARNING: upgradeable behind a delay; the upgrade reaches the reserve and what is owed, nothing else.
///      reserve + owed = HEU held less bonds; paid <= released <= C for every epoch. `lambda * beta <= 1 - RECOVERABLE`
///      holds for every parameter set that was ever in force: no wash trade can pay.
///      Units are base units of the payment asset (dynamic) or probe units (base); points are units with 64 binary places.
interface IEmissionController {
    /// @notice In force for whole epochs. Basis points, except `quota`.
    /// @param capBps C, of the initial supply per 52 epochs.
    /// @param baseBps B, likewise.
    /// @param lambdaBps Of the HEU burnt.
    /// @param betaBps The most that votes multiply a node's units; 10,000 = 1x.
    /// @param etaBps Base is shared by at least so much of all quotas; the rest of it is not issued.
    /// @param quota Probe units per whole HEU of counted stake.
    struct Params {
        uint16 capBps;
        uint16 baseBps;
        uint16 lambdaBps;
        uint16 betaBps;
        uint16 etaBps;
        uint64 quota;
    }

    /// @notice What one epoch was. All zero but `params` before its end.
    struct Epoch {
        Params params;
        uint256 baseUnits;
        uint256 basePoints;
        uint256 feeUnits;
        uint256 feePoints;
        uint256 burnt;
        uint256 base;
        uint256 dynamic;
        uint40 finalizedAt;
    }

    enum ReportState {
        None,
        Filed,
        Challenged,
        Void
    }

    /// @notice The prober's word on the probes of an epoch.
    /// @param root Merkle root of leaves keccak256(keccak256(abi.encode(uint32 node, uint256 units))).
    /// @param evidence Hash of the published probe log.
    struct Report {
        address prober;
        uint40 filedAt;
        ReportState state;
        address challenger;
        uint40 challengedAt;
        bytes32 root;
        bytes32 evidence;
    }

    event ParamsSet(Params params, uint32 from);
    event TipSet(uint32 indexed node, uint16 bps, uint32 from);
    event HomeSet(uint32 indexed node, address indexed router, uint32 from);
    event Reported(uint32 indexed epoch, address indexed prober, bytes32 root, bytes32 evidence);
    event Challenged(uint32 indexed epoch, address indexed challenger);
    /// @param upheld Whether the report is void.
    /// @param lapsed Nobody judged in time.
    event Judged(uint32 indexed epoch, bool upheld, bool lapsed);
    event Recorded(uint32 indexed epoch, uint32 indexed node, bool base, uint256 units, uint256 points);
    event EpochFinalized(
        uint32 indexed epoch, uint256 base, uint256 dynamic, uint256 basePoints, uint256 feePoints, uint256 burnt, uint256 kept
    );
    event NodeEmission(uint32 indexed node, uint32 indexed epoch, uint256 amount, uint256 tip);
    event Claimed(uint32 indexed node, address indexed to, uint256 amount);
    event TipsDrawn(uint32 indexed node, uint256 amount);
    event BondMoved(address indexed account, int256 amount);

    error ZeroAddress();
    error NotNodeOwner(address caller, address owner);
    error NotVotes(address caller);
    error TipTooHigh(uint256 bps, uint256 most);
    error ParamOutOfBounds(uint256 value, uint256 least, uint256 most);
    /// @notice lambda * beta would exceed 1 - RECOVERABLE: washing would pay.
    error WashingWouldPay(uint256 lambdaTimesBeta, uint256 most);
    /// @notice The epoch is not over, or its turn has not come, or the waiting time is not.
    error TooEarly(uint256 now_, uint256 from);
    error AlreadyFinal(uint32 epoch);
    /// @notice Epochs are recorded and finalized in order.
    error OutOfOrder(uint32 epoch, uint32 expected);
    error AlreadyReported(uint32 epoch);
    error NotReported(uint32 epoch);
    error NotChallenged(uint32 epoch);
    error TooLate(uint256 now_, uint256 until);
    error BadProof(uint32 node);
    error BondTooSmall(uint256 bond, uint256 least);
    error BondHeld(uint32 epoch);
    error NoPayout(uint32 node);

    function BPS() external view returns (uint256);
    /// @notice Epochs to which the yearly rates are spread: 52.
    function EPOCHS_PER_YEAR() external view returns (uint256);
    /// @notice 2,500 bps: what of a burn may come back to whoever caused it.
    function RECOVERABLE_BPS() external view returns (uint256);
    /// @notice 5,000.
    function MOST_TIP_BPS() external view returns (uint256);
    /// @notice 4 days after an epoch's end.
    function FINAL_SECONDS() external view returns (uint256);
    /// @notice 1 day: everyone has so long to record an epoch, however late the one before it was finalized.
    function RECORD_SECONDS() external view returns (uint256);
    /// @notice 1 day after an epoch's end: the last second for its report.
    function REPORT_SECONDS() external view returns (uint256);
    /// @notice 3 days after a report.
    function CHALLENGE_SECONDS() external view returns (uint256);
    /// @notice 7 days after a challenge: if nobody judged by then, the report stands and both bonds go back. Doubting costs
    ///         nothing then, but a week: no challenger can end the base emission because the judge sleeps.
    function JUDGE_SECONDS() external view returns (uint256);
    /// @notice HEU wei that a prober and a challenger stand behind their word with.
    function REPORT_BOND() external view returns (uint256);
    /// @notice At most so many tips are drawn in one call.
    function MOST_TIPS_DRAWN() external view returns (uint256);

    function heu() external view returns (IHEU);
    function registry() external view returns (IRegistry);
    function ledger() external view returns (IComputeLedger);
    function votes() external view returns (IVoteController);
    function staking() external view returns (INodeStaking);
    function burner() external view returns (IFeeBurner);
    /// @notice Emission begins with this epoch.
    function firstEpoch() external view returns (uint32);

    // ------------------------------------------------------------------------------------------------ node owners

    /// @notice Part of the node's emission for its voters, from the next epoch on.
    function setTip(uint32 node, uint16 bps) external;

    /// @notice The one router whose batches earn the node points, from the next epoch on. Zero = none.
    function setHome(uint32 node, address router) external;

    // -------------------------------------------------------------------------------------------------- the cycle

    /// @notice Files the probes of an epoch, once, within `REPORT_SECONDS`. The Authority says who may (PROBER); its bond
    ///         must stand (`addBond`).
    function report(uint32 epoch, bytes32 root, bytes32 evidence) external;

    /// @notice Doubts a report, with a bond, within `CHALLENGE_SECONDS`. The epoch waits for the verdict.
    function challenge(uint32 epoch) external;

    /// @notice Says who was right. Half of the loser's bond goes to the other, half is burnt: whoever doubts his own lie with
    ///         another account loses that half. The Authority says who may (JUDGE).
    /// @param upheld Whether the report is void: no base is issued for its epoch.
    function judge(uint32 epoch, bool upheld) external;

    /// @notice Ends a challenge that nobody judged in time. Anyone may.
    function lapse(uint32 epoch) external;

    /// @notice Counts the fees that nodes settled at their home router in an epoch that is over. Anyone may, for any node,
    ///         until the epoch is final. Inactive, homeless, idle and recorded nodes are passed over.
    function record(uint32 epoch, uint32[] calldata nodes) external;

    /// @notice The same for probes: `units` as the report's root proves them, at most the node's quota.
    function recordBase(uint32 epoch, uint32 node, uint256 units, bytes32[] calldata proof) external;

    /// @notice Fixes what an epoch issues. Anyone may, epochs in order.
    function finalize(uint32 epoch) external;

    /// @notice Pays each node what its final epochs earned, less tips, to its payout. Anyone may call.
    function claim(uint32[] calldata nodes) external returns (uint256 total);

    /// @notice Hands the VoteController all tips of a node that it has not had. Only it may call.
    /// @return epochs Rising.
    function drawTips(uint32 node) external returns (uint32[] memory epochs, uint256[] memory amounts);

    /// @notice Adds to the caller's bond as a prober or challenger.
    function addBond(uint256 amount) external;

    /// @notice Pays back what no open report or challenge holds.
    function withdrawBond(uint256 amount) external;

    // ------------------------------------------------------------------------------------------- the Authority

    /// @notice Sets the parameters from the next epoch on. The Authority says who may (PARAMS).
    function setParams(Params calldata params) external;

    // --------------------------------------------------------------------------------------------------- views

    function paramsIn(uint32 epoch) external view returns (Params memory);
    function tipIn(uint32 node, uint32 epoch) external view returns (uint16 bps);
    function homeIn(uint32 node, uint32 epoch) external view returns (address router);
    function epochOf(uint32 epoch) external view returns (Epoch memory);
    function reportOf(uint32 epoch) external view returns (Report memory);
    /// @notice The epoch that `finalize` takes next.
    function nextEpoch() external view returns (uint32);
    /// @notice The second from which it may be finalized.
    function finalizableAt() external view returns (uint256);
    /// @notice C and B of an epoch, HEU wei, as its parameters give them.
    function capOf(uint32 epoch) external view returns (uint256 cap, uint256 base);
    /// @notice HEU that is neither issued nor owed.
    function reserve() external view returns (uint256);
    /// @notice The Compute Reservoir: the caps of all final epochs less what they issued.
    function reservoir() external view returns (uint256);
    /// @notice HEU issued and not yet paid to nodes or their voters.
    function owed() external view returns (uint256);
    /// @notice What `claim` would pay for this node.
    function claimable(uint32 node) external view returns (uint256);
    /// @notice Tips of a node that wait for `drawTips`.
    function tipsOf(uint32 node) external view returns (uint256);
    /// @notice Points that `units` make for a node in `epoch`, of the dynamic or the base pool.
    function pointsOf(uint32 node, uint32 epoch, bool base, uint256 units) external view returns (uint256);
    /// @notice The newest epoch that was recorded for a node, and its points in it.
    function recordOf(uint32 node) external view returns (uint32 epoch, uint256 basePoints, uint256 feePoints);
    /// @notice Probe units that count at most for a node in `epoch`.
    function quotaOf(uint32 node, uint32 epoch) external view returns (uint256);
    function bondOf(address account) external view returns (uint256 amount, uint256 held);
}
