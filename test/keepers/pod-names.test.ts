import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import type { FirstPublished } from '../../keepers/world.ts'
import { registryAbi } from '../../sdk/chain/abi.ts'
import { memoryJournal } from '../../sdk/journal.ts'
import { manifestHash } from '../../sdk/protocol/manifest.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { openSession } from '../../sdk/session.ts'
import { createTransport } from '../../sdk/transport.ts'
import { openHome } from '../cli/home.ts'
import { openStage, podYaml, randomHash, type Stage, type TestRouter, until, utf8 } from './stage.ts'

describe('what a pod’s name means', function () {
  this.timeout(120_000)
  let stage: Stage
  let router: TestRouter
  let deployer: PrivateKeyAccount
  let stranger: PrivateKeyAccount

  before(async () => {
    stage = await openStage()
    router = await stage.router()
    deployer = privateKeyToAccount((await stage.market.payer(0n)).key)
    stranger = privateKeyToAccount((await stage.market.payer(0n)).key)
  })
  after(async () => {
    await router.stop()
    await stage.close()
  })

  const people = () => ({ address: stage.market.addresses.registry, abi: registryAbi }) as const

  /** Writes a version down where the router reads. @returns its hash. */
  function version(name: string, seconds: number): `0x${string}` {
    const bytes = utf8.encode(podYaml({ name, seconds }))
    mkdirSync(join(stage.podsDir, `${name}-${seconds}`), { recursive: true })
    writeFileSync(join(stage.podsDir, `${name}-${seconds}`, 'pod.yaml'), bytes)
    return manifestHash(bytes)
  }
  async function register(owner: PrivateKeyAccount, hash: `0x${string}`): Promise<number> {
    const { deployer: from } = stage.market
    await from.send({ ...people(), functionName: 'registerPod', args: [owner.address, hash] }, owner)
    return from.client.readContract({ ...people(), functionName: 'countOf', args: [ROLE.pod] })
  }
  const publish = (owner: PrivateKeyAccount, pod: number, hash: `0x${string}`) =>
    stage.market.deployer.send({ ...people(), functionName: 'publish', args: [pod, hash] }, owner)
  const get = async (path: string) =>
    (await fetch(router.url + path)).json() as Promise<Record<string, unknown>>
  async function idOf(name: string): Promise<number> {
    await until(`'${name}' is told`, async () => (await get(`/v1/pods/${name}`)).id !== undefined)
    return Number((await get(`/v1/pods/${name}`)).id)
  }
  const knows = (pod: number, hash: string) =>
    until(`the router has read pod ${pod}`, async () => {
      const { versions } = await get(`/v1/pods/${pod}`)
      return Array.isArray(versions) && versions.includes(hash)
    })

  it('is the pod that published it first, though an older one publishes the same manifest afterwards', async () => {
    const older = await register(stranger, randomHash())
    const hash = version('taken', 20)
    const pod = await register(deployer, hash)
    await knows(pod, hash)

    await publish(stranger, older, hash)
    await knows(older, hash)

    expect(await idOf('taken')).to.equal(pod)
    expect((await get(`/v1/pods/${older}`)).id).to.equal(older)
  })

  it('stays that pod when somebody is quicker to publish its next version', async () => {
    const older = await register(stranger, randomHash())
    const pod = await register(deployer, version('hurried', 20))
    const next = version('hurried', 19)

    await publish(stranger, older, next)
    await publish(deployer, pod, next)
    await knows(older, next)
    await knows(pod, next)

    expect(await idOf('hurried')).to.equal(pod)
  })

  it('is not that of a copy which the router meets first, when its file comes after both', async () => {
    const bytes = utf8.encode(podYaml({ name: 'late', seconds: 20 }))
    const hash = manifestHash(bytes)
    const pod = await register(deployer, hash)
    const copy = await register(stranger, randomHash())
    await publish(stranger, copy, hash)
    await until('the router has seen both', async () => Number((await get('/v1/network')).chainId) > 0)
    mkdirSync(join(stage.podsDir, 'late'), { recursive: true })
    writeFileSync(join(stage.podsDir, 'late', 'pod.yaml'), bytes)

    await publish(stranger, copy, randomHash())
    await knows(copy, hash)
    await knows(pod, hash)

    expect(await idOf('late')).to.equal(pod)
  })

  /** A pod whose first version nobody has the file of yet, and two later ones of that name whose file is here. */
  async function threeNamed(name: string) {
    const bytes = utf8.encode(podYaml({ name, seconds: 19 }))
    const first = await register(deployer, manifestHash(bytes))
    const second = await register(stranger, version(name, 20))
    const third = await register(deployer, randomHash())
    await publish(deployer, third, version(name, 20))
    await knows(second, version(name, 20))
    await knows(third, version(name, 20))
    expect(await idOf(name)).to.equal(second)
    const file = () => {
      mkdirSync(join(stage.podsDir, `${name}-late`), { recursive: true })
      writeFileSync(join(stage.podsDir, `${name}-late`, 'pod.yaml'), bytes)
    }
    return { first, second, hash: manifestHash(bytes), file }
  }

  it('is that of a third pod, the first of all, once its file comes; until that is known the name goes on', async () => {
    const { first, second, hash, file } = await threeNamed('third')
    const seen = new Set<number>()
    file()
    await publish(stranger, await register(stranger, randomHash()), randomHash())
    await knows(first, hash)

    await until('it is told', async () => {
      seen.add(await idOf('third'))
      return seen.has(first)
    })
    expect([...seen].filter((id) => id !== second)).to.deep.equal([first])
  })

  it('is that of a third pod whose file came while the router was down', async () => {
    const { first, hash, file } = await threeNamed('asleep')
    await router.stop()
    file()

    router = await stage.router({ dataDir: router.dataDir })

    await knows(first, hash)
    await until('it is told', async () => (await idOf('asleep')) === first)
  })

  it('is listed once, so that every door offers that pod', async () => {
    const { pods } = (await get('/v1/pods')) as { pods: { id: number; name: string }[] }

    for (const name of ['taken', 'hurried']) {
      const ids = pods.filter((pod) => pod.name === name).map(({ id }) => id)
      expect(ids).to.deep.equal([await idOf(name)])
    }
  })

  it('is the same after a restart of the router', async () => {
    const before = [await idOf('taken'), await idOf('hurried')]
    await router.stop()

    router = await stage.router({ dataDir: router.dataDir })

    expect([await idOf('taken'), await idOf('hurried')]).to.deep.equal(before)
  })

  it('is asked of the chain once where nothing is kept, and until it tells by nobody: numbers go on, the list stands', async () => {
    let asked = 0
    let tell: (first: FirstPublished) => void = () => {}
    const told = new Promise<FirstPublished>((resolve) => {
      tell = resolve
    })
    const fresh = await stage.router({
      chain: () => ({
        firstToPublish: () => {
          asked += 1
          return told
        },
      }),
    })
    const at = async (path: string) => {
      const answer = await fetch(fresh.url + path)
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }
    const ids = [await idOf('taken'), await idOf('hurried')]

    const shared = await Promise.all(Array.from({ length: 20 }, () => at('/v1/pods/taken')))
    const list = (await at('/v1/pods')).body.pods as { id: number; name: string }[]
    const alone = await at('/v1/pods/words')
    const numbered = await at(`/v1/pods/${ids[0]}`)
    const before = asked
    const block = BigInt(String(await stage.rpc('eth_blockNumber'))) - 1n
    tell({ pod: ids[0] ?? 0, block, hash: (await router.world.chain.hashOf(block)) ?? '0x' })
    await until('the name is told', async () => (await at('/v1/pods/taken')).status === 200)

    const errors = shared.map(({ body }) => body.error as { code: string; kind: string })
    expect(errors.every(({ code, kind }) => code === 'pod.name_shared' && kind === 'later')).to.equal(true)
    expect(shared.every(({ status }) => status === 503)).to.equal(true)
    expect([alone.status, numbered.status, before]).to.deep.equal([200, 200, 1])
    expect(list.filter(({ name }) => name === 'taken').length).to.equal(2)
    expect((await at('/v1/pods/taken')).body.id).to.equal(ids[0])
    await fresh.stop()
  })

  it('is found in the chain where nothing is kept', async () => {
    const fresh = await stage.router()
    const idAt = async (name: string) =>
      ((await (await fetch(`${fresh.url}/v1/pods/${name}`)).json()) as { id?: number }).id

    await until('both are told', async () => Boolean((await idAt('taken')) && (await idAt('hurried'))))

    expect([await idAt('taken'), await idAt('hurried')]).to.deep.equal([
      await idOf('taken'),
      await idOf('hurried'),
    ])
    await fresh.stop()
  })

  it('is found in the chain where what was kept cannot be read, which is set aside', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'heurist-names-'))
    writeFileSync(join(dataDir, 'names.json'), '{"taken": 1')
    const fresh = await stage.router({ dataDir })
    const idAt = async (name: string) =>
      ((await (await fetch(`${fresh.url}/v1/pods/${name}`)).json()) as { id?: number }).id
    await until('both are told', async () => Boolean((await idAt('taken')) && (await idAt('hurried'))))
    const ids = [await idOf('taken'), await idOf('hurried')]

    expect([await idAt('taken'), await idAt('hurried')]).to.deep.equal(ids)
    await until('both are kept', async () => existsSync(join(dataDir, 'names.json')))
    expect(JSON.parse(readFileSync(join(dataDir, 'names.json'), 'utf8')).taken.pod).to.equal(ids[0])
    expect(readFileSync(join(dataDir, 'names.json.unreadable'), 'utf8')).to.equal('{"taken": 1')
    await fresh.stop()
    rmSync(dataDir, { recursive: true })
  })

  for (const [how, answer] of [
    ['has not told yet', () => new Promise<undefined>(() => {})],
    ['tells one who was later', async (copy: number) => ({ pod: copy, block: 10_000n, hash: randomHash() })],
  ] as const)
    it(`goes on after a restart to mean its pod, while the chain ${how} whether an older version came`, async () => {
      const names = readFileSync(join(router.dataDir, 'names.json'), 'utf8')
      const { among: _, ...kept } = JSON.parse(names).taken
      const dataDir = mkdtempSync(join(tmpdir(), 'heurist-names-'))
      writeFileSync(join(dataDir, 'names.json'), JSON.stringify({ taken: kept }))
      let asked = 0
      const fresh = await stage.router({
        dataDir,
        chain: () => ({
          firstToPublish: async () => {
            asked += 1
            // The pod before it publishes its manifest too.
            return answer(kept.pod - 1)
          },
        }),
      })
      const idAt = async () => (await (await fetch(`${fresh.url}/v1/pods/taken`)).json()).id
      await until('the chain is asked', async () => asked > 0)

      await until('the name is told', async () => (await idAt()) !== undefined)
      expect(await idAt()).to.equal(kept.pod)
      await fresh.stop()
      rmSync(dataDir, { recursive: true })
    })

  it('is found in the chain where another was kept, by a bare number or for a block that the chain has not', async () => {
    const [taken, hurried] = [await idOf('taken'), await idOf('hurried')]
    const gone = { pod: hurried - 1, block: '1', hash: randomHash() }
    const dataDir = mkdtempSync(join(tmpdir(), 'heurist-names-'))
    writeFileSync(join(dataDir, 'names.json'), JSON.stringify({ taken: taken - 1, hurried: gone }))

    const fresh = await stage.router({ dataDir })
    const idAt = async (name: string) =>
      ((await (await fetch(`${fresh.url}/v1/pods/${name}`)).json()) as { id?: number }).id
    await until('both are told', async () => Boolean((await idAt('taken')) && (await idAt('hurried'))))

    expect([await idAt('taken'), await idAt('hurried')]).to.deep.equal([taken, hurried])
    await fresh.stop()
    rmSync(dataDir, { recursive: true })
  })

  it('is kept at a later look where the disk took nothing at the first', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'heurist-names-'))
    mkdirSync(join(dataDir, 'names.json.new'))
    const fresh = await stage.router({ dataDir })
    const isTold = async () => (await fetch(`${fresh.url}/v1/pods/taken`)).status === 200
    await until('the name is told', isTold)
    expect(existsSync(join(dataDir, 'names.json'))).to.equal(false)
    rmSync(join(dataDir, 'names.json.new'), { recursive: true })

    await until('it is kept', async () => existsSync(join(dataDir, 'names.json')))
    await fresh.stop()
    rmSync(dataDir, { recursive: true })
  })

  it('goes to an active pod while the one whose it is is retired', async () => {
    const first = await register(deployer, version('resting', 20))
    const second = await register(stranger, version('resting', 20))
    await knows(second, version('resting', 20))
    await until('the name is told', async () => (await idOf('resting')) === first)

    const later = await stage.router({
      chain: (chain) => ({
        pod: async (id) => {
          const known = await chain.pod(id)
          return known && { ...known, active: known.active && id !== first }
        },
      }),
    })

    const get = async (path: string) => (await fetch(later.url + path)).json()
    await until('the other one is meant', async () => (await get('/v1/pods/resting')).id === second)
    const { pods } = (await get('/v1/pods')) as { pods: { id: number; name: string }[] }
    expect(pods.filter(({ name }) => name === 'resting').map(({ id }) => id)).to.deep.equal([second])
    await later.stop()
  })

  it('answers with that pod’s newest version of that name after it was renamed, and a client believes it', async () => {
    const [older, newer, other] = [version('was', 20), version('was', 19), version('is', 20)]
    const pod = await register(deployer, older)
    await publish(deployer, pod, other)
    const second = await register(stranger, newer)
    await Promise.all([knows(pod, older), knows(pod, other), knows(second, newer)])
    expect(await idOf('was')).to.equal(pod)

    const session = await openSession(router.url, createTransport(router.url), {
      key: generatePrivateKey(),
      journal: memoryJournal(),
    })
    const [was, is, numbered] = [await session.pod('was'), await session.pod('is'), await session.pod(second)]
    const { pods, namesakes } = (await get('/v1/pods')) as Record<string, { id: number; name: string }[]>
    const row = ({ id, name }: { id: number; name: string }) => `${id} ${name}`

    expect([was.pod, was.hash, is.pod, is.hash]).to.deep.equal([pod, older, pod, other])
    expect([numbered.pod, numbered.hash]).to.deep.equal([second, newer])
    expect((await get('/v1/quote?pod=was')).manifest).to.equal(older)
    expect(pods?.map(row)).to.include(`${pod} is`).and.not.include(`${second} was`)
    expect(namesakes?.map(row)).to.include(`${second} was`)
  })

  it('`heurist pod list` tells the others last, by their numbers, and whose the name is', async () => {
    const pod = await idOf('taken')
    const { namesakes } = (await get('/v1/pods')) as Record<string, { id: number; name: string }[]>
    const other = namesakes?.find(({ name }) => name === 'taken')?.id ?? 0
    const list = openHome(stage.market, router.url)
    const [text, json] = await Promise.all([list.run('pod', 'list'), list.run('pod', 'list', '--json')])

    const rows = JSON.parse(json.out) as { id: number; name: string; namesakeOf?: number }[]
    expect(text.out).to.match(new RegExp(`^  ${other} +publishes 'taken' too, which means pod ${pod}$`, 'm'))
    expect(rows.findIndex(({ id }) => id === pod)).to.be.lessThan(rows.findIndex(({ id }) => id === other))
    expect(rows.find(({ id }) => id === other)).to.include({ name: 'taken', namesakeOf: pod })
  })
})
