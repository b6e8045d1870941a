import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import type { Leaf } from '../../sdk/protocol/merkle.ts'
import { openStage, type Stage } from '../sdk/stage.ts'
import { type CliHome, openHome } from './home.ts'

const BIN = join(import.meta.dirname, '..', '..', 'cli', 'heurist.mjs')

describe('heurist audit on a real chain', function () {
  this.timeout(900_000)
  let stage: Stage
  let home: CliHome

  before(async () => {
    stage = await openStage()
    home = openHome(stage.market, stage.router.url)
  })
  after(() => stage.close())

  const prices = () =>
    [...stage.router.calls.values()].reduce((sum, { answer }) => sum + (answer?.receipt.price ?? 0n), 0n)

  it('ends with 0 for a router whose totals are its calls, with 1 and the name of the lie for one that debits a unit more', async () => {
    const client = await stage.client()
    await client.run('chat', 'hello')
    await client.run('chat', 'hello again')
    await stage.router.settle()
    const honest = await home.run('audit', '--json')
    const gross = prices()
    await client.run('chat', 'and again')
    const more = <Row extends object, Name extends keyof Row>(rows: readonly Row[], name: Name): Row[] =>
      rows.map((row, index) => (index === 0 ? { ...row, [name]: (row[name] as bigint) + 1n } : row))
    stage.router.script = {
      posted: (batch) => ({
        ...batch,
        payers: more(batch.payers, 'charge'),
        nodes: more(batch.nodes, 'amount'),
        pods: more(batch.pods, 'amount'),
        frontends: more(batch.frontends, 'amount'),
      }),
    }
    await stage.router.settle()
    const liar = await home.run('audit', '--json')
    const told = await home.run('audit')

    expect(honest.code).to.equal(0)
    expect(honest.json).to.include({ batches: 1, leaves: 2, gross: gross.toString(), whole: true })
    expect(honest.json.lies).to.deep.equal([])
    expect([liar.code, told.code]).to.deep.equal([1, 1])
    expect((liar.json.lies as { code: string }[]).map(({ code }) => code)).to.include('line.differs')
    expect(told.out).to.contain('line.differs')
  })

  it('tells every lie before it proves the first one, proves no more than it is asked to, and says how many are left', async () => {
    const client = await stage.client()
    for (let call = 0; call < 4; call += 1) await client.run('chat', `call ${call}`)
    const listed = (own: Leaf[]) => own.map((leaf) => ({ ...leaf, nodeGross: own[0]?.nodeGross ?? 0n }))
    stage.router.script = { listed }
    await stage.router.settle()
    stage.router.script = {}
    const door = await openDoor(stage.router.url)
    const at = ['--router', door.url, '--address', stage.market.router.address]

    const { out, code } = await door.run(home.folder, 'audit', ...at, '--proofs', '1')
    await door.close()
    const none = await home.run('audit', '--proofs', '0', '--json')
    const wrong = await home.run('audit', '--proofs', 'all', '--json')

    expect(code).to.equal(1)
    expect(out.match(/payee\.overlap/g)).to.have.length(3)
    expect(out.match(/^0x[0-9a-f]{1000,}$/gm), 'call data').to.have.length(1)
    expect(out).to.contain('2 more, not proved: --proofs 3 proves all')
    expect(none.json.overlaps).to.have.length(3)
    expect(none.json.proofs).to.deep.equal([])
    expect((wrong.json.error as { code: string }).code).to.equal('proofs.invalid')
  })

  it('never asks a router who it is and where it settles: a thief that names a clean address is audited by its own', async () => {
    const bare = openHome({ ...stage.market, home: join(stage.folder, 'nowhere') }, stage.router.url)
    rmSync(join(bare.folder, 'network.json'))
    const { router, addresses, chain } = stage.market
    const own = ['--ledger', addresses.ledger, '--rpc', chain.rpcUrl]
    const at = ['audit', '--router', stage.router.url, ...own]
    const clean = privateKeyToAddress(generatePrivateKey())
    const asked: string[] = []
    stage.router.script = {
      get: {
        '/v1/network': (body) => {
          asked.push('/v1/network')
          return { ...(body as object), router: { address: clean, url: stage.router.url } }
        },
      },
    }

    const known = await bare.run(...at, '--address', router.address, '--json')
    const byHome = await home.run('audit', '--json')
    const none = await bare.run(...at, '--json')
    const elsewhere = await bare.run(...at, '--address', clean)
    stage.router.script = {}

    expect([known.code, byHome.code, none.code]).to.deep.equal([1, 1, 1])
    expect(known.json.lies).to.deep.equal(byHome.json.lies)
    expect(known.json.router).to.equal(router.address.toLowerCase())
    expect((none.json.error as { code: string }).code).to.equal('audit.unpinned')
    expect(elsewhere.out).to.contain('the ledger knows no batch of this router').and.not.contain('✓')
    expect(asked).to.deep.equal([])
  })
})

/** A door before a router that shows receipts only once its caller has told the third lie. */
async function openDoor(routerUrl: string) {
  let tell = () => {}
  const told = new Promise<void>((resolve) => {
    tell = resolve
  })
  const server = createServer(async (request, response) => {
    if (request.url?.startsWith('/v1/receipts/')) await told
    const answer = await fetch(routerUrl + request.url)
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(new Uint8Array(await answer.arrayBuffer()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async run(folder: string, ...argv: string[]): Promise<{ out: string; code: number | null }> {
      const env = { ...process.env, HEURIST_HOME: folder }
      const child = spawn(process.execPath, [BIN, ...argv], { env })
      let out = ''
      child.stdout.on('data', (text) => {
        out += text
        if (out.split('payee.overlap').length > 3) tell()
      })
      const [code] = (await once(child, 'close')) as [number | null]
      return { out, code }
    },
    close: () =>
      new Promise<void>((resolve) => {
        tell()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
