// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Messages} from "../libraries/Messages.sol";
import {Role} from "../libraries/Roles.sol";
import {IComputeLedger} from "./IComputeLedger.sol";
import {IHEU} from "./IHEU.sol";

/// @title RouterBond
/// @notice What a router loses when it cheats. Anyone who posts a bond may route; a router that owes its bond may not.
///         Amounts of `asset` are base units (1e-6 USD), of HEU wei; times are Unix seconds.
///
///         A payee that holds a Statement which its router does not settle files it here. The first claim opens a round:
///         others join it for `FILING_SECONDS`, the router has `GRACE_SECONDS` more to settle, which voids them, and then
///         each claim is paid. Every claim of a round is capped by the same bond, so who files first gains nothing, and
///         the caps of all payees together never exceed it, so no claim empties it for the others.
///
///         A leaf that contradicts another leaf, or the request it names, convicts its router: it never settles again,
///         its payees have one more round, and what they do not claim of the bond is burnt.
///
/// @dev The share of a payee is its part of all that was settled in the router's last closed epoch, and its cap half the
///      bond times that. Payees for whom that is less than a thousandth of the bond are newcomers: at most that thousandth
///      each, a tenth together. A round that opens soon after another counts the shares as they were when that one closed.
///      WARNING: the present epoch counts when it is over: a payee that nothing was settled for in it is a newcomer then.
///      WARNING: a router that announced its exit, or is in a round, covers less new work: `coverOf` says how much.
///      WARNING: voters have no statement; theirs follows from their pod's.
///      Immutable, without any privileged function.
interface IRouterBond {
    /// @notice What a router has posted.
    /// @param asset Pays shortfalls.
    /// @param heu Burnt in proportion to what shortfalls take, and whole on a conviction.
    /// @param exitAt It may leave from this second on; 0 if it announced no exit.
    /// @param convictedAt When it was convicted; 0 if it was not.
    /// @param owedAsset What it has to give before it may settle again, after a paid shortfall.
    /// @param owedHeu The same in HEU.
    /// @param reserved Held back for claims that were filed and not resolved.
    /// @param round Number of its last round of claims; 0 before the first.
    struct Bond {
        uint256 asset;
        uint256 heu;
        uint256 exitAt;
        uint256 convictedAt;
        uint256 owedAsset;
        uint256 owedHeu;
        uint256 reserved;
        uint256 round;
    }

    /// @notice The claims of one round.
    /// @param base The bond that caps them.
    /// @param epoch Whose settled volume gives the shares; 0 if the router has none: all are newcomers.
    /// @param openedAt When the first was filed.
    /// @param newcomers Sum of what newcomers ask.
    /// @param open Claims that are not resolved.
    struct Round {
        uint256 base;
        uint32 epoch;
        uint256 openedAt;
        uint256 newcomers;
        uint256 open;
    }

    /// @notice One filed claim.
    /// @param asked The most it can be paid, base units.
    /// @param gross Of its statement.
    /// @param newcomer Whether it shares the newcomers' tenth.
    struct Claim {
        uint256 asked;
        uint256 gross;
        bool newcomer;
    }

    /// @notice A leaf under a settled root, and the receipt whose hash it carries.
    struct Entry {
        uint64 seq;
        Messages.Leaf leaf;
        bytes32[] proof;
        Messages.Receipt receipt;
    }

    event Bonded(address indexed router, address indexed from, uint256 assets, uint256 heus);
    event ExitAnnounced(address indexed router, uint256 exitAt);
    event ExitCancelled(address indexed router);
    event Withdrawn(address indexed router, uint256 assets, uint256 heus);
    event RoundOpened(address indexed router, uint256 indexed round, uint256 base, uint32 epoch);
    event ShortfallClaimed(
        address indexed router, uint256 indexed round, Role role, uint32 id, uint256 gross, uint256 asked
    );
    /// @notice A claim is resolved. `paid` is 0 if the router settled in time; `burnt` is the HEU that went with it.
    event ShortfallResolved(
        address indexed router, uint256 indexed round, Role role, uint32 id, uint256 paid, uint256 burnt
    );
    event Convicted(address indexed router, bytes32 leaf);
    event Burnt(address indexed router, uint256 assets, uint256 heus);

    /// @notice None of the contracts and no router may be the zero address.
    error ZeroAddress();
    /// @notice Nothing was given.
    error ZeroAmount();
    /// @notice The ledger was made for another bond.
    error NotTheLedgersBond(address bond);
    /// @notice A waiting time ends before a forced call through L1 could land.
    error WaitTooShort(uint256 waitSeconds, uint256 least);
    /// @notice The router was convicted: its bond is for its payees and the fire.
    error AlreadyConvicted(address router);
    /// @notice The router was not convicted.
    error NotConvicted(address router);
    /// @notice No exit was announced.
    error NotExiting(address router);
    /// @notice The exit, or the fire, has to wait.
    error TooEarly(uint256 time, uint256 readyAt);
    /// @notice Claims against this bond are not resolved yet.
    error ClaimsOpen(uint256 reserved);
    /// @notice Voters, and ids that are none, have no statements.
    error NoStatement(uint8 role, uint32 id);
    /// @notice The signature under the Statement is not the router's.
    error NotSignedByRouter(address recovered, address router);
    /// @notice A Statement has to be a day old before its router is late.
    error StatementTooYoung(uint256 time, uint256 readyAt);
    /// @notice The router has settled what the Statement says, or the bond has paid it.
    error NoShortfall(uint256 stated, uint256 settled);
    /// @notice The payee has filed this statement or a higher one in this round.
    error Superseded(uint256 gross, uint256 filed);
    /// @notice The round takes no more claims; the next opens then.
    error RoundClosed(uint256 time, uint256 nextAt);
    /// @notice Nothing is left in the bond that this payee could be paid.
    error NothingBonded(uint256 free);
    /// @notice The payee has no open claim in this round.
    error NoClaim(uint256 round, Role role, uint32 id);
    /// @notice The Registry knows nobody to pay for this id.
    error NoPayout(Role role, uint32 id);
    /// @notice The leaf does not stand under the root of that batch.
    error BadProof(uint64 seq);
    /// @notice The receipt, or the request, is not the one whose hash the leaf carries.
    error NotOfLeaf(bytes32 given, bytes32 inLeaf);
    /// @notice One leaf cannot overlap itself.
    error SameLeaf(bytes32 leaf);
    /// @notice The leaves name different payees, or none.
    error DifferentPayees(uint32 a, uint32 b);
    /// @notice The leaves or the leaf and the request agree: there is nothing to convict for.
    error NoContradiction();
    /// @notice The ledger has no burner yet.
    error NoBurner();

    /// @notice 30 days from an announced exit, and from a conviction to the fire.
    function EXIT_SECONDS() external view returns (uint256);
    /// @notice How old a Statement must be: 24 hours.
    function STATEMENT_SECONDS() external view returns (uint256);
    /// @notice How long a round takes claims: 7 days.
    function FILING_SECONDS() external view returns (uint256);
    /// @notice How long the router may still settle after that: 7 days, 14 if the ledger was paused meanwhile.
    function GRACE_SECONDS() external view returns (uint256);

    function ledger() external view returns (IComputeLedger);
    function asset() external view returns (IERC20);
    function heu() external view returns (IHEU);
    /// @notice The least asset with which a router may settle.
    function leastAsset() external view returns (uint256);
    /// @notice The least HEU with which a router may settle.
    function leastHeu() external view returns (uint256);

    // ---------------------------------------------------------------------------------------------- routers

    /// @notice Adds to a router's bond; first to what it owes. Anyone may give.
    function deposit(address router, uint256 assets, uint256 heus) external;

    /// @notice Announces that the calling router leaves. It may settle what it holds; its payees stop serving it.
    function announceExit() external;

    /// @notice Takes the announcement back.
    function cancelExit() external;

    /// @notice Pays the calling router its whole bond, once its exit is due and every claim is resolved.
    function withdraw() external;

    // ----------------------------------------------------------------------------------------------- payees

    /// @notice Files a Statement that its router did not settle. Anyone may, the Registry says who is paid. Opens a round
    ///         or joins it; a higher Statement of the same payee replaces a filed one.
    /// @param signature The router's, over the Statement: 65 bytes, or 64 in EIP-2098 form.
    /// @return asked The most that it can be paid.
    function claimShortfall(address router, Messages.Statement calldata statement, bytes calldata signature)
        external
        returns (uint256 asked);

    /// @notice Pays a claim of a round that is over, or voids it if the router settled meanwhile. Anyone may call.
    /// @return paid Base units; 0 if it was void.
    function resolveShortfall(address router, uint256 round, Role role, uint32 id) external returns (uint256 paid);

    // ------------------------------------------------------------------------------------------------ proofs

    /// @notice Convicts a router of two leaves that count the same part of one payee's gross:
    ///         (gross - price, gross] of both intersect. The same leaf in two batches does.
    /// @dev Every conviction lets the last round, if it is not over, take claims anew, or one more round open.
    function proveOverlap(address router, Role role, Entry calldata a, Entry calldata b) external;

    /// @notice Convicts a router of a leaf that is not what its payer asked for: another payer, pod, frontend or node,
    ///         another request or node in its receipt, or a price above `maxPrice`.
    /// @param request The request whose struct hash the leaf carries.
    function proveContradiction(address router, Entry calldata entry, Messages.Request calldata request) external;

    /// @notice Sends a convicted router's bond to the fire, less what filed claims reserve: the asset to the ledger's burner,
    ///         HEU burnt.
    function burn(address router) external;

    // ------------------------------------------------------------------------------------------------- views

    /// @notice Whether the ledger takes batches of this router: bonded, nothing owed, not convicted. The ledger is told at
    ///         every change.
    function mayRoute(address router) external view returns (bool);

    function bondOf(address router) external view returns (Bond memory);

    function roundOf(address router, uint256 round) external view returns (Round memory);

    function claimOf(address router, uint256 round, Role role, uint32 id) external view returns (Claim memory);

    /// @notice When the claims of a round may be resolved, and the next round opens.
    function resolvableAt(address router, uint256 round) external view returns (uint256);

    /// @notice Whether `leaf` stands under the root of the router's batch `seq`.
    /// @param proof Sibling hashes from the leaf up; pairs are hashed in sorted order.
    function verifyLeaf(address router, uint64 seq, Messages.Leaf calldata leaf, bytes32[] calldata proof)
        external
        view
        returns (bool);

    /// @notice What a payee's claim on a router's bond would be capped at now, base units of its share. 0 for a router that may
    ///         not route or is leaving.
    function capOf(address router, Role role, uint32 id) external view returns (uint256);

    /// @notice The limit at which a payee's client stops serving: the cap of now, or what it would be if the present epoch ended
    ///         now, whichever is less. So work that a router withholds is covered after the epoch as well, and a payee
    ///         that nothing was settled for in this epoch serves as a newcomer until something is.
    function coverOf(address router, Role role, uint32 id) external view returns (uint256);
}
