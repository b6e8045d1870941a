// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

/// @dev Settlement: what a batch may and may not do. Numbers are those of the protocol's test list.
contract LedgerTest is Market {
    uint256 internal constant ALICE = 0xA11CE;
    uint256 internal constant BOB = 0xB0B;
    uint256 internal constant DEPOSIT = 100e6;
    uint256 internal constant FLOAT = 10e6;
    /// @dev Order of secp256k1.
    uint256 internal constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() public {
        _open();
        _register(3, 2, 2);
        _deposit(ALICE, DEPOSIT);
        _deposit(BOB, DEPOSIT);
        _float(FLOAT);
    }

    // ------------------------------------------------------------------------------------ what a batch pays

    function test_aBatchCreditsTheSplitAndKeepsTheRestForTheProtocol() public {
        uint256 price = 1_000_003;
        _settle(_line(ALICE, price));

        uint256 node = price * NODE_BPS / 10_000;
        uint256 tenth = price * POD_BPS / 10_000;
        vm.assertEq(ledger.claimable(router, Role.Node, 1), node);
        vm.assertEq(ledger.claimable(router, Role.Pod, 1), tenth);
        vm.assertEq(ledger.claimable(router, Role.Frontend, 1), tenth);
        vm.assertEq(ledger.claimable(router, Role.Voters, 1), 0);
        vm.assertEq(ledger.protocolOwed(router), price - node - 2 * tenth);
        vm.assertEq(ledger.creditOf(router, vm.addr(ALICE)), DEPOSIT - price);
    }

    function test_sharesAreFlooredOnTheTotalNeverPerBatch() public {
        // Ten batches of 1 unit: floor(10 * 0.7) = 7, though each alone would give 0.
        for (uint256 i; i < 10; i++) {
            _settle(_line(ALICE, 1));
        }

        vm.assertEq(ledger.claimable(router, Role.Node, 1), 7);
        vm.assertEq(ledger.protocolOwed(router), 1);
    }

    function test_aCallWithoutAFrontendBurnsThatShare() public {
        Draft memory draft = _draft(_line(ALICE, 1_000_000));
        draft.frontends = _one(0, 1_000_000);
        _settle(_pack(draft));

        vm.assertEq(ledger.claimable(router, Role.Frontend, 0), 0);
        vm.assertEq(ledger.protocolOwed(router), 200_000);
    }

    function test_votersAreCreditedWhereTheyExist() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.podVoters = address(0x7073);
        ledger = _newLedger(terms);
        _deposit(ALICE, DEPOSIT);
        _settle(_line(ALICE, 1_000_000));

        vm.assertEq(ledger.claimable(router, Role.Voters, 1), 50_000);
        vm.assertEq(ledger.protocolOwed(router), 50_000);
        _claim(Role.Voters, 1);
        vm.assertEq(dollar.balanceOf(address(0x7073)), 50_000);
    }

    function test_claimPaysEachPayoutOnce() public {
        _settle(_line(ALICE, 1_000_000));

        vm.assertEq(_claim(Role.Node, 1), 700_000);
        vm.assertEq(_claim(Role.Node, 1), 0);
        vm.assertEq(dollar.balanceOf(_payout(Role.Node, 1)), 700_000);
        vm.assertEq(ledger.claimedOf(router, Role.Node, 1), 700_000);
    }

    function test_67_aPayoutChangedBeforeTheClaimReceivesIt() public {
        _settle(_line(ALICE, 1_000_000));
        registry.setPayout(Role.Node, 1, address(0xFEE));
        _claim(Role.Node, 1);

        vm.assertEq(dollar.balanceOf(address(0xFEE)), 700_000);
    }

    function test_aClaimForNobody_NoPayout() public {
        Draft memory draft = _draft(_line(ALICE, 1_000_000));
        draft.nodes = _one(99, 1_000_000);
        _settle(_pack(draft));

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.NoPayout.selector, Role.Node, 99));
        _claim(Role.Node, 99);
    }

    function test_theProtocolPartWaitsWithoutABurner_NoBurner() public {
        _settle(_line(ALICE, 1_000_000));

        vm.expectRevert(IComputeLedger.NoBurner.selector);
        ledger.collect(router);
    }

    function test_theProtocolPartGoesToTheBurnerOnce_ZeroAmount() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.burner = address(0xB123);
        ledger = _newLedger(terms);
        _deposit(ALICE, DEPOSIT);
        _settle(_line(ALICE, 1_000_000));

        vm.assertEq(ledger.collect(router), 100_000);
        vm.assertEq(dollar.balanceOf(address(0xB123)), 100_000);
        vm.expectRevert(IComputeLedger.ZeroAmount.selector);
        ledger.collect(router);
    }

    function test_collectingLeavesTheDustThatRoundingMayStillTake() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.burner = address(0xB123);
        ledger = _newLedger(terms);
        _deposit(ALICE, DEPOSIT);
        // After nine units: node 6, pod 0, frontend 0 are credited, so 3 are earned, of which 0.9 is the protocol's own.
        for (uint256 i; i < 9; i++) {
            _settle(_line(ALICE, 1));
        }
        vm.assertEq(ledger.protocolOwed(router), 3);
        vm.assertEq(ledger.collectable(router), 0);
        _settle(_line(ALICE, 1));
        vm.assertEq(ledger.collect(router), 1);

        // The tenth unit credited three; the next ones settle as well, after everything collectable is gone.
        for (uint256 i; i < 25; i++) {
            _settle(_line(ALICE, 1));
            if (ledger.collectable(router) > 0) ledger.collect(router);
        }
        vm.assertEq(ledger.protocolOwed(router), 35 - 24 - 3 - 3 - dollar.balanceOf(address(0xB123)));
    }

    function test_aLeafIsProvenAgainstThePostedRoot() public {
        Messages.Leaf memory leaf;
        leaf.payer = vm.addr(ALICE);
        leaf.charged = 5;
        bytes32 sibling = keccak256("sibling");
        bytes32 hash = Messages.hash(leaf);
        Draft memory draft = _draft(_line(ALICE, 5));
        draft.root = hash < sibling
            ? keccak256(abi.encodePacked(hash, sibling))
            : keccak256(abi.encodePacked(sibling, hash));
        _settle(_pack(draft));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;

        vm.assertTrue(bonds.verifyLeaf(router, 1, leaf, proof), "the leaf is there");
        leaf.charged = 6;
        vm.assertFalse(bonds.verifyLeaf(router, 1, leaf, proof), "another leaf is not");
        vm.assertFalse(bonds.verifyLeaf(router, 2, leaf, proof), "nor in a batch that is not there");
    }

    // ---------------------------------------------------------------------------- 57: bad lines are skipped

    function test_57_aZeroChargeIsSkipped() public {
        _skips(_line(ALICE, 0), IComputeLedger.Skip.ZeroCharge);
    }

    function test_57_anExpiredVoucherIsSkipped() public {
        Line memory line = _line(ALICE, 1_000);
        line.expiry = uint40(block.timestamp - 1);
        _skips(line, IComputeLedger.Skip.Expired);
    }

    function test_57_aVoucherHoldsInItsLastSecond() public {
        Line memory line = _line(ALICE, 1_000);
        line.expiry = uint40(block.timestamp);
        _settle(line);

        vm.assertEq(ledger.creditOf(router, vm.addr(ALICE)), DEPOSIT - 1_000);
    }

    function test_57_aChargeOverTheCeilingIsSkipped() public {
        Line memory line = _line(ALICE, 1_001);
        line.ceiling = 1_000;
        _skips(line, IComputeLedger.Skip.OverCeiling);
    }

    function test_57_aChargeOverTheDepositIsSkipped() public {
        _deposit(0xCAFE, 999);
        _skips(_line(0xCAFE, 1_000), IComputeLedger.Skip.OverDeposit);
    }

    function test_57_aKeyWithoutAnAccountIsSkipped() public {
        _skips(_line(0xD00D, 1_000), IComputeLedger.Skip.OverDeposit);
    }

    function test_57_aSignatureOfNobodyIsSkipped() public {
        Draft memory draft = _draft(_line(ALICE, 1_000));
        bytes memory batch = bytes.concat(
            _packHeader(draft), _packLine(draft.lines[0], bytes32(0), bytes32(0)), _packPayees(draft)
        );
        _settle(batch);

        vm.assertEq(ledger.creditOf(router, vm.addr(ALICE)), DEPOSIT);
        vm.assertEq(ledger.routerOf(router).float, FLOAT - 1_000);
    }

    /// @dev 61: (r, n - s, other parity) signs the same words, and has no EIP-2098 form: it reads as some other key's.
    function test_61_aMalleatedSignatureIsAnotherKeys() public {
        Line memory line = _line(ALICE, 1_000);
        (bytes32 r, bytes32 vs) = vm.signCompact(ALICE, _voucherDigest(line));
        uint256 s = uint256(vs) & (type(uint256).max >> 1);
        uint256 parity = 1 - (uint256(vs) >> 255);
        bytes32 other = bytes32((parity << 255) | ((N - s) & (type(uint256).max >> 1)));
        _settlesWithout(line, r, other);

        // The very same signature, with only its parity turned.
        _settlesWithout(line, r, bytes32(uint256(vs) ^ (1 << 255)));
    }

    function test_61_theHighSValuesThatFit255BitsAreRefused() public {
        Line memory line = _line(ALICE, 1_000);
        (bytes32 r,) = vm.signCompact(ALICE, _voucherDigest(line));
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IComputeLedger.LineSkipped(router, 1, 0, IComputeLedger.Skip.BadSignature);
        _settlesWithout(line, r, bytes32(N / 2 + 1));
    }

    function _settlesWithout(Line memory line, bytes32 r, bytes32 vs) private {
        Draft memory draft = _draft(line);
        uint256 float = ledger.routerOf(router).float;
        bytes memory batch = bytes.concat(_packHeader(draft), _packLine(line, r, vs), _packPayees(draft));
        vm.prank(router);
        ledger.settle(batch);

        vm.assertEq(ledger.creditOf(router, vm.addr(line.key)), DEPOSIT, "the payer pays nothing");
        vm.assertEq(ledger.routerOf(router).float, float - line.charge, "the router does");
    }

    function test_57_theSecondLineOfAPayerObeysTheSameCeiling() public {
        Line[] memory lines = new Line[](2);
        lines[0] = _line(ALICE, 600);
        lines[1] = _line(ALICE, 600);
        (lines[0].ceiling, lines[1].ceiling) = (1_000, 1_000);
        _settle(_pack(_draft(lines)));

        vm.assertEq(ledger.creditOf(router, vm.addr(ALICE)), DEPOSIT - 600);
        vm.assertEq(ledger.routerOf(router).float, FLOAT - 600);
    }

    function test_57_oneBadLineLeavesTheOthersSettled() public {
        Line[] memory lines = new Line[](2);
        lines[0] = _line(ALICE, 1_000);
        lines[0].expiry = uint40(block.timestamp - 1);
        lines[1] = _line(BOB, 2_000);
        _settle(_pack(_draft(lines)));

        vm.assertEq(ledger.creditOf(router, vm.addr(ALICE)), DEPOSIT);
        vm.assertEq(ledger.creditOf(router, vm.addr(BOB)), DEPOSIT - 2_000);
        vm.assertEq(ledger.routerOf(router).float, FLOAT - 1_000);
        vm.assertEq(ledger.claimable(router, Role.Node, 1), 3_000 * uint256(NODE_BPS) / 10_000);
    }

    /// @dev Payer untouched, payees paid, float charged, the reason in the log.
    function _skips(Line memory line, IComputeLedger.Skip reason) internal {
        uint256 credit = ledger.creditOf(router, vm.addr(line.key));
        bytes memory batch = _pack(_draft(line));
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IComputeLedger.LineSkipped(router, 1, 0, reason);
        _settle(batch);

        vm.assertEq(ledger.creditOf(router, vm.addr(line.key)), credit);
        vm.assertEq(ledger.routerOf(router).float, FLOAT - line.charge);
        vm.assertEq(ledger.grossOf(router, Role.Node, 1), line.charge);
    }

    function test_58_anExhaustedFloatRevertsAll_FloatExhausted() public {
        Line[] memory lines = new Line[](2);
        lines[0] = _line(0xD00D, FLOAT + 1);
        lines[1] = _line(BOB, 2_000);
        bytes memory batch = _pack(_draft(lines));

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.FloatExhausted.selector, FLOAT + 1, FLOAT));
        _settle(batch);
        vm.assertEq(ledger.creditOf(router, vm.addr(BOB)), DEPOSIT);
        vm.assertEq(ledger.routerOf(router).seq, 0);
    }

    // --------------------------------------------------------------------------------------- 59: replay

    function test_59_aReplayedBatchReverts_BadSequence() public {
        bytes memory batch = _pack(_draft(_line(ALICE, 1_000)));
        _settle(batch);

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.BadSequence.selector, 1, 2));
        _settle(batch);
    }

    function test_59_aBatchAheadOfItsTimeReverts_BadSequence() public {
        Draft memory draft = _draft(_line(ALICE, 1_000));
        draft.seq = 2;
        bytes memory batch = _pack(draft);

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.BadSequence.selector, 2, 1));
        _settle(batch);
    }

    function test_59_aBatchOfAnotherHistoryReverts_BadChain() public {
        Draft memory draft = _draft(_line(ALICE, 1_000));
        draft.prev = keccak256("another");
        bytes memory batch = _pack(draft);

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.BadChain.selector, keccak256("another"), bytes32(0)));
        _settle(batch);
    }

    function test_59_aReplayedVoucherChargesNothingPastItsCeiling() public {
        Line memory line = _line(ALICE, 600);
        line.ceiling = 1_000;
        _settle(line);
        _settle(line);

        vm.assertEq(ledger.creditOf(router, vm.addr(ALICE)), DEPOSIT - 600);
        vm.assertEq(ledger.routerOf(router).float, FLOAT - 600);
    }

    function test_59_aVoucherForAnotherRouterIsAnotherKeysVoucher() public {
        Draft memory draft = _draft(_line(ALICE, 1_000));
        bytes memory batch = _pack(draft);
        _bond(address(0xBAD), LEAST_ASSET, LEAST_HEU);
        vm.prank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.FloatExhausted.selector, 1_000, 0));
        ledger.settle(batch);
    }

    function test_59_aVoucherForAnotherLedgerIsAnotherKeysVoucher() public {
        Line memory line = _line(ALICE, 1e6);
        IComputeLedger here = ledger;
        ledger = _newLedger(_terms());
        (bytes32 r, bytes32 vs) = vm.signCompact(ALICE, _voucherDigest(line));
        ledger = here;
        Draft memory draft = _draft(line);
        _settle(bytes.concat(_packHeader(draft), _packLine(line, r, vs), _packPayees(draft)));

        vm.assertEq(ledger.creditOf(router, vm.addr(ALICE)), DEPOSIT, "untouched");
        vm.assertEq(ledger.routerOf(router).float, FLOAT - 1e6, "the router pays");
    }

    function test_60_aVoucherOfAnotherChainChargesNobody() public {
        bytes memory batch = _pack(_draft(_line(ALICE, 1_000)));
        bytes32 before = ledger.domainSeparator();
        vm.chainId(999);
        _settle(batch);

        vm.assertNotEq(before, ledger.domainSeparator(), "the domain follows the chain");
        vm.assertEq(ledger.creditOf(router, vm.addr(ALICE)), DEPOSIT);
        vm.assertEq(ledger.routerOf(router).float, FLOAT - 1_000);
    }

    // ------------------------------------------------------------------------------------ form and balance

    function test_aBatchMustBalance_Unbalanced() public {
        for (uint256 section; section < 3; section++) {
            Draft memory draft = _draft(_line(ALICE, 1_000));
            Payees memory wrong = _one(1, 1_001);
            if (section == 0) draft.nodes = wrong;
            if (section == 1) draft.pods = wrong;
            if (section == 2) draft.frontends = wrong;
            bytes memory batch = _pack(draft);

            vm.expectRevert(abi.encodeWithSelector(IComputeLedger.Unbalanced.selector, 1_001, 1_000));
            _settle(batch);
        }
    }

    function test_59_permutedPayeesAreRefused_UnorderedIds() public {
        Draft memory draft = _draft(_line(ALICE, 1_000));
        draft.nodes.ids = new uint32[](2);
        draft.nodes.amounts = new uint48[](2);
        (draft.nodes.ids[0], draft.nodes.ids[1]) = (2, 1);
        (draft.nodes.amounts[0], draft.nodes.amounts[1]) = (500, 500);
        bytes memory batch = _pack(draft);

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.UnorderedIds.selector, 1, 2));
        _settle(batch);
    }

    function test_nodeZeroIsNobody_UnorderedIds() public {
        Draft memory draft = _draft(_line(ALICE, 1_000));
        draft.nodes = _one(0, 1_000);
        bytes memory batch = _pack(draft);

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.UnorderedIds.selector, 0, 0));
        _settle(batch);
    }

    function test_aByteTooManyOrTooFew_BadLength() public {
        bytes memory batch = _pack(_draft(_line(ALICE, 1_000)));
        bytes memory longer = bytes.concat(batch, hex"00");

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.BadLength.selector, batch.length + 1, batch.length));
        _settle(longer);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.BadLength.selector, 3, 112));
        _settle(hex"010203");
    }

    function test_anEmptyBatchSettlesNothing() public {
        Draft memory draft = _draft(new Line[](0));
        (draft.nodes, draft.pods, draft.frontends) = (_none(), _none(), _none());
        _settle(_pack(draft));

        vm.assertEq(ledger.routerOf(router).seq, 1);
        vm.assertEq(ledger.protocolOwed(router), 0);
    }

    function _none() internal pure returns (Payees memory payees) {
        payees.ids = new uint32[](0);
        payees.amounts = new uint48[](0);
    }

    // -------------------------------------------------------------------------------------------- 72: pause

    function test_72_aPauseStopsDepositsAndSettlementsAndNoExit_LedgerPaused() public {
        _settle(_line(ALICE, 1_000_000));
        bytes memory batch = _pack(_draft(_line(ALICE, 1_000)));
        vm.prank(vm.addr(BOB));
        ledger.thaw(router, vm.addr(BOB), 1e6);
        vm.prank(GUARDIAN);
        ledger.pause();
        uint256 until = block.timestamp + 7 days;

        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.LedgerPaused.selector, until));
        _settle(batch);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.LedgerPaused.selector, until));
        ledger.deposit(router, address(1), 1);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.LedgerPaused.selector, until));
        ledger.addFloat(router, 1);
        vm.assertEq(_claim(Role.Node, 1), 700_000);
        vm.prank(router);
        ledger.withdrawFloat(1);
        vm.warp(block.timestamp + THAW);
        vm.prank(vm.addr(BOB));
        vm.assertEq(ledger.withdraw(router, vm.addr(BOB)), 1e6);
    }

    function test_72_aPauseLapsesByItself() public {
        bytes memory batch = _pack(_draft(_line(ALICE, 1_000)));
        vm.prank(GUARDIAN);
        ledger.pause();
        vm.warp(block.timestamp + 7 days);
        _settle(batch);

        vm.assertEq(ledger.routerOf(router).seq, 1);
    }

    function test_72_aPauseCannotBeChained_PausedLately() public {
        vm.prank(GUARDIAN);
        ledger.pause();
        uint256 pausableAt = block.timestamp + 14 days;
        vm.warp(pausableAt - 1);

        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IComputeLedger.PausedLately.selector, pausableAt - 1, pausableAt));
        ledger.pause();
        vm.warp(pausableAt);
        vm.prank(GUARDIAN);
        ledger.pause();
        vm.assertEq(ledger.pausedUntil(), pausableAt + 7 days);
    }

    function test_72_unpauseEndsAPause() public {
        vm.startPrank(GUARDIAN);
        ledger.pause();
        ledger.unpause();
        vm.stopPrank();
        _settle(_line(ALICE, 1_000));

        vm.assertEq(ledger.routerOf(router).seq, 1);
    }

    function test_75_nobodyElsePauses_AccessManagedUnauthorized() public {
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this));
        vm.expectRevert(refused);
        ledger.pause();
        vm.expectRevert(refused);
        ledger.unpause();
    }

    // ------------------------------------------------------------------------------------- what it is born with

    function test_aLedgerWithoutItsParties_ZeroAddress() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.authority = address(0);
        bytes memory code = vm.getCode("ComputeLedger.sol:ComputeLedger");
        vm.assertEq(_create(bytes.concat(code, abi.encode(terms))), IComputeLedger.ZeroAddress.selector);
    }

    function test_aShareOutOfItsBounds_SplitOutOfBounds() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.split.node = 4_999;
        _refuses(terms, IComputeLedger.SplitOutOfBounds.selector);
        terms = _terms();
        terms.split.pod = 2_501;
        _refuses(terms, IComputeLedger.SplitOutOfBounds.selector);
        terms = _terms();
        terms.split.voters = 900;
        _refuses(terms, IComputeLedger.SplitOutOfBounds.selector);
        terms = _terms();
        (terms.split.pod, terms.split.frontend, terms.split.voters) = (300, 300, 300);
        _refuses(terms, IComputeLedger.SplitOutOfBounds.selector);
    }

    function test_77_aThawShorterThanTheForcedCallsDelay_ThawTooShort() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.priorityDeadline = THAW;
        _refuses(terms, IComputeLedger.ThawTooShort.selector);
    }

    function _refuses(IComputeLedger.Terms memory terms, bytes4 error) internal {
        terms.bond = bonds;
        bytes memory code = vm.getCode("ComputeLedger.sol:ComputeLedger");
        vm.assertEq(_create(bytes.concat(code, abi.encode(terms))), error);
    }

    /// @dev The selector with which a creation fails; zero if it does not.
    function _create(bytes memory code) internal returns (bytes32 selector) {
        assembly ("memory-safe") {
            if iszero(create(0, add(code, 32), mload(code))) {
                returndatacopy(0, 0, 4)
                selector := shl(224, shr(224, mload(0)))
            }
        }
    }

    // -------------------------------------------------------------------------------------------- 70: fuzz

    /// @dev 70: random batches against the formulas: debits, float and shares to the unit.
    function testFuzz_70_aRandomBatchMovesWhatTheFormulasSay(uint256 seed) public {
        uint256 count = 1 + seed % 6;
        Line[] memory lines = new Line[](count);
        uint256 gross;
        uint256 floatUsed;
        uint256[2] memory spent;
        for (uint256 i; i < count; i++) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            lines[i] = _line(draw & 1 == 0 ? ALICE : BOB, bound(draw >> 8, 0, 1_500_000));
            lines[i].ceiling = uint64(bound(draw >> 80, 0, 4_000_000));
            uint256 after_ = spent[draw & 1] + lines[i].charge;
            bool good = lines[i].charge > 0 && after_ <= lines[i].ceiling;
            if (good) spent[draw & 1] = after_;
            else floatUsed += lines[i].charge;
            gross += lines[i].charge;
        }
        _settle(_pack(_draft(lines)));

        vm.assertEq(ledger.accountOf(router, vm.addr(ALICE)).spent, spent[0], "alice");
        vm.assertEq(ledger.accountOf(router, vm.addr(BOB)).spent, spent[1], "bob");
        vm.assertEq(ledger.routerOf(router).float, FLOAT - floatUsed, "float");
        vm.assertEq(spent[0] + spent[1] + floatUsed, gross, "debits + float = gross");
        uint256 credited = ledger.claimable(router, Role.Node, 1) + ledger.claimable(router, Role.Pod, 1)
            + ledger.claimable(router, Role.Frontend, 1);
        vm.assertEq(credited + ledger.protocolOwed(router), gross, "splits = gross");
    }
}
