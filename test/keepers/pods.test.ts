import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Hex } from 'viem'
import { folderManifests } from '../../keepers/router/manifests.ts'
import { newestNamed, newestOf, type Pod } from '../../keepers/router/pods.ts'
import { createRegistry, type Registry } from '../../keepers/router/registry.ts'
import type { Change, LogFields, World } from '../../keepers/world.ts'
import { manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { podYaml, utf8 } from './stage.ts'

/** A registry on a chain of this test's own: what is slow, late or undone is so when the test says it. */

const POLL_MS = 123_456

interface Publication {
  pod: number
  manifest: Hex
  block: bigint
}

const bytesOf = (name: string, seconds = 20): Uint8Array => utf8.encode(podYaml({ name, seconds }))
const hashOfBlock = (block: bigint, branch: string): Hex =>
  `0x${branch}${block.toString(16).padStart(64 - branch.length, '0')}`

/** A promise that the test keeps. */
function held(): { until: Promise<void>; end: () => void } {
  let end = () => {}
  const until = new Promise<void>((resolve) => {
    end = resolve
  })
  return { until, end }
}
/** Everything that was begun and waits for nothing but itself has ended. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

function openTestChain() {
  const state = {
    head: 1n,
    branch: 'a',
    published: [] as Publication[],
    changes: [] as Change[],
    files: [] as Uint8Array[],
    kept: {} as Awaited<ReturnType<World['manifests']['owners']>>,
    nowMs: 1_700_000_000_000,
    podReads: 0,
    /** Looks through the history. */
    histories: 0,
    log: [] as LogFields[],
    /** So many of the newest blocks the node that answers has not yet. */
    lags: 0n,
    slowPod: (_id: number): Promise<void> => Promise.resolve(),
    slowHistory: (): Promise<void> => Promise.resolve(),
  }
  const of = (pod: number) => state.published.filter((one) => one.pod === pod)
  const podCount = () => Math.max(0, ...state.published.map(({ pod }) => pod))
  const chain: Partial<World['chain']> = {
    head: async () => state.head,
    hashOf: async (block) => (block > state.head - state.lags ? undefined : hashOfBlock(block, state.branch)),
    pausedUntil: async () => 0,
    counts: async () => ({ nodes: 0, pods: podCount(), frontends: 0 }),
    async pod(id) {
      state.podReads += 1
      const latest = of(id).at(-1)?.manifest
      await state.slowPod(id)
      return latest && { latest, active: true }
    },
    isVersion: async (pod, manifest) => of(pod).some((one) => one.manifest === manifest),
    async firstToPublish(manifests) {
      state.histories += 1
      const first = state.published.find(({ manifest }) => manifests.includes(manifest))
      const found = first && { ...first, hash: hashOfBlock(first.block, state.branch) }
      await state.slowHistory()
      return found
    },
    async changesAfter(block) {
      if (state.head <= block) return undefined
      const changes = state.changes.splice(0)
      return { upTo: state.head, hash: hashOfBlock(state.head, state.branch), changes }
    },
  }
  let look = () => {}
  const note = (fields: LogFields) => void state.log.push(fields)
  const world = {
    chain: chain as World['chain'],
    clock: { nowMs: () => state.nowMs },
    timers: {
      after(ms: number, run: () => void) {
        if (ms === POLL_MS) look = run
        else setImmediate(run)
        return () => {}
      },
      every: () => () => {},
      soon: (run: () => void) => void setImmediate(run),
    },
    log: { info: note, warn: note, error: note },
    manifests: {
      read: async () => [...state.files],
      keep: async (): Promise<void> => {},
      owners: async () => state.kept,
      keepOwners: async (owners: typeof state.kept) => void Object.assign(state, { kept: owners }),
    },
  }
  return {
    state,
    world,
    /** In a block of its own; its event is followed at the next look. */
    publish(pod: number, bytes: Uint8Array): Hex {
      const manifest = manifestHash(bytes)
      state.head += 1n
      state.published.push({ pod, manifest, block: state.head })
      state.changes.push({ kind: 'pod', id: pod })
      return manifest
    },
    async registry(): Promise<Registry> {
      const registry = createRegistry(world, POLL_MS)
      await registry.start()
      await quiet()
      return registry
    },
    async look() {
      look()
      await quiet()
    },
    codes: () => state.log.map(({ event }) => event),
  }
}

describe('the pods that a router knows', () => {
  it('are as the read that began last saw them, whichever ends last', async () => {
    const { state, publish, registry: open, look } = openTestChain()
    const [first, second] = [bytesOf('alpha', 20), bytesOf('alpha', 21)]
    state.files = [first, second]
    publish(1, first)
    const registry = await open()
    const slow = held()
    state.files.push(bytesOf('beta'))
    publish(2, bytesOf('beta'))
    state.slowPod = (id) => (id === 1 ? slow.until : Promise.resolve())
    const asked = registry.pod(2)
    await quiet()
    state.slowPod = () => Promise.resolve()

    const newest = publish(1, second)
    await look()
    const before = (await registry.pod(1))?.latest
    slow.end()
    await asked
    await quiet()

    expect(before).to.equal(newest)
    expect((await registry.pod(1))?.latest).to.equal(newest)
    expect((await registry.pod(1))?.versions.has(newest)).to.equal(true)
    expect(registry.podByName('beta')?.id).to.equal(2)
  })

  it('are asked about a manifest that came while they were read', async () => {
    const { state, publish, registry: open, look } = openTestChain()
    state.files = [bytesOf('alpha')]
    publish(1, bytesOf('alpha'))
    const registry = await open()
    const slow = held()
    state.slowPod = (id) => (id === 2 ? slow.until : Promise.resolve())
    publish(2, bytesOf('beta'))
    await look()
    state.files.push(bytesOf('beta'))
    publish(3, bytesOf('beta'))
    await registry.pod(3)
    slow.end()
    await quiet()

    await look()

    expect((await registry.pod(2))?.versions.size).to.equal(1)
    expect(registry.podByName('beta')?.id).to.equal(2)
  })

  it('are looked at again when they are asked for and their manifest came late, at once or while an older one serves', async () => {
    const { state, publish, registry: open, look } = openTestChain()
    publish(1, bytesOf('alpha', 20))
    const registry = await open()
    const before = (await registry.pod(1))?.versions.size
    state.files = [bytesOf('alpha', 20)]
    const found = await registry.pod(1)

    const newest = publish(1, bytesOf('alpha', 21))
    await look()
    const meanwhile = await registry.pod(1)
    state.files.push(bytesOf('alpha', 21))
    await registry.pod(1)
    await quiet()

    expect([before, found?.versions.size]).to.deep.equal([0, 1])
    expect(meanwhile?.versions.has(newest)).to.equal(false)
    expect((await registry.pod(1))?.versions.has(newest)).to.equal(true)
  })

  it('cost no read of the chain while no manifest came', async () => {
    const { state, publish, registry: open } = openTestChain()
    publish(1, bytesOf('alpha'))
    const registry = await open()
    const reads = state.podReads

    const found = await Promise.all(Array.from({ length: 20 }, () => registry.pod(1)))

    expect(found.map((pod) => pod?.versions.size)).to.deep.equal(Array(20).fill(0))
    expect(state.podReads).to.equal(reads)
  })

  it('are those of the chain as it is: one that a restored chain has not is none, also when an older read ends then', async () => {
    const { state, publish, registry: open, look } = openTestChain()
    state.files = [bytesOf('alpha'), bytesOf('beta')]
    publish(1, bytesOf('alpha'))
    const registry = await open()
    const slow = held()
    state.slowPod = () => slow.until
    publish(2, bytesOf('beta'))
    const asked = registry.pod(2)
    await quiet()
    state.slowPod = () => Promise.resolve()

    state.published.pop()
    state.changes = []
    state.branch = 'b'
    await look()
    slow.end()
    await asked
    await quiet()

    expect(registry.pods().map(({ id }) => id)).to.deep.equal([1])
  })
})

describe('the newest version of a pod', () => {
  const versioned = (name: string, version: string) => {
    const manifest = parseManifest(bytesOf(name))
    const hash = manifestHash(utf8.encode(`${name} ${version}`))
    return { pod: 1, hash, manifest: { ...manifest, version }, bytes: new Uint8Array() }
  }
  const [ninth, tenth, renamed] = [
    versioned('early', '1.9.0'),
    versioned('early', '1.10.0'),
    versioned('later', '0.1.0'),
  ]
  const podOf = (latest: Hex): Pod => {
    const versions = new Map([tenth, renamed, ninth].map((version) => [version.hash, version]))
    return { id: 1, latest, active: true, versions }
  }

  it('is the chain’s last, also of its name', () => {
    expect(newestOf(podOf(renamed.hash))).to.equal(renamed)
    expect(newestNamed(podOf(ninth.hash), 'early')).to.equal(ninth)
  })

  it('is that with the highest number where the last is not here, or has another name', () => {
    expect(newestOf(podOf(`0x${'00'.repeat(32)}`))).to.equal(tenth)
    expect(newestNamed(podOf(renamed.hash), 'early')).to.equal(tenth)
    expect(newestNamed(podOf(renamed.hash), 'never')).to.equal(undefined)
  })
})

describe('whose a name is', () => {
  const [mine, copy] = [bytesOf('alpha', 20), bytesOf('alpha', 21)]
  /** Two pods have published the name, the first of them first. */
  function shared() {
    const chain = openTestChain()
    chain.state.files = [mine, copy]
    chain.publish(1, mine)
    chain.publish(2, copy)
    return chain
  }
  /** The same on another branch, where the second was first. */
  function reorganise({ state }: ReturnType<typeof openTestChain>) {
    state.branch = 'b'
    state.changes = []
    state.published.reverse()
  }

  it('is what the chain tells after it replaced a block, though an answer from before comes then', async () => {
    const chain = shared()
    const slow = held()
    chain.state.slowHistory = () => slow.until
    const registry = await chain.registry()
    reorganise(chain)
    await chain.look()
    slow.end()
    await quiet()

    await chain.look()

    expect(registry.podByName('alpha')?.id).to.equal(2)
    expect(chain.state.kept.alpha?.pod).to.equal(2)
  })

  it('is asked anew by a router that was down while the chain replaced the block that told it', async () => {
    const chain = shared()
    const before = await chain.registry()
    const first = before.podByName('alpha')?.id
    before.stop()
    reorganise(chain)

    const registry = await chain.registry()

    expect([first, registry.podByName('alpha')?.id]).to.deep.equal([1, 2])
    expect(chain.state.kept.alpha?.pod).to.equal(2)
  })

  it('costs no look through the history where the block that told it is what it was', async () => {
    const chain = shared()
    const before = await chain.registry()
    before.stop()
    chain.state.histories = 0

    const registry = await chain.registry()

    expect([registry.podByName('alpha')?.id, chain.state.histories]).to.deep.equal([1, 0])
  })

  it('stands while a node answers that has not the newest blocks yet', async () => {
    const chain = shared()
    const registry = await chain.registry()
    chain.state.slowHistory = () => held().until
    chain.state.lags = 2n

    await chain.look()
    const behind = registry.podByName('alpha')?.id
    chain.state.lags = 0n
    await chain.look()

    expect([behind, registry.podByName('alpha')?.id, chain.state.histories]).to.deep.equal([1, 1, 1])
    expect(chain.codes()).to.not.include('chain.lost')
  })

  it('and all else is read anew where the chain stays below what was read for half a minute', async () => {
    const chain = shared()
    const registry = await chain.registry()
    chain.state.published.pop()
    chain.state.head -= 1n
    await chain.look()
    const at = registry.pods().length

    chain.state.nowMs += 31_000
    await chain.look()

    expect([at, registry.pods().length, registry.podByName('alpha')?.id]).to.deep.equal([2, 1, 1])
  })

  it('is asked of no history while one pod has it; a stranger who copies it costs one look, and stops no call', async () => {
    const chain = openTestChain()
    const slow = held()
    chain.state.files = [mine, copy]
    chain.publish(2, mine)
    const registry = await chain.registry()
    const asked = chain.state.histories
    chain.state.slowHistory = () => slow.until
    chain.state.nowMs += 60_000

    chain.publish(1, copy)
    await chain.look()
    const meanwhile = registry.podByName('alpha')?.id
    slow.end()
    await quiet()
    await chain.look()

    expect([asked, meanwhile]).to.deep.equal([0, 2])
    expect([registry.podByName('alpha')?.id, chain.state.histories]).to.deep.equal([2, 1])
  })
})

describe('the manifests on a disk', () => {
  let home: string
  let log: LogFields[]
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-manifests-'))
    log = []
    mkdirSync(join(home, 'pods', 'alpha'), { recursive: true })
    writeFileSync(join(home, 'pods', 'alpha', 'pod.yaml'), bytesOf('alpha'))
  })
  afterEach(() => rmSync(home, { recursive: true }))

  const hash = manifestHash(bytesOf('alpha'))
  const note = (fields: LogFields) => void log.push(fields)
  const open = () =>
    folderManifests(join(home, 'pods'), join(home, 'data'), { info: note, warn: note, error: note })
  const keptFile = () => join(home, 'data', 'manifests', `${hash}.yaml`)
  const namesOf = (all: Uint8Array[]) => all.map((bytes) => parseManifest(bytes).name)

  it('are read without those that cannot be, which the log says once', async () => {
    const manifests = open()
    mkdirSync(join(home, 'pods', 'broken', 'pod.yaml'), { recursive: true })

    const first = await manifests.read()
    const second = await manifests.read()

    expect([namesOf(first), namesOf(second)]).to.deep.equal([['alpha'], ['alpha']])
    expect(log.map(({ event, file }) => [event, file])).to.deep.equal([
      ['manifest.unreadable', join(home, 'pods', 'broken', 'pod.yaml')],
    ])
  })

  it('are kept anew where a power cut left an empty file', async () => {
    open()
    writeFileSync(keptFile(), '')
    const manifests = open()

    const read = await manifests.read()
    await manifests.keep(hash, bytesOf('alpha'))

    expect(namesOf(read)).to.deep.equal(['alpha'])
    expect(new Uint8Array(readFileSync(keptFile()))).to.deep.equal(bytesOf('alpha'))
    rmSync(join(home, 'pods', 'alpha'), { recursive: true })
    expect(namesOf(await manifests.read())).to.deep.equal(['alpha'])
    expect(log.map(({ code }) => code)).to.deep.equal(['manifest.torn'])
  })

  it('stop no look at the chain when one cannot be understood, or the disk takes none', async () => {
    const chain = openTestChain()
    chain.state.files = [bytesOf('alpha'), utf8.encode('no manifest')]
    chain.world.manifests.keep = () => Promise.reject(new Error('ENOSPC'))
    chain.publish(1, bytesOf('alpha'))
    const registry = await chain.registry()

    chain.publish(1, bytesOf('alpha'))
    await chain.look()

    expect(registry.podByName('alpha')?.id).to.equal(1)
    expect(chain.codes().filter((code) => code !== 'manifest.unkept')).to.deep.equal(['manifest.unreadable'])
  })
})
