import type { Due } from '../../../../../sdk/chain/dues.ts'

/** What is due of one kind, whatever it is due for. HEU in wei, or base units of the payment asset. */
export interface Source {
  kind: Due['kind']
  unit: Due['unit']
  amount: bigint
  /** More of it waits to be closed. */
  open: boolean
}

/** One line for each kind that owes something, in the order of the items. Pure. */
export function bySource(items: readonly Pick<Due, 'kind' | 'unit' | 'amount' | 'open'>[]): Source[] {
  const kinds = new Map<Due['kind'], Source>()
  for (const { kind, unit, amount, open } of items) {
    const sum = kinds.get(kind) ?? { kind, unit, amount: 0n, open: false }
    kinds.set(kind, { kind, unit, amount: sum.amount + amount, open: sum.open || open })
  }
  return [...kinds.values()]
}
