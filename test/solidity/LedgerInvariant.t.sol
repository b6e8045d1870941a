// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Signed} from "./Signed.sol";

/// @dev Moves of two routers and their parties that must all succeed: deposits, batches with good and bad lines, single
///      payments, refunds, thaws, withdrawals, claims, collections, advances of the bond, splits that change, epochs that pass.
contract LedgerHandler is Signed {
    uint256 internal constant PAYERS = 4;
    uint256 internal constant IDS = 3;
    address internal constant BURNER = address(0xB123);
    address internal constant VOTERS = address(0x7073);

    uint256 public deposits;
    uint256 public settlements;
    uint256 public payments;
    uint256 public withdrawals;
    uint256 public claims;
    uint256 public advances;
    uint256 public splits;
    address[2] internal routers = [address(0x0707), address(0x0708)];
    /// @dev What was settled with a router, and what all of it must come back to.
    mapping(address router => uint256) public grossOf;
    mapping(address router => mapping(uint256 payer => uint256)) public ceilingOf;
    mapping(address router => mapping(uint256 payer => uint256)) public lastSpent;
    mapping(address router => mapping(Role role => mapping(uint32 id => uint256))) public lastGross;
    uint256 private calls;

    constructor() {
        _openSigned();
        IComputeLedger.Terms memory terms = _terms();
        (terms.burner, terms.podVoters, terms.authority) = (BURNER, VOTERS, address(this));
        (ledger, bonds) = _newLedger(terms, LEAST_ASSET, LEAST_HEU);
        domain = ledger.domainSeparator();
        for (uint256 i; i < 2; i++) {
            router = routers[i];
            _bond(router, LEAST_ASSET, LEAST_HEU);
            _float(1_000e6);
        }
    }

    /// @dev AccessManager's question, answered: this contract may set the split at once.
    function canCall(address caller, address, bytes4) external view returns (bool, uint32) {
        return (caller == address(this), 0);
    }

    function deposit(uint256 who, uint256 payer, uint256 amount) external {
        router = routers[who % 2];
        _deposit(_key(payer), bound(amount, 1, 1_000e6));
        deposits++;
    }

    function settle(uint256 who, uint256 seed) external {
        router = routers[who % 2];
        uint256 count = 1 + seed % PAYERS;
        Line[] memory lines = new Line[](count);
        for (uint256 i; i < count; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            // Small amounts, where rounding shows, as often as large ones.
            uint256 charge = draw & 1 == 0 ? bound(draw >> 8, 0, 12) : bound(draw >> 8, 0, 2e6);
            lines[i] = _line(_key(draw >> 64), charge);
            lines[i].ceiling = uint64(bound(draw >> 128, 0, 1_000e6));
            uint256 payer = lines[i].key;
            if (lines[i].ceiling > ceilingOf[router][payer]) ceilingOf[router][payer] = lines[i].ceiling;
        }
        Draft memory draft = _draft(lines);
        uint256 gross = draft.nodes.amounts[0];
        draft.nodes = _spread(seed, gross, 1);
        draft.pods = _spread(seed >> 8, gross, 1);
        draft.frontends = _spread(seed >> 16, gross, 0);
        uint256 before = ledger.routerOf(router).float;
        _settle(_pack(draft));
        uint256 used = before - ledger.routerOf(router).float;
        if (used > 0) _float(used);
        grossOf[router] += gross;
        settlements++;
    }

    function payOnce(uint256 who, uint256 seed) external {
        router = routers[who % 2];
        uint128 most = uint128(bound(seed, 1, 1e6));
        uint128 price = uint128(bound(seed >> 64, 1, most));
        Messages.Request memory request;
        (request.payer, request.id, request.maxPrice) = (vm.addr(0x9999), bytes32(++calls), most);
        (request.pod, request.frontend) = (uint32(1 + seed % IDS), uint32((seed >> 8) % (IDS + 1)));
        _mint(request.payer, most);
        bytes32 voucher = Messages.hash(Messages.Voucher(router, most, type(uint40).max, Messages.hash(request)));
        IComputeLedger.Authorization memory authorization =
            _receive(0x9999, request.payer, most, keccak256(abi.encodePacked(hex"1901", domain, voucher)));
        vm.prank(router);
        ledger.payOnce(request, type(uint40).max, uint32(1 + (seed >> 16) % IDS), price, "", authorization);
        grossOf[router] += price;
        payments++;
    }

    function refund(uint256 who, uint256 payer, uint256 amount) external {
        router = routers[who % 2];
        uint256 float = ledger.routerOf(router).float;
        if (float == 0) return;
        address key = vm.addr(_key(payer));
        vm.prank(router);
        ledger.refund(key, bound(amount, 1, float), "request");
        _float(1_000e6);
    }

    function withdraw(uint256 who, uint256 payer, uint256 amount) external {
        router = routers[who % 2];
        address key = vm.addr(_key(payer));
        uint256 credit = ledger.creditOf(router, key);
        if (credit == 0) return;
        vm.prank(key);
        ledger.thaw(router, key, bound(amount, 1, credit));
        vm.warp(block.timestamp + THAW);
        vm.prank(key);
        ledger.withdraw(router, key);
        withdrawals++;
    }

    function claim(uint256 who, uint256 role, uint256 id) external {
        router = routers[who % 2];
        _claim(Role(role % 4), uint32(1 + id % IDS));
        claims++;
    }

    function collect(uint256 who) external {
        router = routers[who % 2];
        if (ledger.collectable(router) > 0) ledger.collect(router);
    }

    /// @dev The bond paid a payee; what it pays out of is its own, so that only the ledger's note of it counts here.
    function advance(uint256 who, uint256 role, uint256 id, uint256 amount) external {
        vm.prank(address(bonds));
        ledger.advance(routers[who % 2], Role(role % 3), uint32(1 + id % IDS), bound(amount, 1, 1e6));
        advances++;
    }

    function setSplit(uint256 seed) external {
        uint16 node = uint16(bound(seed, 6_700, 8_000));
        uint16 frontend = uint16(bound(seed >> 32, 400, 900));
        ledger.setSplit(IComputeLedger.Split(node, 500, frontend, 400));
        splits++;
    }

    function nextEpoch(uint256 weeks_) external {
        vm.warp(Epochs.startOf(Epochs.current() + uint32(1 + weeks_ % 3)));
    }

    function _key(uint256 payer) internal pure returns (uint256) {
        return 0x1001 + payer % PAYERS;
    }

    /// @dev The gross over one or two ids, from `first` on.
    function _spread(uint256 seed, uint256 gross, uint256 first) internal pure returns (Payees memory payees) {
        uint256 part = bound(seed, 0, gross);
        payees.ids = new uint32[](2);
        payees.amounts = new uint48[](2);
        (payees.ids[0], payees.ids[1]) = (uint32(first), uint32(first + 1 + seed % 2));
        (payees.amounts[0], payees.amounts[1]) = (uint48(part), uint48(gross - part));
    }

    // ------------------------------------------------------------------------------- what must always hold

    /// @dev Once everybody has claimed: the ledger holds exactly floats, credits and protocol parts, and all that was
    ///      drawn is all that was earned, to the unit.
    function checkSolvencyAndSplits() external {
        uint256 owed;
        for (uint256 r; r < 2; r++) {
            router = routers[r];
            uint256 drawn;
            for (uint32 id = 1; id <= IDS; id++) {
                for (uint256 role; role < 4; role++) {
                    _claim(Role(role), id);
                    vm.assertEq(ledger.claimable(router, Role(role), id), 0, "claimed");
                    drawn += ledger.claimedOf(router, Role(role), id);
                }
            }
            IComputeLedger.Router memory state = ledger.routerOf(router);
            vm.assertEq(state.gross, grossOf[router], "the gross is what was settled");
            vm.assertEq(drawn + state.earned, state.gross, "splits and protocol part = gross");
            vm.assertLe(state.collected + ledger.collectable(router), state.earned, "collected <= earned");
            owed += state.float + ledger.protocolOwed(router);
            for (uint256 i; i < PAYERS; i++) {
                owed += ledger.creditOf(router, vm.addr(_key(i)));
            }
        }
        vm.assertEq(dollar.balanceOf(address(ledger)), owed, "54: holds exactly what it owes");
    }

    function checkPayers() external {
        for (uint256 r; r < 2; r++) {
            for (uint256 i; i < PAYERS; i++) {
                uint256 key = _key(i);
                IComputeLedger.Account memory account = ledger.accountOf(routers[r], vm.addr(key));
                vm.assertLe(account.spent, account.deposited, "55: spent <= deposited");
                vm.assertGe(account.spent, lastSpent[routers[r]][key], "55: spent never falls");
                vm.assertLe(account.spent, ceilingOf[routers[r]][key], "56: debits under a signed ceiling");
                lastSpent[routers[r]][key] = account.spent;
            }
        }
    }

    function checkGross() external {
        for (uint256 r; r < 2; r++) {
            uint256[3] memory sums;
            uint256[3] memory units;
            for (uint32 id; id <= IDS; id++) {
                for (uint256 role; role < 3; role++) {
                    uint256 gross = ledger.grossOf(routers[r], Role(role), id);
                    vm.assertGe(gross, lastGross[routers[r]][Role(role)][id], "55: gross never falls");
                    lastGross[routers[r]][Role(role)][id] = gross;
                    sums[role] += gross;
                    units[role] += ledger.unitsIn(routers[r], Role(role), id, Epochs.current());
                }
            }
            uint256 volume = ledger.volumeIn(routers[r], Epochs.current());
            for (uint256 role; role < 3; role++) {
                vm.assertEq(sums[role], grossOf[routers[r]], "each section sums to the gross");
                vm.assertEq(units[role], volume, "and its epoch to the router's volume");
            }
        }
    }
}

contract LedgerInvariantTest is Signed {
    LedgerHandler internal handler;

    /// @dev As forge asks for it: which functions of which contract an invariant run calls.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() public {
        handler = new LedgerHandler();
        targetContract(address(handler));
    }

    /// @dev forge asks for this by name: the moves, not the checks.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory moves = new bytes4[](10);
        (moves[0], moves[1]) = (LedgerHandler.deposit.selector, LedgerHandler.settle.selector);
        (moves[2], moves[3]) = (LedgerHandler.withdraw.selector, LedgerHandler.claim.selector);
        (moves[4], moves[5]) = (LedgerHandler.collect.selector, LedgerHandler.payOnce.selector);
        (moves[6], moves[7]) = (LedgerHandler.refund.selector, LedgerHandler.advance.selector);
        (moves[8], moves[9]) = (LedgerHandler.setSplit.selector, LedgerHandler.nextEpoch.selector);
        targets[0] = FuzzSelector(address(handler), moves);
    }

    function invariant_54_solvencyAndSumOfSplitsIsGross() public {
        uint256 state = vm.snapshotState();
        handler.checkSolvencyAndSplits();
        vm.revertToState(state);
    }

    function invariant_55_56_payers() public {
        handler.checkPayers();
    }

    function invariant_55_grossOfEverySection() public {
        handler.checkGross();
    }

    /// @dev A run that did nothing proves nothing.
    function afterInvariant() public view {
        uint256 done = handler.deposits() + handler.settlements() + handler.withdrawals() + handler.claims()
            + handler.payments() + handler.advances() + handler.splits();
        vm.assertGt(done, 20, "the run worked");
        vm.assertGt(handler.settlements() + handler.payments(), 0, "and settled");
    }
}
