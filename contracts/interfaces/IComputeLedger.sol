// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Messages} from "../libraries/Messages.sol";
import {Role} from "../libraries/Roles.sol";
import {IRegistry} from "./IRegistry.sol";
import {IRouterBond} from "./IRouterBond.sol";

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
///      WARNING: `asset` must neither charge for transfers nor change balances by itself.
///      Immutable. The Authority has two powers: `pause`, which stops deposits and settlements for at most seven days and
///      never an exit, and `setSplit`, which changes the shares of later epochs within fixed bounds.
interface IComputeLedger {
    /// @notice How the gross of every call of an epoch is shared, basis points; the rest is the protocol part.
    /// @param node At least half of a call: `Splits.LEAST_NODE_BPS`.
    /// @param pod At most a quarter (`Splits.MOST_SHARE_BPS`), like the two after it.
    /// @param frontend Frontend 0 (none) has no share.
    /// @param voters Of a pod.
    struct Split {
        uint16 node;
        uint16 pod;
        uint16 frontend;
        uint16 voters;
    }

    /// @notice What a ledger is born with, for good.
    /// @param asset The payment asset.
    /// @param registry Who is paid for which id.
    /// @param authority Who may pause and set the split.
    /// @param bond Which routers may settle, and what answers for what they do not.
    /// @param podVoters Receives the voters' share of pods. Zero: that share goes to the protocol part.
    /// @param burner Receives the protocol part. Zero: it waits here, out of everyone's reach.
    /// @param split The first shares.
    /// @param thawSeconds How long a withdrawal is announced ahead. At least an hour more than `priorityDeadline`.
    /// @param priorityDeadline The longest the chain's L1 -> L2 queue may delay a forced call. 0 on a chain without one.
    struct Terms {
        IERC20 asset;
        IRegistry registry;
        address authority;
        IRouterBond bond;
        address podVoters;
        address burner;
        Split split;
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
    /// @param gross Of all its batches and single payments. Never falls.
    /// @param collected Of `earned`, what the burner was paid. Never above it.
    /// @param epoch The last in which it settled anything; 0 if it never did.
    /// @param allowed Whether its bond lets it settle.
    struct Router {
        uint96 earned;
        uint96 float;
        uint64 seq;
        bytes32 batchHash;
        uint128 gross;
        uint128 collected;
        uint32 epoch;
        bool allowed;
    }

    /// @notice What a payee has with a router, as the bond needs to know it.
    /// @param gross Cumulative gross of its settled calls.
    /// @param advanced What the bond paid it ahead of its settlement, less what was settled since.
    /// @param bps Its present share.
    /// @param units Its gross in the epoch that was asked for.
    /// @param volume The router's gross in that epoch.
    struct Exposure {
        uint256 gross;
        uint256 advanced;
        uint256 bps;
        uint256 units;
        uint256 volume;
    }

    /// @notice An EIP-3009 authorisation, less what the ledger knows itself.
    /// @param signature The holder's: 65 bytes, or what its ERC-1271 wallet takes.
    struct Authorization {
        uint256 validAfter;
        uint256 validBefore;
        bytes signature;
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
    /// @notice From now on the router may settle, or may not.
    event RouterAllowed(address indexed router, bool allowed);
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
    /// @notice A router gave a payer money back, out of its float. `request` says for which call; the ledger does not ask.
    event Refunded(address indexed router, address indexed key, bytes32 indexed request, uint256 amount);
    /// @notice One call was paid by wallet: `price` was split, what was pulled beyond it went back at once.
    event PaidOnce(
        address indexed router,
        address indexed payer,
        bytes32 indexed request,
        uint32 node,
        uint32 pod,
        uint32 frontend,
        bytes32 receipt,
        uint256 price
    );
    event SplitSet(Split split, uint32 fromEpoch);
    /// @notice The bond paid a payee ahead; its share of later settlements goes to the router's float up to that amount.
    event Advanced(address indexed router, Role indexed role, uint32 indexed id, uint256 amount);
    /// @notice A payee's share went to the router's float, because the bond had paid it before.
    event Recouped(address indexed router, Role indexed role, uint32 indexed id, uint256 amount);
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
    /// @notice The router has no sufficient bond, owes it, or was convicted.
    error RouterStopped(address router);
    /// @notice Only the bond may do this.
    error NotBond(address caller);
    /// @notice A single payment's price is above what the payer signed.
    error OverMaxPrice(uint256 price, uint256 maxPrice);
    /// @notice A single payment names another node than its request.
    error WrongNode(uint32 node, uint32 asked);
    /// @notice A single payment came after its voucher's expiry.
    error VoucherExpired(uint256 time, uint256 expiry);
    /// @notice The asset delivered less than was authorised.
    error ShortTransfer(uint256 received, uint256 expected);
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
    /// @notice A pause lapses after this many seconds, and the next may begin as many after its end.
    function PAUSE_SECONDS() external view returns (uint256);

    function asset() external view returns (IERC20);
    function registry() external view returns (IRegistry);
    function bond() external view returns (IRouterBond);
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

    /// @notice `deposit` by one transaction of the giver, whose `permit` for this ledger it presents. A permit that somebody
    ///         else presented first does not matter while the allowance is there.
    function depositWithPermit(
        address router,
        address key,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 received);

    /// @notice `deposit` of the money of `from`, relayed by anyone: gasless for the giver. The authorisation's nonce is
    ///         `depositNonce(router, key, owner, salt)`, so nobody can send the money anywhere else, and the account must
    ///         belong to `owner`: it does, or the key's `Open` comes along.
    /// @param open The key's signature over `Open`; empty if the account needs none.
    function depositWithAuthorization(
        address router,
        address key,
        address owner,
        bytes32 salt,
        address from,
        uint256 amount,
        Authorization calldata authorization,
        bytes calldata open
    ) external returns (uint256 received);

    /// @notice The EIP-3009 nonce of such a deposit.
    function depositNonce(address router, address key, address owner, bytes32 salt) external pure returns (bytes32);

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

    /// @notice Lets a router settle, or stops it. Only the bond may.
    function allow(address router, bool allowed) external;

    /// @notice Adds to a router's float. Anyone may give.
    function addFloat(address router, uint256 amount) external returns (uint256 received);

    /// @notice Pays the calling router out of its float, at once: the float secures nobody else.
    function withdrawFloat(uint256 amount) external;

    /// @notice Settles the calling router's next batch; its layout is `libraries/Batches.sol`.
    ///         Every payer line is a voucher and the charge under it. A line that may not be debited is skipped and
    ///         paid from the float. Charges = nodes = pods = frontends, to the last unit, or nothing happens.
    function settle(bytes calldata batch) external;

    /// @notice Pays one finished call of a wallet without an account, in one transaction: money in, split, change back.
    ///         The wallet signed one EIP-3009 authorisation of `request.maxPrice`, whose nonce is the EIP-712 digest of
    ///         Voucher(calling router, request.maxPrice, expiry, hash of request): it binds router, price and call.
    /// @param node Who served it.
    /// @param price What it costs; at most `request.maxPrice`.
    /// @param receipt Hash of the node's receipt.
    function payOnce(
        Messages.Request calldata request,
        uint40 expiry,
        uint32 node,
        uint128 price,
        bytes32 receipt,
        Authorization calldata authorization
    ) external;

    /// @notice Moves money from the calling router's float to the account of `key` with it.
    /// @param request The call it is for.
    function refund(address key, uint256 amount, bytes32 request) external;

    // ------------------------------------------------------------------------------------------------ payees

    /// @notice Pays each id what it has earned with `router` and not been paid. Anyone may call; the Registry says to
    ///         whom it goes (`Role.Voters`: to `podVoters`). An id with nothing to claim is passed over.
    /// @return total The sum that was paid.
    function claim(address router, Role role, uint32[] calldata ids) external returns (uint256 total);

    /// @notice Pays what is `collectable` of a router's batches to the burner. Anyone may call.
    function collect(address router) external returns (uint256 amount);

    /// @notice Notes that the bond paid a payee `amount` of what `router` owes it. Only the bond may.
    function advance(address router, Role role, uint32 id, uint256 amount) external;

    // ------------------------------------------------------------------------------------------------- split

    /// @notice Sets the shares from the next epoch on; replaces what was set for it before. The Authority says who may.
    function setSplit(Split calldata split) external;

    /// @notice The shares of the calls that are settled in `epoch`.
    function splitIn(uint32 epoch) external view returns (Split memory);

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

    /// @notice All that `claim` has drawn from this id's share: paid to it, or returned to the router's float because the
    ///         bond had paid it ahead.
    function claimedOf(address router, Role role, uint32 id) external view returns (uint256);

    /// @notice The protocol part of a router's batches that waits here.
    function protocolOwed(address router) external view returns (uint256);

    /// @notice What `collect` would pay: `protocolOwed` less the dust that later roundings of payees may still take.
    function collectable(address router) external view returns (uint256);

    /// @notice The share of the gross that `id` of `role` has in this epoch, basis points.
    function shareBpsOf(Role role, uint32 id) external view returns (uint256);

    /// @notice Gross of a payee's calls that a router settled in `epoch`. Voters: their pod's.
    function unitsIn(address router, Role role, uint32 id, uint32 epoch) external view returns (uint256);

    /// @notice Gross of all calls that a router settled in `epoch`.
    function volumeIn(address router, uint32 epoch) external view returns (uint256);

    /// @notice The last epoch before this one in which a router settled anything; 0 if there is none.
    function lastEpochOf(address router) external view returns (uint32);

    /// @notice What a payee has with a router.
    function exposureOf(address router, Role role, uint32 id, uint32 epoch) external view returns (Exposure memory);

    /// @notice The EIP-712 domain separator of every message. Follows the chain id.
    function domainSeparator() external view returns (bytes32);
}
