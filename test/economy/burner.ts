import { fallingPrice, lotCost, medianPrice } from '../../sdk/protocol/emission.ts'
import { LEAST_LOT, type LedgerModel, type RouterNumber } from './ledger.ts'

/** The sale of fees as its manual tells it: what is in which lot, what is carried, and what nobody asked for. */

const DAY = 86_400n
const FIRST_PRICE = 50n * 10n ** 18n
/** What is seen unasked in one epoch, and still is so many later, is carried. */
const UNASKED_EPOCHS = 2
const MOST_GATHERED = 104

interface Lot {
  amount: bigint
  burnt: bigint
}

export class BurnerModel {
  readonly #ledger: LedgerModel
  readonly #first: number
  readonly #lots = new Map<number, Lot>()
  readonly #openFrom = new Map<RouterNumber, number>()
  readonly #prices = [FIRST_PRICE]
  /** The epoch whose lot is for sale, or was and is not put away. */
  #sale: number | undefined
  #balance = 0n
  /** For sale in the epoch's sale, if it comes or runs. */
  #ripe = 0n
  #waiting = { since: 0, amount: 0n }
  #seen: { in: number; amount: bigint }

  constructor(ledger: LedgerModel, first: number) {
    this.#ledger = ledger
    this.#first = first
    this.#seen = { in: first, amount: 0n }
  }

  lotOf(epoch: number): Lot {
    return this.#lots.get(epoch) ?? { amount: 0n, burnt: 0n }
  }

  get carried(): bigint {
    return this.#ripe + this.#waiting.amount
  }

  get median(): bigint {
    return medianPrice(this.#prices)
  }

  /** Money that belongs to no lot, and that nobody announced. */
  receive(amount: bigint): void {
    this.#balance += amount
  }

  /** @param passed  Seconds of the present epoch. */
  settle(epoch: number, passed: bigint): void {
    if (this.#waiting.since < epoch) {
      this.#ripe += this.#waiting.amount
      this.#waiting = { since: epoch, amount: 0n }
    }
    const over = this.#sale !== undefined && (this.#sale < epoch - 1 || passed >= 4n * DAY)
    if (this.#sale !== undefined && over) {
      const { amount } = this.lotOf(this.#sale)
      this.#sale = undefined
      this.#carry(amount, passed)
      if (amount >= LEAST_LOT) this.#prices.push(fallingPrice(2n * this.median, 3n * DAY, DAY))
    }
    if (epoch < this.#seen.in + UNASKED_EPOCHS) return
    const old = least(this.#seen.amount, this.#unasked())
    this.#carry(old, passed)
    this.#seen = { in: epoch, amount: this.#unasked() }
  }

  /** In as many calls as it takes: one gathers two years at most. */
  gather(router: RouterNumber, epoch: number, passed: bigint): bigint {
    let amount = 0n
    do amount += this.#gatherOnce(router, epoch, passed)
    while (this.#from(router) < epoch)
    return amount
  }

  #gatherOnce(router: RouterNumber, epoch: number, passed: bigint): bigint {
    this.settle(epoch, passed)
    const paid = this.#ledger.collect(router)
    this.#balance += paid
    const last = epoch - 1
    const from = this.#from(router)
    const end = Math.min(epoch, from + MOST_GATHERED)
    this.#openFrom.set(router, end)
    const inTime = from < epoch && end === epoch && passed < DAY
    const own = inTime ? least(this.#ledger.feeIn(router, last), this.#unasked()) : 0n
    if (own > 0n) {
      this.#lots.set(last, { amount: this.lotOf(last).amount + own, burnt: 0n })
      this.#sale = last
    }
    // Of what was paid just now, not the lot's and not the present epoch's: the fees of the epochs that are late.
    let late = 0n
    for (let e = from; e < (inTime ? last : end); e += 1) late += this.#ledger.feeIn(router, e)
    late = least(late, most(0n, paid - own - this.#ledger.feeIn(router, epoch)))
    this.#carry(late, passed)
    // What it took beside what was paid just now for epochs that are over, it took of what was seen.
    const past = most(0n, paid - this.#ledger.feeIn(router, epoch))
    this.#seen.amount = most(0n, this.#seen.amount - most(0n, own + late - past))
    return own + late
  }

  /** @returns wei burnt, 0 if nothing is for sale. */
  buy(epoch: number, passed: bigint): bigint {
    const lot = this.lotOf(epoch - 1)
    if (lot.amount < LEAST_LOT || lot.burnt > 0n) return 0n
    this.settle(epoch, passed)
    const price = fallingPrice(2n * this.median, passed - DAY, DAY)
    const burnt = lotCost(lot.amount, price)
    this.#lots.set(epoch - 1, { amount: lot.amount, burnt })
    this.#balance -= lot.amount
    this.#sale = undefined
    this.#prices.push(price)
    return burnt
  }

  /** @returns wei burnt and base units sold; 0 of both if nothing is for sale. */
  buyCarried(epoch: number, passed: bigint): { burnt: bigint; amount: bigint } {
    this.settle(epoch, passed)
    const amount = this.#ripe
    this.#ripe = 0n
    this.#balance -= amount
    return { burnt: lotCost(amount, fallingPrice(2n * this.median, passed - DAY, DAY / 2n)), amount }
  }

  /** The first epoch of the router that is not gathered. */
  #from(router: RouterNumber): number {
    return this.#openFrom.get(router) ?? this.#first
  }

  /** What comes after the sale has opened waits for the next. */
  #carry(amount: bigint, passed: bigint): void {
    if (passed < DAY) this.#ripe += amount
    else this.#waiting.amount += amount
  }

  #unasked(): bigint {
    const sale = this.#sale === undefined ? 0n : this.lotOf(this.#sale).amount
    return this.#balance - this.carried - sale
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
