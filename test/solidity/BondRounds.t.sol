// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IRouterBond} from "../../contracts/interfaces/IRouterBond.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";
import {OddToken} from "./OddToken.sol";

/// @dev Rounds of claims under every amount: caps, reserves, HEU, what the bond advanced, events. Every expected number is
///      the manual's formula, computed here. What each function refuses stands in Bond.t.sol.
contract BondRoundsTest is Bonds {
    uint256 internal constant HUGE = type(uint128).max;

    function setUp() public {
        _openBonds();
        _work(1, 100e6);
        _work(2, 100e6);
        _pass(WEEK);
    }

    // --------------------------------------------------------------------------------------------------- events

    function test_everyActOfARouterIsAnEvent() public {
        _mint(address(this), 5);
        dollar.approve(address(bonds), 5);
        heu.approve(address(bonds), 7);
        _expect(address(bonds));
        emit IRouterBond.Bonded(router, address(this), 5, 7);
        bonds.deposit(router, 5, 7);
        vm.startPrank(router);
        _expect(address(bonds));
        emit IRouterBond.ExitAnnounced(router, block.timestamp + 30 days);
        bonds.announceExit();
        _expect(address(bonds));
        emit IRouterBond.ExitCancelled(router);
        bonds.cancelExit();
        bonds.announceExit();
        _pass(30 days);
        _expect(address(bonds));
        emit IRouterBond.Withdrawn(router, BOND + 5, BOND_HEU + 7);
        _expect(address(ledger));
        emit IComputeLedger.RouterAllowed(router, false);
        bonds.withdraw();
        vm.stopPrank();
    }

    function test_everyStepOfAClaimIsAnEvent() public {
        Messages.Statement memory statement = _statement(Role.Node, 1, 110e6, block.timestamp - 1 days);
        bytes memory signature = _sign(ROUTER_KEY, Messages.hash(statement));
        uint32 epoch = uint32(block.timestamp / WEEK) - 1;
        _expect(address(bonds));
        emit IRouterBond.RoundOpened(router, 1, BOND, epoch);
        _expect(address(bonds));
        emit IRouterBond.ShortfallClaimed(router, 1, Role.Node, 1, 110e6, 7e6);
        bonds.claimShortfall(router, statement, signature);
        _pass(14 days);
        _expect(address(bonds));
        emit IRouterBond.ShortfallResolved(router, 1, Role.Node, 1, 7e6, 7e18);
        _expect(address(ledger));
        emit IComputeLedger.Advanced(router, Role.Node, 1, 7e6);
        _expect(address(ledger));
        emit IComputeLedger.RouterAllowed(router, false);
        bonds.resolveShortfall(router, 1, Role.Node, 1);

        _mint(address(this), 7e6);
        dollar.approve(address(bonds), 7e6);
        heu.approve(address(bonds), 7e18);
        _expect(address(ledger));
        emit IComputeLedger.RouterAllowed(router, true);
        bonds.deposit(router, 7e6, 7e18);
        _work(1, 10e6);
        _expect(address(ledger));
        emit IComputeLedger.Recouped(router, Role.Node, 1, 7e6);
        _claim(Role.Node, 1);
    }

    function test_aConvictionAndTheFireAreEvents() public {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 10, 10);
        (a, b) = (_post(a, 10), _post(b, 10));
        _expect(address(bonds));
        emit IRouterBond.Convicted(router, Messages.hash(a.leaf));
        bonds.proveOverlap(router, Role.Node, a, b);
        _pass(30 days);
        _expect(address(bonds));
        emit IRouterBond.Burnt(router, BOND, BOND_HEU);
        bonds.burn(router);
    }

    // ---------------------------------------------------------------------------------------------- signatures

    function test_61_aStatementInEip2098FormIsTheSameWord() public {
        Messages.Statement memory statement = _statement(Role.Node, 1, 110e6, block.timestamp - 1 days);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", ledger.domainSeparator(), Messages.hash(statement)));
        (bytes32 r, bytes32 vs) = vm.signCompact(ROUTER_KEY, digest);

        vm.assertEq(bonds.claimShortfall(router, statement, abi.encodePacked(r, vs)), 7e6, "64 bytes");
    }

    function test_59_aStatementOfAnotherChainOrLedgerIsNone() public {
        Messages.Statement memory statement = _statement(Role.Node, 1, 110e6, block.timestamp - 1 days);
        bytes memory signature = _sign(ROUTER_KEY, Messages.hash(statement));
        vm.chainId(1337);
        vm.expectPartialRevert(IRouterBond.NotSignedByRouter.selector);
        bonds.claimShortfall(router, statement, signature);
        vm.chainId(31337);

        (, IRouterBond other) = _newLedger(_terms(), LEAST_ASSET, LEAST_HEU);
        vm.expectPartialRevert(IRouterBond.NotSignedByRouter.selector);
        other.claimShortfall(router, statement, signature);
    }

    // ------------------------------------------------------------------------------------------------ the caps

    /// @dev asked = min(due, base / 2 x units x bps / (volume x 10,000)) of the last closed epoch, in every role.
    function testFuzz_69_aKnownPayeesClaimIsTheFormula(uint256 a, uint256 b, uint256 more, uint256 extra, uint256 role)
        public
    {
        (a, b, more, role) = (bound(a, 50e6, 1_000e6), bound(b, 1e6, 1_000e6), bound(more, 100, 50_000e6), role % 3);
        extra = bound(extra, 1, 9_000e6);
        _bond(router, extra, 0);
        _work(1, a);
        _work(2, b);
        _pass(WEEK);
        uint256 bps = role == 0 ? NODE_BPS : role == 1 ? POD_BPS : FRONTEND_BPS;
        uint256 cap = (BOND + extra) * a * bps / (2 * (a + b) * 10_000);
        uint256 due = more * bps / 10_000;

        vm.assertEq(bonds.capOf(router, Role(role), 1), cap, "its client serves up to it");
        vm.assertEq(_file(Role(role), 1, 100e6 + a + more), due < cap ? due : cap, "it may ask for it");
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_69_allCapsOfARoundAreAtMostSixTenthsOfTheBond(uint256 a, uint256 b, uint256 extra) public {
        (a, b, extra) = (bound(a, 1, 1_000e6), bound(b, 1, 1_000e6), bound(extra, 1, 9_000e6));
        _bond(router, extra, 0);
        _work(1, a);
        _work(2, b);
        _pass(WEEK);
        _register(130, 4, 4);
        for (uint256 role; role < 3; role++) {
            for (uint32 id = 1; id <= 2; id++) {
                if (bonds.capOf(router, Role(role), id) > 0) _file(Role(role), id, HUGE);
            }
        }
        for (uint32 id = 10; id <= 130; id++) {
            _file(Role.Node, id, HUGE);
        }

        vm.assertLe(bonds.bondOf(router).reserved, (BOND + extra) * 6 / 10, "five tenths and one");
        vm.assertGe(bonds.bondOf(router).reserved, (BOND + extra) / 10, "the newcomers' tenth is used up");
    }

    function test_upToAHundredNewcomersShareNothingAndOneMoreSharesWithAll() public {
        _register(111, 4, 4);
        for (uint32 id = 11; id <= 110; id++) {
            _file(Role.Node, id, HUGE);
        }
        vm.assertEq(bonds.bondOf(router).reserved, BOND / 10, "a hundred thousandths");
        uint256 state = vm.snapshotState();
        _pass(14 days);
        vm.assertEq(_resolve(Role.Node, 11), BOND / 1_000, "the whole thousandth");
        vm.revertToState(state);

        _file(Role.Node, 111, HUGE);
        vm.assertEq(bonds.bondOf(router).reserved, BOND / 10, "the reserve does not grow");
        _pass(14 days);
        for (uint32 id = 11; id <= 111; id++) {
            vm.assertEq(_resolve(Role.Node, id), BOND / 1_000 * 100 / 101, "the first to file as the last");
        }
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_newcomersGetTheSameInWhateverOrderTheyAreResolved(uint256 seed) public {
        uint32 count = 130;
        _register(count + 10, 4, 4);
        uint256[] memory asked = new uint256[](count);
        uint256 sum;
        for (uint32 i; i < count; i++) {
            uint256 gross = bound(uint256(keccak256(abi.encode(seed, i))), 1e6, 40e6);
            asked[i] = gross * NODE_BPS / 10_000;
            if (asked[i] > BOND / 1_000) asked[i] = BOND / 1_000;
            vm.assertEq(_file(Role.Node, i + 11, gross), asked[i], "min(due, a thousandth)");
            sum += asked[i];
        }
        _pass(14 days);
        uint32 first = uint32(seed % count);
        for (uint32 i; i < count; i++) {
            // 7 and 130 share no divisor: every claim comes once.
            uint32 at = uint32((uint256(first) + 7 * uint256(i)) % count);
            uint256 part = sum > BOND / 10 ? asked[at] * (BOND / 10) / sum : asked[at];
            vm.assertEq(_resolve(Role.Node, at + 11), part, "its part of the tenth");
        }
        vm.assertEq(bonds.bondOf(router).reserved, 0, "nothing stays behind");
    }

    function test_capOfInEveryStateOfABond() public {
        address stranger = address(0xBEEF);
        vm.assertEq(bonds.capOf(stranger, Role.Node, 1), 0, "no bond");
        _bond(stranger, LEAST_ASSET - 1, LEAST_HEU);
        vm.assertEq(bonds.capOf(stranger, Role.Node, 1), 0, "less than the least");
        _bond(stranger, 1, 0);
        vm.assertEq(bonds.capOf(stranger, Role.Node, 1), LEAST_ASSET / 1_000, "the least covers newcomers");
        _file(Role.Node, 1, 110e6);
        vm.assertEq(bonds.capOf(router, Role.Node, 1), BOND * 4 / 10 * 35 / 200, "in a round, four tenths");
        _pass(14 days);
        _resolve(Role.Node, 1);
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 0, "it owes");
        _bond(router, 7e6, 7e18);
        vm.assertEq(bonds.capOf(router, Role.Node, 1), BOND * 35 / 200, "it has given back");
        vm.prank(router);
        bonds.announceExit();
        vm.assertEq(bonds.capOf(router, Role.Node, 1), 0, "it leaves");
    }

    // -------------------------------------------------------------------------------------------------- rounds

    function test_69_aPayeeInTwoRoundsIsPaidOnce() public {
        _file(Role.Node, 1, 110e6);
        _pass(14 days);
        _file(Role.Node, 1, 111e6);
        vm.assertEq(bonds.roundOf(router, 2).base, BOND - 7e6, "the first claim is still reserved");
        _pass(14 days);
        vm.assertEq(bonds.resolveShortfall(router, 2, Role.Node, 1), 7_700_000, "70 % of 11 dollars");

        vm.assertEq(bonds.resolveShortfall(router, 1, Role.Node, 1), 0, "the first says less than was paid");
        vm.assertEq(dollar.balanceOf(_payout(Role.Node, 1)), 7_700_000, "once");
        vm.assertEq(bonds.bondOf(router).reserved, 0, "both are done");
    }

    function test_72_aPauseThatEndsWithTheFilingTimeGivesNothingBack() public {
        _file(Role.Node, 1, 110e6);
        uint256 opened = block.timestamp;
        _guard();
        vm.warp(opened);
        vm.prank(GUARDIAN);
        ledger.pause();
        vm.assertEq(ledger.pausedUntil(), opened + 7 days, "to the last second of filing");
        vm.assertEq(bonds.resolvableAt(router, 1), opened + 14 days, "the whole grace is left");
        vm.warp(opened + 1);
        vm.prank(GUARDIAN);
        ledger.unpause();
        vm.assertEq(bonds.resolvableAt(router, 1), opened + 14 days, "ended early, the same");
    }

    function test_72_aRoundOpensInAPauseAndIsPaidInTime() public {
        _guard();
        vm.prank(GUARDIAN);
        ledger.pause();
        _file(Role.Node, 1, 110e6);
        _pass(14 days);

        vm.assertEq(_resolve(Role.Node, 1), 7e6, "the pause ended with the filing time");
    }

    // ------------------------------------------------------------------------------------------------- payment

    function test_anybodyResolvesAndThePayoutOfTheMomentIsPaid() public {
        _file(Role.Node, 1, 110e6);
        registry.setPayout(Role.Node, 1, address(0xF00D));
        _pass(14 days);
        vm.prank(address(0xA11));
        bonds.resolveShortfall(router, 1, Role.Node, 1);

        vm.assertEq(dollar.balanceOf(address(0xF00D)), 7e6, "the new payout");
        vm.assertEq(dollar.balanceOf(_payout(Role.Node, 1)), 0, "not the old one");
        vm.assertEq(dollar.balanceOf(address(0xA11)), 0, "not the caller");
    }

    function test_67_aBlockedPayoutHoldsUpOnlyItself() public {
        OddToken token = new OddToken();
        IComputeLedger.Terms memory terms = _terms();
        terms.asset = IERC20(address(token));
        (ledger, bonds) = _newLedger(terms, LEAST_ASSET, LEAST_HEU);
        token.mint(address(this), BOND);
        heu.approve(address(bonds), BOND_HEU);
        bonds.deposit(router, BOND, BOND_HEU);
        token.block_(_payout(Role.Node, 1));
        _fileHere(Role.Node, 1, 10e6);
        _fileHere(Role.Node, 2, 10e6);
        _pass(14 days);

        vm.expectRevert("blocked");
        _resolve(Role.Node, 1);
        vm.assertEq(_resolve(Role.Node, 2), 7e6, "the other is paid");
        registry.setPayout(Role.Node, 1, address(0xF00D));
        vm.assertEq(_resolve(Role.Node, 1), 7e6, "and the first where it says");
        vm.assertEq(token.balanceOf(address(0xF00D)), 7e6, "there");
    }

    function testFuzz_heuBurnsInTheProportionOfTheAsset(uint256 heus, uint256 more) public {
        (heus, more) = (bound(heus, 1, 1_000_000e18), bound(more, 100, 2_000e6));
        _bond(router, 0, heus);
        uint256 supply = heu.totalSupply();
        _file(Role.Node, 1, 100e6 + more);
        _pass(14 days);
        uint256 paid = _resolve(Role.Node, 1);
        uint256 burnt = (BOND_HEU + heus) * paid / BOND;

        vm.assertEq(paid, more * NODE_BPS / 10_000, "paid");
        vm.assertEq(supply - heu.totalSupply(), burnt, "burnt");
        vm.assertEq(bonds.bondOf(router).owedHeu, burnt, "and owed");
        vm.assertEq(bonds.bondOf(router).owedAsset, paid, "like the asset");
    }

    function test_theTopUpMayComeFromAnybodyAndInParts() public {
        _file(Role.Node, 1, 110e6);
        _pass(14 days);
        _resolve(Role.Node, 1);
        _bond(router, 3e6, 0);
        vm.assertEq(bonds.bondOf(router).owedAsset, 4e6, "less what was given");
        _bond(router, 0, 7e18);
        vm.assertFalse(ledger.routerOf(router).allowed, "some asset is owed");
        _bond(router, 5e6, 0);
        vm.assertTrue(ledger.routerOf(router).allowed, "nothing is");
        vm.assertEq(bonds.bondOf(router).asset, BOND + 1e6, "what is given beyond stays in the bond");
    }

    function test_aRouterThatLeavesOwingStillOwesWhenItComesBack() public {
        uint256 paid = _file(Role.Node, 1, HUGE);
        vm.assertEq(paid, 1_750e6, "its cap");
        vm.prank(router);
        bonds.announceExit();
        _pass(30 days);
        _resolve(Role.Node, 1);
        vm.prank(router);
        bonds.withdraw();
        // More than the least of both, and less than it owes.
        _bond(router, LEAST_ASSET + 1, 2 * BOND_HEU);
        vm.assertFalse(bonds.mayRoute(router), "it owes");
        _bond(router, paid - LEAST_ASSET - 1, 0);
        vm.assertTrue(bonds.mayRoute(router), "it has given back");
    }

    function test_announcingAgainStartsTheThirtyDaysAfresh_TooEarly() public {
        vm.startPrank(router);
        bonds.announceExit();
        _pass(29 days);
        bonds.announceExit();
        _pass(29 days);
        vm.expectRevert(
            abi.encodeWithSelector(IRouterBond.TooEarly.selector, block.timestamp, block.timestamp + 1 days)
        );
        bonds.withdraw();
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------------------------------- recoup

    /// @dev However a later settlement comes in parts, the router's float gets back what the bond paid, the node the rest.
    function testFuzz_69_whatTheBondAdvancedComesBackOnceInAnyParts(uint256 stated, uint256 first, uint256 second) public {
        (stated, first, second) = (bound(stated, 100, 1_000e6), bound(first, 1, 600e6), bound(second, 1, 600e6));
        _file(Role.Node, 1, 100e6 + stated);
        _pass(14 days);
        uint256 paid = _resolve(Role.Node, 1);
        _bond(router, paid, BOND_HEU);
        _work(1, first);
        _claim(Role.Node, 1);
        _work(1, second);
        _claim(Role.Node, 1);
        uint256 share = (100e6 + first + second) * NODE_BPS / 10_000;
        uint256 later = share - 70e6;
        uint256 back = later < paid ? later : paid;

        vm.assertEq(ledger.routerOf(router).float, back, "to the router");
        vm.assertEq(dollar.balanceOf(_payout(Role.Node, 1)), share + paid - back, "to the node");
        vm.assertEq(ledger.claimedOf(router, Role.Node, 1), share, "all of its share is drawn");
        vm.assertEq(ledger.exposureOf(router, Role.Node, 1, 0).advanced, paid - back, "the rest is still ahead");
    }

    function test_69_whatWasSettledBeforeTheAdvanceIsTheNodesHoweverLateItClaims() public {
        _file(Role.Node, 1, 110e6);
        _pass(14 days);
        _resolve(Role.Node, 1);
        _bond(router, 7e6, 7e18);
        _work(1, 10e6);

        vm.assertEq(_claim(Role.Node, 1), 70e6, "100 dollars were settled before");
        vm.assertEq(ledger.routerOf(router).float, 7e6, "the later ten are the router's");
    }

    // -------------------------------------------------------------------------------------------------- proofs

    /// @dev (end - price, end] of both intersect exactly if the later begins before the earlier ends.
    function testFuzz_leavesConvictExactlyIfTheyShareAUnit(uint256 a, uint256 b, uint256 priceA, uint256 priceB) public {
        (a, b) = (bound(a, 1, 60), bound(b, 1, 60));
        (priceA, priceB) = (bound(priceA, 1, a), bound(priceB, 1, b));
        (, IRouterBond.Entry memory one) = _call("a", a, priceA);
        (, IRouterBond.Entry memory two) = _call("b", b, priceB);
        (one, two) = (_post(one, priceA), _post(two, priceB));
        bool shared;
        for (uint256 unit = a - priceA + 1; unit <= a; unit++) {
            if (unit > b - priceB && unit <= b) shared = true;
        }

        if (!shared) vm.expectRevert(IRouterBond.NoContradiction.selector);
        bonds.proveOverlap(router, Role.Node, one, two);
        vm.assertTrue((bonds.bondOf(router).convictedAt != 0) == shared, "convicted exactly then");
    }

    function test_leavesUnderTheTreesOfTwoBatchesConvict() public {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory other) = _call("c", 20, 10);
        (, IRouterBond.Entry memory b) = _call("b", 15, 10);
        (a.seq, b.seq) = (ledger.routerOf(router).seq + 1, ledger.routerOf(router).seq + 2);
        a.proof = _postPair(a, other);
        b.proof = _postPair(b, other);
        (uint64 seqA, uint64 seqB) = (a.seq, b.seq);
        (a.seq, b.seq) = (seqB, seqA);
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.BadProof.selector, seqB));
        bonds.proveOverlap(router, Role.Node, a, b);
        (a.seq, b.seq) = (seqA, seqB);
        bonds.proveOverlap(router, Role.Node, a, b);

        vm.assertEq(bonds.bondOf(router).convictedAt, block.timestamp, "convicted");
    }

    function test_anInnerNodeOfATreeIsNoLeaf_BadProof() public {
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 20, 10);
        a.seq = ledger.routerOf(router).seq + 1;
        _postPair(a, b);

        // The root itself, without siblings, proves nothing about either leaf.
        vm.expectRevert(abi.encodeWithSelector(IRouterBond.BadProof.selector, a.seq));
        bonds.proveOverlap(router, Role.Node, a, a);
        vm.assertFalse(bonds.verifyLeaf(router, a.seq + 1, a.leaf, a.proof), "nor a batch that there is not");
    }

    function test_aConvictionAfterAClaimLeavesTheClaimItsMoney() public {
        uint256 asked = _file(Role.Node, 1, 110e6);
        (, IRouterBond.Entry memory a) = _call("a", 10, 10);
        (, IRouterBond.Entry memory b) = _call("b", 10, 10);
        (a, b) = (_post(a, 10), _post(b, 10));
        bonds.proveOverlap(router, Role.Frontend, a, b);
        _pass(14 days);

        // The two leaves were settled for node 1: 20 units, of which 70 % are no longer due.
        vm.assertEq(_resolve(Role.Node, 1), asked - 14, "paid");
        _pass(16 days);
        bonds.burn(router);
        vm.assertEq(dollar.balanceOf(BURNER), BOND - asked + 14, "and only the rest burns");
    }

    // ------------------------------------------------------------------------------------------------- private

    function _expect(address emitter) private {
        vm.expectEmit(true, true, true, true, emitter);
    }

    /// @dev Files with the ledger of the moment, whose domain is another.
    function _fileHere(Role role, uint32 id, uint256 gross) private {
        Messages.Statement memory statement = _statement(role, id, gross, block.timestamp - 1 days);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", ledger.domainSeparator(), Messages.hash(statement)));
        (bytes32 r, bytes32 vs) = vm.signCompact(ROUTER_KEY, digest);
        bonds.claimShortfall(router, statement, abi.encodePacked(r, vs));
    }

    /// @dev A batch under the tree of two leaves.
    /// @return proof Of the first.
    function _postPair(IRouterBond.Entry memory a, IRouterBond.Entry memory b) private returns (bytes32[] memory proof) {
        (bytes32 left, bytes32 right) = (Messages.hash(a.leaf), Messages.hash(b.leaf));
        Draft memory draft = _draft(_line(PAYER, 20));
        draft.root = left < right ? keccak256(bytes.concat(left, right)) : keccak256(bytes.concat(right, left));
        _settle(_pack(draft));
        proof = new bytes32[](1);
        proof[0] = right;
    }

    /// @dev The guardian may pause this ledger too.
    function _guard() private {
        bytes4[] memory pausing = new bytes4[](2);
        (pausing[0], pausing[1]) = (IComputeLedger.pause.selector, IComputeLedger.unpause.selector);
        bytes memory act = abi.encodeCall(authority.setTargetFunctionRole, (address(ledger), pausing, GUARDIAN_ROLE));
        uint256 time = block.timestamp;
        vm.startPrank(ADMIN);
        authority.schedule(address(authority), act, 0);
        vm.warp(time + UPGRADE_DELAY);
        authority.setTargetFunctionRole(address(ledger), pausing, GUARDIAN_ROLE);
        vm.stopPrank();
    }
}
