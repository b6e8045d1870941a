// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Votes} from "./Votes.sol";

/// @dev Moves of four voters, three nodes and three pods that must all succeed, and plain lists of votes beside them.
contract VotesHandler is Votes {
    uint256 internal constant VOTERS = 4;
    uint32 internal constant IDS = 3;

    /// @dev A vote as the list has it.
    struct Cast {
        uint32 from;
        uint256 amount;
        uint32 end;
    }

    uint256 public cast;
    /// @dev Calls of `vote` after which the ballot weighed something.
    uint256 public weighed;
    uint256 public locks;
    uint256 public closed;
    uint256 public paid;
    uint256[VOTERS] internal held;
    uint32[VOTERS] internal ends;
    uint32 internal birth;
    mapping(Ballot => mapping(uint256 who => mapping(uint32 id => Cast[]))) internal lists;
    mapping(Ballot => mapping(uint256 who => mapping(uint32 id => uint256))) internal bpsOf;
    /// @dev Shared by votes, what of it was paid, and how often.
    mapping(Ballot => mapping(uint32 id => uint256)) internal sharedOf;
    mapping(Ballot => mapping(uint32 id => uint256)) internal paidOf;
    mapping(Ballot => mapping(uint32 id => uint256)) internal claimsOf;

    constructor() {
        _openVotes();
        birth = Epochs.current();
    }

    // --------------------------------------------------------------------------------------------------- moves

    function lock(uint256 who, uint256 amount, uint256 weeks_) external {
        _lockOf(who % VOTERS, _hash(amount), _hash(weeks_));
    }

    /// @dev What forge likes to draw, 0 and the largest number, would make no vote at all.
    function _hash(uint256 drawn) internal view returns (uint256) {
        return uint256(keccak256(abi.encode(drawn, cast, locks)));
    }

    /// @dev One in eight is about the least that a lock votes with.
    function _lockOf(uint256 who, uint256 amount, uint256 weeks_) internal {
        _leaveIfOver(who);
        uint32 now_ = Epochs.current();
        uint32 least = ends[who] > now_ ? ends[who] : now_ + 1;
        uint32 span = weeks_ & 1 == 0 ? 12 : MOST;
        if (least > now_ + span) span = MOST;
        ends[who] = least + uint32(bound(weeks_ >> 1, 0, now_ + span - least));
        uint256 added = amount & 7 == 0 ? bound(amount >> 8, 1, 29_999) : bound(amount >> 8, 1, 1e22);
        _lock(_account(who), added, ends[who]);
        held[who] += added;
        locks++;
    }

    /// @dev Whoever has no lock makes one first, as a rule.
    function vote(uint256 who, uint256 seed) external {
        who %= VOTERS;
        seed = _hash(seed);
        Ballot ballot = Ballot(seed & 1);
        if (ends[who] <= Epochs.current() + 1 && (seed >> 128) & 3 != 0) _lockOf(who, seed >> 130, seed >> 200);
        uint32[] memory ids = new uint32[](2);
        uint16[] memory bps = new uint16[](2);
        (ids[0], ids[1]) = (uint32(1 + (seed >> 8) % IDS), uint32(1 + (seed >> 16) % IDS));
        uint256 room = 10_000 - votes.usedBps(_account(who), ballot) + bpsOf[ballot][who][ids[0]];
        if (ids[1] != ids[0]) room += bpsOf[ballot][who][ids[1]];
        bool alive = ends[who] > Epochs.current() + 1;
        bps[0] = !alive || (seed >> 24) % 5 == 0 ? 0 : uint16(bound(seed >> 32, 0, room));
        bps[1] = !alive ? 0 : uint16(bound(seed >> 64, 0, room - (ids[1] == ids[0] ? 0 : bps[0])));
        if (alive && (seed >> 24) % 5 == 1) {
            for (uint256 i; i < 2; i++) {
                bps[i] = uint16(bpsOf[ballot][who][ids[i]]);
            }
        }
        for (uint256 i; i < 2; i++) {
            if (!_active(ballot, ids[i])) bps[i] = 0;
        }
        _vote(_account(who), ballot, ids, bps);
        _note(ballot, who, ids[0], bps[0]);
        _note(ballot, who, ids[1], bps[1]);
        cast++;
        if (votes.ballotWeightIn(ballot, Epochs.current() + 1) != 0) weighed++;
    }

    function settle(uint256 seed) external {
        _earn(uint32(1 + seed % IDS), seed & 8 == 0 ? bound(seed >> 8, 20, 400) : bound(seed >> 8, 20, 4e6));
    }

    function close(uint256 seed) external {
        _closePod(uint32(1 + seed % IDS));
    }

    function tip(uint256 seed, uint256 amount) external {
        uint32 id = uint32(1 + seed % IDS);
        uint32 epoch = Epochs.current() - 1;
        if (votes.openFrom(Ballot.Node, address(0), id) > epoch || epoch < birth) return;
        uint256 reward = amount & 1 == 0 ? bound(amount >> 8, 1, 50) : bound(amount >> 8, 1, 1e21);
        purse.add(id, epoch, reward);
        votes.closeTips(id);
        if (_sum(Ballot.Node, id, epoch) >= 1e18) sharedOf[Ballot.Node][id] += reward;
        closed++;
    }

    function claim(uint256 who, uint256 seed) external {
        _claim(who % VOTERS, Ballot(seed & 1), uint32(1 + (seed >> 8) % IDS));
    }

    function roll(uint256 seed) external {
        votes.roll(Ballot(seed & 1), uint32((seed >> 8) % (IDS + 1)));
    }

    function toggle(uint256 seed) external {
        Role role = seed & 1 == 0 ? Role.Node : Role.Pod;
        uint32 id = uint32(1 + (seed >> 8) % IDS);
        if (registry.entryOf(role, id).inactiveFrom != 0) registry.reactivate(role, id);
        else if ((seed >> 16) & 3 == 0) registry.deactivate(role, id);
    }

    /// @dev Mostly an epoch or two, at times longer than any lock.
    function sleep(uint256 draw) external {
        _wait(draw % 12 == 0 ? uint32(90 + (draw >> 8) % 30) : uint32(1 + (draw >> 8) % 3));
    }

    // ------------------------------------------------------------------------------------------------- the lists

    function _account(uint256 who) internal pure returns (address) {
        return address(uint160(0xACC0 + who));
    }

    function _active(Ballot ballot, uint32 id) internal view returns (bool) {
        return registry.isActiveIn(ballot == Ballot.Node ? Role.Node : Role.Pod, id, Epochs.current() + 1);
    }

    function _leaveIfOver(uint256 who) internal {
        if (held[who] == 0 || ends[who] > Epochs.current()) return;
        vm.prank(_account(who));
        escrow.withdraw();
        (held[who], ends[who]) = (0, 0);
    }

    function _note(Ballot ballot, uint256 who, uint32 id, uint256 bps) internal {
        if (bps == 0 && bpsOf[ballot][who][id] == 0) return;
        bpsOf[ballot][who][id] = bps;
        lists[ballot][who][id].push(Cast(Epochs.current() + 1, held[who] / 10_000 * bps, ends[who]));
    }

    function _weight(Ballot ballot, uint256 who, uint32 id, uint32 epoch) internal view returns (uint256) {
        Cast[] storage list = lists[ballot][who][id];
        for (uint256 i = list.length; i > 0; i--) {
            if (list[i - 1].from > epoch) continue;
            return epoch < list[i - 1].end ? list[i - 1].amount * (list[i - 1].end - epoch) : 0;
        }
        return 0;
    }

    function _sum(Ballot ballot, uint32 id, uint32 epoch) internal view returns (uint256 sum) {
        for (uint256 who; who < VOTERS; who++) {
            sum += _weight(ballot, who, id, epoch);
        }
    }

    /// @dev What is shared is counted from the ledger's facts and the lists.
    function _closePod(uint32 id) internal {
        uint32 from = votes.openFrom(Ballot.Pod, router, id);
        votes.closeRevenue(router, id);
        uint32 to = votes.openFrom(Ballot.Pod, router, id);
        for (uint32 e = from; e < to; e++) {
            uint256 reward = _revenue(ledger.unitsIn(router, Role.Pod, id, e));
            if (_sum(Ballot.Pod, id, e) >= 1e18) sharedOf[Ballot.Pod][id] += reward;
        }
        closed++;
    }

    function _claim(uint256 who, Ballot ballot, uint32 id) internal {
        address account = _account(who);
        address from = ballot == Ballot.Pod ? router : address(0);
        uint256 due = votes.claimable(account, ballot, from, id);
        uint256 amount = ballot == Ballot.Pod ? _claimPod(account, id) : _claimNode(account, id);
        vm.assertEq(amount, due, "what was announced");
        paidOf[ballot][id] += amount;
        claimsOf[ballot][id]++;
        paid++;
    }

    // ------------------------------------------------------------------------------- what must always hold

    /// @dev The next epoch, this one, the last one, and five of the past, other ones each time.
    function checkSums() external view {
        uint32 now_ = Epochs.current();
        for (uint256 i; i < 8; i++) {
            uint32 epoch = i < 3 && now_ > birth + 2
                ? now_ + 1 - uint32(i)
                : birth + uint32(uint256(keccak256(abi.encode(block.timestamp, cast, i))) % (now_ + 2 - birth));
            _checkSums(Ballot.Node, epoch);
            _checkSums(Ballot.Pod, epoch);
        }
    }

    function _checkSums(Ballot ballot, uint32 epoch) internal view {
        uint256 total;
        for (uint32 id = 1; id <= IDS; id++) {
            uint256 sum;
            for (uint256 who; who < VOTERS; who++) {
                uint256 weight = votes.votesIn(_account(who), ballot, id, epoch);
                vm.assertEq(weight, _weight(ballot, who, id, epoch), "each vote is what the list says");
                sum += weight;
            }
            vm.assertEq(votes.weightIn(ballot, id, epoch), sum, "a target is the sum of its voters");
            total += sum;
        }
        vm.assertEq(votes.ballotWeightIn(ballot, epoch), total, "a ballot is the sum of its targets");
    }

    function checkAccounts() external view {
        for (uint32 i; i < 2; i++) {
            uint32 epoch = Epochs.current() + i;
            for (uint256 who; who < VOTERS; who++) {
                for (uint8 ballot; ballot < 2; ballot++) {
                    uint256 sum;
                    for (uint32 id = 1; id <= IDS; id++) {
                        sum += votes.votesIn(_account(who), Ballot(ballot), id, epoch);
                    }
                    vm.assertLe(sum, escrow.powerIn(_account(who), epoch), "never more than the lock's power");
                }
            }
        }
    }

    /// @dev Once everything is closed and everybody has claimed: each target paid at most what it shared, and less than a
    ///      unit per claim is left.
    function checkRewards() external {
        uint256 assets;
        uint256 heus;
        for (uint32 id = 1; id <= IDS; id++) {
            while (votes.openFrom(Ballot.Pod, router, id) < Epochs.current()) _closePod(id);
            for (uint256 who; who < VOTERS; who++) {
                _claim(who, Ballot.Pod, id);
                _claim(who, Ballot.Node, id);
            }
            for (uint8 i; i < 2; i++) {
                Ballot ballot = Ballot(i);
                vm.assertLe(paidOf[ballot][id], sharedOf[ballot][id], "never more than was shared");
                uint256 left = sharedOf[ballot][id] - paidOf[ballot][id];
                vm.assertLe(left, claimsOf[ballot][id], "less than a unit lost per claim");
            }
            assets += sharedOf[Ballot.Pod][id] - paidOf[Ballot.Pod][id];
            heus += sharedOf[Ballot.Node][id] - paidOf[Ballot.Node][id];
        }
        vm.assertGe(dollar.balanceOf(address(votes)), assets, "what is left is held");
        vm.assertEq(heu.balanceOf(address(votes)), heus, "HEU to the wei");
    }
}

/// @dev 13, 14, 23. `npm run test:deep` has 1,024 runs of depth 64.
contract VotesInvariantTest is Votes {
    VotesHandler internal handler;

    /// @dev As forge asks for it: which functions of which contract an invariant run calls.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() public {
        handler = new VotesHandler();
        targetContract(address(handler));
    }

    /// @dev forge asks for this by name: the moves, not the checks. Votes are drawn twice as often.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory moves = new bytes4[](10);
        (moves[0], moves[1]) = (VotesHandler.lock.selector, VotesHandler.vote.selector);
        (moves[2], moves[3]) = (VotesHandler.settle.selector, VotesHandler.close.selector);
        (moves[4], moves[5]) = (VotesHandler.tip.selector, VotesHandler.claim.selector);
        (moves[6], moves[7]) = (VotesHandler.roll.selector, VotesHandler.toggle.selector);
        (moves[8], moves[9]) = (VotesHandler.sleep.selector, VotesHandler.vote.selector);
        targets[0] = FuzzSelector(address(handler), moves);
    }

    function invariant_13_aBallotIsTheSumOfItsTargetsAndTheirVoters() public view {
        handler.checkSums();
    }

    function invariant_14_anAccountsVotesAreAtMostItsPower() public view {
        handler.checkAccounts();
    }

    function invariant_23_claimsAreTheRewardsLessThanAUnitEachAside() public {
        uint256 state = vm.snapshotState();
        handler.checkRewards();
        vm.revertToState(state);
    }

    /// @dev A run that did nothing proves nothing.
    function afterInvariant() public view {
        vm.assertGt(handler.locks() + handler.cast(), 5, "the run voted");
        if (handler.cast() > 9) vm.assertGt(handler.weighed(), 0, "and its ballots weighed something");
    }
}
