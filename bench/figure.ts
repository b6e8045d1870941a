/** One published figure. */
export interface Figure {
  name: string
  value: number
  unit: string
  /** What it stands beside, measured in the same run. */
  baseline?: { name: string; value: number }
  /** value / baseline.value. */
  ratio?: number
  /** ISO time of the measurement. */
  at: string
}

/** @param baseline  Measured in the same process or minute; the ratio is what travels between machines. */
export function figure(
  name: string,
  value: number,
  unit: string,
  baseline?: { name: string; value: number },
): Figure {
  const at = new Date().toISOString()
  if (baseline === undefined) return { name, value, unit, at }
  return { name, value, unit, baseline, ratio: value / baseline.value, at }
}
