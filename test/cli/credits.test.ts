import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Address, decodeFunctionData, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { routerConfigSchema } from '../../keepers/router/config.ts'
import { startRouter } from '../../keepers/router/router.ts'
import { computeLedgerAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { fetchNetwork } from '../../sdk/chain/network.ts'
import { usd } from '../../sdk/units.ts'
import { parseConfig } from '../../worker/config.ts'
import { joinNetwork } from '../../worker/identity.ts'
import { startWorker, type Worker } from '../../worker/worker.ts'
import { type Market, openMarket } from '../market.ts'
import { writeTestPod } from '../worker/pod.ts'
import { type CliHome, openHome } from './home.ts'
import { codeOf } from './season.ts'

interface DryCall {
  contract: string
  function: string
  args: Record<string, string>
  data: Hex
}

describe('heurist credits on a real chain', function () {
  this.timeout(600_000)
  let market: Market
  let home: CliHome

  before(async () => {
    market = await openMarket()
    home = openHome(market)
  })
  after(() => market.close())

  const account = (key: Address) =>
    market.deployer.client.readContract({
      address: market.addresses.ledger,
      abi: computeLedgerAbi,
      functionName: 'accountOf',
      args: [market.router.address, key],
    })

  /** A wallet with gas, if asked for, and `dollars` of the test dollar. */
  async function wallet(dollars: string, gas = true): Promise<{ address: Address; file: string; key: Hex }> {
    const key = generatePrivateKey()
    const { address } = privateKeyToAccount(key)
    if (gas) await market.gas(address)
    const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
    const args = [address, usd(dollars)] as const
    await market.deployer.send({ ...asset, functionName: 'faucet', args })
    return { address, key, file: home.keyFile(address, key) }
  }

  it('a deposit is an approval of exactly its amount, then the deposit', async () => {
    const giver = await wallet('5')

    const { code, json } = await home.run('credits', 'deposit', '5', '--key-file', giver.file, '--json')

    expect(code).to.equal(0)
    expect((json.calls as DryCall[]).map((call) => call.function)).to.deep.equal(['approve', 'deposit'])
    expect((await account(giver.address)).deposited).to.equal(usd('5'))
  })

  it('a dry run sends nothing and prints every call decoded, with the data that a Safe takes', async () => {
    const giver = await wallet('5')
    const argv = ['credits', 'deposit', '5', '--key-file', giver.file, '--dry-run', '--json']

    const { code, json } = await home.run(...argv)

    const last = (json.calls as DryCall[]).at(-1)
    expect(code).to.equal(0)
    expect(json.transactions).to.deep.equal([])
    expect(last).to.include({ contract: 'ComputeLedger', function: 'deposit' })
    expect(last?.args.amount).to.equal(usd('5').toString())
    expect(decodeFunctionData({ abi: computeLedgerAbi, data: last?.data ?? '0x' }).args?.[2]).to.equal(
      usd('5'),
    )
    expect((await account(giver.address)).deposited).to.equal(0n)
  })

  it('--permit deposits in one transaction', async () => {
    const giver = await wallet('3')

    const { code, json } = await home.run(
      'credits',
      'deposit',
      '3',
      '--permit',
      '--key-file',
      giver.file,
      '--json',
    )

    expect(code).to.equal(0)
    expect((json.calls as DryCall[]).map((call) => call.function)).to.deep.equal(['depositWithPermit'])
    expect((await account(giver.address)).deposited).to.equal(usd('3'))
  })

  it('--authorize lets another key relay the deposit of a wallet without gas, its owner named along', async () => {
    const giver = await wallet('4', false)
    const relayer = await wallet('1')
    const owner = privateKeyToAccount(generatePrivateKey()).address
    const relay = ['--authorize', '--relay-key-file', relayer.file, '--owner', owner]

    const { code, json } = await home.run(
      'credits',
      'deposit',
      '4',
      ...relay,
      '--key-file',
      giver.file,
      '--json',
    )

    const found = await account(giver.address)
    expect(code).to.equal(0)
    expect(json.from).to.equal(relayer.address)
    expect(found.deposited).to.equal(usd('4'))
    expect(found.owner).to.equal(owner)
  })

  it('a withdrawal is announced, counted down, refused too early, cancelled, announced again and paid', async () => {
    const giver = await wallet('6')
    const mine = ['--key-file', giver.file, '--json']
    await home.run('credits', 'deposit', '6', ...mine)

    const none = await home.run('credits', 'withdraw', 'finish', ...mine)
    const started = await home.run('credits', 'withdraw', 'start', '2.5', ...mine)
    const early = await home.run('credits', 'withdraw', 'finish', ...mine)
    const cancelled = await home.run('credits', 'withdraw', 'cancel', ...mine)
    expect((await account(giver.address)).thawing).to.equal(0n)
    await home.run('credits', 'withdraw', 'start', 'all', ...mine)
    const thaw = await market.deployer.client.readContract({
      address: market.addresses.ledger,
      abi: computeLedgerAbi,
      functionName: 'thawSeconds',
    })
    await passSeconds(thaw)
    const finished = await home.run('credits', 'withdraw', 'finish', ...mine)

    expect((none.json.error as { code: string }).code).to.equal('withdrawal.none')
    expect((started.json.account as { thawing: string }).thawing).to.equal(usd('2.5').toString())
    expect((early.json.error as { code: string; kind: string }).code).to.equal('withdrawal.thawing')
    expect([started.code, early.code, cancelled.code, finished.code]).to.deep.equal([0, 1, 0, 0])
    expect((await account(giver.address)).deposited).to.equal(0n)
    expect(await dollarsOf(giver.address)).to.equal(usd('6'))
  })

  it('keys of an owner are listed from the chain; a new one is the owner’s at once and is revoked by thawing all', async () => {
    const owner = await wallet('10')
    const mine = ['--key-file', owner.file, '--json']
    const made = await home.run('credits', 'keys', 'new', '--out', `${home.folder}/laptop.key`, ...mine)
    const key = made.json.key as Address
    await home.run('credits', 'deposit', '7', '--account', key, ...mine)

    const revoked = await home.run('credits', 'keys', 'revoke', key, ...mine)
    const { json } = await home.run('credits', 'keys', 'list', ...mine)

    const keys = json.keys as { key: Address; owner: Address; credit: string; thawing: string }[]
    expect([made.code, revoked.code]).to.deep.equal([0, 0])
    expect(keys).to.have.length(1)
    expect(keys[0]).to.include({ key, owner: owner.address })
    expect(keys[0]?.credit).to.equal(usd('7').toString())
    expect(keys[0]?.thawing).to.equal(usd('7').toString())
  })

  it('whoever is not the owner is told who is, and is told so before anything is sent', async () => {
    const [giver, thief] = [await wallet('2'), await wallet('1')]
    await home.run('credits', 'deposit', '2', '--key-file', giver.file)

    const other = ['--account', giver.address, '--key-file', thief.file, '--json']
    const { code, json } = await home.run('credits', 'withdraw', 'start', 'all', ...other)

    expect(code).to.equal(1)
    expect(json.error).to.include({ code: 'account.not_yours', kind: 'refused' })
    expect((await account(giver.address)).thawing).to.equal(0n)
  })

  it('two ways at once, a relayer without a signature and an amount that is none are refused', async () => {
    const giver = await wallet('1')
    const code = async (...argv: string[]) => {
      const { json } = await home.run('credits', 'deposit', ...argv, '--key-file', giver.file, '--json')
      return (json.error as { code: string }).code
    }

    expect(await code('1', '--permit', '--authorize')).to.equal('deposit.two_ways')
    expect(await code('1', '--relay-key-file', giver.file)).to.equal('deposit.not_relayable')
    expect(await code('0')).to.equal('amount.invalid')
    expect(await code('1', '--owner', giver.address, '--account', market.router.address)).to.equal(
      'owner.unsigned',
    )
    expect((await home.run('credits', 'deposit')).code).to.equal(2)
  })

  const dollarsOf = (holder: Address) =>
    market.deployer.client.readContract({
      address: market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [holder],
    })

  async function passSeconds(seconds: number): Promise<void> {
    const ask = (method: string, params: unknown[]) =>
      fetch(market.chain.rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      })
    await ask('evm_increaseTime', [seconds + 1])
    await ask('evm_mine', [])
  }
})

describe('keys of one owner at a router that serves them', function () {
  this.timeout(900_000)
  let market: Market
  let router: Awaited<ReturnType<typeof startRouter>>
  let worker: Worker
  let home: CliHome
  const podsDir = mkdtempSync(join(tmpdir(), 'heurist-keys-'))

  before(async () => {
    await writeTestPod(podsDir)
    market = await openMarket(podsDir)
    const keyFile = join(market.home, 'router.key')
    saveKey(keyFile, market.router.key)
    const { authority, ...others } = market.addresses
    const config = routerConfigSchema.parse({
      port: 0,
      dataDir: join(market.home, 'router'),
      rpcUrl: market.chain.rpcUrl,
      chainId: market.domain.chainId,
      addresses: { accessManager: authority, ...others },
      keyFile,
      podsDir,
    })
    router = await startRouter(config, quiet, (cause) => {
      throw cause
    })
    home = openHome(market, router.url)
    const dataDir = join(market.home, 'node')
    const identity = await joinNetwork({ network: await fetchNetwork(router.url), home: dataDir })
    const slots = [{ pod: 'babble', device: 'cpu', warm: true }]
    const { node, signerKeyFile } = identity
    const facts = { routerUrl: router.url, node, signerKeyFile, podsDir, dataDir, slots }
    worker = await startWorker(parseConfig(facts), { log: quiet })
    await worker.admitted
  })
  after(async () => {
    await worker?.stop()
    await router?.stop()
    await market?.close()
    rmSync(podsDir, { recursive: true, force: true })
  })

  it('several are listed, one is revoked and refused, the others go on, and its money is the owner’s', async () => {
    const owner = await market.payer(0n)
    const asset = { address: market.addresses.asset, abi: testDollarAbi } as const
    const args = [owner.account.address, usd('9')] as const
    await market.deployer.send({ ...asset, functionName: 'faucet', args })
    const mine = ['--key-file', home.keyFile('owner', owner.key), '--json']
    const files = ['laptop', 'phone', 'server'].map((name) => join(home.folder, `${name}.key`))
    const keys: Address[] = []
    for (const file of files) {
      const { json } = await home.run('credits', 'keys', 'new', '--out', file, ...mine)
      keys.push(json.key as Address)
      await home.run('credits', 'deposit', '3', '--account', json.key as string, ...mine)
    }
    const ask = (index: number) =>
      home.run(
        'run',
        'babble',
        'Say something.',
        '--max-tokens',
        '8',
        '--key-file',
        files[index] ?? '',
        '--json',
      )
    const listed = async () => {
      const { json } = await home.run('credits', 'keys', 'list', ...mine)
      return json.keys as { key: Address; owner: Address; credit: string; thawing: string }[]
    }
    const before = await listed()
    const served = await ask(1)

    const thief = await home.run('credits', 'keys', 'revoke', keys[1] ?? '', '--json')
    const revoked = await home.run('credits', 'keys', 'revoke', keys[1] ?? '', ...mine)
    const twice = await home.run('credits', 'keys', 'revoke', keys[1] ?? '', ...mine)
    // The router serves it until it has seen the block: it can still post what it delivers.
    let refused = await ask(1)
    for (let tries = 0; refused.code === 0 && tries < 20; tries += 1) refused = await ask(1)
    const other = await ask(2)
    const after = await listed()
    const early = await home.run('credits', 'withdraw', 'finish', '--account', keys[1] ?? '', ...mine)

    expect(before.map(({ key }) => key).sort()).to.deep.equal([...keys].sort())
    expect(before.map(({ credit }) => credit)).to.deep.equal(keys.map(() => usd('3').toString()))
    for (const each of before) expect(each.owner).to.equal(owner.account.address)
    expect([served.code, revoked.code, other.code]).to.deep.equal([0, 0, 0])
    expect([thief, twice, refused, early].map(codeOf)).to.deep.equal([
      'account.not_yours',
      'key.revoked',
      'credit.thawing',
      'withdrawal.thawing',
    ])
    expect(after.map(({ key, thawing }) => [key, thawing > '0'])).to.have.deep.members(
      keys.map((key, index) => [key, index === 1]),
    )
    expect(after.find(({ key }) => key === keys[1])?.thawing).to.equal(usd('3').toString())
  })
})

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
