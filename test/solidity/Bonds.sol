// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

/// @dev A market whose router has a key, and the words of statements and proofs.
abstract contract Bonds is Market {
    uint256 internal constant ROUTER_KEY = 0x707707;
    uint256 internal constant PAYER = 0xA11CE;
    uint256 internal constant WEEK = 7 days;
    uint256 internal constant BOND = 10_000e6;
    uint256 internal constant BOND_HEU = 10_000e18;
    address internal constant BURNER = address(0xB123);

    /// @dev Read once, so that an expected revert is the next call's.
    bytes32 internal domain;

    function _openBonds() internal {
        router = vm.addr(ROUTER_KEY);
        _open();
        IComputeLedger.Terms memory terms = _terms();
        terms.burner = BURNER;
        (ledger, bonds) = _newLedger(terms, LEAST_ASSET, LEAST_HEU);
        _register(4, 4, 4);
        _bond(router, BOND, BOND_HEU);
        _deposit(PAYER, 5_000e6);
        domain = ledger.domainSeparator();
    }

    // ------------------------------------------------------------------------------------------------ statements

    function _sign(uint256 key, bytes32 hash) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, hash)));
        return abi.encodePacked(r, s, v);
    }

    function _statement(Role role, uint32 id, uint256 gross, uint256 asOf)
        internal
        pure
        returns (Messages.Statement memory)
    {
        return Messages.Statement(uint8(role), id, uint128(gross), uint40(asOf));
    }

    function _file(Role role, uint32 id, uint256 gross) internal returns (uint256) {
        return _file(ROUTER_KEY, role, id, gross);
    }

    /// @dev Files a statement that is a day old.
    function _file(uint256 key, Role role, uint32 id, uint256 gross) internal returns (uint256) {
        Messages.Statement memory statement = _statement(role, id, gross, block.timestamp - 1 days);
        return bonds.claimShortfall(vm.addr(key), statement, _sign(key, Messages.hash(statement)));
    }

    /// @dev Resolves a claim of the router's first round.
    function _resolve(Role role, uint32 id) internal returns (uint256) {
        return bonds.resolveShortfall(router, 1, role, id);
    }

    function _pass(uint256 time) internal {
        vm.warp(block.timestamp + time);
    }

    // -------------------------------------------------------------------------------------------------- history

    /// @dev A batch that credits node, pod and frontend `id` with `gross`.
    function _work(uint256 id, uint256 gross) internal {
        Draft memory draft = _draft(_line(PAYER, gross));
        draft.nodes = _one(id, gross);
        draft.pods = _one(id, gross);
        draft.frontends = _one(id, gross);
        _settle(_pack(draft));
    }

    // ---------------------------------------------------------------------------------------------------- proofs

    /// @dev One call of node, pod and frontend 1, whose payee totals end at `gross`.
    function _call(bytes32 id, uint256 gross, uint256 price)
        internal
        pure
        returns (Messages.Request memory request, IRouterBond.Entry memory entry)
    {
        request = Messages.Request({
            payer: vm.addr(PAYER),
            id: id,
            pod: 1,
            manifest: keccak256("manifest"),
            frontend: 1,
            node: 0,
            maxPrice: uint128(price),
            deadline: type(uint40).max,
            input: keccak256("input")
        });
        entry.receipt.request = Messages.hash(request);
        entry.receipt.node = 1;
        entry.receipt.price = uint128(price);
        entry.leaf = Messages.Leaf({
            payer: request.payer,
            charged: uint128(gross),
            count: 1,
            request: entry.receipt.request,
            receipt: Messages.hash(entry.receipt),
            node: 1,
            nodeGross: uint128(gross),
            pod: 1,
            podGross: uint128(gross),
            frontend: 1,
            frontendGross: uint128(gross)
        });
        entry.proof = new bytes32[](0);
    }

    /// @dev Settles a batch whose root is this one leaf; its number goes into the entry.
    function _post(IRouterBond.Entry memory entry, uint256 charge) internal returns (IRouterBond.Entry memory) {
        Draft memory draft = _draft(_line(PAYER, charge));
        draft.root = Messages.hash(entry.leaf);
        _settle(_pack(draft));
        entry.seq = draft.seq;
        return entry;
    }
}
