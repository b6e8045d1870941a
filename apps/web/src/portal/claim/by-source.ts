import type { Due } from '../../../../../sdk/chain/dues.ts'

/** What is due of one kind, whatever it is due for. HEU in wei, or base units of the payment asset. */
export interface Source {
  kind: Due['kind']
  unit: Due['unit']
  amount: bigint
}

/** One line for each kind that owes something now, in the order of the items. Pure. */
export function bySource(items: readonly Pick<Due, 'kind' | 'unit' | 'amount'>[]): Source[] {
  const kinds = new Map<Due['kind'], Source>()
  for (const { kind, unit, amount } of items) {
    kinds.set(kind, { kind, unit, amount: (kinds.get(kind)?.amount ?? 0n) + amount })
  }
  return [...kinds.values()].filter(({ amount }) => amount > 0n)
}
