/** What two routers settle, and what of it is whose part: each share is floored on the totals of a split's time. */

const BPS = 10_000n
/** A smaller lot is not sold. */
export const LEAST_LOT = 10_000_000n
export const ROUTERS = [1, 2] as const
export type RouterNumber = (typeof ROUTERS)[number]

export interface Split {
  node: bigint
  pod: bigint
  frontend: bigint
  voters: bigint
}

export interface Work {
  router: RouterNumber
  node: number
  pod: number
  gross: bigint
  /** The call came by no frontend. */
  bare: boolean
}

export class LedgerModel {
  readonly #work: (Work & { epoch: number })[] = []
  readonly #splits: { from: number; split: Split }[] = [
    { from: 0, split: { node: 7_000n, pod: 1_000n, frontend: 1_000n, voters: 500n } },
  ]
  readonly #collected = new Map<RouterNumber, bigint>()

  settle(epoch: number, work: Work): void {
    this.#work.push({ ...work, epoch })
  }

  /** In force from `from` on. */
  setSplit(from: number, split: Split): void {
    this.#splits.push({ from, split })
  }

  splitIn(epoch: number): Split {
    return this.#period(epoch).split
  }

  protocolBpsIn(epoch: number): bigint {
    const { node, pod, frontend, voters } = this.splitIn(epoch)
    return BPS - node - pod - frontend - voters
  }

  units(epoch: number, which: (work: Work) => boolean): bigint {
    return this.#sum((work) => work.epoch === epoch && which(work))
  }

  /** The protocol's part of one epoch. */
  feeIn(router: RouterNumber, epoch: number): bigint {
    const all = this.units(epoch, (work) => work.router === router)
    const bare = this.units(epoch, (work) => work.router === router && work.bare)
    return (all * this.protocolBpsIn(epoch)) / BPS + (bare * this.splitIn(epoch).frontend) / BPS
  }

  /** The protocol's part of all that the router ever settled, less what was collected before. */
  collect(router: RouterNumber): bigint {
    let earned = 0n
    for (const { from, split } of this.#periods()) {
      const within = (work: Work & { epoch: number }) =>
        work.router === router && this.#period(work.epoch).from === from
      const protocol = BPS - split.node - split.pod - split.frontend - split.voters
      earned += (this.#sum(within) * protocol) / BPS
      earned += (this.#sum((work) => within(work) && work.bare) * split.frontend) / BPS
    }
    const due = earned - (this.#collected.get(router) ?? 0n)
    this.#collected.set(router, earned)
    return due
  }

  /** Of several splits that were set for one epoch the last. */
  #periods() {
    return this.#splits.filter(({ from }, index) => this.#splits[index + 1]?.from !== from)
  }

  #period(epoch: number): { from: number; split: Split } {
    const found = this.#splits.findLast(({ from }) => from <= epoch)
    if (!found) throw new Error(`no split in ${epoch}`)
    return found
  }

  #sum(which: (work: Work & { epoch: number }) => boolean): bigint {
    return this.#work.reduce((total, work) => (which(work) ? total + work.gross : total), 0n)
  }
}
