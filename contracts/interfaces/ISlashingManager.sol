// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Messages} from "../libraries/Messages.sol";
import {IComputeLedger} from "./IComputeLedger.sol";
import {IHEU} from "./IHEU.sol";
import {INodeStaking} from "./INodeStaking.sol";
import {IRegistry} from "./IRegistry.sol";

/// @title SlashingManager
/// @notice What costs a node its stake. What the chain can see for itself is punished at once, on proof, each fault once per
///         (node, request). What it cannot see is a case: proposed with a bond, which the node's owner may dispute with as
///         much; nobody disputes, and anyone executes it; somebody does, and a judge decides. Whoever is wrong pays the other.
///         Amounts are HEU wei, times Unix seconds.
///
///         A case: propose -> Proposed, until the dispute window ends
///                   -> nobody disputed: execute within `EXECUTE_SECONDS` -> Executed, or lapse -> Lapsed
///                   -> dispute -> Disputed, for `JUDGE_SECONDS`
///                        -> resolve -> Dismissed, or Upheld for `EXECUTE_SECONDS` -> execute or lapse
///                        -> the judge is silent: lapse -> Lapsed
/// @dev WARNING: an owner that sleeps through a dispute window is slashed for what it did not do. Its loss is at most what one
///      fault may cost, and whoever accused it gains nothing: only a case that was disputed and upheld has a reporter's part.
///      WARNING: the same fault may be proposed twice, with other evidence: an owner disputes the second.
///      WARNING: whoever copies a proof out of the queue of transactions gets the reporter's part. The slash is the same.
///      Holds bonds and nothing else: HEU held = bonds of open cases + owed; what exceeds it was donated.
///      Upgradeable behind a delay. The Authority has one role for `resolve` (JUDGE), one for `setParams`, one for the upgrade.
///      `NodeStaking` bounds what any of it can cost: 30 % per fault, 50 % per epoch.
interface ISlashingManager {
    /// @notice A change binds the cases that are proposed after it.
    /// @param leastBond HEU wei.
    /// @param bondBps A bond is at least this part of the amount that it freezes, basis points.
    /// @param reporterBps A reporter's part of a slash; the rest is burnt.
    /// @param evidenceSeconds After the end of a fault's epoch: how long it may be proposed.
    /// @param disputeSeconds After a proposal: how long the owner may dispute it.
    struct Params {
        uint96 leastBond;
        uint16 bondBps;
        uint16 reporterBps;
        uint40 evidenceSeconds;
        uint40 disputeSeconds;
    }

    /// @notice What the chain can prove.
    enum Fault {
        /// Two differing receipts for one request.
        Equivocation,
        /// A price above what the payer allowed.
        Overprice,
        /// A receipt for a request that names another node.
        WrongNode
    }

    enum State {
        None,
        Proposed,
        Disputed,
        Upheld,
        Executed,
        Dismissed,
        Lapsed
    }

    /// @param amount Frozen, and slashed at most.
    /// @param bond Of the proposer; the disputer's is as much.
    /// @param disputer The node's owner when it disputed; zero before.
    /// @param until The last second of the state: to dispute, to judge, to execute.
    struct Case {
        address proposer;
        uint96 amount;
        address disputer;
        uint96 bond;
        uint32 node;
        uint32 faultEpoch;
        uint40 until;
        State state;
        uint16 reporterBps;
        bytes32 evidence;
    }

    event ParamsSet(Params params);
    event Proven(
        uint32 indexed node, bytes32 indexed request, Fault fault, uint256 slashed, address indexed reporter, uint256 reward
    );
    event Proposed(
        uint256 indexed id,
        uint32 indexed node,
        address indexed proposer,
        uint32 faultEpoch,
        uint256 amount,
        uint256 bond,
        bytes32 evidence,
        uint256 until
    );
    event Disputed(uint256 indexed id, address indexed disputer, uint256 until);
    event Resolved(uint256 indexed id, bool upheld, uint256 until);
    event Executed(uint256 indexed id, uint256 slashed, uint256 reward);
    event Lapsed(uint256 indexed id);
    event Claimed(address indexed account, uint256 amount);

    error ZeroAddress();
    error ZeroAmount();
    /// @notice Stakes and ledger must speak of the same nodes.
    error DifferentRegistries(address ledgers, address stakes);
    error ParamOutOfBounds(uint256 value, uint256 least, uint256 most);
    /// @notice A fault of an epoch's first second could leave before it is found and disputed.
    error OutlastsUnbonding(uint256 total, uint256 unbonding);
    error DifferentNodes(uint32 a, uint32 b);
    error DifferentRequests(bytes32 a, bytes32 b);
    /// @notice Both are the same receipt.
    error SameReceipt(bytes32 receipt);
    /// @notice The key did not sign for the node in that second, or no longer counts as evidence.
    error NotNodeSigner(uint32 node, address signer, uint40 at);
    error NotPayer(address signer, address payer);
    /// @notice The receipt is as the request asked.
    error NoContradiction();
    error AlreadyPunished(uint32 node, bytes32 request);
    /// @notice The node has no stake, or this epoch has cost it all that an epoch may: try in the next.
    error NothingToSlash(uint32 node);
    error AmountTooLarge(uint256 amount, uint256 most);
    error EpochAhead(uint32 epoch, uint32 current);
    error NotNodeOwner(address caller, address owner);
    error NotInState(State actual, State asked);
    error TooEarly(uint256 now_, uint256 from);
    error TooLate(uint256 now_, uint256 until);

    /// @notice 14 days.
    function JUDGE_SECONDS() external view returns (uint256);
    /// @notice 7 days: in them an epoch begins, so that what the last one could not cost any more can be executed.
    function EXECUTE_SECONDS() external view returns (uint256);
    function LEAST_BOND() external view returns (uint256);
    function MOST_BOND() external view returns (uint256);
    function LEAST_BOND_BPS() external view returns (uint256);
    function MOST_BOND_BPS() external view returns (uint256);
    function LEAST_EVIDENCE_SECONDS() external view returns (uint256);
    function MOST_EVIDENCE_SECONDS() external view returns (uint256);
    function LEAST_DISPUTE_SECONDS() external view returns (uint256);
    function MOST_DISPUTE_SECONDS() external view returns (uint256);
    function ledger() external view returns (IComputeLedger);
    function registry() external view returns (IRegistry);
    function staking() external view returns (INodeStaking);
    function heu() external view returns (IHEU);

    // --------------------------------------------------------------------------------------------------- proofs

    /// @notice Slashes a node that signed two differing receipts for one request: what one fault may cost, or what the epoch
    ///         has left. The caller is the reporter; its part is claimed at `NodeStaking`.
    /// @param signatureA Of the key that signed for the node at `a.completedAt`; 65 bytes or 64 (EIP-2098).
    function proveEquivocation(
        Messages.Receipt calldata a,
        bytes calldata signatureA,
        Messages.Receipt calldata b,
        bytes calldata signatureB
    ) external returns (uint256 slashed);

    /// @notice Slashes a node that signed a receipt which the payer's request forbids: a price above `maxPrice`, or of a node
    ///         that the request does not name. Costs and pays the same.
    /// @param voucher The payer's word that it asked this: its `request` is the hash of `request`.
    function proveContradiction(
        Messages.Request calldata request,
        Messages.Voucher calldata voucher,
        bytes calldata voucherSignature,
        Messages.Receipt calldata receipt,
        bytes calldata receiptSignature
    ) external returns (uint256 slashed);

    // ---------------------------------------------------------------------------------------------------- cases

    /// @notice Accuses a node, with a bond of `bondFor(amount)` HEU from the caller's allowance. Freezes `amount`.
    /// @param amount At most what one fault may cost now.
    /// @param evidence Hash of the published evidence.
    function propose(uint32 node, uint32 faultEpoch, uint256 amount, bytes32 evidence) external returns (uint256 id);

    /// @notice The owner's answer, with as large a bond.
    function dispute(uint256 id) external;

    /// @notice Decides a disputed case. The loser's bond goes to the other side. The Authority says who may (JUDGE).
    function resolve(uint256 id, bool upheld) external;

    /// @notice Slashes for a case that nobody disputed in time or that was upheld. Anyone may call.
    function execute(uint256 id) external returns (uint256 slashed);

    /// @notice Ends a case whose time is over: what it froze is released, each side has its own bond back. Anyone may call.
    function lapse(uint256 id) external;

    /// @notice Pays the bonds that `account` has back or won, to it. Anyone may call.
    function claim(address account) external returns (uint256 amount);

    /// @notice The Authority says who may.
    function setParams(Params calldata params) external;

    // ---------------------------------------------------------------------------------------------------- views

    function params() external view returns (Params memory);
    /// @notice Ids are 1 to this.
    function count() external view returns (uint256);
    function caseOf(uint256 id) external view returns (Case memory);
    /// @notice HEU that an accusation of `amount` must stand behind.
    function bondFor(uint256 amount) external view returns (uint256);
    /// @notice Bonds that `account` may claim here. Its parts of slashes it claims at `NodeStaking`.
    function owedTo(address account) external view returns (uint256);
    function isPunished(uint32 node, bytes32 request) external view returns (bool);
}
