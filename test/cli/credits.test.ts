import { expect } from 'chai'
import { type Address, decodeFunctionData, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, testDollarAbi } from '../../sdk/chain/abi.ts'
import { usd } from '../../sdk/units.ts'
import { type Market, openMarket } from '../market.ts'
import { type CliHome, openHome } from './home.ts'

interface DryCall {
  contract: string
  function: string
  args: Record<string, string>
  data: Hex
}

describe('heurist credits on a real chain', function () {
  this.timeout(180_000)
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
