import type { ErrorBody } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import type { Provider, Work } from '../engines/engine.ts'

/** What a worker and the process of one slot say to each other over Node's IPC channel (structured clone). */

export type ToSlot =
  /** `providers`: those that this slot's device stands for. */
  | { type: 'load'; folder: string; manifest: Manifest; providers: Provider[] }
  /** `run` numbers this run; everything about it carries the number, so that a late word of an old one is known. */
  | { type: 'run'; run: number; input: Uint8Array; windowBytes: number }
  | { type: 'credit'; run: number; bytes: number }
  | { type: 'cancel'; run: number }

export type FromSlot =
  | { type: 'loaded'; provider: Provider; loadMs: number }
  | { type: 'unloadable'; error: ErrorBody }
  | { type: 'chunk'; run: number; bytes: Uint8Array }
  /** Every chunk of the run has been sent before this. */
  | { type: 'done'; run: number; work: Work }
  | { type: 'failed'; run: number; error: ErrorBody }
