// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Messages} from "../libraries/Messages.sol";
import {Role} from "../libraries/Roles.sol";
import {IRegistry} from "./IRegistry.sol";

/// @title ComputeLedger
/// @notice All the money of all the calls: what payers deposited, what routers settled, what payees may claim.
///         Amounts are base units of `asset` (1e-6 USD); times are Unix seconds; shares are basis points.
///
///         A payer is a key. Its account with a router is debited only by vouchers that it signed, never above the
///         highest ceiling among them, however they are replayed or mixed. Failed calls leave no trace here.
///
/// @dev WARNING: an account belongs to (router, key). Money deposited for a key that nobody holds is gone, unless the
///      key presented an `Open` before.
///      WARNING: a router's vouchers that expire, or whose payer's thaw ends, before they are settled are worth nothing:
///      that is the router's risk and the reason it serves no thawing account.
///      WARNING: a batch credits the payee ids it names without asking the Registry. An id that nobody registered cannot
///      be claimed until somebody registers it: the router validates ids before it serves.
///      WARNING: whoever owns the registry entry at the moment of a claim decides where it goes.
///      Immutable. The Authority's one power is `pause`, which stops deposits and settlements for at most seven days and
///      never an exit.
interface IComputeLedger {
    /// @notice What a ledger is born with, for good.
    /// @param asset The payment asset.
    /// @param registry Who is paid for which id.
    /// @param authority Who may pause.
    /// @param podVoters Receives the voters' share of pods. Zero: that share goes to the protocol part.
    /// @param burner Receives the protocol part. Zero: it waits here, out of everyone's reach.
    /// @param nodeBps Share of the gross. At least `LEAST_NODE_BPS`.
    /// @param podBps Share of the gross. At most `MOST_SHARE_BPS`, like the two after it.
    /// @param frontendBps Share of the gross of a frontend; frontend 0 (none) has no share.
    /// @param voterBps Share of the gross of a pod's voters.
    /// @param thawSeconds How long a withdrawal is announced ahead. At least an hour more than `priorityDeadline`.
    /// @param priorityDeadline The longest the chain's L1 -> L2 queue may delay a forced call. 0 on a chain without one.
    struct Terms {
        IERC20 asset;
        IRegistry registry;
        address authority;
        address podVoters;
        address burner;
        uint16 nodeBps;
        uint16 podBps;
        uint16 frontendBps;
        uint16 voterBps;
        uint40 thawSeconds;
        uint40 priorityDeadline;
    }

    /// @notice What a key has with a router.
    /// @param spent All that was ever debited. Never falls.
    /// @param deposited All that was ever deposited, less all that was withdrawn. Never below `spent`.
    /// @param thawing Announced for withdrawal.
    /// @param thawedAt From this second on it may be withdrawn.
    /// @param owner May withdraw. In storage, zero stands for the key itself.
    struct Account {
        uint128 spent;
        uint128 deposited;
        uint128 thawing;
        uint40 thawedAt;
        address owner;
    }

    /// @notice What the ledger keeps per router.
    /// @param earned The protocol part of all its batches: their gross less everything credited, exactly.
    /// @param float The router's own money, which pays for lines that its payers did not.
    /// @param seq Number of its last batch.
    /// @param batchHash keccak256 of its last batch.
    /// @param gross Of all its batches. Never falls.
    /// @param collected Of `earned`, what the burner was paid. Never above it.
    struct Router {
        uint96 earned;
        uint96 float;
        uint64 seq;
        bytes32 batchHash;
        uint128 gross;
        uint128 collected;
    }

    /// @notice Why a payer line was skipped.
    /// @dev A signature over other words recovers some other key, whose account holds nothing: that is `OverDeposit`.
    enum Skip {
        ZeroCharge,
        BadSignature,
        Expired,
        OverCeiling,
        OverDeposit
    }

    event Deposited(address indexed router, address indexed key, address indexed from, uint256 amount);
    event Opened(address indexed router, address indexed key, address indexed owner);
    event Thawing(address indexed router, address indexed key, uint256 amount, uint256 thawedAt);
    event ThawCancelled(address indexed router, address indexed key);
    event Withdrawn(address indexed router, address indexed key, address indexed owner, uint256 amount);
    event FloatAdded(address indexed router, address indexed from, uint256 amount);
    event FloatWithdrawn(address indexed router, uint256 amount);
    /// @notice A payer line was not debited; the router's float paid its charge. `index` counts payer lines from 0.
    event LineSkipped(address indexed router, uint64 indexed seq, uint256 index, Skip reason);
    /// @notice A batch is settled. `gross` was split; `floatUsed` of it came from the router.
    event BatchSettled(
        address indexed router,
        uint64 indexed seq,
        bytes32 batchHash,
        bytes32 root,
        bytes32 dataHash,
        uint256 gross,
        uint256 floatUsed
    );
    event Claimed(address indexed router, Role indexed role, uint32 indexed id, address to, uint256 amount);
    event Collected(address indexed router, address indexed burner, uint256 amount);
    event Paused(uint256 until);
    event Unpaused();

    /// @notice Neither a router, a key, an owner nor a contract of the terms may be the zero address.
    error ZeroAddress();
    /// @notice Nothing was given, or nothing arrived.
    error ZeroAmount();
    /// @notice The split gives a share outside its bounds.
    error SplitOutOfBounds(uint256 bps, uint256 bound);
    /// @notice A forced call through L1 could come later than the waiting time ends.
    error ThawTooShort(uint256 thawSeconds, uint256 least);
    /// @notice Only the account's owner may do this.
    error NotAccountOwner(address caller, address owner);
    /// @notice The signature under an `Open` is not the key's.
    error NotSignedByKey(address recovered, address key);
    /// @notice A key names its owner once.
    error AlreadyOpened(address key, address owner);
    /// @notice The account holds less than that.
    error InsufficientCredit(uint256 wanted, uint256 credit);
    /// @notice No withdrawal was announced.
    error NotThawing(address router, address key);
    /// @notice The announced withdrawal has to wait.
    error StillThawing(uint256 time, uint256 thawedAt);
    /// @notice The batch is not exactly as long as its header says.
    error BadLength(uint256 length, uint256 expected);
    /// @notice Not the router's next batch: it was settled before, or one before it is missing.
    error BadSequence(uint256 seq, uint256 expected);
    /// @notice The batch does not follow the router's last one.
    error BadChain(bytes32 prev, bytes32 expected);
    /// @notice The ids of a section do not rise, or name node 0 or pod 0.
    error UnorderedIds(uint256 id, uint256 previous);
    /// @notice A section credits more or less than the payer lines charge.
    error Unbalanced(uint256 credits, uint256 charges);
    /// @notice The skipped lines cost more than the router's float holds.
    error FloatExhausted(uint256 needed, uint256 float);
    /// @notice The Registry knows nobody to pay for this id.
    error NoPayout(Role role, uint32 id);
    /// @notice This ledger has no burner.
    error NoBurner();
    /// @notice Deposits and settlements are paused.
    error LedgerPaused(uint256 until);
    /// @notice The next pause has to wait.
    error PausedLately(uint256 time, uint256 pausableAt);

    /// @notice Basis points in the whole: 10,000.
    function BPS() external view returns (uint256);
    /// @notice A node's share is never below this.
    function LEAST_NODE_BPS() external view returns (uint256);
    /// @notice No pod's, frontend's or voters' share is above this.
    function MOST_SHARE_BPS() external view returns (uint256);
    /// @notice The protocol part is never below this.
    function LEAST_PROTOCOL_BPS() external view returns (uint256);
    /// @notice The protocol part is never above this, shares of missing roles apart.
    function MOST_PROTOCOL_BPS() external view returns (uint256);
    /// @notice A pause lapses after this many seconds, and the next may begin as many after its end.
    function PAUSE_SECONDS() external view returns (uint256);

    function asset() external view returns (IERC20);
    function registry() external view returns (IRegistry);
    function podVoters() external view returns (address);
    function burner() external view returns (address);
    function thawSeconds() external view returns (uint40);

    // ------------------------------------------------------------------------------------------------ payers

    /// @notice Adds to the account of `key` with `router`. Anyone may give; what arrives counts, not what was sent.
    /// @return received What the ledger's balance grew by.
    function deposit(address router, address key, uint256 amount) external returns (uint256 received);

    /// @notice `deposit` that carries the key's `Open`. Passes if the account is already open to the same owner.
    function depositAndOpen(address router, address key, uint256 amount, address owner, bytes calldata signature)
        external
        returns (uint256 received);

    /// @notice Names who may withdraw the account of `key` with `router`. Once, by anyone, at any time.
    /// @param signature The key's, over `Open`: 65 bytes, or 64 in EIP-2098 form.
    function open(address router, address owner, address key, bytes calldata signature) external;

    /// @notice Announces a withdrawal. Replaces an earlier one and starts its waiting time afresh.
    function thaw(address router, address key, uint256 amount) external;

    /// @notice Takes the announcement back.
    function cancelThaw(address router, address key) external;

    /// @notice Pays the owner what it announced, or what is left if the router settled meanwhile.
    /// @return amount min(thawing, deposited - spent); may be 0.
    function withdraw(address router, address key) external returns (uint256 amount);

    // ----------------------------------------------------------------------------------------------- routers

    /// @notice Adds to a router's float. Anyone may give.
    function addFloat(address router, uint256 amount) external returns (uint256 received);

    /// @notice Pays the calling router out of its float, at once: the float secures nobody else.
    function withdrawFloat(uint256 amount) external;

    /// @notice Settles the calling router's next batch; its layout is `libraries/Batches.sol`.
    ///         Every payer line is a voucher and the charge under it. A line that may not be debited is skipped and
    ///         paid from the float. Charges = nodes = pods = frontends, to the last unit, or nothing happens.
    function settle(bytes calldata batch) external;

    // ------------------------------------------------------------------------------------------------ payees

    /// @notice Pays each id what it has earned with `router` and not been paid. Anyone may call; the Registry says to
    ///         whom it goes (`Role.Voters`: to `podVoters`). An id with nothing to claim is passed over.
    /// @return total The sum that was paid.
    function claim(address router, Role role, uint32[] calldata ids) external returns (uint256 total);

    /// @notice Pays what is `collectable` of a router's batches to the burner. Anyone may call.
    function collect(address router) external returns (uint256 amount);

    // ------------------------------------------------------------------------------------------------- pause

    /// @notice Stops deposits and settlements for `PAUSE_SECONDS`. The Authority says who may.
    function pause() external;

    /// @notice Ends a pause early.
    function unpause() external;

    /// @notice Deposits and settlements are stopped before this second; in the past if they are not.
    function pausedUntil() external view returns (uint256);

    // ------------------------------------------------------------------------------------------------- views

    /// @notice The account, with its owner filled in. No account reverts.
    function accountOf(address router, address key) external view returns (Account memory);

    /// @notice What the router may still debit, ceilings apart: deposited - spent.
    function creditOf(address router, address key) external view returns (uint256);

    /// @notice What the ledger keeps of a router.
    function routerOf(address router) external view returns (Router memory);

    /// @notice Root of the leaves of a settled batch; zero if there is none.
    function rootOf(address router, uint64 seq) external view returns (bytes32);

    /// @notice Cumulative gross of a payee's calls with a router. Never falls. Voters: their pod's.
    function grossOf(address router, Role role, uint32 id) external view returns (uint256);

    /// @notice What `claim` would pay for this id, were it registered.
    function claimable(address router, Role role, uint32 id) external view returns (uint256);

    /// @notice All that `claim` has paid for this id.
    function claimedOf(address router, Role role, uint32 id) external view returns (uint256);

    /// @notice The protocol part of a router's batches that waits here.
    function protocolOwed(address router) external view returns (uint256);

    /// @notice What `collect` would pay: `protocolOwed` less the dust that later roundings of payees may still take.
    function collectable(address router) external view returns (uint256);

    /// @notice The share of the gross that `id` of `role` has, basis points.
    function shareBpsOf(Role role, uint32 id) external view returns (uint256);

    /// @notice Whether `leaf` stands under the root of the router's batch `seq`.
    /// @param proof Sibling hashes from the leaf up; pairs are hashed in sorted order.
    function verifyLeaf(address router, uint64 seq, Messages.Leaf calldata leaf, bytes32[] calldata proof)
        external
        view
        returns (bool);

    /// @notice The EIP-712 domain separator of every message. Follows the chain id.
    function domainSeparator() external view returns (bytes32);
}
