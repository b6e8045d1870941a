import { expect } from 'chai'
import { faultOf } from '../../keepers/router/books.ts'
import {
  availableOf,
  bestVoucher,
  checkForm,
  quoteOf,
  refusalOf,
  refusalOfHouse,
} from '../../keepers/router/terms.ts'
import { createSigner, fastKeccak, recoverSigner, toCompact } from '../../sdk/native.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { manifestHash, parseManifest } from '../../sdk/protocol/manifest.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { priceOf } from '../../sdk/protocol/price.ts'
import { address, countersigned, hash, voucher } from './samples.ts'
import { podYaml, utf8 } from './stage.ts'

const KEY = `0x${'42'.repeat(32)}` as const
const signer = createSigner(KEY)
const domain = { chainId: 31337, verifyingContract: address(77) }
const hasher = createHasher(domain, fastKeccak)
const here = { chainId: 31337, router: address(88), hasher }
const bytes = utf8.encode(podYaml({ name: 'words' }))
const version = { pod: 1, hash: manifestHash(bytes), manifest: parseManifest(bytes), bytes }
const NOW = 1_800_000_000
const HOUR = 3600

interface Changes {
  request?: Record<string, unknown>
  voucher?: Record<string, unknown>
  body?: Record<string, unknown>
  input?: string
}

/** A job body as it comes in at the door, signed after the changes to request and voucher. */
function body({ request: asked, voucher: promised, body: outer, input = '{"max_tokens":8}' }: Changes = {}) {
  const request = {
    payer: signer.address,
    id: hash(1),
    pod: 1,
    manifest: version.hash,
    frontend: 0,
    node: 0,
    maxPrice: 500n,
    deadline: NOW + 60,
    input: toHex(fastKeccak(utf8.encode(input))),
    ...asked,
  }
  const voucher = {
    router: address(88),
    ceiling: 1_000n,
    expiry: NOW + 72 * HOUR,
    request: hasher.struct('Request', request),
    ...promised,
  }
  const signature = signer.sign(hasher.digest('Voucher', voucher))
  const wire = { chainId: 31337, request, voucher, signature, input, ...outer }
  return JSON.parse(
    JSON.stringify(wire, (_, value) => (typeof value === 'bigint' ? value.toString() : value)),
  )
}

const refusedForm = (changes: Changes) => {
  try {
    checkForm(body(changes), here)
    return 'admitted'
  } catch (cause) {
    return (cause as { code: string }).code
  }
}

describe('the form of a job', () => {
  it('is accepted with a 65-byte and with a 64-byte signature, and hashes as the payer hashed it', () => {
    const long = body()
    const { r, vs } = toCompact(long.signature) ?? { r: '0x', vs: '0x' }
    const short = { ...long, signature: `${r}${vs.slice(2)}` }

    expect(checkForm(long, here).request).to.equal(long.voucher.request)
    expect(checkForm(short, here).request).to.equal(long.voucher.request)
  })

  it('is refused by name, one fault at a time', () => {
    const other = createSigner(`0x${'43'.repeat(32)}`)
    const cases: [Changes, string][] = [
      [{ body: { chainId: 1 } }, 'chain.wrong'],
      [{ voucher: { router: address(1) } }, 'router.wrong'],
      [{ request: { input: hash(5) } }, 'input.mismatch'],
      [{ voucher: { request: hash(5) } }, 'voucher.mismatch'],
      [{ request: { payer: other.address } }, 'signature.invalid'],
      [{ body: { signature: `0x${'00'.repeat(65)}` } }, 'signature.invalid'],
      [{ body: { signature: `0x${'11'.repeat(64)}05` } }, 'signature.invalid'],
      [{ voucher: { ceiling: 2n ** 64n } }, 'voucher.ceiling_too_high'],
      [{ body: { signature: '0x12' } }, 'request.malformed'],
      [{ body: { input: 7 } }, 'request.malformed'],
      [{ body: { extra: 1 } }, 'request.malformed'],
    ]

    for (const [changes, code] of cases) expect(refusedForm(changes), code).to.equal(code)
  })

  it('73: a call whose request or voucher differs in any one field from what its payer signed is refused before service', () => {
    const good = body()
    const other = { request: hash(7), voucher: address(7) }
    const texts: Record<string, unknown> = {
      maxPrice: '501',
      ceiling: '1001',
      deadline: NOW + 61,
      expiry: NOW + 73 * HOUR,
    }
    const changed = (part: 'request' | 'voucher', name: string) => {
      const value = good[part][name]
      const known =
        texts[name] ??
        (typeof value === 'number' ? value + 1 : value.length === 42 ? other.voucher : other.request)
      return { ...good, [part]: { ...good[part], [name]: known } }
    }
    const fields = (['request', 'voucher'] as const).flatMap((part) =>
      Object.keys(good[part]).map((name) => [part, name] as const),
    )

    const refusals = fields.map(([part, name]) => {
      try {
        checkForm(changed(part, name), here)
        return `${part}.${name} is admitted`
      } catch (cause) {
        return (cause as { code: string }).code
      }
    })

    expect(fields).to.have.length(9 + 4)
    expect([...new Set(refusals)].sort()).to.deep.equal([
      'input.mismatch',
      'router.wrong',
      'signature.invalid',
      'voucher.mismatch',
    ])
    expect(checkForm(good, here).request).to.equal(good.voucher.request)
  })

  it('the high-s twin of a good signature is refused as malleable, and says how to mend it', () => {
    const good = body()
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = order - BigInt(`0x${good.signature.slice(66, 130)}`)
    const v = good.signature.endsWith('1b') ? '1c' : '1b'
    const twin = `${good.signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}`

    try {
      checkForm({ ...good, signature: twin }, here)
      expect.fail('it was admitted')
    } catch (cause) {
      expect(cause).to.include({ code: 'signature.malleable', kind: 'refused' })
    }
  })

  it('a signature by another key is refused with both addresses', () => {
    const other = createSigner(`0x${'43'.repeat(32)}`)
    const job = body()
    const signature = other.sign(hasher.digest('Voucher', { ...job.voucher, ceiling: 1_000n }))

    try {
      checkForm({ ...job, signature }, here)
      expect.fail('it was admitted')
    } catch (cause) {
      expect((cause as { details: object }).details).to.deep.equal({
        recovered: other.address,
        payer: signer.address,
      })
    }
  })
})

describe('the house', () => {
  const open = { stopping: false, allowed: true, pausedUntil: 0 }
  const codeOf = (changes: Partial<typeof open>) => refusalOfHouse({ ...open, ...changes }, NOW)?.code

  it('takes calls unless it stops, its bond does not answer for it, or its ledger is paused', () => {
    expect(codeOf({})).to.equal(undefined)
    expect(codeOf({ stopping: true })).to.equal('router.stopping')
    expect(codeOf({ allowed: false })).to.equal('router.stopped')
    expect(codeOf({ pausedUntil: NOW + 1 })).to.equal('ledger.paused')
    expect(codeOf({ stopping: true, allowed: false, pausedUntil: NOW + 1 })).to.equal('router.stopping')
  })

  it('takes calls again in the very second in which a pause lapses, and says when to ask until then', () => {
    const retryAt = (pausedUntil: number) =>
      refusalOfHouse({ ...open, pausedUntil }, NOW)?.details.retryAfterSeconds

    expect(codeOf({ pausedUntil: NOW })).to.equal(undefined)
    expect(retryAt(NOW + 1)).to.equal(1)
    expect(retryAt(NOW + 59)).to.equal(59)
    expect(retryAt(NOW + 7 * 24 * HOUR), 'a guardian may end it early').to.equal(60)
  })
})

describe('the terms of a job', () => {
  const facts = (changes: Changes = {}, others: Partial<Parameters<typeof refusalOf>[0]> = {}) => {
    const checked = checkForm(body(changes), here)
    return {
      job: checked.job,
      input: checked.input,
      version,
      nowSeconds: NOW,
      account: { charged: 0n, holds: 0n, calls: 0 },
      chain: { deposited: 10_000n, spent: 0n, thawing: 0n },
      jobsPerPayer: 64,
      ...others,
    }
  }
  const code = (...args: Parameters<typeof facts>) => refusalOf(facts(...args))?.code ?? 'admitted'

  it('are admitted when everything holds, on the very bounds', () => {
    expect(code()).to.equal('admitted')
    expect(code({ voucher: { ceiling: 500n } })).to.equal('admitted')
    expect(code({}, { chain: { deposited: 500n, spent: 0n, thawing: 0n } })).to.equal('admitted')
    expect(code({ voucher: { expiry: NOW + 48 * HOUR } })).to.equal('admitted')
    expect(code({ voucher: { expiry: NOW + 7 * 24 * HOUR } })).to.equal('admitted')
  })

  it('are refused by name, one fault at a time', () => {
    const account = { charged: 600n, holds: 0n, calls: 0 }
    const cases: [string, ...Parameters<typeof facts>][] = [
      ['request.expired', { request: { deadline: NOW } }],
      ['voucher.expired', { voucher: { expiry: NOW } }],
      ['voucher.expiry_out_of_range', { voucher: { expiry: NOW + 40 * HOUR } }],
      ['voucher.expiry_out_of_range', { voucher: { expiry: NOW + 8 * 24 * HOUR } }],
      ['price.too_high', { request: { maxPrice: 2n ** 48n } }],
      ['input.too_large', { input: 'x'.repeat(8193) }],
      ['voucher.ceiling_low', { voucher: { ceiling: 499n } }],
      ['voucher.ceiling_low', {}, { account }],
      ['credit.insufficient', {}, { chain: { deposited: 499n, spent: 0n, thawing: 0n } }],
      ['credit.thawing', {}, { chain: { deposited: 10_000n, spent: 0n, thawing: 1n } }],
      ['queue.full', {}, { account: { charged: 0n, holds: 0n, calls: 64 } }],
    ]

    for (const [expected, ...args] of cases) expect(code(...args), expected).to.equal(expected)
  })

  it('the price bound follows from the input: its bytes, and the output it asks for', () => {
    const text = '{"max_tokens":8}'
    const needed = priceOf(version.manifest.pricing, 16n, 8n)

    expect(quoteOf(version, text, text.length)).to.equal(needed)
    expect(code({ request: { maxPrice: needed } })).to.equal('admitted')
    expect(code({ request: { maxPrice: needed - 1n } })).to.equal('price.too_low')
    expect(code({ input: 'not json', request: { maxPrice: needed } })).to.equal('price.too_low')
  })

  it('credit is what was deposited less charges and holds, and never counts a debit twice', () => {
    const chain = { deposited: 1_000n, spent: 300n, thawing: 0n }

    expect(availableOf(chain, { charged: 500n, holds: 100n })).to.equal(400n)
    expect(availableOf(chain, { charged: 300n, holds: 0n })).to.equal(700n)
    expect(availableOf(chain, { charged: 0n, holds: 0n })).to.equal(700n)
  })

  it('a refusal for missing credit names what is missing', () => {
    const refusal = refusalOf(
      facts(
        {},
        {
          chain: { deposited: 620n, spent: 0n, thawing: 0n },
          account: { charged: 200n, holds: 100n, calls: 1 },
        },
      ),
    )

    expect(refusal?.details).to.deep.equal({ available: '320', missing: '180' })
  })

  it('the best voucher is the one that allows most, unless it ends within a day', () => {
    const kept = voucher(900n, NOW + 60 * HOUR)

    expect(bestVoucher(undefined, voucher(1n), NOW).ceiling).to.equal(1n)
    expect(bestVoucher(kept, voucher(800n, NOW + 72 * HOUR), NOW)).to.equal(kept)
    expect(bestVoucher(kept, voucher(901n, NOW + 72 * HOUR), NOW).ceiling).to.equal(901n)
    expect(bestVoucher(kept, voucher(800n, NOW + 100 * HOUR), NOW + 37 * HOUR).ceiling).to.equal(800n)
  })

  it('an older voucher with the higher ceiling covers a call that signs less', () => {
    const account = { charged: 700n, holds: 0n, calls: 0, voucher: voucher(5_000n, NOW + 60 * HOUR) }

    expect(code({ voucher: { ceiling: 500n } }, { account })).to.equal('admitted')
  })
})

describe('a receipt', () => {
  const node = createSigner(`0x${'44'.repeat(32)}`)
  const { receipt: sample } = countersigned(1)
  const good = { ...sample, price: priceOf(version.manifest.pricing, 3n, 5n), completedAt: NOW }
  const facts: Parameters<typeof faultOf>[2] = {
    request: good.request,
    node: 5,
    signer: node.address,
    limits: version.manifest.limits,
    priceOf: (unitsIn, unitsOut) => priceOf(version.manifest.pricing, unitsIn, unitsOut),
    maxPrice: 500n,
    received: { length: 4, output: good.output },
    cancelled: false,
    nowMs: NOW * 1000,
  }
  const fault = (changes: Partial<typeof good>, others: Partial<typeof facts> = {}, by = node) => {
    const receipt = { ...good, ...changes }
    const signature = by.sign(hasher.digest('Receipt', receipt))
    const recovered = recoverSigner(hasher.digest('Receipt', receipt), signature)
    return faultOf({ receipt, signature, provider: 'cpu' }, recovered, { ...facts, ...others })
  }

  it('holds when it says what arrived, at the price of its units', () => {
    expect(fault({})).to.equal(undefined)
    expect(fault({ end: 1 }, { cancelled: true })).to.equal(undefined)
  })

  it('is refused by name for every single thing that does not hold', () => {
    const cases: [string, ...Parameters<typeof fault>][] = [
      ['receipt.request_wrong', { request: hash(6) }],
      ['receipt.node_wrong', { node: 6 }],
      ['receipt.signature_invalid', {}, {}, createSigner(KEY)],
      ['receipt.empty', { length: 0n }],
      ['receipt.length_wrong', { length: 3n }],
      ['receipt.output_wrong', { output: hash(6) }],
      ['receipt.end_wrong', { end: 1 }],
      ['receipt.units_over_limit', { unitsIn: 65n }],
      ['receipt.units_over_limit', { unitsOut: 65n }],
      ['receipt.price_wrong', { price: good.price + 1n }],
      ['receipt.price_over_max', {}, { maxPrice: good.price - 1n }],
      ['receipt.time_wrong', { completedAt: NOW + 2 * HOUR }],
    ]

    for (const [expected, ...args] of cases) expect(fault(...args), expected).to.equal(expected)
  })
})
