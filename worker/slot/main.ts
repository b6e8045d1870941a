import { performance } from 'node:perf_hooks'
import { asHeuristError, bug } from '../../sdk/errors.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import type { Engine, Provider } from '../engines/engine.ts'
import { loaderOf } from '../engines/index.ts'
import { verifyPodFiles } from '../podfiles.ts'
import { type CreditWindow, creditWindow } from '../window.ts'
import type { FromSlot, ToSlot } from './protocol.ts'

/**
 * The process of one slot: one pod's model in memory, one job at a time. It knows no key, no network and no money.
 * It lives exactly as long as its worker: signals are for the worker, which says when to stop.
 */

interface Current {
  run: number
  abort: AbortController
  window: CreditWindow
}

let engine: Engine | undefined
let current: Current | undefined

const say = (message: FromSlot) => {
  if (process.connected) process.send?.(message)
}

async function load(folder: string, manifest: Manifest, providers: Provider[]): Promise<void> {
  const started = performance.now()
  await verifyPodFiles(folder, manifest)
  const loadEngine = await loaderOf(manifest.kind)
  engine = await loadEngine(folder, { ...manifest, resources: { ...manifest.resources, providers } })
  say({ type: 'loaded', provider: engine.provider, loadMs: Math.round(performance.now() - started) })
}

async function run(number: number, input: Uint8Array, windowBytes: number): Promise<void> {
  if (!engine) throw bug('slot.cold', 'A job came before the pod was loaded.')
  const abort = new AbortController()
  const window = creditWindow(windowBytes, abort.signal)
  current = { run: number, abort, window }
  let whole = true
  const emit = async (bytes: Uint8Array) => {
    const passed = await window.pass(bytes, (piece) => say({ type: 'chunk', run: number, bytes: piece }))
    if (!passed) whole = false
  }
  const work = await engine.run(input, { emit, signal: abort.signal })
  // An engine need not await each emit: the empty pass resolves after everything before it.
  await emit(new Uint8Array(0))
  say({ type: 'done', run: number, work: { ...work, complete: work.complete && whole } })
}

function take(message: ToSlot): void {
  switch (message.type) {
    case 'load':
      load(message.folder, message.manifest, message.providers).catch((cause: unknown) =>
        say({ type: 'unloadable', error: asHeuristError(cause).toJSON() }),
      )
      return
    case 'run':
      run(message.run, message.input, message.windowBytes)
        .catch((cause: unknown) =>
          say({ type: 'failed', run: message.run, error: asHeuristError(cause).toJSON() }),
        )
        .finally(() => {
          if (current?.run === message.run) current = undefined
        })
      return
    case 'credit':
      if (current?.run === message.run) current.window.add(message.bytes)
      return
    case 'cancel':
      if (current?.run === message.run) current.abort.abort()
  }
}

process.on('message', (message) => take(message as ToSlot))
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => {})
process.on('SIGINT', () => {})
