// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {IFeeBurner} from "../../contracts/interfaces/IFeeBurner.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Vm} from "./Base.sol";
import {Economies} from "./Economies.sol";

/// @dev Moves of a whole economy that must all succeed: work, stakes, votes, terms, parameters, reports and doubts, sales,
///      records of some nodes, epochs that are skipped, claims, gifts. What it adds up itself is never asked of the code.
contract EmissionHandler is Economies {
    uint256 internal constant HELD = 10_000e18;

    uint256 public finals;
    uint256 public paid;
    uint256 public burnt;
    /// @dev Of bonds, burnt by verdicts.
    uint256 public lost;
    uint256 public gathered;
    uint256 internal given;
    uint256 internal issued;
    uint256 internal caps;
    uint256 internal sold;
    uint256 internal gifts;
    uint32 internal seen;
    mapping(uint32 epoch => uint256) internal capAt;
    mapping(uint32 epoch => uint256) internal baseAt;
    mapping(uint32 epoch => uint256) internal burntAt;
    /// @dev What nodes and their voters had of an epoch, as told when it was taken.
    mapping(uint32 epoch => uint256) internal takenAt;
    mapping(uint32 epoch => uint256[2]) internal units;

    constructor() {
        _openEconomy();
        seen = Epochs.current() - 1;
        _see();
        _addBonds();
        for (uint32 node = 1; node <= NODES; node++) {
            _stakeFor(node, node * 1_000e18);
        }
        _lock(ANN, 1_000e18, _after(MOST));
        _lock(BEN, 3_000e18, _after(MOST));
    }

    // ------------------------------------------------------------------------------------------------------ moves

    function work(uint256 node, uint256 gross) public {
        gross = gross & 1 == 0 ? bound(gross >> 1, 0, 30) : bound(gross >> 1, 0, 5_000e6);
        if (ledger.creditOf(router, vm.addr(PAYER)) < gross) return;
        _workFor(_node(node), gross);
    }

    function vote(uint256 who, uint256 share) external {
        address account = who % 2 == 0 ? ANN : BEN;
        uint32 next = Epochs.current() + 1;
        if (escrow.lockOf(account).end <= next) return;
        if (!registry.isActiveIn(Role.Node, 1, next) || !registry.isActiveIn(Role.Node, 2, next)) return;
        uint16 bps = uint16(bound(share, 0, 10_000));
        _vote(account, Ballot.Node, _ids(1, 2), _bps(bps, (10_000 - bps) / 2));
    }

    function stake(uint256 node, uint256 amount) external {
        _stakeFor(_node(node), bound(amount, 1, 1_000e18));
    }

    function unbond(uint256 node, uint256 amount) external {
        uint256 active = staking.stakeOf(_node(node)).active;
        if (active != 0) staking.requestUnbond(_node(node), bound(amount, 1, active));
    }

    function setTip(uint256 node, uint256 bps) external {
        emission.setTip(_node(node), uint16(bound(bps, 0, 5_000)));
    }

    function setHome(uint256 node, uint256 away) external {
        emission.setHome(_node(node), away % 4 == 0 ? address(uint160(away % 8)) : router);
    }

    function setActive(uint256 node, uint256 on) external {
        uint32 id = _node(node);
        bool inactive = registry.entryOf(Role.Node, id).inactiveFrom != 0;
        if (inactive) registry.reactivate(Role.Node, id);
        else if (on % 4 == 0) registry.deactivate(Role.Node, id);
    }

    /// @dev In the middle of an epoch, whose own parameters stay.
    function setParams(uint256 seed) external {
        uint16 cap = uint16(bound(seed, 0, 500));
        uint16 beta = uint16(bound(seed >> 16, 10_000, 25_000));
        emission.setParams(
            IEmissionController.Params({
                capBps: cap,
                baseBps: uint16(bound(seed >> 32, 0, cap)),
                lambdaBps: uint16(bound(seed >> 48, 0, 75_000_000 / beta)),
                betaBps: beta,
                etaBps: uint16(bound(seed >> 64, 2_500, 10_000)),
                quota: uint64(bound(seed >> 80, 1, 1_000))
            })
        );
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 5 days));
        _see();
    }

    function give(uint256 amount) external {
        given += bound(amount, 0, 1e18);
        heu.transfer(address(emission), bound(amount, 0, 1e18));
        gifts += bound(amount, 0, 1e6);
        _mint(address(burner), bound(amount, 0, 1e6));
    }

    function collect() external {
        if (ledger.collectable(router) != 0) ledger.collect(router);
    }

    function gather() public {
        gathered += burner.gather(router);
    }

    function buy(uint256 ofCarried) public {
        burner.settle();
        bool old = ofCarried % 2 == 1;
        if (burner.priceNow(old) == 0) return;
        vm.prank(BUYER);
        (uint256 cost, uint256 amount) =
            old ? burner.buyCarried(type(uint256).max, BUYER) : burner.buy(type(uint256).max, BUYER);
        burnt += cost;
        sold += amount;
        if (!old) burntAt[Epochs.current() - 1] += cost;
    }

    function report(uint256 a, uint256 b) public {
        uint32 epoch = Epochs.current() - 1;
        if (epoch < emission.firstEpoch() || block.timestamp > Epochs.startOf(epoch + 1) + 1 days) return;
        if (emission.reportOf(epoch).state != IEmissionController.ReportState.None || !_free(PROBER)) return;
        units[epoch] = [bound(a, 0, 5_000), bound(b, 0, 5_000)];
        _report(epoch, Hashes.commutativeKeccak256(_leaf(1, units[epoch][0]), _leaf(2, units[epoch][1])));
    }

    function recordBase(uint256 node) public {
        uint32 epoch = emission.nextEpoch();
        IEmissionController.ReportState state = emission.reportOf(epoch).state;
        if (state == IEmissionController.ReportState.None || state == IEmissionController.ReportState.Void) return;
        uint32 id = uint32(1 + node % 2);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = _leaf(3 - id, units[epoch][2 - id]);
        vm.recordLogs();
        emission.recordBase(epoch, id, units[epoch][id - 1], proof);
        _noteTaken();
    }

    function record(uint256 a, uint256 b) public {
        uint32 epoch = emission.nextEpoch();
        vm.recordLogs();
        if (epoch < Epochs.current()) emission.record(epoch, _ids(_node(a), _node(b)));
        _noteTaken();
    }

    function challenge() external {
        uint32 epoch = emission.nextEpoch();
        IEmissionController.Report memory filed = emission.reportOf(epoch);
        if (filed.state != IEmissionController.ReportState.Filed || filed.challenger != address(0)) return;
        if (block.timestamp <= filed.filedAt + 3 days && _free(DOUBTER)) _challenge(epoch);
    }

    function judge(uint256 upheld) external {
        uint32 epoch = emission.nextEpoch();
        if (!_doubted(epoch)) return;
        _judge(epoch, upheld % 2 == 0);
        // Half of a bond of 10,000 HEU.
        lost += 5_000e18;
    }

    function lapse() public {
        uint32 epoch = emission.nextEpoch();
        if (_doubted(epoch) && block.timestamp > emission.reportOf(epoch).challengedAt + 7 days) emission.lapse(epoch);
    }

    function finalize() public {
        uint32 epoch = emission.nextEpoch();
        if (block.timestamp < emission.finalizableAt() || _doubted(epoch)) return;
        emission.finalize(epoch);
        IEmissionController.Epoch memory it = emission.epochOf(epoch);
        issued += it.base + it.dynamic;
        caps += capAt[epoch];
        finals++;
    }

    /// @dev One whole week as it should be, whatever was left open before it.
    function week(uint256 seed) external {
        for (uint256 i; i < 8 && emission.nextEpoch() < Epochs.current(); i++) {
            vm.warp(block.timestamp + 8 days);
            _see();
            lapse();
            finalize();
        }
        work(seed, seed | 1);
        work(seed >> 8, seed >> 16 | 1);
        _at(Epochs.current(), 0);
        _see();
        report(seed >> 32, seed >> 64);
        gather();
        record(seed, seed >> 8);
        recordBase(0);
        recordBase(1);
        _at(Epochs.current() - 1, 1 days + bound(seed >> 96, 0, 3 days - 1));
        buy(0);
        _at(Epochs.current() - 1, 4 days);
        finalize();
    }

    function claim(uint256 a, uint256 b) external {
        uint256 before = heu.balanceOf(_payout(Role.Node, _node(a))) + heu.balanceOf(_payout(Role.Node, _node(b)));
        bool same = _node(a) == _node(b);
        vm.recordLogs();
        emission.claim(_ids(_node(a), _node(b)));
        _noteTaken();
        uint256 after_ = heu.balanceOf(_payout(Role.Node, _node(a))) + heu.balanceOf(_payout(Role.Node, _node(b)));
        paid += (after_ - before) / (same ? 2 : 1);
    }

    function closeTips(uint256 node) external {
        uint256 before = heu.balanceOf(address(votes));
        vm.recordLogs();
        votes.closeTips(_node(node));
        _noteTaken();
        paid += heu.balanceOf(address(votes)) - before;
    }

    // ----------------------------------------------------------------------------------------- what must always hold

    function checkReserve() external view {
        vm.assertEq(emission.reserve() + emission.owed() + paid, RESERVE + given, "32: reserve + owed + paid");
        (uint256 prober, uint256 heldA) = emission.bondOf(PROBER);
        (uint256 doubter, uint256 heldB) = emission.bondOf(DOUBTER);
        vm.assertLe(heldA, prober, "what is held is there");
        vm.assertLe(heldB, doubter, "what is held is there");
        vm.assertEq(
            heu.balanceOf(address(emission)), emission.reserve() + emission.owed() + prober + doubter, "and the bonds"
        );
        vm.assertEq(emission.owed() + paid, issued, "32: what was released is owed or paid");
        vm.assertEq(emission.reservoir() + issued, caps, "33: caps are released or the reservoir's");
        uint256 due;
        for (uint32 node = 1; node <= NODES; node++) {
            due += emission.claimable(node) + emission.tipsOf(node);
        }
        vm.assertLe(due, emission.owed(), "32: all that is due is owed");
    }

    function checkEpochs(uint32 from) public view {
        uint32 next = emission.nextEpoch();
        for (uint32 epoch = from; epoch <= next; epoch++) {
            IEmissionController.Epoch memory it = emission.epochOf(epoch);
            uint256 beta = it.params.betaBps;
            vm.assertGe(it.feePoints, it.feeUnits * ONE, "boost >= 1");
            vm.assertLe(it.feePoints, it.feeUnits * ONE * beta / 10_000, "boost <= beta");
            vm.assertGe(it.basePoints, it.baseUnits * ONE, "boost >= 1");
            vm.assertLe(it.basePoints, it.baseUnits * ONE * beta / 10_000, "boost <= beta");
            if (epoch == next) break;
            vm.assertLe(takenAt[epoch], it.base + it.dynamic, "33: paid <= released");
            vm.assertLe(it.base, baseAt[epoch], "base <= B as it was when the epoch began");
            vm.assertLe(it.base + it.dynamic, capAt[epoch], "33: released <= C as it was when the epoch began");
            vm.assertLe(it.dynamic, burntAt[epoch] * it.params.lambdaBps / 10_000, "matched to its own burn");
            if (it.feePoints == 0) vm.assertEq(it.dynamic, 0, "a skipped epoch issues nothing");
            if (it.basePoints == 0) vm.assertEq(it.base, 0, "a skipped epoch issues nothing");
        }
    }

    function checkNodes() external view {
        for (uint32 node = 1; node <= NODES; node++) {
            (uint32 epoch, uint256 base, uint256 fee) = emission.recordOf(node);
            if (epoch == 0) continue;
            uint256 beta = emission.paramsIn(epoch).betaBps;
            uint256 done = ledger.unitsIn(emission.homeIn(node, epoch), Role.Node, node, epoch);
            if (fee != 0) vm.assertGe(fee, done * ONE, "a node's boost >= 1");
            vm.assertLe(fee, done * ONE * beta / 10_000, "a node's boost <= beta <= 2.5");
            vm.assertLe(base, 5_000 * ONE * beta / 10_000, "no more than its probes");
            vm.assertLe(beta, 25_000, "2.5");
        }
    }

    function checkBurner() external {
        burner.settle();
        uint32 epoch = Epochs.current() - 1;
        IFeeBurner.Lot memory lot = burner.lotOf(epoch);
        bool open = lot.burnt == 0 && block.timestamp < Epochs.startOf(epoch + 1) + 4 days;
        uint256 held = dollar.balanceOf(address(burner));
        vm.assertGe(held, burner.carried() + (open ? lot.amount : 0), "all that is for sale is there");
        vm.assertEq(held + sold, ledger.routerOf(router).collected + gifts, "all that came was sold or is there");
        vm.assertLe(gathered, ledger.routerOf(router).collected + gifts, "no more was gathered than came");
        vm.assertEq(heu.totalSupply() + burnt + lost, SUPPLY, "what buyers paid and half of lost bonds is burnt");
        vm.assertEq(burner.burntIn(epoch), burntAt[epoch], "the burn of an epoch is its lot's");
    }

    function checkAll() external view {
        checkEpochs(emission.firstEpoch());
    }

    function last() external view returns (uint32) {
        uint32 next = emission.nextEpoch();
        return next < emission.firstEpoch() + 3 ? emission.firstEpoch() : next - 3;
    }

    // ----------------------------------------------------------------------------------------------------- private

    function _noteTaken() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; i++) {
            if (logs[i].topics[0] != IEmissionController.NodeEmission.selector) continue;
            (uint256 amount,) = abi.decode(logs[i].data, (uint256, uint256));
            takenAt[uint32(uint256(logs[i].topics[2]))] += amount;
        }
    }

    /// @dev Notes C and B of every epoch that has begun, from the formula, as they are when it is first seen.
    function _see() private {
        while (seen < Epochs.current()) {
            seen++;
            IEmissionController.Params memory params = emission.paramsIn(seen);
            capAt[seen] = SUPPLY * params.capBps / 10_000 / 52;
            baseAt[seen] = SUPPLY * params.baseBps / 10_000 / 52;
        }
    }

    function _node(uint256 node) private pure returns (uint32) {
        return uint32(1 + node % NODES);
    }

    function _free(address account) private returns (bool) {
        (uint256 amount, uint256 held) = emission.bondOf(account);
        if (amount - held >= HELD) return true;
        if (heu.balanceOf(account) < HELD) return false;
        vm.prank(account);
        emission.addBond(HELD);
        return true;
    }

    function _doubted(uint32 epoch) private view returns (bool) {
        return emission.reportOf(epoch).state == IEmissionController.ReportState.Challenged;
    }
}

contract EmissionInvariantTest is Economies {
    EmissionHandler internal handler;

    function setUp() public {
        handler = new EmissionHandler();
        targetContract(address(handler));
    }

    function invariant_32_33_reserveOwedAndPaidAreConstantAndEveryEpochKeepsItsCap() public {
        handler.checkReserve();
        handler.checkEpochs(handler.last());
        handler.checkNodes();
        handler.checkBurner();
    }

    function afterInvariant() public view {
        handler.checkAll();
    }

    /// @dev The moves reach what they are for.
    function test_theMovesIssuePayAndBurn() public {
        for (uint256 i; i < 6; i++) {
            handler.week(uint256(keccak256(abi.encode(i))));
            handler.claim(0, 1);
            handler.claim(2, 3);
            handler.closeTips(i);
        }
        vm.assertGt(handler.finals(), 5, "epochs");
        vm.assertGt(handler.paid(), 0, "paid");
        vm.assertGt(handler.burnt(), 0, "burnt");
    }
}
