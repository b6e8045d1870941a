// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Role} from "../libraries/Roles.sol";

/// @title Registry
/// @notice Who is who: nodes, pods and frontends. Registration is permissionless and free.
///         Ids count up from 1, per role, and never change hands with a payout address: accounting is keyed by id.
/// @dev WARNING: `payoutOf` is where the ledger sends money at the moment of the claim. Whoever holds the owner key
///      redirects every unclaimed share. Registering needs no consent of the signer: if somebody took the key you meant
///      to use, use another; a key once taken stays with its node for good.
///      `Role.Voters` has no entries here: every call with it reverts `UnknownId`.
///      Upgradeable behind the Authority's delay; no function other than the upgrade is privileged.
interface IRegistry {
    /// @notice An entry of any role.
    /// @param owner May change everything below, and hand the entry on.
    /// @param activeFrom First epoch in which the entry counts.
    /// @param inactiveFrom First epoch in which it no longer counts; 0 = no end.
    /// @param payout Receives what is claimed for this id.
    /// @param heir The owner to be, until it accepts. Zero = nobody.
    /// @param meta Hash of the off-chain description. For a pod: the manifest of its newest version.
    struct Entry {
        address owner;
        uint32 activeFrom;
        uint32 inactiveFrom;
        address payout;
        address heir;
        bytes32 meta;
    }

    /// @notice The one life of a signer key.
    /// @param node The node that it signs for.
    /// @param since First second, Unix.
    /// @param until The second in which it was replaced; 0 = it signs today.
    struct Signer {
        uint32 node;
        uint40 since;
        uint40 until;
    }

    event Registered(Role indexed role, uint32 indexed id, address indexed owner, address payout, bytes32 meta);
    event SignerSet(uint32 indexed node, address indexed signer, address indexed replaced);
    event PayoutSet(Role indexed role, uint32 indexed id, address payout);
    event MetaSet(Role indexed role, uint32 indexed id, bytes32 meta);
    event Published(uint32 indexed pod, bytes32 indexed manifest);
    event PreferredSet(uint32 indexed frontend, uint32[] nodes);
    event OwnerProposed(Role indexed role, uint32 indexed id, address indexed heir);
    event OwnerChanged(Role indexed role, uint32 indexed id, address indexed owner);
    event Deactivated(Role indexed role, uint32 indexed id, uint32 fromEpoch);
    event Reactivated(Role indexed role, uint32 indexed id, uint32 fromEpoch);

    /// @notice No such entry.
    error UnknownId(Role role, uint256 id);
    /// @notice Only the owner of the entry may do this.
    error NotOwner(address caller, address owner);
    /// @notice Only the proposed owner may accept.
    error NotHeir(address caller, address heir);
    /// @notice The zero address cannot be an owner, payout, signer or authority.
    error ZeroAddress();
    /// @notice The key signs, or once signed, for a node.
    error SignerTaken(address signer, uint32 node);
    /// @notice A version's hash is never zero.
    error ZeroManifest();
    /// @notice This pod has published this version before.
    error AlreadyPublished(uint32 pod, bytes32 manifest);
    /// @notice A pod's meta is its newest manifest: `publish` it.
    error PublishInstead(uint32 pod);
    /// @notice The list of preferred nodes is bounded.
    error TooManyPreferred(uint256 given, uint256 most);
    /// @notice The entry is already on its way out, or out.
    error AlreadyInactive(Role role, uint32 id, uint32 inactiveFrom);
    /// @notice The entry is active and has no end.
    error AlreadyActive(Role role, uint32 id);

    /// @notice Seconds for which a replaced signer's messages still count as evidence.
    function EVIDENCE_SECONDS() external view returns (uint40);

    /// @notice The most preferred nodes a frontend may name.
    function MOST_PREFERRED() external view returns (uint256);

    /// @notice Registers the caller as owner of a new node. Active at once.
    /// @param signer The key that signs its receipts: never before the key of any node.
    function registerNode(address signer, address payout, bytes32 meta) external returns (uint32 node);

    /// @notice Registers the caller as owner of a new pod with its first version. Active at once.
    /// @param manifest keccak256 of the bytes of its `pod.yaml`.
    function registerPod(address payout, bytes32 manifest) external returns (uint32 pod);

    /// @notice Registers the caller as owner of a new frontend. Active at once.
    function registerFrontend(address payout, bytes32 meta) external returns (uint32 frontend);

    /// @notice Replaces the node's key at once. The old one signs no new work; what it signed stays evidence for
    ///         `EVIDENCE_SECONDS`, and no node can ever use it again.
    function setSigner(uint32 node, address signer) external;

    /// @notice Where claims go from now on, unclaimed money of the past included.
    function setPayout(Role role, uint32 id, address payout) external;

    /// @notice New description of a node or a frontend.
    function setMeta(Role role, uint32 id, bytes32 meta) external;

    /// @notice Adds a version to a pod. Every version ever published stays valid.
    function publish(uint32 pod, bytes32 manifest) external;

    /// @notice The nodes this frontend wants first, best first; replaces the list. At most `MOST_PREFERRED`.
    function setPreferred(uint32 frontend, uint32[] calldata nodes) external;

    /// @notice Offers the entry to `heir`, who must accept. Zero withdraws the offer.
    function proposeOwner(Role role, uint32 id, address heir) external;

    /// @notice Takes over an entry that was offered to the caller. Payout and signer stay as they are until changed.
    function acceptOwner(Role role, uint32 id) external;

    /// @notice The entry counts no more from the next epoch on. Claims are never affected.
    function deactivate(Role role, uint32 id) external;

    /// @notice Undoes `deactivate`: at once if it had not taken effect, else from the next epoch.
    function reactivate(Role role, uint32 id) external;

    /// @notice How many entries of the role exist; their ids are 1 to this.
    function countOf(Role role) external view returns (uint32);

    /// @notice The whole entry; all zero if there is none.
    function entryOf(Role role, uint32 id) external view returns (Entry memory);

    /// @notice Zero if there is no such entry.
    function ownerOf(Role role, uint32 id) external view returns (address);

    /// @notice Zero if there is no such entry.
    function payoutOf(Role role, uint32 id) external view returns (address);

    /// @notice Whether the entry counts in `epoch`. True for this epoch and the next; the past is not kept.
    function isActiveIn(Role role, uint32 id, uint32 epoch) external view returns (bool);

    /// @notice The key that signs for the node today; zero if there is no such node.
    function signerOf(uint32 node) external view returns (address);

    /// @notice The node that the key signs for today; 0 if none.
    function nodeOf(address signer) external view returns (uint32);

    /// @notice The key's whole life; all zero if it never signed for a node.
    function signerLife(address signer) external view returns (Signer memory);

    /// @notice Whether a message of second `at` by `signer` counts today as the word of `node`.
    function wasSigner(uint32 node, address signer, uint40 at) external view returns (bool);

    /// @notice Whether the pod ever published this version.
    function isVersion(uint32 pod, bytes32 manifest) external view returns (bool);

    /// @notice The pod's newest version; zero if there is no such pod.
    function latestOf(uint32 pod) external view returns (bytes32);

    /// @notice The frontend's preferred nodes, best first.
    function preferredOf(uint32 frontend) external view returns (uint32[] memory);
}
