import { expect } from 'chai'
import type { Hex } from 'viem'
import type { Audit } from '../../sdk/audit.ts'
import { type Archive, auditRouter, type Progress } from '../../sdk/chain/batches.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { fastKeccak } from '../../sdk/native.ts'
import { keccak, toHex } from '../../sdk/protocol/bytes.ts'
import { indexPath, partPath } from '../../sdk/protocol/data.ts'
import { type Leaf, leafHash, verifyMerkle } from '../../sdk/protocol/merkle.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { openStage, type Stage } from './stage.ts'

/** Two batches of a real chain; the first has five leaves in three parts, the second one leaf in one. */
describe('an audit of a router that publishes in parts', function () {
  this.timeout(120_000)

  let stage: Stage
  const kept = new Map<Hex, Uint8Array>()
  const archive: Archive = {
    read: async (hash) => kept.get(hash),
    keep: async (hash, bytes) => void kept.set(hash, bytes),
  }

  before(async () => {
    stage = await openStage()
    const clients = await Promise.all([stage.client(), stage.client({ frontend: 1 })])
    for (let call = 0; call < 5; call += 1) await clients[call % 2]?.run('chat', `call ${call}`)
    await stage.router.settle()
    await clients[0]?.run('chat', 'later')
    await stage.router.settle()
  })
  beforeEach(() => {
    stage.router.script = {}
  })
  after(() => stage?.close())

  function audited(options: { archive?: Archive } = {}, onProgress?: Progress) {
    const { market, router } = stage
    return auditRouter(
      {
        chain: openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl }),
        ledger: market.addresses.ledger,
        router: market.router.address,
        routerUrl: router.url,
        hasher: createHasher(market.domain),
        keccak: fastKeccak,
        ...options,
      },
      onProgress,
    )
  }
  const lies = ({ lies }: Audit) => lies.map(({ code, seq }) => [code, seq])
  const bytesAt = async (path: string) =>
    new Uint8Array(await (await fetch(stage.router.url + path)).arrayBuffer())
  const showing = (documents: Record<string, Uint8Array>) => {
    const get = Object.entries(documents).map(([path, bytes]) => [path, () => bytes])
    stage.router.script = { get: Object.fromEntries(get) }
  }

  it('finds nothing in what is all there, keeps each document by its hash, and finds every leaf again', async () => {
    const told: string[] = []
    const { audit, leafAt } = await audited({ archive }, (batches, parts) =>
      told.push(`${batches.done}/${batches.all} ${parts.done}/${parts.all}`),
    )

    expect(audit).to.deep.include({ batches: 2, leaves: 6, whole: true, lies: [], notAudited: [] })
    expect(told).to.deep.equal(['0/2 1/3', '0/2 2/3', '0/2 3/3', '1/2 1/1'])
    expect(kept.size, 'two indexes, three parts and one').to.equal(6)
    for (const [hash, bytes] of kept) expect(toHex(keccak(bytes))).to.equal(hash)
    const calls = [...stage.router.calls.values()]
    for (const [index, call] of calls.entries()) {
      const place = index < 5 ? { seq: 1n, index } : { seq: 2n, index: 0 }
      const { leaf, proof } = await leafAt(place)
      expect(leaf).to.deep.equal(call.leaf)
      expect(verifyMerkle(call.batch?.root ?? '0x', leafHash(leaf), proof)).to.equal(true)
    }
  })

  it('names a part that lies, two that are swapped, one that is withheld, too long, or of another batch', async () => {
    const [first, second, other] = [
      await bytesAt(partPath(1n, 0)),
      await bytesAt(partPath(1n, 1)),
      await bytesAt(partPath(2n, 0)),
    ]
    const forged = new TextEncoder().encode(new TextDecoder().decode(first).replace('"22"', '"23"'))
    expect(toHex(keccak(forged))).to.not.equal(toHex(keccak(first)))
    const found = async (documents: Record<string, Uint8Array>) => {
      showing(documents)
      const { audit } = await audited()
      expect(audit).to.deep.include({ batches: 2, leaves: 1, whole: false })
      return lies(audit)
    }

    const wrong = [['data.hash_wrong', 1n]]
    expect(await found({ [partPath(1n, 0)]: forged })).to.deep.equal(wrong)
    expect(await found({ [partPath(1n, 0)]: second, [partPath(1n, 1)]: first })).to.deep.equal(wrong)
    expect(await found({ [partPath(1n, 2)]: other })).to.deep.equal(wrong)
    expect(await found({ [indexPath(1n)]: await bytesAt(indexPath(2n)) })).to.deep.equal(wrong)
    const missing = [['data.missing', 1n]]
    expect(await found({ [partPath(1n, 1)]: new Uint8Array(8 * 1024 * 1024 + 1) })).to.deep.equal(missing)
    stage.router.script = { withheld: partPath(1n, 2) }
    const { audit } = await audited()
    expect(lies(audit)).to.deep.equal(missing)
    expect(audit.lies[0]?.detail).to.include('/v1/batches/1/parts/2')
  })

  it('goes on with what was kept of a part that is withheld or replaced, and still calls it a lie', async () => {
    stage.router.script = { withheld: partPath(1n, 1) }
    const withheld = (await audited({ archive })).audit
    showing({ [partPath(1n, 0)]: await bytesAt(partPath(1n, 2)) })
    const replaced = (await audited({ archive })).audit

    for (const audit of [withheld, replaced]) {
      expect(lies(audit)).to.deep.equal([['data.missing', 1n]])
      expect(audit).to.deep.include({ leaves: 6, whole: true })
    }
  })

  /** Answers requests of some paths in the router's place, each with its own; `undefined` closes the connection. */
  async function meeting<T>(
    answers: Record<string, () => Response | undefined>,
    run: () => Promise<T>,
  ): Promise<T> {
    const real = globalThis.fetch
    globalThis.fetch = (async (url: string, init?: RequestInit) => {
      const answer = answers[String(url).slice(stage.router.url.length)]
      if (!answer) return real(url, init)
      const response = answer()
      if (!response) throw new TypeError('fetch failed')
      return response
    }) as typeof fetch
    return run().finally(() => {
      globalThis.fetch = real
    })
  }
  const busy = () =>
    Response.json({ error: { code: 'parts.busy', kind: 'later', message: 'ask later' } }, { status: 503 })

  it('names a router that puts off one document for ever, counts that batch by its lines, and audits the rest', async () => {
    const found = async (path: string, answer: () => Response | undefined) =>
      (await meeting({ [path]: answer }, () => audited())).audit

    const audits = [
      await found(partPath(1n, 1), busy),
      await found(indexPath(1n), busy),
      await found(partPath(1n, 1), () => undefined),
      await found(partPath(1n, 1), () => new Response('bad gateway', { status: 502 })),
    ]

    for (const audit of audits) {
      expect(audit).to.deep.include({ batches: 2, leaves: 1, whole: false, notAudited: [] })
      expect(lies(audit)).to.deep.equal([['data.withheld', 1n]])
    }
    expect(audits[0]?.lies[0]?.detail).to.include('/v1/batches/1/parts/1: parts.busy')
  })

  it('goes on with what was kept of a part that is put off, and tells it', async () => {
    const { audit, leafAt } = await meeting({ [partPath(1n, 1)]: busy }, async () => {
      const whole = await audited({ archive })
      return { audit: whole.audit, leafAt: await whole.leafAt({ seq: 1n, index: 2 }) }
    })

    expect(audit).to.deep.include({ leaves: 6, whole: true })
    expect(lies(audit)).to.deep.equal([['data.withheld', 1n]])
    expect(leafAt.leaf).to.deep.equal([...stage.router.calls.values()][2]?.leaf)
  })

  it('asks again before it says so: a router that was busy a moment is no liar', async () => {
    const path = partPath(1n, 1)
    const bytes = await bytesAt(path)
    let asked = 0
    const { audit } = await meeting(
      {
        [path]: () => {
          asked += 1
          return asked < 3 ? busy() : new Response(bytes)
        },
      },
      () => audited(),
    )

    expect(audit).to.deep.include({ leaves: 6, whole: true, lies: [] })
    expect(asked).to.equal(3)
  })

  it('reads a batch whole once, however many of its leaves are proved, and then one part for each', async () => {
    const { leafAt } = await audited()
    const real = globalThis.fetch
    let asked = 0
    globalThis.fetch = (async (url: string, init?: RequestInit) => {
      if (String(url).startsWith(stage.router.url)) asked += 1
      return real(url, init)
    }) as typeof fetch
    try {
      for (let pair = 0; pair < 5; pair += 1) {
        await leafAt({ seq: 1n, index: pair })
        await leafAt({ seq: 2n, index: 0 })
      }
    } finally {
      globalThis.fetch = real
    }

    const [whole, single] = [1 + 3 + 5, 1 + 1 + 5]
    expect(asked).to.equal(whole + single)
  })

  it('names what leaves of different parts of a batch do not add up to', async () => {
    const client = await stage.client()
    for (let call = 0; call < 3; call += 1) await client.run('chat', `call ${call}`)
    const listed = (own: Leaf[]) =>
      own.map((leaf, index) => (index === 2 ? { ...leaf, nodeGross: leaf.nodeGross - 1n } : leaf))
    stage.router.script = { listed }
    await stage.router.settle()
    stage.router.script = {}

    const { audit, leafAt } = await audited()

    expect(lies(audit)).to.deep.equal([
      ['payee.overlap', 3n],
      ['total.differs', 3n],
    ])
    expect(audit.overlaps).to.deep.equal([
      { role: 'node', id: stage.node.id, a: { seq: 3n, index: 1 }, b: { seq: 3n, index: 2 } },
    ])
    const [a, b] = await Promise.all([leafAt({ seq: 3n, index: 1 }), leafAt({ seq: 3n, index: 2 })])
    expect(b.leaf.nodeGross - a.leaf.nodeGross).to.equal(b.leaf.charged - a.leaf.charged - 1n)
  })
})
