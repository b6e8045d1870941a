import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { hashMessage } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createSigner } from '../../sdk/native.ts'
import { challengeText, textDigest } from '../../sdk/protocol/link.ts'
import type { Manifest } from '../../sdk/protocol/manifest.ts'
import { admitSlots, cudaDevice } from '../../worker/admission.ts'
import { type Bench, isMeasured } from '../../worker/bench.ts'
import { parseConfig } from '../../worker/config.ts'
import { countReceipt } from '../../worker/count.ts'
import { type Machine, parseGpus, parseSlices } from '../../worker/machine.ts'
import type { Pod } from '../../worker/pods.ts'
import { podNumbers } from '../../worker/registry.ts'
import { slotEnvironment } from '../../worker/slot/process.ts'
import { creditWindow } from '../../worker/window.ts'
import { MATMUL_FILE, matmulModel } from './matmul.ts'
import { ROUTER } from './router.ts'

const SEED = Number(process.env.SEED ?? 20_261_125)

const manifest = (resources: Partial<Manifest['resources']> = {}): Manifest => ({
  name: 'chat',
  version: '1.0.0',
  kind: 'chat',
  description: 'A pod.',
  files: [{ path: 'model/x', sha256: 'a'.repeat(64), bytes: 1 }],
  resources: { memoryMiB: 1000, vramMiB: 4000, providers: ['cuda', 'webgpu', 'cpu'], ...resources },
  pricing: { unit: 'token', per: 1_000_000, input: 1_000_000, output: 4_000_000, minimum: 10 },
  limits: { inputBytes: 100, inputUnits: 512, outputUnits: 256, outputBytes: 1000, seconds: 60 },
  defaults: {},
  validation: { method: 'prefill-fingerprint' },
  scaling: { idleSeconds: 300 },
})

const pod = (resources: Partial<Manifest['resources']> = {}): Pod => ({
  folder: '/nowhere',
  manifest: manifest(resources),
  hash: `0x${'cd'.repeat(32)}`,
})

const machine = (facts: Partial<Machine> = {}): Machine => ({
  cpu: 'a processor',
  cores: 2,
  memoryMiB: 10_000,
  gpus: [],
  ...facts,
})

describe('a credit window', () => {
  it(`lets through every byte in order and never more than was granted (seed ${SEED})`, async () => {
    const grants = fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 8 })
    const outputs = fc.array(fc.uint8Array({ maxLength: 70_000 }), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 70_000 }),
        grants,
        outputs,
        async (first, credits, parts) => {
          const window = creditWindow(first, new AbortController().signal)
          const whole = Buffer.concat(parts)
          let granted = first
          let out = Buffer.alloc(0)
          const passed = Promise.all(
            parts.map((part) => window.pass(part, (piece) => (out = Buffer.concat([out, piece])))),
          )
          for (const credit of [...credits, whole.length]) {
            await new Promise((resolve) => setImmediate(resolve))
            expect(out.length).to.equal(Math.min(granted, whole.length))
            window.add(credit)
            granted += credit
          }
          expect(await passed).to.deep.equal(parts.map(() => true))
          expect(out.equals(whole)).to.equal(true)
        },
      ),
      { seed: SEED, numRuns: 60 },
    )
  })

  it('drops what had not left when the client left, also what comes later', async () => {
    const abort = new AbortController()
    const window = creditWindow(4, abort.signal)
    const out: number[] = []
    const put = (piece: Uint8Array) => void out.push(...piece)

    const first = window.pass(new Uint8Array([1, 2, 3, 4, 5, 6]), put)
    const second = window.pass(new Uint8Array([7]), put)
    await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    window.add(100)
    const third = window.pass(new Uint8Array([8]), put)

    expect(await Promise.all([first, second, third])).to.deep.equal([false, false, false])
    expect(out).to.deep.equal([1, 2, 3, 4])
  })
})

describe('admission of slots', () => {
  const slot = (device = 'auto') => ({ pod: 'chat', device, warm: false })
  const admit = (devices: string[], on: Machine, what = pod()) =>
    admitSlots(
      devices.map((device) => ({ config: slot(device), pod: what })),
      on,
    )

  it('adds up memory, and refuses the one that no longer fits without touching the others', () => {
    const { admitted, refused } = admit(Array(11).fill('cpu'), machine())

    expect(admitted).to.have.length(9)
    expect(refused.map(({ slot, error }) => [slot, error.code])).to.deep.equal([
      ['chat.9', 'memory.short'],
      ['chat.10', 'memory.short'],
    ])
    expect(refused[0]?.error.details).to.deep.equal({ needed: 1000, free: 0 })
  })

  it('adds up video memory per GPU slice', () => {
    const gpus = [
      { device: '0', name: 'A', memoryMiB: 9_000 },
      { device: '1', name: 'B', memoryMiB: 9_000 },
    ]
    const { admitted, refused } = admit(['cuda:0', 'cuda:0', 'cuda:0', 'cuda:1', 'cpu'], machine({ gpus }))

    expect(admitted.map((one) => one.id)).to.deep.equal(['chat.0', 'chat.1', 'chat.3', 'chat.4'])
    expect(refused.map(({ error }) => error.code)).to.deep.equal(['vram.short'])
  })

  it('shows each slot one GPU slice and lets it try only what its device stands for', () => {
    const uuid = '12345678-9abc-def0-1234-56789abcdef0'
    const gpus = [
      { device: '0', name: 'A', memoryMiB: 90_000 },
      { device: `MIG-${uuid}`, name: 'MIG', memoryMiB: 10_000 },
    ]
    const { admitted } = admit(['auto', 'cpu', 'cuda:0', `mig:${uuid}`], machine({ gpus }))

    expect(admitted.map((one) => one.environment.CUDA_VISIBLE_DEVICES)).to.deep.equal([
      undefined,
      '',
      '0',
      `MIG-${uuid}`,
    ])
    expect(admitted.map((one) => one.providers)).to.deep.equal([
      ['cuda', 'webgpu', 'cpu'],
      ['cpu'],
      ['cuda'],
      ['cuda'],
    ])
    expect(cudaDevice('cuda:12')).to.equal('12')
  })

  it('refuses a GPU that is not there, and a pod that does not run on the device', () => {
    const missing = admit(['cuda:0'], machine())
    const unsuitable = admit(['cpu'], machine(), pod({ providers: ['cuda'] }))

    expect(missing.refused.map(({ error }) => error.code)).to.deep.equal(['device.missing'])
    expect(unsuitable.refused.map(({ error }) => error.code)).to.deep.equal(['device.unsuitable'])
  })
})

describe('what nvidia-smi says', () => {
  it('is read as whole GPUs and MIG slices', () => {
    const gpus = parseGpus('0, NVIDIA H100 80GB HBM3, 81559\n1, NVIDIA A100, [N/A]\n')
    const slices = parseSlices(`GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5d)
  MIG 1g.10gb     Device  0: (UUID: MIG-12345678-9abc-def0-1234-56789abcdef0)
  MIG 3g.40gb+me  Device  1: (UUID: MIG-22345678-9abc-def0-1234-56789abcdef0)`)

    expect(gpus).to.deep.equal([{ device: '0', name: 'NVIDIA H100 80GB HBM3', memoryMiB: 81_559 }])
    expect(slices).to.deep.equal([
      { device: 'MIG-12345678-9abc-def0-1234-56789abcdef0', name: 'MIG 1g.10gb', memoryMiB: 10_240 },
      { device: 'MIG-22345678-9abc-def0-1234-56789abcdef0', name: 'MIG 3g.40gb+me', memoryMiB: 40_960 },
    ])
  })
})

describe('a receipt', () => {
  const request = {
    payer: ROUTER,
    id: `0x${'01'.repeat(32)}` as const,
    pod: 1,
    manifest: `0x${'02'.repeat(32)}` as const,
    frontend: 0,
    node: 0,
    maxPrice: 1_000n,
    deadline: 1,
    input: `0x${'03'.repeat(32)}` as const,
  }
  const subject = { request, hash: request.id, node: 4, manifest: manifest() }
  const delivered = { length: 12, output: `0x${'04'.repeat(32)}` as const }
  const work = { unitsIn: 3n, unitsOut: 20n, complete: true, evidence: new Uint8Array([1]) }

  it('costs what the manifest says: input tokens once, output tokens four times, at least the minimum', () => {
    expect(countReceipt(subject, work, delivered, 9).price).to.equal(83n)
    expect(countReceipt(subject, { ...work, unitsOut: 1n }, delivered, 9).price).to.equal(10n)
  })

  it('is not signed beyond the limits of the pod or the price of the request', () => {
    const over = { ...work, unitsOut: 257n }
    const dear = { ...subject, request: { ...request, maxPrice: 82n } }

    expect(() => countReceipt(subject, over, delivered, 9))
      .to.throw()
      .with.property('code', 'units.over_limit')
    expect(() => countReceipt(dear, work, delivered, 9))
      .to.throw()
      .with.property('code', 'price.too_low')
  })
})

describe('the challenge of a router', () => {
  it('is signed as wallets sign text', async () => {
    const key = generatePrivateKey()
    const challenge = { nonce: 'n'.repeat(40), router: ROUTER, chainId: 31_337, ledger: ROUTER }
    const text = challengeText(challenge, 7)

    expect(textDigest(text)).to.equal(hashMessage(text))
    expect(createSigner(key).sign(textDigest(text))).to.equal(
      await privateKeyToAccount(key).signMessage({ message: text }),
    )
    expect(text.split('\n')).to.deep.equal([
      'heurist worker',
      'chain 31337',
      `ledger ${ROUTER}`,
      `router ${ROUTER}`,
      'node 7',
      `nonce ${'n'.repeat(40)}`,
    ])
  })
})

describe('the numbers of pods', () => {
  it('come from the newest version that the router lists, else from the chain’s word on an older one', async () => {
    const mine = pod()
    const other = { ...pod(), hash: `0x${'ef'.repeat(32)}` as const }
    const listed = [
      { id: 1, name: 'chat', manifest: `0x${'01'.repeat(32)}` as const },
      { id: 2, name: 'chat', manifest: mine.hash },
      { id: 3, name: 'image', manifest: `0x${'03'.repeat(32)}` as const },
    ]
    const asked: number[] = []
    const isVersion = async (id: number) => {
      asked.push(id)
      return id === 1
    }

    const numbers = await podNumbers([mine, other], listed, isVersion)
    const unknown = await podNumbers([other], listed, async () => false)

    expect([...numbers]).to.deep.equal([
      [mine.hash, 2],
      [other.hash, 1],
    ])
    expect(asked).to.not.include(3)
    expect(unknown.size).to.equal(0)
  })

  it('are the first listed pod’s where several of a name have published a version', async () => {
    const mine = pod()
    const listed = [5, 2].map((id) => ({ id, name: 'chat', manifest: `0x${`0${id}`.repeat(32)}` as const }))

    const numbers = await podNumbers([mine], listed, async () => true)

    expect([...numbers]).to.deep.equal([[mine.hash, 5]])
  })
})

describe('a worker’s config', () => {
  const good = {
    routerUrl: 'http://127.0.0.1:7800',
    node: 1,
    signerKeyFile: 'a',
    podsDir: 'b',
    dataDir: 'c',
    slots: [{ pod: 'chat' }],
  }

  it('has defaults for what need not be said', () => {
    expect(parseConfig(good)).to.deep.include({
      drainMs: 6_000,
      slots: [{ pod: 'chat', device: 'auto', warm: false }],
    })
  })

  const wrong: [string, Record<string, unknown>][] = [
    ['routerUrl', { routerUrl: 'ftp://x' }],
    ['node', { node: 0 }],
    ['slots', { slots: [] }],
    ['slots.0.device', { slots: [{ pod: 'chat', device: 'gpu' }] }],
    ['slots.0.pod', { slots: [{ pod: '../chat' }] }],
    ['config', { extra: 1 }],
  ]
  for (const [field, facts] of wrong) {
    it(`is refused naming ${field}`, () => {
      expect(() => parseConfig({ ...good, ...facts }))
        .to.throw()
        .that.includes({ code: 'config.invalid', field })
    })
  }
})

describe('the process of a slot', () => {
  it('gets no secret of the worker’s environment', () => {
    const environment = slotEnvironment(
      { PATH: '/bin', HEURIST_PASSWORD: 'a', API_KEY: 'b', SOME_TOKEN: 'c', LD_LIBRARY_PATH: '/cuda' },
      { CUDA_VISIBLE_DEVICES: '1' },
    )

    expect(environment).to.deep.equal({ PATH: '/bin', LD_LIBRARY_PATH: '/cuda', CUDA_VISIBLE_DEVICES: '1' })
  })
})

describe('the model that the bench multiplies with', () => {
  it('is what the training kit writes', () => {
    expect(new Uint8Array(readFileSync(MATMUL_FILE))).to.deep.equal(new Uint8Array(matmulModel()))
  })
})

describe('a measurement of the machine', () => {
  const [hash, other] = [`0x${'1a'.repeat(32)}`, `0x${'2b'.repeat(32)}`] as const
  const pod = { hash, manifest: { ...manifest(), name: 'babble' }, folder: '' } as Pod
  const nowS = 1_800_000_000
  const measured = { manifest: hash, provider: 'cpu', loadMs: 1, firstByteMs: 1, unitsPerSecond: 1 } as const
  const bench = (at: number, pods = { babble: measured }): Bench => ({ at, gflops: {}, pods })

  it('counts for a week, for every pod that is served, and for these very versions', () => {
    const week = 7 * 24 * 3600

    expect(isMeasured(bench(nowS - week + 1), [pod], nowS)).to.equal(true)
    expect(isMeasured(bench(nowS - week), [pod], nowS)).to.equal(false)
    expect(isMeasured(undefined, [pod], nowS)).to.equal(false)
    expect(isMeasured(bench(nowS), [{ ...pod, hash: other }], nowS)).to.equal(false)
    const second = { ...pod, manifest: { ...pod.manifest, name: 'second' } }
    expect(isMeasured(bench(nowS), [pod, second], nowS)).to.equal(false)
  })
})
