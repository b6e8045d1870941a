import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { registryAbi } from '../../sdk/chain/abi.ts'
import { manifestHash } from '../../sdk/protocol/manifest.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
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
  const idOf = async (name: string) => (await get(`/v1/pods/${name}`)).id
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

  it('is refused with pod.name_shared where the chain does not tell who was first; numbers go on', async () => {
    const blind = await stage.router({ chain: () => ({ publishedAt: async () => undefined }) })

    const answer = await fetch(`${blind.url}/v1/pods/taken`)
    const { error } = (await answer.json()) as { error: { code: string } }
    const alone = await fetch(`${blind.url}/v1/pods/words`)

    expect([answer.status, error.code]).to.deep.equal([409, 'pod.name_shared'])
    expect(alone.status).to.equal(200)
    await blind.stop()
  })
})
