// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Upgradeable} from "./access/Upgradeable.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Epochs} from "./libraries/Epochs.sol";
import {Role} from "./libraries/Roles.sol";

/// @title Registry
/// @notice The manual is {IRegistry}.
contract Registry is IRegistry, Upgradeable {
    /// @custom:storage-location erc7201:heurist.storage.Registry
    struct RegistryStorage {
        /// Entries of a role are exactly the ids 1 to its count, and none of them ever loses its owner or payout.
        mapping(Role role => uint32) countOf;
        mapping(Role role => mapping(uint32 id => Entry)) entryOf;
        /// A node's live signer: the one key whose life names the node and has no end.
        mapping(uint32 node => address) signerOf;
        /// A key has one life, at one node.
        mapping(address signer => Signer) lifeOf;
        /// Only ever set to true.
        mapping(uint32 pod => mapping(bytes32 manifest => bool)) isVersion;
        /// Ids of existing nodes.
        mapping(uint32 frontend => uint32[]) preferredOf;
    }

    // keccak256(abi.encode(uint256(keccak256("heurist.storage.Registry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant REGISTRY_STORAGE = 0xc05aa0e9172fa68a8eb4e13c4ea67f1afad0700bd0b090d582e2ad7021087d00;

    /// @inheritdoc IRegistry
    uint40 public constant EVIDENCE_SECONDS = 21 days;
    /// @inheritdoc IRegistry
    uint256 public constant MOST_PREFERRED = 32;

    /// @notice Once, through the proxy.
    function initialize(address authority_) external initializer {
        if (authority_ == address(0)) revert ZeroAddress();

        _initializeAuthority(authority_);
    }

    // ------------------------------------------------------------------------------------------- registration

    /// @inheritdoc IRegistry
    function registerNode(address signer, address payout, bytes32 meta) external returns (uint32 node) {
        node = _register(Role.Node, payout, meta);
        _setSigner(node, signer);
    }

    /// @inheritdoc IRegistry
    function registerPod(address payout, bytes32 manifest) external returns (uint32 pod) {
        pod = _register(Role.Pod, payout, manifest);
        _publish(pod, manifest);
    }

    /// @inheritdoc IRegistry
    function registerFrontend(address payout, bytes32 meta) external returns (uint32 frontend) {
        frontend = _register(Role.Frontend, payout, meta);
    }

    // ----------------------------------------------------------------------------------------- the owner's acts

    /// @inheritdoc IRegistry
    function setSigner(uint32 node, address signer) external {
        _owned(Role.Node, node);

        _setSigner(node, signer);
    }

    /// @inheritdoc IRegistry
    function setPayout(Role role, uint32 id, address payout) external {
        Entry storage entry = _owned(role, id);
        if (payout == address(0)) revert ZeroAddress();

        entry.payout = payout;
        emit PayoutSet(role, id, payout);
    }

    /// @inheritdoc IRegistry
    function setMeta(Role role, uint32 id, bytes32 meta) external {
        Entry storage entry = _owned(role, id);
        if (role == Role.Pod) revert PublishInstead(id);

        entry.meta = meta;
        emit MetaSet(role, id, meta);
    }

    /// @inheritdoc IRegistry
    function publish(uint32 pod, bytes32 manifest) external {
        Entry storage entry = _owned(Role.Pod, pod);

        entry.meta = manifest;
        _publish(pod, manifest);
    }

    /// @inheritdoc IRegistry
    function setPreferred(uint32 frontend, uint32[] calldata nodes) external {
        _owned(Role.Frontend, frontend);
        if (nodes.length > MOST_PREFERRED) revert TooManyPreferred(nodes.length, MOST_PREFERRED);
        uint32 count = _registry().countOf[Role.Node];
        for (uint256 i; i < nodes.length; i++) {
            if (nodes[i] == 0 || nodes[i] > count) revert UnknownId(Role.Node, nodes[i]);
        }

        _registry().preferredOf[frontend] = nodes;
        emit PreferredSet(frontend, nodes);
    }

    /// @inheritdoc IRegistry
    function proposeOwner(Role role, uint32 id, address heir) external {
        Entry storage entry = _owned(role, id);

        entry.heir = heir;
        emit OwnerProposed(role, id, heir);
    }

    /// @inheritdoc IRegistry
    function acceptOwner(Role role, uint32 id) external {
        Entry storage entry = _existing(role, id);
        if (msg.sender != entry.heir) revert NotHeir(msg.sender, entry.heir);

        entry.owner = msg.sender;
        entry.heir = address(0);
        emit OwnerChanged(role, id, msg.sender);
    }

    /// @inheritdoc IRegistry
    function deactivate(Role role, uint32 id) external {
        Entry storage entry = _owned(role, id);
        if (entry.inactiveFrom != 0) revert AlreadyInactive(role, id, entry.inactiveFrom);

        uint32 next = Epochs.current() + 1;
        entry.inactiveFrom = next;
        emit Deactivated(role, id, next);
    }

    /// @inheritdoc IRegistry
    function reactivate(Role role, uint32 id) external {
        Entry storage entry = _owned(role, id);
        uint32 inactiveFrom = entry.inactiveFrom;
        if (inactiveFrom == 0) revert AlreadyActive(role, id);

        uint32 current = Epochs.current();
        if (inactiveFrom <= current) entry.activeFrom = current + 1;
        entry.inactiveFrom = 0;
        emit Reactivated(role, id, entry.activeFrom);
    }

    // --------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IRegistry
    function countOf(Role role) external view returns (uint32) {
        return _registry().countOf[role];
    }

    /// @inheritdoc IRegistry
    function entryOf(Role role, uint32 id) external view returns (Entry memory) {
        return _registry().entryOf[role][id];
    }

    /// @inheritdoc IRegistry
    function ownerOf(Role role, uint32 id) external view returns (address) {
        return _registry().entryOf[role][id].owner;
    }

    /// @inheritdoc IRegistry
    function payoutOf(Role role, uint32 id) external view returns (address) {
        return _registry().entryOf[role][id].payout;
    }

    /// @inheritdoc IRegistry
    function isActiveIn(Role role, uint32 id, uint32 epoch) external view returns (bool) {
        Entry storage entry = _registry().entryOf[role][id];
        if (entry.owner == address(0) || epoch < entry.activeFrom) return false;
        return entry.inactiveFrom == 0 || epoch < entry.inactiveFrom;
    }

    /// @inheritdoc IRegistry
    function signerOf(uint32 node) external view returns (address) {
        return _registry().signerOf[node];
    }

    /// @inheritdoc IRegistry
    function nodeOf(address signer) external view returns (uint32) {
        Signer memory life = _registry().lifeOf[signer];
        return life.until == 0 ? life.node : 0;
    }

    /// @inheritdoc IRegistry
    function signerLife(address signer) external view returns (Signer memory) {
        return _registry().lifeOf[signer];
    }

    /// @inheritdoc IRegistry
    function wasSigner(uint32 node, address signer, uint40 at) external view returns (bool) {
        Signer memory life = _registry().lifeOf[signer];
        if (node == 0 || life.node != node || at < life.since) return false;
        return life.until == 0 || (at <= life.until && block.timestamp <= life.until + EVIDENCE_SECONDS);
    }

    /// @inheritdoc IRegistry
    function isVersion(uint32 pod, bytes32 manifest) external view returns (bool) {
        return _registry().isVersion[pod][manifest];
    }

    /// @inheritdoc IRegistry
    function latestOf(uint32 pod) external view returns (bytes32) {
        return _registry().entryOf[Role.Pod][pod].meta;
    }

    /// @inheritdoc IRegistry
    function preferredOf(uint32 frontend) external view returns (uint32[] memory) {
        return _registry().preferredOf[frontend];
    }

    // ------------------------------------------------------------------------------------------------- private

    function _register(Role role, address payout, bytes32 meta) private returns (uint32 id) {
        if (payout == address(0)) revert ZeroAddress();

        id = ++_registry().countOf[role];
        Entry storage entry = _registry().entryOf[role][id];
        entry.owner = msg.sender;
        entry.activeFrom = Epochs.current();
        entry.payout = payout;
        entry.meta = meta;
        emit Registered(role, id, msg.sender, payout, meta);
    }

    function _setSigner(uint32 node, address signer) private {
        RegistryStorage storage $ = _registry();
        if (signer == address(0)) revert ZeroAddress();
        uint32 taken = $.lifeOf[signer].node;
        if (taken != 0) revert SignerTaken(signer, taken);

        address replaced = $.signerOf[node];
        if (replaced != address(0)) $.lifeOf[replaced].until = uint40(block.timestamp);
        $.lifeOf[signer] = Signer({node: node, since: uint40(block.timestamp), until: 0});
        $.signerOf[node] = signer;
        emit SignerSet(node, signer, replaced);
    }

    function _publish(uint32 pod, bytes32 manifest) private {
        if (manifest == 0) revert ZeroManifest();
        if (_registry().isVersion[pod][manifest]) revert AlreadyPublished(pod, manifest);

        _registry().isVersion[pod][manifest] = true;
        emit Published(pod, manifest);
    }

    function _existing(Role role, uint32 id) private view returns (Entry storage entry) {
        entry = _registry().entryOf[role][id];
        if (entry.owner == address(0)) revert UnknownId(role, id);
    }

    function _owned(Role role, uint32 id) private view returns (Entry storage entry) {
        entry = _existing(role, id);
        if (msg.sender != entry.owner) revert NotOwner(msg.sender, entry.owner);
    }

    function _registry() private pure returns (RegistryStorage storage $) {
        assembly ("memory-safe") {
            $.slot := REGISTRY_STORAGE
        }
    }
}
