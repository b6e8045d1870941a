import { type Clause, instead, met, undone, unmet } from './clause.ts'

/** The clauses of the economy: of the contracts that hold HEU, stake, votes and burn. */

const ESCROW = 'contracts/VotingEscrow.sol'
const LOCKS = 'contracts/libraries/Locks.sol'
const POWERS = 'contracts/libraries/Powers.sol'
const WEIGHTS = 'contracts/libraries/Weights.sol'
const PAPERS = 'contracts/libraries/Papers.sol'
const STREAMS = 'contracts/libraries/Streams.sol'
const VOTES = 'contracts/votes/Votes.sol'
const REWARDS = 'contracts/VoteController.sol'
const STAKING = 'contracts/NodeStaking.sol'
const SLASHING = 'contracts/SlashingManager.sol'
const RESERVE = 'contracts/emission/Reserve.sol'
const REPORTS = 'contracts/emission/Reports.sol'
const EARNINGS = 'contracts/emission/Earnings.sol'
const EMISSION = 'contracts/EmissionController.sol'
const EMISSIONS = 'contracts/libraries/Emissions.sol'
const BURNER = 'contracts/FeeBurner.sol'
const PRICES = 'contracts/libraries/Prices.sol'

export const economyClauses: readonly Clause[] = [
  ...undone(
    ESCROW,
    '⟦history.withdraw(slot);⟧',
    '⟦sums.replace(_total.ends, held, oldEnd, amount, end);⟧',
    '⟦_total.head = sums.pack();⟧',
    '⟦_total.head = _total.open(Epochs.current()).pack();⟧',
    '⟦_locks[account].put(slot, amount, end, current);⟧',
  ),
  ...unmet(ESCROW, 'if (⟦end == 0⟧) end = uint32(oldEnd)'),

  // What a lock was is never lost.
  ...unmet(
    LOCKS,
    'if (⟦_since(slot) == epoch⟧)',
    'else if (⟦uint120(slot >> LOCK) == 0⟧)',
    'if (⟦_oldest(slot) > epoch⟧)',
    'if (⟦_oldest(seen) > epoch⟧)',
    'if (⟦since == 0⟧) since',
  ),
  ...undone(LOCKS, '⟦history.past[count] = slot;⟧', '⟦slot = 0;⟧'),
  instead(
    LOCKS,
    '_unpack(slot)',
    'return ⟦slot & WITHDRAWN == 0 ? _unpack(slot) : (uint256(0), uint256(0))⟧',
  ),
  instead(LOCKS, 'slot', '_unpack(⟦_since(slot) > epoch ? slot >> LOCK : slot⟧)'),

  ...unmet(POWERS, 'if (⟦end <= sums.epoch⟧) return'),
  ...met(POWERS, '&& ⟦end > sums.epoch⟧)'),
  ...undone(
    POWERS,
    '⟦product -= ended * e;⟧',
    '⟦amount -= ended;⟧',
    '⟦ends.at[end >> 1] += amount << _side(end);⟧',
    '⟦ends.at[end >> 1] -= amount << _side(end);⟧',
    '⟦sums.product -= amount * end;⟧',
    '⟦remove(sums, ends, oldAmount, oldEnd);⟧',
  ),
  instead(POWERS, '1', 'return ⟦epoch < end ? amount * (end - epoch) : 0⟧'),
  instead(POWERS, 'uint256(0)', 'return ⟦(epoch & 1) << 7⟧'),

  ...unmet(WEIGHTS, 'if (⟦sums.epoch >= epoch⟧) return', 'if (⟦last < sums.epoch⟧) sums'),
  ...undone(
    WEIGHTS,
    '⟦if (head != 0) target.past[sums.count++] = head;⟧',
    '⟦sums.advance(target.ends, epoch);⟧\n    }',
    '⟦sums.advance(target.ends, epoch);⟧\n        return sums.total()',
  ),
  ...undone(PAPERS, '⟦paper.past[newest >> COUNT] = newest;⟧'),
  ...unmet(STREAMS, '⟦stream.entries[middle].epoch > epoch⟧'),

  // A vote counts what its account's lock is, once, from the next epoch on.
  ...met(
    VOTES,
    '⟦oldNumber != casting.number⟧',
    'if (⟦bps == oldBps⟧ && oldNumber',
    'oldBps && ⟦oldNumber == casting.number⟧',
    'if (⟦casting.total.epoch == 0⟧) casting.total',
    'if (⟦casting.total.epoch != 0⟧) all',
  ),
  ...unmet(
    VOTES,
    '(⟦lock.amount != casting.amount⟧ ||',
    '|| ⟦lock.end != casting.end⟧)) {',
    'if (⟦casting.amount != 0⟧) {',
    '⟦oldNumber != casting.number⟧) (oldAmount',
    'if (⟦oldBps == 0⟧) _checkTarget',
    'if (⟦registry.isActiveIn(role, id, epoch)⟧) return',
    'if (⟦bps == 0⟧) end = 0',
  ),
  ...undone(
    VOTES,
    '⟦if (casting.total.epoch != 0) all.head = Powers.pack(casting.total);⟧',
    '⟦if (casting.used != used) voter.used = uint16(casting.used);⟧',
    '⟦if (bps == oldBps && oldNumber == casting.number) return;⟧',
    '⟦casting.number += 1;⟧',
    '⟦sums.replace(target.ends, oldAmount, oldEnd, amount, casting.end);⟧',
    '⟦casting.total.replace(all.ends, oldAmount, oldEnd, amount, casting.end);⟧',
    '⟦target.head = Powers.pack(sums);⟧\n        // What',
    '⟦paper.put(newest, bps, casting.number, casting.next);⟧',
  ),
  instead(VOTES, 'uint32(0)', 'casting.next = Epochs.current() + ⟦1⟧'),

  // A reward is shared once, by those whose votes were there, and nothing of dust.
  ...unmet(
    REWARDS,
    'if (⟦end > epoch + MOST_CLOSED⟧)',
    'if (⟦dust⟧) return reward',
    'if (⟦end <= rewards.epoch⟧) stream',
    'if (⟦number != lock⟧) {',
  ),
  ...undone(
    REWARDS,
    '⟦stream.open = epoch;⟧',
    '⟦stream.open = epochs[i] + 1;⟧',
    '⟦ledger.claim(router, Role.Voters, pods);⟧',
    '⟦_claimed[ballot][router][ids[i]][msg.sender] = claimed;⟧',
  ),
  instead(REWARDS, 'last.epoch', 'low = ⟦from > last.epoch ? from - 1 : last.epoch⟧'),
  instead(REWARDS, 'end - 1', '⟦end > low ? end - 1 : low⟧'),
  instead(REWARDS, 'low', '⟦end > low ? end - 1 : low⟧'),
  instead(
    STREAMS,
    'uint256(0)',
    'count = ⟦epoch == last.epoch ? last.count : _countTo(stream, walk, epoch, last.count)⟧',
  ),
  instead(STREAMS, 'uint256(0)', 'passed = ⟦walk.epoch - epoch⟧'),
  ...met(STREAMS, '&& ⟦stream.entries[low].epoch > epoch⟧', 'return ⟦a > b⟧ ?'),
  ...undone(STREAMS, '⟦(walk.count, walk.a, walk.b) = (count, oldA, oldB);⟧'),

  // Stake counts from the next epoch on, and goes once.
  ...undone(
    STAKING,
    '⟦_setActive(node, held, active, active - amount);⟧',
    '⟦held.unbondAt = at;⟧',
    '⟦(held.unbonding, held.unbondAt) = (0, 0);⟧',
    '⟦held.unbonding = uint96(unbonding - amount);⟧',
    '⟦held.frozenUntil = uint40(block.timestamp) + FREEZE_SECONDS;⟧',
    '⟦owedTo[account] = 0;⟧',
    '⟦held.unbonding -= uint96(fromUnbonding);⟧',
    '⟦least = Math.min(least, active);⟧',
    '⟦held.frozen = uint96(frozen);⟧',
  ),
  ...unmet(
    STAKING,
    '⟦block.timestamp > held.frozenUntil⟧ ?',
    '⟦uint32(last >> 192) == epoch⟧ ?',
    '⟦uint32(standing >> 192) == epoch⟧ ?',
    '⟦toll.epoch != Epochs.current()⟧',
  ),
  ...met(STAKING, '⟦toll.epoch != Epochs.current()⟧'),
  instead(STAKING, 'toll.base', '⟦Math.max(toll.base, total + toll.taken)⟧'),
  instead(STAKING, 'total + toll.taken', '⟦Math.max(toll.base, total + toll.taken)⟧, toll'),
  instead(STAKING, 'uint96(taken)', '⟦uint96(taken + amount)⟧'),
  instead(
    STAKING,
    'unbonding',
    'amount = ⟦Math.min(unbonding, Math.saturatingSub(held.active + unbonding, frozen))⟧',
  ),
  instead(STAKING, 'inEpoch', 'return ⟦Math.min(inEpoch, _stakes[node].active)⟧'),
  instead(STAKING, 'left', 'return ⟦Math.min(Math.ceilDiv(total * MOST_FAULT_BPS, BPS), left)⟧'),
  instead(
    STAKING,
    'amount * held.unbonding / total',
    '⟦Math.mulDiv(amount, held.unbonding, total, Math.Rounding.Ceil)⟧',
  ),
  instead(STAKING, '_totals.upperLookupRecent(epoch)', '⟦_totals.upperLookupRecent(epoch - 1)⟧'),

  ...undone(
    SLASHING,
    '⟦staking.freeze(node, amount);⟧',
    '⟦it.until = uint40(block.timestamp + JUDGE_SECONDS);⟧',
    '⟦it.until = uint40(block.timestamp + EXECUTE_SECONDS);⟧',
    '⟦it.state = State.Executed;⟧',
    '⟦staking.release(it.node, it.amount);⟧\n        uint256 reward',
    '⟦it.state = State.Lapsed;⟧',
    '⟦staking.release(it.node, it.amount);⟧\n    }\n\n    /// @inheritdoc ISlashingManager\n    function claim',
    '⟦$.owed[account] = 0;⟧',
    '⟦$.punished[node][request] = true;⟧',
  ),
  ...unmet(
    SLASHING,
    'if (⟦!disputed⟧) _slashing().owed',
    'if (⟦state != State.Upheld⟧) $.owed',
    'if (⟦state == State.Disputed⟧) $.owed',
    'if (⟦!upheld⟧) staking',
  ),
  ...met(
    SLASHING,
    'if (⟦!disputed⟧) _slashing().owed',
    'if (⟦state != State.Upheld⟧) $.owed',
    'if (⟦state == State.Disputed⟧) $.owed',
    'if (⟦!upheld⟧) staking',
    'slash(it.node, it.amount, it.proposer, ⟦disputed⟧ ?',
    'wrongNode = ⟦request.node != 0⟧ &&',
  ),
  instead(SLASHING, 'amount', 'slashed = ⟦Math.min(amount, staking.slashableOf(node))⟧'),
  instead(SLASHING, 'uint256(it.bond)', '+= ⟦2 * uint256(it.bond)⟧'),
  instead(SLASHING, 'it.proposer', '⟦upheld ? it.proposer : it.disputer⟧'),
  instead(
    SLASHING,
    'it.until',
    'return ⟦it.state == State.Proposed ? it.until + EXECUTE_SECONDS : it.until⟧',
  ),

  ...undone(
    REPORTS,
    '⟦$.bondOf[loser].amount -= uint128(REPORT_BOND);⟧',
    '⟦$.bondOf[loser].held -= uint128(REPORT_BOND);⟧',
    '⟦$.bonds -= uint96(REPORT_BOND - reward);⟧',
    '⟦if (upheld) $.bondOf[winner].held -= uint128(REPORT_BOND);⟧',
    '⟦_emission().bondOf[filed.challenger].held -= uint128(REPORT_BOND);⟧',
    '⟦bond.amount -= uint128(amount);⟧',
    '⟦$.bonds -= uint96(amount);⟧',
    '⟦bond.held += uint128(REPORT_BOND);⟧',
    '⟦heu.burn(REPORT_BOND - reward);⟧',
  ),
  ...met(REPORTS, 'if (⟦upheld⟧) $.bondOf'),
  instead(REPORTS, 'ReportState.Filed', 'filed.state = ⟦upheld ? ReportState.Void : ReportState.Filed⟧'),

  // A node has its points once, of its own home, in an epoch in which it is active.
  ...unmet(
    EARNINGS,
    '⟦account.epoch == epoch && account.feePoints != 0⟧',
    '|| ⟦!registry.isActiveIn(Role.Node, node, epoch)⟧) return (account',
    'if (⟦!registry.isActiveIn(Role.Node, node, epoch)⟧) return;',
    'if (⟦counted == 0⟧ ||',
    '|| (⟦account.epoch == epoch && account.basePoints != 0⟧)) return',
    'if (⟦account.epoch == epoch⟧) return',
    'if (⟦account.taken⟧ || epoch == 0',
    '|| ⟦epoch >= $.next⟧) return 0;',
    'if (⟦account.tipDrawn⟧ ||',
    '⟦tipBps != 0 && votes.weightIn(Ballot.Node, node, epoch) < votes.LEAST_WEIGHT()⟧',
    'return account.owed + (⟦account.taken⟧ ?',
    'if (⟦at == account.tipped⟧)',
  ),
  ...undone(
    EARNINGS,
    '⟦if (amount != 0) account.owed = 0;⟧',
    '⟦$.owed -= amount;⟧',
    '⟦account.drawn = uint24(at + 1);⟧',
    '⟦$.owed -= uint96(sum);⟧',
    '⟦account.owed += _take($, account, node);⟧\n        (account',
    '⟦if (tip != 0) $.tips[node][account.tipped++] = Tip(account.epoch, uint96(tip));⟧',
    '⟦(account.epoch, account.basePoints, account.feePoints) = (epoch, 0, 0);⟧',
    '⟦(account.tipBps, account.taken, account.tipDrawn) = (tipBps, false, false);⟧',
    '⟦account.taken = true;⟧',
    '⟦account.tipDrawn = true;⟧',
    '⟦$.pools[epoch].feePoints += uint168(allPoints);⟧',
    '⟦$.pools[epoch].basePoints += uint168(points);⟧',
    '⟦account.feePoints = points.toUint144();⟧',
  ),
  instead(EARNINGS, 'units', 'counted = ⟦Math.min(units, quotaOf(node, epoch))⟧'),
  instead(EARNINGS, 'waiting', 'count = ⟦Math.min(waiting, MOST_TIPS_DRAWN)⟧'),
  instead(EARNINGS, 'Epochs.current()', 'return (_emission().terms[node], ⟦Epochs.current() + 1⟧)'),
  instead(EARNINGS, 'uint96(all)', 'return ⟦uint96(all - tip)⟧'),

  ...undone(
    EMISSION,
    '⟦if (filed.state == ReportState.Filed) $.bondOf[filed.prober].held -= uint128(REPORT_BOND);⟧',
    '⟦if (filed.state != ReportState.Filed) (pools.baseUnits, pools.basePoints) = (0, 0);⟧',
    '⟦$.owed += uint96(base + dynamic);⟧',
    '⟦($.next, $.finalizedAt) = (epoch + 1, uint40(block.timestamp));⟧',
    '⟦Emissions.check(params);⟧\n\n        _initialize',
    '⟦Emissions.check(params);⟧\n\n        uint32 from',
  ),
  ...met(EMISSION, 'if (⟦filed.state == ReportState.Filed⟧) $.bondOf'),
  instead(EMISSION, 'Epochs.current()', 'from = ⟦Epochs.current() + 1⟧'),
  instead(
    EMISSION,
    'Emissions.baseOf(whole, pools.basePoints, quotas, params.etaBps)',
    '⟦Math.min(left, Emissions.baseOf(whole, pools.basePoints, quotas, params.etaBps))⟧',
  ),
  instead(EMISSION, 'burnt', 'matched = ⟦burner.burntFor(epoch, pools.feeUnits)⟧'),
  instead(
    EMISSION,
    'Emissions.dynamicOf(cap - whole, params.lambdaBps, matched)',
    '⟦Math.min(left - base, Emissions.dynamicOf(cap - whole, params.lambdaBps, matched))⟧',
  ),
  instead(RESERVE, 'after_', 'return ⟦Math.max(Epochs.startOf($.next + 1) + FINAL_SECONDS, after_)⟧'),
  instead(
    RESERVE,
    'Epochs.startOf($.next + 1) + FINAL_SECONDS',
    'return ⟦Math.max(Epochs.startOf($.next + 1) + FINAL_SECONDS, after_)⟧',
  ),
  instead(RESERVE, 'uint256(0)', 'heu.balanceOf(address(this)) - ⟦_emission().bonds⟧ -'),
  instead(RESERVE, 'uint256(0)', '- _emission().bonds - ⟦_emission().owed⟧'),

  ...unmet(EMISSIONS, 'if (⟦shared == 0⟧) return'),
  instead(EMISSIONS, 'units * boost * ONE / BPS', '⟦Math.min(units * boost * ONE / BPS, budget)⟧'),
  instead(EMISSIONS, 'budget', '⟦Math.min(units * boost * ONE / BPS, budget)⟧'),
  instead(EMISSIONS, 'shared', '⟦Math.max(shared, quotas * ONE * etaBps / BPS)⟧'),
  instead(EMISSIONS, 'burnt * lambdaBps / BPS', 'return ⟦Math.min(room, burnt * lambdaBps / BPS)⟧'),

  // A lot is of one epoch, sold once and whole; what is late is carried and backs nothing.
  ...unmet(
    BURNER,
    'if (⟦collected != 0⟧)',
    '⟦block.timestamp < _saleFrom(last)⟧;',
    'if (⟦block.timestamp < _saleFrom(Epochs.current() - 1)⟧)',
    '⟦$.waiting != 0 && $.waitingIn != current⟧',
    '⟦$.waitingIn == Epochs.current()⟧ ?',
    'if (⟦!$.closed && block.timestamp >= _saleUntil($.sale)⟧)',
    'if (⟦current < $.seenIn + UNASKED_EPOCHS⟧) return',
    'if (⟦amount < leastLot⟧) return',
    'if (⟦block.timestamp < _saleFrom(epoch) || block.timestamp >= _saleUntil(epoch)⟧) return 0',
    '⟦ledger.podVoters() == address(0)⟧ ?',
  ),
  ...met(
    BURNER,
    '⟦from <= last⟧ && end > last',
    '⟦end > last⟧ && block.timestamp',
    '⟦block.timestamp < _saleFrom(last)⟧;',
    'if (⟦block.timestamp < _saleFrom(Epochs.current() - 1)⟧)',
    '$.waiting != 0 && ⟦$.waitingIn != current⟧',
    '⟦$.waitingIn == Epochs.current()⟧ ?',
    'if (⟦!$.closed⟧ &&',
    '&& ⟦block.timestamp >= _saleUntil($.sale)⟧)',
    'forSale = ⟦lot.amount != 0⟧ &&',
    '&& ⟦lot.amount >= leastLot⟧ &&',
    '&& ⟦lot.burnt == 0⟧;',
  ),
  ...undone(
    BURNER,
    '⟦$.kept += amount.toUint128();⟧',
    '⟦$.seen -= Math.min($.seen, Math.saturatingSub(amount, paid)).toUint128();⟧',
    '⟦if (end > from) $.openFrom[router] = uint32(end);⟧',
    '⟦(lot.burnt, $.closed) = (heuBurnt.toUint128(), true);⟧',
    '⟦$.kept -= uint128(amount);⟧\n        $.prices',
    '⟦$.prices.push(price);⟧\n        emit',
    '⟦$.carried = 0;⟧',
    '⟦$.kept -= uint128(amount);⟧\n        emit Sold(epoch, msg.sender, amount, heuBurnt, true)',
    '⟦$.closed = true;⟧',
    '⟦_carry($, amount);⟧',
    '⟦_carry($, old);⟧',
    '⟦_carry($, fee);⟧',
    '⟦$.kept += uint128(old);⟧',
    '⟦($.sale, $.closed) = (epoch, false);⟧',
  ),
  instead(BURNER, 'feeIn(router, uint32(epoch))', '⟦Math.min(feeIn(router, uint32(epoch)), left - amount)⟧'),
  instead(BURNER, 'feeIn(router, epoch)', '⟦Math.min(feeIn(router, epoch), free)⟧'),
  instead(BURNER, 'free - amount', '⟦Math.min(Math.saturatingSub(collected, amount), free - amount)⟧'),
  instead(BURNER, 'left', '⟦Math.saturatingSub(left, feeIn(router, Epochs.current()))⟧'),
  instead(BURNER, 'end', '⟦inTime ? last : end⟧'),
  instead(BURNER, 'uint256(last) + 1', 'end = ⟦Math.min(last + 1, from + MOST_GATHERED)⟧'),
  instead(BURNER, 'collected', 'paid = ⟦Math.saturatingSub(collected, feeIn(router, last + 1))⟧'),
  instead(BURNER, 'amount', '⟦Math.saturatingSub(amount, paid)⟧'),
  instead(BURNER, 'unasked', 'old = ⟦Math.min($.seen, unasked)⟧'),
  instead(
    BURNER,
    'Math.mulDiv(amount, price, UNIT)',
    '⟦Math.mulDiv(amount, price, UNIT, Math.Rounding.Ceil)⟧',
  ),
  ...met(BURNER, 'return ⟦fee >= lot.amount⟧ ?'),
  ...unmet(BURNER, 'return ⟦fee >= lot.amount⟧ ?'),
  ...unmet(PRICES, '⟦price == 0⟧ ? 1', '⟦price > type(uint128).max⟧ ?', '⟦known == 0⟧ ?'),
  ...undone(PRICES, '⟦price -= price * (elapsed % halving) / (2 * halving);⟧'),
  instead(PRICES, 'sorted[known / 2]', '⟦sorted[(known - 1) / 2]⟧'),
]
