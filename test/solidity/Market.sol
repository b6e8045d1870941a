// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IHEU} from "../../contracts/interfaces/IHEU.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {ITestDollar} from "../../contracts/interfaces/ITestDollar.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Base} from "./Base.sol";

/// @dev A whole market on an empty chain: tokens, registry, ledger, and the words to write batches with.
abstract contract Market is Base {
    struct Line {
        uint256 key;
        uint64 ceiling;
        uint40 expiry;
        uint48 charge;
        bytes32 request;
    }

    struct Payees {
        uint32[] ids;
        uint48[] amounts;
    }

    struct Draft {
        uint64 seq;
        bytes32 prev;
        bytes32 root;
        bytes32 dataHash;
        Line[] lines;
        Payees nodes;
        Payees pods;
        Payees frontends;
    }

    uint16 internal constant NODE_BPS = 7_000;
    uint16 internal constant POD_BPS = 1_000;
    uint16 internal constant FRONTEND_BPS = 1_000;
    uint16 internal constant VOTER_BPS = 500;
    uint96 internal constant LEAST_ASSET = 1_000e6;
    uint96 internal constant LEAST_HEU = 1_000e18;
    uint40 internal constant THAW = 24 hours;
    uint256 internal constant START = 1_800_000_000;
    uint64 internal constant UNBOUNDED = type(uint64).max;

    address internal constant ADMIN = address(0xAD);
    address internal constant GUARDIAN = address(0x6A);
    uint64 internal constant ADMIN_ROLE = 0;
    uint64 internal constant GUARDIAN_ROLE = 1;
    uint64 internal constant PARAMS_ROLE = 2;
    uint32 internal constant UPGRADE_DELAY = 7 days;

    ITestDollar internal dollar;
    IAccessManager internal authority;
    IRegistry internal registry;
    IComputeLedger internal ledger;
    IHEU internal heu;
    IRouterBond internal bonds;
    address internal router = address(0x0707);

    function _open() internal {
        vm.warp(START);
        dollar = ITestDollar(vm.deployCode("TestDollar.sol:TestDollar"));
        authority = IAccessManager(vm.deployCode("Authority.sol:Authority", abi.encode(ADMIN)));
        address implementation = vm.deployCode("Registry.sol:Registry");
        bytes memory initialize = abi.encodeWithSignature("initialize(address)", authority);
        registry = IRegistry(
            vm.deployCode("UpgradeableProxy.sol:UpgradeableProxy", abi.encode(implementation, initialize))
        );
        heu = IHEU(vm.deployCode("HEU.sol:HEU", abi.encode(address(this))));
        (ledger, bonds) = _newLedger(_terms(), LEAST_ASSET, LEAST_HEU);
        _grantRoles();
        _bond(router, LEAST_ASSET, LEAST_HEU);
    }

    /// @dev A ledger whose bond asks for nothing but to be told of `router`.
    function _newLedger(IComputeLedger.Terms memory terms) internal returns (IComputeLedger made) {
        IRouterBond bond;
        (made, bond) = _newLedger(terms, 0, 0);
        heu.approve(address(bond), 1);
        bond.deposit(router, 0, 1);
    }

    /// @dev A ledger and its bond, each born with the other's address.
    function _newLedger(IComputeLedger.Terms memory terms, uint96 leastAsset, uint96 leastHeu)
        internal
        returns (IComputeLedger made, IRouterBond bond)
    {
        bond = IRouterBond(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1));
        terms.bond = bond;
        made = IComputeLedger(vm.deployCode("ComputeLedger.sol:ComputeLedger", abi.encode(terms)));
        vm.deployCode(
            "RouterBond.sol:RouterBond", abi.encode(made, heu, leastAsset, leastHeu, terms.priorityDeadline)
        );
    }

    function _bond(address who, uint256 assets, uint256 heus) internal {
        _mint(address(this), assets);
        dollar.approve(address(bonds), assets);
        heu.approve(address(bonds), heus);
        bonds.deposit(who, assets, heus);
    }

    function _terms() internal view returns (IComputeLedger.Terms memory terms) {
        terms.asset = IERC20(address(dollar));
        terms.registry = registry;
        terms.authority = address(authority);
        terms.split = IComputeLedger.Split(NODE_BPS, POD_BPS, FRONTEND_BPS, VOTER_BPS);
        terms.thawSeconds = THAW;
    }

    /// @dev The admin upgrades after a delay; the guardian pauses at once.
    function _grantRoles() private {
        bytes4[] memory pausing = new bytes4[](2);
        pausing[0] = IComputeLedger.pause.selector;
        pausing[1] = IComputeLedger.unpause.selector;
        bytes4[] memory splitting = new bytes4[](1);
        splitting[0] = IComputeLedger.setSplit.selector;
        vm.startPrank(ADMIN);
        authority.setTargetFunctionRole(address(ledger), splitting, PARAMS_ROLE);
        authority.grantRole(PARAMS_ROLE, ADMIN, UPGRADE_DELAY);
        authority.setTargetFunctionRole(address(ledger), pausing, GUARDIAN_ROLE);
        authority.grantRole(GUARDIAN_ROLE, GUARDIAN, 0);
        authority.grantRole(ADMIN_ROLE, ADMIN, UPGRADE_DELAY);
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------------------------ the parties

    function _mint(address who, uint256 amount) internal {
        for (uint256 left = amount; left > 0;) {
            uint256 part = left > dollar.FAUCET_CAP() ? dollar.FAUCET_CAP() : left;
            dollar.faucet(who, part);
            left -= part;
        }
    }

    function _fund(address who, uint256 amount) internal {
        _mint(who, amount);
        vm.prank(who);
        dollar.approve(address(ledger), type(uint256).max);
    }

    function _deposit(uint256 key, uint256 amount) internal {
        address payer = vm.addr(key);
        _fund(payer, amount);
        vm.prank(payer);
        ledger.deposit(router, payer, amount);
    }

    function _float(uint256 amount) internal {
        _fund(router, amount);
        vm.prank(router);
        ledger.addFloat(router, amount);
    }

    function _payout(Role role, uint256 id) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("payout", role, id)))));
    }

    /// @dev Registers nodes, pods and frontends up to these ids, all owned by this contract.
    function _register(uint256 nodes, uint256 pods, uint256 frontends) internal {
        for (uint256 id = registry.countOf(Role.Node) + 1; id <= nodes; id++) {
            registry.registerNode(address(uint160(0x5160000 + id)), _payout(Role.Node, id), bytes32(id));
        }
        for (uint256 id = registry.countOf(Role.Pod) + 1; id <= pods; id++) {
            registry.registerPod(_payout(Role.Pod, id), keccak256(abi.encode("pod", id)));
        }
        for (uint256 id = registry.countOf(Role.Frontend) + 1; id <= frontends; id++) {
            registry.registerFrontend(_payout(Role.Frontend, id), bytes32(id));
        }
    }

    // -------------------------------------------------------------------------------------------- the batch

    function _line(uint256 key, uint256 charge) internal pure returns (Line memory) {
        return Line(key, UNBOUNDED, type(uint40).max, uint48(charge), keccak256("request"));
    }

    function _one(uint256 id, uint256 amount) internal pure returns (Payees memory payees) {
        payees.ids = new uint32[](1);
        payees.amounts = new uint48[](1);
        (payees.ids[0], payees.amounts[0]) = (uint32(id), uint48(amount));
    }

    /// @dev A batch of one payer line, all of it for node 1, pod 1 and frontend 1.
    function _draft(Line memory line) internal view returns (Draft memory draft) {
        Line[] memory lines = new Line[](1);
        lines[0] = line;
        return _draft(lines);
    }

    /// @dev The router's next batch with these payer lines, all of it for node 1, pod 1 and frontend 1.
    function _draft(Line[] memory lines) internal view returns (Draft memory draft) {
        IComputeLedger.Router memory state = ledger.routerOf(router);
        uint256 gross;
        for (uint256 i; i < lines.length; i++) {
            gross += lines[i].charge;
        }
        (draft.seq, draft.prev) = (state.seq + 1, state.batchHash);
        (draft.root, draft.dataHash) = (keccak256("root"), keccak256("data"));
        draft.lines = lines;
        draft.nodes = _one(1, gross);
        draft.pods = _one(1, gross);
        draft.frontends = _one(1, gross);
    }

    function _voucherDigest(Line memory line) internal view returns (bytes32) {
        bytes32 voucher = Messages.hash(Messages.Voucher(router, line.ceiling, line.expiry, line.request));
        return keccak256(abi.encodePacked(hex"1901", ledger.domainSeparator(), voucher));
    }

    function _pack(Draft memory draft) internal view returns (bytes memory batch) {
        bytes memory payers;
        for (uint256 i; i < draft.lines.length; i++) {
            (bytes32 r, bytes32 vs) = vm.signCompact(draft.lines[i].key, _voucherDigest(draft.lines[i]));
            payers = bytes.concat(payers, _packLine(draft.lines[i], r, vs));
        }
        return bytes.concat(_packHeader(draft), payers, _packPayees(draft));
    }

    function _packHeader(Draft memory draft) internal pure returns (bytes memory) {
        return abi.encodePacked(
            draft.seq,
            draft.prev,
            draft.root,
            draft.dataHash,
            uint16(draft.lines.length),
            uint16(draft.nodes.ids.length),
            uint16(draft.pods.ids.length),
            uint16(draft.frontends.ids.length)
        );
    }

    function _packLine(Line memory line, bytes32 r, bytes32 vs) internal pure returns (bytes memory) {
        return abi.encodePacked(r, vs, line.request, line.ceiling, line.expiry, line.charge);
    }

    function _packPayees(Draft memory draft) internal pure returns (bytes memory) {
        return bytes.concat(_packPayees(draft.nodes), _packPayees(draft.pods), _packPayees(draft.frontends));
    }

    function _packPayees(Payees memory payees) internal pure returns (bytes memory packed) {
        for (uint256 i; i < payees.ids.length; i++) {
            packed = bytes.concat(packed, abi.encodePacked(payees.ids[i], payees.amounts[i]));
        }
    }

    function _settle(bytes memory batch) internal {
        vm.prank(router);
        ledger.settle(batch);
    }

    function _settle(Line memory line) internal {
        _settle(_pack(_draft(line)));
    }

    function _claim(Role role, uint32 id) internal returns (uint256) {
        uint32[] memory ids = new uint32[](1);
        ids[0] = id;
        return ledger.claim(router, role, ids);
    }
}
