/** Stake as its manual tells it: every change is in a list, and so is every slash. Wei; acts come four days into an epoch. */

const BPS = 10_000n
const MOST_FAULT_BPS = 3_000n
const MOST_EPOCH_BPS = 5_000n
/** Twenty-one days. */
const UNBOND_EPOCHS = 3
/** Thirty days are more than four epochs and less than five. */
const FREEZE_EPOCHS = 4

interface Case {
  node: number
  amount: bigint
  epoch: number
  open: boolean
}

export class StakeModel {
  readonly #changes: { node: number; epoch: number; active: bigint }[] = []
  readonly #leaving = new Map<number, { amount: bigint; from: number }>()
  readonly #slashes: { node: number; epoch: number; before: bigint; amount: bigint }[] = []
  readonly cases: Case[] = []

  active(node: number): bigint {
    return this.#changes.findLast((change) => change.node === node)?.active ?? 0n
  }

  unbonding(node: number): bigint {
    return this.#leaving.get(node)?.amount ?? 0n
  }

  total(node: number): bigint {
    return this.active(node) + this.unbonding(node)
  }

  stake(node: number, epoch: number, amount: bigint): void {
    this.#changes.push({ node, epoch, active: this.active(node) + amount })
  }

  unbond(node: number, epoch: number, amount: bigint): void {
    this.stake(node, epoch, -amount)
    this.#leaving.set(node, { amount: this.unbonding(node) + amount, from: epoch + UNBOND_EPOCHS })
  }

  cancel(node: number, epoch: number): void {
    this.stake(node, epoch, this.unbonding(node))
    this.#leaving.delete(node)
  }

  /** @returns what leaves; 0 if nothing may. */
  withdraw(node: number, epoch: number): bigint {
    const leaving = this.#leaving.get(node)
    if (!leaving || epoch < leaving.from) return 0n
    const free = most(0n, this.total(node) - this.#frozen(node, epoch))
    const amount = least(leaving.amount, free)
    leaving.amount -= amount
    return amount
  }

  /** What one fault may cost of what stands now. */
  faultCap(node: number): bigint {
    return ceilDiv(this.total(node) * MOST_FAULT_BPS, BPS)
  }

  /** @returns what `amount`, the fault's cap and the epoch's half leave to take; it is taken. */
  slash(node: number, epoch: number, amount: bigint): bigint {
    const earlier = this.#slashes.filter((slash) => slash.node === node && slash.epoch === epoch)
    let taken = 0n
    let base = 0n
    for (const slash of earlier) {
      base = most(base, slash.before + taken)
      taken += slash.amount
    }
    const before = this.total(node)
    base = most(base, before + taken)
    const left = ceilDiv(base * MOST_EPOCH_BPS, BPS) - taken
    const slashed = least(amount, least(this.faultCap(node), left))
    if (slashed === 0n) return 0n
    const leaving = this.#leaving.get(node)
    const fromLeaving = ceilDiv(slashed * this.unbonding(node), before)
    if (leaving) leaving.amount -= fromLeaving
    this.stake(node, epoch, fromLeaving - slashed)
    this.#slashes.push({ node, epoch, before, amount: slashed })
    return slashed
  }

  accuse(node: number, epoch: number, amount: bigint): number {
    return this.cases.push({ node, amount, epoch, open: true })
  }

  /** The least that was active at any time from the beginning of the epoch until now. */
  counted(node: number, epoch: number): bigint {
    const own = this.#changes.filter((change) => change.node === node)
    const atStart = own.findLast((change) => change.epoch < epoch)?.active ?? 0n
    const during = own.filter((change) => change.epoch === epoch).map(({ active }) => active)
    return [...during, this.active(node)].reduce(least, atStart)
  }

  /** When the epoch began. */
  atStart(node: number, epoch: number): bigint {
    return this.#changes.findLast((change) => change.node === node && change.epoch < epoch)?.active ?? 0n
  }

  #frozen(node: number, epoch: number): bigint {
    const own = this.cases.filter((one) => one.node === node)
    const last = own.at(-1)
    if (!last || epoch > last.epoch + FREEZE_EPOCHS) return 0n
    return own.reduce((sum, { amount, open }) => (open ? sum + amount : sum), 0n)
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b
