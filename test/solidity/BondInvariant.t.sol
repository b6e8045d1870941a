// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";
import {Market} from "./Market.sol";

/// @dev Moves that must all succeed: two routers settle, state more than they settle, are claimed against, top up, leave
///      and come back. It keeps its own books, and what the bond answers must follow from them.
contract BondHandler is Bonds {
    struct Open {
        address router;
        uint256 round;
        Role role;
        uint32 id;
        uint256 asked;
        uint256 gross;
        bool newcomer;
    }

    struct RoundBook {
        uint256 openedAt;
        uint256 base;
        uint256 epoch;
        uint256 newcomers;
    }

    uint256 internal constant ROUTERS = 2;
    uint256 internal constant IDS = 3;
    /// @dev With which no cap of these volumes rounds to nothing.
    uint256 internal constant LEAST_FREE = 1_000e6;

    uint256 public settled;
    uint256 public filed;
    uint256 public paid;
    uint256 public voided;
    uint256 public exits;
    uint256 public others;

    Open[] private _claims;
    uint256[] private _epochs;
    mapping(address router => mapping(uint256 round => RoundBook)) private _rounds;
    mapping(address router => uint256) private _round;
    mapping(address router => mapping(uint256 epoch => uint256)) private _volume;
    mapping(address router => mapping(Role role => mapping(uint32 id => mapping(uint256 epoch => uint256)))) private
        _units;
    mapping(address router => mapping(Role role => mapping(uint32 id => uint256))) private _gross;
    mapping(address router => mapping(Role role => mapping(uint32 id => uint256))) private _stated;
    /// @dev What the bond paid a payee and no settlement has covered since.
    mapping(address router => mapping(Role role => mapping(uint32 id => uint256))) private _ahead;
    uint256 private _heuGiven;
    uint256 private _heuTaken;

    constructor() {
        _openBonds();
        _bond(_routerOf(1), BOND, BOND_HEU);
        _heuGiven = ROUTERS * BOND_HEU;
    }

    // --------------------------------------------------------------------------------------------------- moves

    /// @dev A router that was stopped gives what it owes first.
    function settle(uint256 seed, uint256 amount) external {
        router = _routerOf(seed);
        IRouterBond.Bond memory bond = bonds.bondOf(router);
        if (!bonds.mayRoute(router)) _topUp(bond.owedAsset + LEAST_ASSET, bond.owedHeu + LEAST_HEU);
        uint256 gross = bound(amount, 1e6, 100e6) + seed % 10;
        _deposit(PAYER, gross);
        Draft memory draft = _draft(_line(PAYER, gross));
        uint32[3] memory ids = [_id(seed >> 8), _id(seed >> 16), _id(seed >> 24)];
        draft.nodes = _one(ids[0], gross);
        draft.pods = _one(ids[1], gross);
        draft.frontends = _one(ids[2], gross);
        _settle(_pack(draft));

        uint256 epoch = block.timestamp / WEEK;
        if (_epochs.length == 0 || _epochs[_epochs.length - 1] != epoch) _epochs.push(epoch);
        _volume[router][epoch] += gross;
        for (uint256 role; role < 3; role++) {
            _note(Role(role), ids[role], gross, epoch);
        }
        settled++;
    }

    function file(uint256 seed, uint256 amount) external {
        _fileOne(seed, bound(amount, 100, 400e6));
    }

    /// @dev A claim that is over, or that is waited for.
    function resolve(uint256 seed) external {
        if (_claims.length == 0) _fileOne(seed, 1e6 + seed % 100e6);
        _resolveAt(seed % _claims.length);
    }

    function topUp(uint256 seed, uint256 assets, uint256 heus) external {
        router = _routerOf(seed);
        _topUp(bound(assets, 1, 1_000e6), bound(heus, 0, 1_000e18));
        others++;
    }

    function claim(uint256 seed) external {
        router = _routerOf(seed);
        _claim(Role(seed % 3), _id(seed >> 8));
        others++;
    }

    /// @dev Announces, waits, lets every claim be resolved, takes the whole bond, and comes back.
    function exit(uint256 seed) external {
        router = _routerOf(seed);
        vm.prank(router);
        bonds.announceExit();
        _pass(30 days);
        for (uint256 i = _claims.length; i > 0; i--) {
            if (_claims[i - 1].router == router) _resolveAt(i - 1);
        }
        IRouterBond.Bond memory bond = bonds.bondOf(router);
        vm.assertEq(bond.reserved, 0, "nothing is reserved for claims that are resolved");
        uint256 before = dollar.balanceOf(router);
        vm.prank(router);
        bonds.withdraw();
        vm.assertEq(dollar.balanceOf(router) - before, bond.asset, "the whole asset");
        _heuTaken += bond.heu;
        _topUp(BOND, BOND_HEU);
        exits++;
    }

    // ------------------------------------------------------------------------------------------------ its books

    function _fileOne(uint256 seed, uint256 more) private {
        router = _routerOf(seed);
        (Role role, uint32 id) = (Role((seed >> 8) % 3), _id(seed >> 16));
        uint256 number = _join();
        RoundBook storage round = _rounds[router][number];
        uint256 gross = _most(_gross[router][role][id], _stated[router][role][id]) + more;
        _stated[router][role][id] = gross;
        uint256 units = _units[router][role][id][round.epoch];
        uint256 cap = units == 0 ? 0 : round.base * units * _bps(role) / (2 * _volume[router][round.epoch] * 10_000);
        bool newcomer = cap <= round.base / 1_000;
        if (newcomer) cap = round.base / 1_000;
        uint256 asked = _least(_due(router, role, id, gross), cap);
        uint256 old = _drop(number, role, id);
        asked = _most(asked, old);

        uint256 key = ROUTER_KEY + seed % ROUTERS;
        vm.assertEq(_file(key, role, id, gross), asked, "asked = min(due, cap)");
        if (newcomer) round.newcomers += asked - old;
        _claims.push(Open(router, number, role, id, asked, gross, newcomer));
        filed++;
    }

    /// @dev The number of the round that the next claim goes to; waits while none takes claims.
    function _join() private returns (uint256 number) {
        number = _round[router];
        RoundBook storage round = _rounds[router][number];
        if (number != 0 && block.timestamp < round.openedAt + 7 days) return number;
        if (number != 0 && block.timestamp < round.openedAt + 14 days) vm.warp(round.openedAt + 14 days);
        IRouterBond.Bond memory bond = bonds.bondOf(router);
        if (bond.asset - bond.reserved < LEAST_FREE) _topUp(LEAST_FREE, 0);

        number = ++_round[router];
        round = _rounds[router][number];
        bond = bonds.bondOf(router);
        (round.openedAt, round.base) = (block.timestamp, bond.asset - bond.reserved);
        for (uint256 i; i < _epochs.length; i++) {
            bool closed = _epochs[i] < block.timestamp / WEEK;
            if (closed && _volume[router][_epochs[i]] != 0) round.epoch = _epochs[i];
        }
    }

    function _resolveAt(uint256 index) private {
        Open memory open = _claims[index];
        _claims[index] = _claims[_claims.length - 1];
        _claims.pop();
        RoundBook memory round = _rounds[open.router][open.round];
        if (block.timestamp < round.openedAt + 14 days) vm.warp(round.openedAt + 14 days);
        uint256 most = open.asked;
        uint256 tenth = round.base / 10;
        if (open.newcomer && round.newcomers > tenth) most = most * tenth / round.newcomers;
        uint256 expected = _least(most, _due(open.router, open.role, open.id, open.gross));
        uint256 before = dollar.balanceOf(_payout(open.role, open.id));

        uint256 got = bonds.resolveShortfall(open.router, open.round, open.role, open.id);
        vm.assertEq(got, expected, "paid = min(its part, what is still due)");
        vm.assertEq(dollar.balanceOf(_payout(open.role, open.id)) - before, got, "to its payout");
        _ahead[open.router][open.role][open.id] += got;
        if (got == 0) voided++;
        else paid++;
    }

    function _due(address from, Role role, uint32 id, uint256 stated) private view returns (uint256) {
        uint256 gross = _gross[from][role][id];
        if (stated <= gross) return 0;
        uint256 share = (stated - gross) * _bps(role) / 10_000;
        return share - _least(share, _ahead[from][role][id]);
    }

    /// @dev A line of a batch: what it adds to the payee's share first makes up for what the bond paid.
    function _note(Role role, uint32 id, uint256 amount, uint256 epoch) private {
        uint256 old = _gross[router][role][id];
        uint256 grown = (old + amount) * _bps(role) / 10_000 - old * _bps(role) / 10_000;
        _gross[router][role][id] = old + amount;
        _units[router][role][id][epoch] += amount;
        _ahead[router][role][id] -= _least(grown, _ahead[router][role][id]);
    }

    /// @return asked Of the payee's claim in this round, which the next replaces; 0 if it has none.
    function _drop(uint256 number, Role role, uint32 id) private returns (uint256 asked) {
        for (uint256 i; i < _claims.length; i++) {
            Open memory open = _claims[i];
            if (open.router != router || open.round != number || open.role != role || open.id != id) continue;
            _claims[i] = _claims[_claims.length - 1];
            _claims.pop();
            return open.asked;
        }
    }

    function _topUp(uint256 assets, uint256 heus) private {
        _bond(router, assets, heus);
        _heuGiven += heus;
    }

    function _routerOf(uint256 seed) private pure returns (address) {
        return vm.addr(ROUTER_KEY + seed % ROUTERS);
    }

    function _id(uint256 seed) private pure returns (uint32) {
        return uint32(1 + seed % IDS);
    }

    function _bps(Role role) private pure returns (uint256) {
        return role == Role.Node ? NODE_BPS : role == Role.Pod ? POD_BPS : FRONTEND_BPS;
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _most(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    // ------------------------------------------------------------------------------- what must always hold

    function checkHoldings() external view {
        uint256 assets;
        uint256 heus;
        for (uint256 i; i < ROUTERS; i++) {
            IRouterBond.Bond memory bond = bonds.bondOf(_routerOf(i));
            vm.assertLe(bond.reserved, bond.asset, "reserved <= asset");
            assets += bond.asset;
            heus += bond.heu;
        }
        vm.assertEq(dollar.balanceOf(address(bonds)), assets, "the asset held is all bonds");
        vm.assertEq(heu.balanceOf(address(bonds)), heus, "the HEU held is all bonds");
        uint256 burnt = heu.INITIAL_SUPPLY() - heu.totalSupply();
        vm.assertEq(heus + _heuTaken + burnt, _heuGiven, "HEU is held, taken back or burnt");
    }

    /// @dev The reserve of a router pays all its open claims at once.
    function checkReserves() external view {
        for (uint256 i; i < ROUTERS; i++) {
            address who = _routerOf(i);
            uint256 needed;
            for (uint256 j; j < _claims.length; j++) {
                Open memory open = _claims[j];
                if (open.router != who) continue;
                RoundBook memory round = _rounds[who][open.round];
                uint256 tenth = round.base / 10;
                bool shares = open.newcomer && round.newcomers > tenth;
                needed += shares ? open.asked * tenth / round.newcomers : open.asked;
            }
            IRouterBond.Bond memory bond = bonds.bondOf(who);
            vm.assertGe(bond.reserved, needed, "every open claim is covered");
            if (needed == 0) vm.assertEq(bond.reserved, 0, "without claims nothing is held back");
        }
    }

    function checkPayees() external view {
        for (uint256 role; role < 3; role++) {
            for (uint32 id = 1; id <= IDS; id++) {
                uint256 most;
                for (uint256 i; i < ROUTERS; i++) {
                    address who = _routerOf(i);
                    uint256 gross = _most(_gross[who][Role(role)][id], _stated[who][Role(role)][id]);
                    most += gross * _bps(Role(role)) / 10_000;
                    vm.assertEq(ledger.grossOf(who, Role(role), id), _gross[who][Role(role)][id], "gross");
                    uint256 ahead = ledger.exposureOf(who, Role(role), id, 0).advanced;
                    vm.assertEq(ahead, _ahead[who][Role(role)][id], "what the bond paid ahead");
                }
                uint256 got = dollar.balanceOf(_payout(Role(role), id));
                vm.assertLe(got, most, "nobody gets more than its share of max(stated, settled)");
            }
        }
    }

    /// @dev What routers, nodes and pages read answers in every state that was reached, for voters and nobody too.
    function checkViews() external view {
        for (uint256 i; i < ROUTERS; i++) {
            address who = _routerOf(i);
            IRouterBond.Bond memory bond = bonds.bondOf(who);
            vm.assertEq(bond.round, _round[who], "rounds are counted");
            vm.assertEq(bonds.roundOf(who, bond.round).base, _rounds[who][bond.round].base, "of that base");
            uint256 over = _rounds[who][bond.round].openedAt + 14 days;
            vm.assertEq(bonds.resolvableAt(who, bond.round), over, "seven days and seven");
            for (uint256 role; role < 4; role++) {
                for (uint32 id; id <= IDS + 1; id++) {
                    vm.assertLe(bonds.capOf(who, Role(role), id), bond.asset / 2, "no one is covered for over half");
                }
            }
        }
        for (uint256 j; j < _claims.length; j++) {
            Open memory open = _claims[j];
            IRouterBond.Claim memory filedClaim = bonds.claimOf(open.router, open.round, open.role, open.id);
            vm.assertEq(filedClaim.asked, open.asked, "asked");
            vm.assertEq(filedClaim.gross, open.gross, "the highest statement");
        }
    }

    function checkLedger() external view {
        uint256 owed;
        for (uint256 i; i < ROUTERS; i++) {
            address who = _routerOf(i);
            vm.assertTrue(ledger.routerOf(who).allowed == bonds.mayRoute(who), "the ledger knows who may settle");
            owed += ledger.routerOf(who).float + ledger.protocolOwed(who) + ledger.creditOf(who, vm.addr(PAYER));
            for (uint256 role; role < 3; role++) {
                for (uint32 id = 1; id <= IDS; id++) {
                    owed += ledger.claimable(who, Role(role), id);
                }
            }
        }
        vm.assertGe(dollar.balanceOf(address(ledger)), owed, "54: the ledger holds what it owes");
    }
}

contract BondInvariantTest is Market {
    BondHandler internal handler;

    /// @dev As forge asks for it: which functions of which contract an invariant run calls.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() public {
        handler = new BondHandler();
        targetContract(address(handler));
    }

    /// @dev forge asks for this by name: the moves, not the checks.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory moves = new bytes4[](6);
        (moves[0], moves[1]) = (BondHandler.settle.selector, BondHandler.file.selector);
        (moves[2], moves[3]) = (BondHandler.resolve.selector, BondHandler.topUp.selector);
        (moves[4], moves[5]) = (BondHandler.claim.selector, BondHandler.exit.selector);
        targets[0] = FuzzSelector(address(handler), moves);
    }

    /// @dev One function, because each would repeat the same moves: the messages say which broke.
    function invariant_54_69_bondsReservesPayeesAndLedgerAgree() public view {
        handler.checkHoldings();
        handler.checkReserves();
        handler.checkPayees();
        handler.checkLedger();
    }

    /// @dev 80 holds where each run ended. A run that did nothing proves nothing.
    function afterInvariant() public view {
        handler.checkViews();
        vm.assertGt(handler.paid(), 0, "claims were paid");
        uint256 moves = handler.settled() + handler.filed() + handler.paid() + handler.voided() + handler.exits();
        vm.assertGt(moves + handler.others(), 40, "the run worked");
    }
}
