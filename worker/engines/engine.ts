import type { Manifest } from '../../sdk/protocol/manifest.ts'

/** ONNX Runtime's execution providers that a node may serve with, best first. */
export type Provider = 'cuda' | 'webgpu' | 'cpu'

/** What a finished (or stopped) job amounts to; the receipt is made of it. */
export interface Work {
  /** In the unit of the pod's pricing: prompt tokens for chat, 0 for images. */
  readonly unitsIn: bigint
  /** Generated tokens, or denoising steps run. */
  readonly unitsOut: bigint
  /** False if it was stopped before its end. */
  readonly complete: boolean
  /** The kind's commitment to how it computed; its hash is `Receipt.evidence`. */
  readonly evidence: Uint8Array
}

export interface Output {
  /** Takes the next output bytes. An engine awaits it, so a slow reader slows the engine down. */
  emit(bytes: Uint8Array): void | Promise<void>
  readonly signal: AbortSignal
}

/** One pod's model in memory. */
export interface Engine {
  /** The execution provider that the warm-up run really used. */
  readonly provider: Provider
  /**
   * Runs one job. Emits output bytes in order. Stops soon after `signal` aborts and returns what it did so far.
   *
   * @param input  The job's JSON text, exactly as the client sent it.
   * @returns Units within what was quoted: never more of them in than the input has bytes.
   * @throws `input.invalid`, `input.too_long` (refused), naming the field; before anything is emitted.
   */
  run(input: Uint8Array, output: Output): Promise<Work>
  close(): Promise<void>
}

/**
 * Loads a pod's model and runs it once.
 *
 * @param podFolder  Holds `model/`; its files have been checked against the manifest.
 * @throws `provider.none` (refused) if no allowed execution provider runs the model.
 */
export type LoadEngine = (podFolder: string, manifest: Manifest) => Promise<Engine>
