import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Address, createPublicClient, createWalletClient, getAddress, type Hex, http } from 'viem'
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts'
import { chainIdOf, foundryBinary } from '../../deploy/chain.ts'
import { params } from '../../deploy/params.ts'
import { authorityAbi, computeLedgerAbi, votingEscrowAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { freePort } from '../market.ts'
import { heurist } from './home.ts'
import { codeOf } from './season.ts'

/** Not the local chain's, and one on which a test dollar can exist. */
const CHAIN_ID = 1_337
const TIMELY = 3 * 3_600
const { contracts } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'deploy', 'bytecode.json'), 'utf8'),
) as { contracts: Record<string, Hex> }

/** A chain that is not the local one: another id, somebody else's dollar, and nobody who knows of us. */
describe('heurist net deploy on a chain of its own', function () {
  this.timeout(300_000)
  const admin = privateKeyToAccount(localKey(LOCAL_KEY.router))
  let folder: string
  let chain: ChildProcess
  let rpcUrl: string
  let asset: Address
  let keyFile: string

  const client = () => createPublicClient({ transport: http(rpcUrl) })
  const net = (verb: string, given: NodeJS.ProcessEnv = {}) =>
    heurist(folder, ['net', verb, '--key-file', keyFile, '--record', join(folder, 'record.json'), '--json'], {
      HEURIST_RPC_URL: rpcUrl,
      ...given,
    })

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-deploy-'))
    keyFile = join(folder, 'deployer.json')
    saveKey(keyFile, localKey(LOCAL_KEY.router))
    const port = await freePort()
    rpcUrl = `http://127.0.0.1:${port}`
    const options = [
      '--port',
      String(port),
      '--chain-id',
      String(CHAIN_ID),
      '--hardfork',
      'cancun',
      '--silent',
    ]
    chain = spawn(foundryBinary('anvil') ?? 'anvil', options, { stdio: 'ignore' })
    while ((await chainIdOf(rpcUrl)) !== CHAIN_ID) await new Promise((resolve) => setTimeout(resolve, 50))
    const issuer = mnemonicToAccount('test test test test test test test test test test test junk')
    const wallet = createWalletClient({ account: issuer, transport: http(rpcUrl) })
    const hash = await wallet.sendTransaction({ data: contracts.TestDollar as Hex, to: null, chain: null })
    asset = (await client().waitForTransactionReceipt({ hash })).contractAddress as Address
  })
  after(() => {
    chain.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  it('says what is missing before it sends anything: the asset, one that is none, a delay that is no number', async () => {
    const refused = [
      await net('deploy', { HEURIST_ASSET: '' }),
      await net('deploy', { HEURIST_ASSET: admin.address }),
      await net('deploy', { HEURIST_ASSET: asset, HEURIST_PRIORITY_DEADLINE: 'soon' }),
      await net('deploy', { HEURIST_ASSET: asset, HEURIST_PRIORITY_DEADLINE: '86400' }),
      await net('deploy', { HEURIST_RPC_URL: 'http://127.0.0.1:9' }),
    ]

    expect(refused.map(({ code }) => code > 0)).to.deep.equal(refused.map(() => true))
    expect(refused.map(codeOf)).to.deep.equal([
      'asset.unset',
      'asset.unsuitable',
      'deadline.invalid',
      'deadline.invalid',
      'chain.unreachable',
    ])
    expect(await client().getTransactionCount({ address: admin.address })).to.equal(0)
  })

  it('deploys everything around that asset, and is done with it when it is asked again', async () => {
    const given = { HEURIST_ASSET: asset, HEURIST_PRIORITY_DEADLINE: String(TIMELY) }
    const first = await net('deploy', given)
    const sent = await client().getTransactionCount({ address: admin.address })
    const again = await net('deploy', given)

    expect([first.code, again.code], first.err).to.deep.equal([0, 0])
    const { addresses } = first.json as { addresses: Record<string, Address> }
    expect(again.json).to.deep.equal(first.json)
    expect(await client().getTransactionCount({ address: admin.address })).to.equal(sent)
    const codes = await Promise.all(Object.values(addresses).map((address) => client().getCode({ address })))
    expect(codes.every((code) => (code ?? '0x').length > 2)).to.equal(true)
    const ledger = { address: addresses.ledger as Address, abi: computeLedgerAbi } as const
    expect(await client().readContract({ ...ledger, functionName: 'asset' })).to.equal(getAddress(asset))
    const escrow = { address: addresses.escrow as Address, abi: votingEscrowAbi } as const
    expect(await client().readContract({ ...escrow, functionName: 'heu' })).to.equal(
      getAddress(addresses.heu as Address),
    )
  })

  it('leaves its deployer an admin that waits', async () => {
    const { json } = await net('deploy', { HEURIST_ASSET: asset, HEURIST_PRIORITY_DEADLINE: String(TIMELY) })
    const { authority } = (json as { addresses: Record<string, Address> }).addresses
    const [isMember, delay] = await client().readContract({
      address: authority as Address,
      abi: authorityAbi,
      functionName: 'hasRole',
      args: [0n, admin.address],
    })

    expect([isMember, delay]).to.deep.equal([true, params.adminDelay.value])
  })

  it('reads it all back', async () => {
    const right = await net('verify', { HEURIST_ASSET: asset, HEURIST_PRIORITY_DEADLINE: String(TIMELY) })
    const findings = JSON.parse(right.out) as { what: string; expected: string; found: string }[]

    expect(right.code).to.equal(0)
    expect(findings.length).to.be.above(20)
    expect(findings.filter(({ expected, found }) => expected !== found)).to.deep.equal([])
  })
})
