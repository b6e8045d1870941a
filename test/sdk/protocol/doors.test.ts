import { expect } from 'chai'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { parseNetwork } from '../../../sdk/chain/network.ts'
import { HeuristError } from '../../../sdk/errors.ts'
import { keccak, toHex } from '../../../sdk/protocol/bytes.ts'
import { manifestHash, parseManifest } from '../../../sdk/protocol/manifest.ts'
import { jobSchema, parseWire, toWire } from '../../../sdk/protocol/wire.ts'
import { seeded } from '../seed.ts'
import { MANIFESTS } from '../stage.ts'

const utf8 = new TextEncoder()
const bytes = MANIFESTS.chat ?? new Uint8Array()
const manifest = parseManifest(bytes)

/** The refusal of whatever throws; anything that is no refusal of ours fails. */
function refused(work: () => unknown): HeuristError {
  try {
    work()
  } catch (error) {
    if (error instanceof HeuristError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a manifest', () => {
  it('is read from its very bytes, whose keccak is its name on chain', () => {
    expect(manifest.name).to.equal('chat')
    expect(manifest.pricing).to.deep.equal({ unit: 'token', per: 1e6, input: 1e6, output: 4e6, minimum: 10 })
    expect(manifestHash(bytes)).to.equal(toHex(keccak(bytes)))
    expect(manifestHash(new Uint8Array([...bytes, 10]))).not.to.equal(manifestHash(bytes))
  })

  const file = manifest.files[0]
  const wrong: [string, unknown, string][] = [
    ['an upper-case name', { name: 'Chat' }, 'name'],
    ['a version of two numbers', { version: '1.0' }, 'version'],
    ['an unknown kind', { kind: 'dance' }, 'kind'],
    ['an empty description', { description: '' }, 'description'],
    ['no file', { files: [] }, 'files'],
    ['a file above the folder', { files: [{ ...file, path: '../secret' }] }, 'files.0.path'],
    ['an absolute file', { files: [{ ...file, path: '/etc/passwd' }] }, 'files.0.path'],
    ['a hidden way up', { files: [{ ...file, path: 'model/../../x' }] }, 'files.0.path'],
    ['a short hash', { files: [{ ...file, sha256: 'ab' }] }, 'files.0.sha256'],
    ['a negative size', { files: [{ ...file, bytes: -1 }] }, 'files.0.bytes'],
    ['no provider', { resources: { ...manifest.resources, providers: [] } }, 'resources.providers'],
    [
      'an unknown provider',
      { resources: { ...manifest.resources, providers: ['tpu'] } },
      'resources.providers.0',
    ],
    ['a price per nothing', { pricing: { ...manifest.pricing, per: 0 } }, 'pricing.per'],
    ['a negative price', { pricing: { ...manifest.pricing, input: -1 } }, 'pricing.input'],
    ['half a base unit', { pricing: { ...manifest.pricing, output: 0.5 } }, 'pricing.output'],
    [
      'a price without a minimum',
      { pricing: { ...manifest.pricing, minimum: undefined } },
      'pricing.minimum',
    ],
    ['an unknown unit', { pricing: { ...manifest.pricing, unit: 'hour' } }, 'pricing.unit'],
    ['no seconds', { limits: { ...manifest.limits, seconds: 0 } }, 'limits.seconds'],
    ['no output', { limits: { ...manifest.limits, outputUnits: 0 } }, 'limits.outputUnits'],
    ['a default that is a list', { defaults: { stop: [] } }, 'defaults.stop'],
    ['a choice of nothing', { choices: { size: [] } }, 'choices.size'],
    ['an unknown validation', { validation: { method: 'trust' } }, 'validation.method'],
    ['no scaling', { scaling: undefined }, 'scaling'],
  ]
  for (const [what, change, field] of wrong) {
    it(`with ${what} is refused by its field, ${field}`, () => {
      const text = stringify({ ...manifest, ...(change as object) })

      const error = refused(() => parseManifest(utf8.encode(text)))

      expect(error.code).to.equal('manifest.invalid')
      expect(error.field).to.equal(field)
    })
  }

  it('with a field that nobody knows is refused: a typo would change what is paid', () => {
    const text = stringify({ ...manifest, princing: {} })

    expect(refused(() => parseManifest(utf8.encode(text))).code).to.equal('manifest.invalid')
  })

  it('that is no YAML, or no UTF-8, is refused', () => {
    for (const noise of [
      utf8.encode('a: [b'),
      new Uint8Array([0xff, 0xfe, 0x00]),
      utf8.encode(''),
      utf8.encode('- 1'),
    ]) {
      expect(refused(() => parseManifest(noise)).code).to.equal('manifest.invalid')
    }
  })

  it('made of noise is refused in our words', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(refused(() => parseManifest(noise)).code).to.equal('manifest.invalid')
      }),
      seeded({}),
    )
  })
})

describe('a job at the door', () => {
  const hash = `0x${'Ab'.repeat(32)}`
  const job = {
    chainId: 31_337,
    request: {
      payer: `0x${'Cd'.repeat(20)}`,
      id: hash,
      pod: 1,
      manifest: hash,
      frontend: 0,
      node: 0,
      maxPrice: '1000',
      deadline: 1_800_000_000,
      input: hash,
    },
    voucher: { router: `0x${'12'.repeat(20)}`, ceiling: '1000', expiry: 1_800_000_000, request: hash },
    signature: `0x${'99'.repeat(65)}`,
    input: '{}',
  }
  const parse = (value: unknown) => parseWire(jobSchema, value, 'request.malformed')

  it('is read with amounts as bigints and hexadecimal in lower case, and writes back the same', () => {
    const read = parse(job)

    expect(read.request.maxPrice).to.equal(1000n)
    expect(read.request.payer).to.equal(`0x${'cd'.repeat(20)}`)
    expect(parse(JSON.parse(toWire(read)))).to.deep.equal(read)
  })

  const at = (path: string, value: unknown): unknown => {
    const copy = structuredClone(job) as Record<string, unknown>
    const names = path.split('.')
    const last = names.pop() ?? ''
    const holder = names.reduce((object, name) => object[name] as Record<string, unknown>, copy)
    if (value === undefined) delete holder[last]
    else holder[last] = value
    return copy
  }
  for (const [field, value] of [
    ['chainId', '31337'],
    ['chainId', -1],
    ['request', []],
    ['request.payer', `0x${'cd'.repeat(19)}`],
    ['request.id', 'id'],
    ['request.pod', 1.5],
    ['request.pod', 2 ** 32],
    ['request.maxPrice', 1000],
    ['request.maxPrice', '-1'],
    ['request.maxPrice', '0x10'],
    ['request.maxPrice', (1n << 128n).toString()],
    ['request.deadline', undefined],
    ['request.node', null],
    ['voucher.ceiling', ''],
    ['voucher.expiry', 2 ** 40],
    ['voucher.router', undefined],
    ['signature', `0x${'99'.repeat(66)}`],
    ['signature', '0x'],
    ['input', {}],
  ] as [string, unknown][]) {
    it(`with ${field} = ${JSON.stringify(value)} is refused by that field`, () => {
      const error = refused(() => parse(at(field, value)))

      expect(error.code).to.equal('request.malformed')
      expect(error.kind).to.equal('refused')
      expect(error.field).to.equal(field)
    })
  }

  it('with a field that nobody knows is refused', () => {
    expect(refused(() => parse({ ...job, tip: 1 })).code).to.equal('request.malformed')
    expect(refused(() => parse(at('request.tip', 1))).field).to.equal('request')
  })

  it('made of noise is refused in our words', () => {
    fc.assert(
      fc.property(fc.anything(), (noise) => {
        expect(refused(() => parse(noise)).code).to.equal('request.malformed')
      }),
      seeded({}),
    )
  })
})

describe('a network description', () => {
  const address = `0x${'Aa'.repeat(20)}`
  const network = {
    chainId: 31_337,
    rpcUrl: 'http://127.0.0.1:7845',
    addresses: { accessManager: address, heu: address, asset: address, registry: address, ledger: address },
    split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
    podVoters: false,
    router: { address, url: 'http://127.0.0.1:7800' },
  }

  it('is read with addresses in lower case; gateway and web may be missing', () => {
    expect(parseNetwork(network).addresses.ledger).to.equal(address.toLowerCase())
    expect(parseNetwork({ ...network, gateway: { url: 'http://x' } }).gateway?.url).to.equal('http://x')
  })

  for (const [field, change] of Object.entries({
    chainId: { chainId: 0 },
    rpcUrl: { rpcUrl: 'file:///etc' },
    'addresses.ledger': { addresses: { ...network.addresses, ledger: '0x12' } },
    'split.node': { split: { ...network.split, node: 10_001 } },
    'router.url': { router: { address, url: 'router' } },
    podVoters: { podVoters: 'no' },
  })) {
    it(`with a wrong ${field} is refused by it`, () => {
      const error = refused(() => parseNetwork({ ...network, ...change }))

      expect(error.code).to.equal('network.invalid')
      expect(error.field).to.equal(field)
    })
  }
})
