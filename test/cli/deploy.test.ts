import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import {
  type Abi,
  type Address,
  type ContractFunctionArgs,
  createPublicClient,
  createTestClient,
  createWalletClient,
  type EncodeFunctionDataParameters,
  encodeDeployData,
  encodeFunctionData,
  getAddress,
  type Hex,
  http,
  toFunctionSelector,
} from 'viem'
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts'
import { chainIdOf, foundryBinary } from '../../deploy/chain.ts'
import { params } from '../../deploy/params.ts'
import type { DeployedName } from '../../deploy/record.ts'
import { slashingParams } from '../../deploy/steps/06-economy.ts'
import { ROLES } from '../../deploy/steps/07-roles.ts'
import type { Finding } from '../../deploy/verify.ts'
import { authorityAbi, computeLedgerAbi, slashingManagerAbi, votingEscrowAbi } from '../../sdk/chain/abi.ts'
import { saveKey } from '../../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../../sdk/chain/local.ts'
import { freePort } from '../market.ts'
import { heurist } from './home.ts'
import { codeOf } from './season.ts'

/** Not the local chain's, and one on which a test dollar can exist. */
const CHAIN_ID = 1_337
const TIMELY = 3 * 3_600
const JSON_BODY = { 'content-type': 'application/json' }
const WEEK = 7 * 86_400
const STRANGER: Address = '0x00000000000000000000000000000000000bAD01'
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
  let otherAsset: Address
  let keyFile: string

  const client = () => createPublicClient({ transport: http(rpcUrl) })
  const net = (verb: string, given: NodeJS.ProcessEnv = {}) =>
    heurist(folder, ['net', verb, '--key-file', keyFile, '--record', join(folder, 'record.json'), '--json'], {
      HEURIST_RPC_URL: rpcUrl,
      ...given,
    })

  /** Somebody else's contract. */
  const create = async (data: Hex): Promise<Address> => {
    const issuer = mnemonicToAccount('test test test test test test test test test test test junk')
    const wallet = createWalletClient({ account: issuer, transport: http(rpcUrl) })
    const hash = await wallet.sendTransaction({ data, to: null, chain: null })
    return (await client().waitForTransactionReceipt({ hash })).contractAddress as Address
  }
  const addressOf = (name: DeployedName): Address =>
    JSON.parse(readFileSync(join(folder, 'record.json'), 'utf8')).addresses[name]
  type Order = 'grantRole' | 'setTargetFunctionRole' | 'setTargetClosed' | 'setGrantDelay'
  const toAuthority = <N extends Order>(
    functionName: N,
    args: ContractFunctionArgs<typeof authorityAbi, 'nonpayable', N>,
  ): [Address, Hex] => [
    addressOf('authority'),
    encodeFunctionData({ abi: authorityAbi, functionName, args } as EncodeFunctionDataParameters),
  ]
  const send = async (functionName: 'schedule' | 'execute' | 'renounceRole', args: readonly unknown[]) => {
    const wallet = createWalletClient({ account: admin, transport: http(rpcUrl) })
    const to = addressOf('authority')
    const data = encodeFunctionData({ abi: authorityAbi as Abi, functionName, args })
    const hash = await wallet.sendTransaction({ to, data, chain: null })
    expect((await client().waitForTransactionReceipt({ hash })).status).to.equal('success')
  }
  /** Proposes calls in the admin's name, waits as long as it must, and makes them. */
  const change = async (calls: [Address, Hex][]) => {
    const anvil = createTestClient({ mode: 'anvil', transport: http(rpcUrl) })
    for (const [target, data] of calls) await send('schedule', [target, data, 0])
    await anvil.increaseTime({ seconds: WEEK })
    await anvil.mine({ blocks: 1 })
    for (const [target, data] of calls) await send('execute', [target, data])
  }

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
    asset = await create(contracts.TestDollar as Hex)
    otherAsset = await create(contracts.TestDollar as Hex)
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

  it('refuses another asset than the one it was made with, and keeps its record', async () => {
    const record = () => readFileSync(join(folder, 'record.json'), 'utf8')
    const before = record()
    const timely = { HEURIST_PRIORITY_DEADLINE: String(TIMELY) }
    const other = await net('deploy', { HEURIST_ASSET: otherAsset, ...timely })
    const kept = record()
    const unnamed = await net('deploy', timely)

    expect(codeOf(other)).to.equal('deployment.differs')
    expect(kept).to.equal(before)
    expect([unnamed.code, record()], unnamed.err).to.deep.equal([0, before])
  })

  it('finds the queue that the contracts were checked against, where it is named', async () => {
    const [other, unnamed] = [
      await net('verify', { HEURIST_PRIORITY_DEADLINE: String(TIMELY + 1) }),
      await net('verify'),
    ]

    expect([other.code, unnamed.code]).to.deep.equal([1, 0])
    expect(wrongOf(other.out)).to.deep.equal({
      'ledger checked for a queue of': `${TIMELY}, not ${TIMELY + 1}`,
      'bond checked for a queue of': `${TIMELY}, not ${TIMELY + 1}`,
    })
  })

  it('is refused by a record of another creation, and by a node that has forgotten the events', async () => {
    const file = join(folder, 'record.json')
    const record = readFileSync(file, 'utf8')
    const { authority, heu } = JSON.parse(record).transactions as Record<string, string>
    const forgetful = createServer(async (request, response) => {
      const asked = await text(request)
      const { id, method } = JSON.parse(asked)
      const answer =
        method === 'eth_getLogs'
          ? JSON.stringify({ jsonrpc: '2.0', id, result: [] })
          : await (await fetch(rpcUrl, { method: 'POST', headers: JSON_BODY, body: asked })).text()
      response.writeHead(200, JSON_BODY).end(answer)
    })
    await new Promise<void>((resolve) => forgetful.listen(0, '127.0.0.1', resolve))

    writeFileSync(file, record.replace(String(authority), String(heu)))
    const another = await net('verify')
    writeFileSync(file, record.replace(String(authority), `0x${'ab'.repeat(32)}`))
    const unknown = await net('verify')
    writeFileSync(file, record)
    const { port } = forgetful.address() as AddressInfo
    const forgotten = await net('verify', { HEURIST_RPC_URL: `http://127.0.0.1:${port}` })
    forgetful.close()

    expect([another, unknown, forgotten].map(codeOf)).to.deep.equal([
      'creation.unknown',
      'creation.unknown',
      'history.absent',
    ])
  })

  it('finds every change that its admin has waited for, and what has yet to begin', async () => {
    const release = toFunctionSelector('release(uint32,uint256)')
    const longer = { ...slashingParams(), disputeSeconds: 4 * 86_400 }
    const code = await create(
      encodeDeployData({
        abi: slashingManagerAbi,
        bytecode: contracts.SlashingManager as Hex,
        args: [addressOf('ledger'), addressOf('staking')],
      }),
    )
    const upgrade = { abi: slashingManagerAbi, functionName: 'upgradeToAndCall', args: [code, '0x'] } as const
    const given = addressOf('slashingCode')
    await change([
      [addressOf('slashing'), encodeFunctionData(upgrade)],
      toAuthority('grantRole', [ROLES.slasher, STRANGER, 0]),
      toAuthority('grantRole', [ROLES.upgrader, admin.address, 0]),
      toAuthority('setTargetFunctionRole', [addressOf('staking'), [release], ROLES.judge]),
      toAuthority('setTargetClosed', [addressOf('ledger'), true]),
      toAuthority('setGrantDelay', [ROLES.judge, 5 * WEEK]),
      [
        addressOf('slashing'),
        encodeFunctionData({ abi: slashingManagerAbi, functionName: 'setParams', args: [longer] }),
      ],
    ])
    const first = await net('verify')
    await change([toAuthority('grantRole', [ROLES.judge, STRANGER, 0])])
    const second = await net('verify')

    expect([first.code, second.code]).to.deep.equal([1, 1])
    const { leastBond, bondBps, reporterBps, evidenceSeconds } = slashingParams()
    const rest = [leastBond, bondBps, reporterBps, evidenceSeconds].join()
    const now = wrongOf(first.out)
    expect(Object.keys(now).length).to.equal(7)
    expect(now['slashing code']).to.equal(`${getAddress(code)}, not ${getAddress(given)}`)
    expect(now['slashing parameters']).to.equal(`${rest},${4 * 86_400}, not ${rest},${3 * 86_400}`)
    expect(now['staking release(uint32,uint256)']).to.equal('judge, not slasher')
    expect(now['ledger under the Authority']).to.equal('closed, delay 0 s, not open, delay 0 s')
    expect(now['judge handed out']).to.match(
      /^by admin, cancelled by admin, delay 0 s, 3024000 s from \S+ on, not by admin/,
    )
    expect(now[`slasher of ${getAddress(STRANGER)}`]).to.match(/^held since \S+, delay 0 s, not none$/)
    expect(now[`upgrader of ${admin.address}`]).to.match(
      /^held since \S+, delay 604800 s, 0 s from \S+ on, not held, delay 604800 s$/,
    )
    const later = wrongOf(second.out)
    expect(Object.keys(later).length).to.equal(8)
    expect(later['judge handed out']).to.match(/^by admin, cancelled by admin, delay 3024000 s, not/)
    expect(later[`judge of ${getAddress(STRANGER)}`]).to.match(/^held from \S+ on, delay 0 s, not none$/)
    expect(later[`upgrader of ${admin.address}`]).to.match(/^held since \S+, delay 0 s, not held/)
  })

  it('says of a hand-over who holds the role since when, and that its deployer does not any more', async () => {
    await change([toAuthority('grantRole', [ROLES.admin, STRANGER, WEEK])])
    await send('renounceRole', [ROLES.admin, admin.address])

    const wrong = wrongOf((await net('verify')).out)

    expect(wrong[`admin of ${getAddress(STRANGER)}`]).to.match(/^held since \S+, delay 604800 s, not none$/)
    expect(wrong[`admin of ${admin.address}`]).to.match(/^not held since \S+, not held, delay 604800 s$/)
  })

  it('does not undo what was decided since: another deploy says what differs, and sends nothing', async () => {
    const sent = await client().getTransactionCount({ address: admin.address })
    const again = await net('deploy', { HEURIST_ASSET: asset, HEURIST_PRIORITY_DEADLINE: String(TIMELY) })

    expect([again.code, codeOf(again)]).to.deep.equal([1, 'authority.changed'])
    expect(again.out).to.include(`admin of ${admin.address}`).and.include('heurist net verify')
    expect(await client().getTransactionCount({ address: admin.address })).to.equal(sent)
  })
})

/** What is wrong, by name: "what was found, not what should be". */
function wrongOf(out: string): Record<string, string> {
  const findings = JSON.parse(out) as Finding[]
  const wrong = findings.filter(({ expected, found }) => expected !== found)
  return Object.fromEntries(wrong.map(({ what, expected, found }) => [what, `${found}, not ${expected}`]))
}
