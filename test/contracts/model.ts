/**
 * The ledger's arithmetic once more, from DESIGN §4 and the manual of `IComputeLedger`, with none of its tricks: every
 * figure is summed anew from what was settled, epoch by epoch. Amounts in base units, times in Unix seconds.
 */
export type RoleName = 'node' | 'pod' | 'frontend' | 'voters'
export type Shares = Record<RoleName, number>

export interface ModelLine {
  /** The signer; undefined if the signature is nobody's. */
  readonly key: string | undefined
  readonly ceiling: bigint
  readonly expiry: number
  readonly charge: bigint
}

export type Sections = Record<'node' | 'pod' | 'frontend', readonly { id: number; amount: bigint }[]>

const EPOCH = 604_800
const SKIPS = ['ZeroCharge', 'BadSignature', 'Expired', 'OverCeiling', 'OverDeposit'] as const
export type SkipName = (typeof SKIPS)[number]
/** The number that the event carries. */
export const skipNumber = (name: SkipName): number => SKIPS.indexOf(name)

interface RouterState {
  float: bigint
  collected: bigint
  accounts: Map<string, { deposited: bigint; spent: bigint }>
  /** Gross of `role id` by epoch. */
  gross: Map<string, Map<number, bigint>>
  paid: Map<string, bigint>
}

export class LedgerModel {
  private readonly routers = new Map<string, RouterState>()
  /** Every split with the epoch it begins, in order. */
  private readonly splits: { from: number; shares: Shares }[]

  constructor(first: Shares) {
    this.splits = [{ from: 0, shares: first }]
  }

  of(router: string): RouterState {
    const fresh = { float: 0n, collected: 0n, accounts: new Map(), gross: new Map(), paid: new Map() }
    const state = this.routers.get(router) ?? fresh
    this.routers.set(router, state)
    return state
  }

  account(router: string, key: string) {
    const { accounts } = this.of(router)
    const account = accounts.get(key) ?? { deposited: 0n, spent: 0n }
    accounts.set(key, account)
    return account
  }

  setSplit(shares: Shares, now: number): void {
    const from = Math.floor(now / EPOCH) + 1
    const last = this.splits.at(-1)
    if (last?.from === from) this.splits.pop()
    this.splits.push({ from, shares })
  }

  /** @returns the skipped lines with their reasons, or the error that refuses the whole batch. */
  settle(router: string, lines: readonly ModelLine[], sections: Sections, now: number) {
    const state = this.of(router)
    const skipped: { index: number; reason: SkipName }[] = []
    const spent = new Map<string, bigint>()
    let uncovered = 0n
    for (const [index, line] of lines.entries()) {
      const account = line.key === undefined ? undefined : this.account(router, line.key)
      const before = spent.get(line.key ?? '') ?? account?.spent ?? 0n
      const reason = this.reason(line, before + line.charge, account?.deposited ?? 0n, now)
      if (reason === undefined) spent.set(line.key ?? '', before + line.charge)
      else {
        skipped.push({ index, reason })
        uncovered += line.charge
      }
    }
    if (uncovered > state.float) return { refused: 'FloatExhausted' } as const
    const gross = sum(lines.map(({ charge }) => charge))
    const wrong = (['node', 'pod', 'frontend'] as const).some(
      (role) => sum(sections[role].map(({ amount }) => amount)) !== gross,
    )
    if (wrong) return { refused: 'Unbalanced' } as const

    for (const [key, total] of spent) this.account(router, key).spent = total
    state.float -= uncovered
    for (const role of ['node', 'pod', 'frontend'] as const) {
      for (const { id, amount } of sections[role]) this.credit(router, role, id, amount, now)
    }
    return { skipped } as const
  }

  private reason(line: ModelLine, spent: bigint, deposited: bigint, now: number): SkipName | undefined {
    if (line.charge === 0n) return 'ZeroCharge'
    if (line.key === undefined) return 'BadSignature'
    if (now > line.expiry) return 'Expired'
    if (spent > line.ceiling) return 'OverCeiling'
    return spent > deposited ? 'OverDeposit' : undefined
  }

  credit(router: string, role: 'node' | 'pod' | 'frontend', id: number, amount: bigint, now: number): void {
    const { gross } = this.of(router)
    const name = `${role} ${id}`
    const byEpoch = gross.get(name) ?? new Map<number, bigint>()
    const epoch = Math.floor(now / EPOCH)
    byEpoch.set(epoch, (byEpoch.get(epoch) ?? 0n) + amount)
    gross.set(name, byEpoch)
  }

  grossOf(router: string, role: RoleName, id: number): bigint {
    const line = role === 'voters' ? 'pod' : role
    return sum([...(this.of(router).gross.get(`${line} ${id}`)?.values() ?? [])])
  }

  /** Shares are constant within a split period: floored on its total, summed over periods. */
  private floored(byEpoch: Map<number, bigint>, bpsOf: (shares: Shares) => number): bigint {
    const periods = new Map<{ shares: Shares }, bigint>()
    for (const [epoch, amount] of byEpoch) {
      const period = this.splits.filter(({ from }) => from <= epoch).at(-1)
      if (period) periods.set(period, (periods.get(period) ?? 0n) + amount)
    }
    return sum([...periods].map(([{ shares }, amount]) => (amount * BigInt(bpsOf(shares))) / 10_000n))
  }

  earned(router: string, role: RoleName, id: number): bigint {
    const line = role === 'voters' ? 'pod' : role
    const byEpoch = this.of(router).gross.get(`${line} ${id}`)
    return byEpoch ? this.floored(byEpoch, (shares) => shares[role]) : 0n
  }

  claimable(router: string, role: RoleName, id: number): bigint {
    if (role === 'frontend' && id === 0) return 0n
    return this.earned(router, role, id) - (this.of(router).paid.get(`${role} ${id}`) ?? 0n)
  }

  claim(router: string, role: RoleName, id: number): bigint {
    const amount = this.claimable(router, role, id)
    const { paid } = this.of(router)
    paid.set(`${role} ${id}`, (paid.get(`${role} ${id}`) ?? 0n) + amount)
    return amount
  }

  private byEpoch(router: string, role: string): Map<number, bigint> {
    const total = new Map<number, bigint>()
    for (const [name, epochs] of this.of(router).gross) {
      if (!name.startsWith(`${role} `)) continue
      for (const [epoch, amount] of epochs) total.set(epoch, (total.get(epoch) ?? 0n) + amount)
    }
    return total
  }

  /** What no payee's rounding can take back: the protocol's own share, and that of calls without a frontend. */
  collectable(router: string): bigint {
    const own = this.floored(
      this.byEpoch(router, 'node'),
      ({ node, pod, frontend, voters }) => 10_000 - node - pod - frontend - voters,
    )
    return own + this.earned(router, 'frontend', 0) - this.of(router).collected
  }

  /** The protocol's part so far, dust included: gross less everything that payees earned. */
  protocolOwed(router: string): bigint {
    const payees = [...this.of(router).gross.keys()].map((name) => name.split(' ') as [RoleName, string])
    const shares = payees.flatMap(([role, id]) => {
      if (role === 'frontend' && id === '0') return []
      const own = this.earned(router, role, Number(id))
      return role === 'pod' ? [own, this.earned(router, 'voters', Number(id))] : [own]
    })
    return sum([...this.byEpoch(router, 'node').values()]) - sum(shares) - this.of(router).collected
  }

  /** All that the ledger owes anybody: its balance, to the unit. */
  owed(): bigint {
    return sum(
      [...this.routers].map(([router, { float, accounts, gross }]) => {
        const credit = sum([...accounts.values()].map(({ deposited, spent }) => deposited - spent))
        const open = [...gross.keys()].map((name) => {
          const [role, id] = name.split(' ') as [RoleName, string]
          const own = this.claimable(router, role, Number(id))
          return role === 'pod' ? own + this.claimable(router, 'voters', Number(id)) : own
        })
        return float + credit + sum(open) + this.protocolOwed(router)
      }),
    )
  }
}

export const sum = (amounts: readonly bigint[]): bigint =>
  amounts.reduce((total, amount) => total + amount, 0n)
