import type { Values } from './input.ts'
import type { Run } from './run.ts'

/**
 * The last call of each pod and what stands in its form, for as long as the tab lives: whoever comes back to a pod finds
 * what was paid for. Nothing of it is written down.
 */

/** Pictures are megabytes. Pods. */
const MOST = 16

const runs = new Map<number, Run>()
const forms = new Map<string, Values>()
const listeners = new Set<() => void>()

export const subscribeRuns = (listen: () => void): (() => void) => {
  listeners.add(listen)
  return () => listeners.delete(listen)
}

export const runOf = (pod: number): Run | undefined => runs.get(pod)

export function keepRun(pod: number, run: Run): void {
  put(runs, pod, run)
  for (const listen of listeners) listen()
}

/** Forms differ by the version of the pod. */
export const formOf = (pod: number, manifest: string): Values => forms.get(`${pod} ${manifest}`) ?? {}
export const keepForm = (pod: number, manifest: string, values: Values): void =>
  put(forms, `${pod} ${manifest}`, values)

function put<K, V>(kept: Map<K, V>, key: K, value: V): void {
  kept.delete(key)
  kept.set(key, value)
  const [oldest] = kept.keys()
  if (kept.size > MOST && oldest !== undefined) kept.delete(oldest)
}
