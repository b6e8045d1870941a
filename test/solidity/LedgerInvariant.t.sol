// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

/// @dev Moves that must all succeed: deposits, batches with good and bad lines, thaws, withdrawals, claims, collections.
contract LedgerHandler is Market {
    uint256 internal constant PAYERS = 4;
    uint256 internal constant IDS = 3;
    address internal constant BURNER = address(0xB123);

    uint256 public deposits;
    uint256 public settlements;
    uint256 public withdrawals;
    uint256 public claims;
    uint256 public highestCeiling;
    mapping(uint256 payer => uint256) public ceilingOf;
    mapping(uint256 payer => uint256) public lastSpent;
    uint256 public lastGross;
    uint256 public floatPaid;

    constructor() {
        _open();
        IComputeLedger.Terms memory terms = _terms();
        (terms.burner, terms.podVoters) = (BURNER, address(0x7073));
        ledger = _newLedger(terms);
        _register(IDS, IDS, IDS);
        _float(1_000e6);
    }

    function deposit(uint256 payer, uint256 amount) external {
        _deposit(_key(payer), bound(amount, 1, 1_000e6));
        deposits++;
    }

    function settle(uint256 seed) external {
        uint256 count = 1 + seed % PAYERS;
        Line[] memory lines = new Line[](count);
        for (uint256 i; i < count; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            // Small amounts, where rounding shows, as often as large ones.
            uint256 charge = draw & 1 == 0 ? bound(draw >> 8, 0, 12) : bound(draw >> 8, 0, 2e6);
            lines[i] = _line(_key(draw >> 64), charge);
            lines[i].ceiling = uint64(bound(draw >> 128, 0, 1_000e6));
            uint256 payer = lines[i].key;
            if (lines[i].ceiling > ceilingOf[payer]) ceilingOf[payer] = lines[i].ceiling;
        }
        Draft memory draft = _draft(lines);
        uint256 gross = draft.nodes.amounts[0];
        draft.nodes = _spread(seed, gross, 1);
        draft.pods = _spread(seed >> 8, gross, 1);
        draft.frontends = _spread(seed >> 16, gross, 0);
        uint256 before = ledger.routerOf(router).float;
        _settle(_pack(draft));
        uint256 used = before - ledger.routerOf(router).float;
        floatPaid += used;
        if (used > 0) _float(used);
        lastGross += gross;
        settlements++;
    }

    function withdraw(uint256 payer, uint256 amount) external {
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

    function claim(uint256 role, uint256 id) external {
        _claim(Role(role % 4), uint32(1 + id % IDS));
        claims++;
    }

    function collect() external {
        if (ledger.collectable(router) > 0) ledger.collect(router);
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

    function checkSolvency() external view {
        uint256 owed = ledger.routerOf(router).float + ledger.protocolOwed(router);
        for (uint256 i; i < PAYERS; i++) {
            owed += ledger.creditOf(router, vm.addr(_key(i)));
        }
        for (uint32 id; id <= IDS; id++) {
            for (uint256 role; role < 4; role++) {
                owed += ledger.claimable(router, Role(role), id);
            }
        }
        vm.assertEq(dollar.balanceOf(address(ledger)), owed, "54: holds exactly what it owes");
    }

    function checkPayers() external {
        for (uint256 i; i < PAYERS; i++) {
            uint256 key = _key(i);
            IComputeLedger.Account memory account = ledger.accountOf(router, vm.addr(key));
            vm.assertLe(account.spent, account.deposited, "55: spent <= deposited");
            vm.assertGe(account.spent, lastSpent[key], "55: spent never falls");
            vm.assertLe(account.spent, ceilingOf[key], "56: debits under a signed ceiling");
            lastSpent[key] = account.spent;
        }
    }

    function checkGross() external view {
        uint256[3] memory sums;
        uint256 credited;
        for (uint32 id; id <= IDS; id++) {
            for (uint256 role; role < 3; role++) {
                sums[role] += ledger.grossOf(router, Role(role), id);
            }
            for (uint256 role; role < 4; role++) {
                credited += ledger.claimable(router, Role(role), id) + ledger.claimedOf(router, Role(role), id);
            }
        }
        IComputeLedger.Router memory state = ledger.routerOf(router);
        for (uint256 role; role < 3; role++) {
            vm.assertEq(sums[role], state.gross, "each section sums to the gross");
        }
        vm.assertEq(state.gross, lastGross, "the gross is what was settled");
        vm.assertEq(credited + state.earned, state.gross, "splits and protocol part = gross");
        vm.assertLe(state.collected + ledger.collectable(router), state.earned, "collected <= earned");
    }
}

contract LedgerInvariantTest is Market {
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
        bytes4[] memory moves = new bytes4[](5);
        (moves[0], moves[1]) = (LedgerHandler.deposit.selector, LedgerHandler.settle.selector);
        (moves[2], moves[3]) = (LedgerHandler.withdraw.selector, LedgerHandler.claim.selector);
        moves[4] = LedgerHandler.collect.selector;
        targets[0] = FuzzSelector(address(handler), moves);
    }

    function invariant_54_solvency() public view {
        handler.checkSolvency();
    }

    function invariant_55_56_payers() public {
        handler.checkPayers();
    }

    function invariant_sumOfSplitsIsGross() public view {
        handler.checkGross();
    }

    /// @dev A run that did nothing proves nothing.
    function afterInvariant() public view {
        vm.assertGt(
            handler.deposits() + handler.settlements() + handler.withdrawals() + handler.claims(), 20, "the run worked"
        );
    }
}
