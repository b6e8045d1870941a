/** 0 = all have the same, towards 1 = one has it all. */
export function giniOf(incomes: readonly number[]): number {
  const sorted = [...incomes].sort((a, b) => a - b)
  const all = sorted.reduce((total, income) => total + income, 0)
  if (all === 0) return 0
  const ranked = sorted.reduce((total, income, index) => total + (index + 1) * income, 0)
  return (2 * ranked) / (sorted.length * all) - (sorted.length + 1) / sorted.length
}
