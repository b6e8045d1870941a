import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type {} from '@nomicfoundation/hardhat-ethers'
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/signers'
import { expect } from 'chai'
import type { HardhatRuntimeEnvironment } from 'hardhat/types'
import { compile } from '../../deploy/build/build.ts'
import { toCompact } from '../../sdk/native.ts'
import { type Batch, packBatch } from '../../sdk/protocol/batch.ts'
import { toHex } from '../../sdk/protocol/bytes.ts'
import { type Domain, eip712Domain, TYPES } from '../../sdk/protocol/messages.ts'
import type { ComputeLedger, Registry, TestDollar } from '../typechain'
import type { IComputeLedger } from '../typechain/contracts/ComputeLedger'

const root = join(import.meta.dirname, '..', '..')
const ZERO_HASH = `0x${'00'.repeat(32)}` as const
const MANIFEST = `0x${'aa'.repeat(32)}` as const
const REQUEST = `0x${'bb'.repeat(32)}` as const
const ROOT = `0x${'cc'.repeat(32)}` as const

/** The contracts through the eyes of Hardhat and TypeChain, in its in-process network. */
describe('a market on Hardhat', function () {
  this.timeout(900_000)

  let dollar: TestDollar
  let registry: Registry
  let ledger: ComputeLedger
  let router: HardhatEthersSigner
  let payer: HardhatEthersSigner
  let owner: HardhatEthersSigner

  before(async () => {
    compile(root)
    process.env.HARDHAT_CONFIG = join(root, 'hardhat.config.cts')
    const { ethers } = (await import('hardhat')).default as HardhatRuntimeEnvironment
    const [admin, ...others] = await ethers.getSigners()
    ;[router, payer, owner] = others as [HardhatEthersSigner, HardhatEthersSigner, HardhatEthersSigner]
    const authority = await ethers.deployContract('Authority', [admin?.address])
    const code = await ethers.deployContract('Registry')
    const init = code.interface.encodeFunctionData('initialize', [await authority.getAddress()])
    const proxy = await ethers.deployContract('UpgradeableProxy', [await code.getAddress(), init])
    registry = (await ethers.getContractAt('Registry', await proxy.getAddress())) as unknown as Registry
    dollar = (await ethers.deployContract('TestDollar')) as unknown as TestDollar
    const heu = await ethers.deployContract('HEU', [admin?.address])
    const from = admin?.address ?? ''
    const bondAddress = ethers.getCreateAddress({
      from,
      nonce: (await ethers.provider.getTransactionCount(from)) + 1,
    })
    const terms: IComputeLedger.TermsStruct = {
      asset: await dollar.getAddress(),
      registry: await registry.getAddress(),
      authority: await authority.getAddress(),
      podVoters: ethers.ZeroAddress,
      burner: ethers.ZeroAddress,
      bond: bondAddress,
      split: { node: 7000, pod: 1000, frontend: 1000, voters: 500 },
      thawSeconds: 86_400,
      priorityDeadline: 0,
    }
    ledger = (await ethers.deployContract('ComputeLedger', [terms])) as unknown as ComputeLedger
    const bond = await ethers.deployContract('RouterBond', [
      await ledger.getAddress(),
      await heu.getAddress(),
      0,
      1,
      0,
    ])
    await heu.getFunction('approve')(await bond.getAddress(), 1)
    await bond.getFunction('deposit')(router.address, 0, 1)
    for (const [role, register] of [
      ['node', () => registry.connect(owner).registerNode(admin?.address ?? '', owner.address, ZERO_HASH)],
      ['pod', () => registry.connect(owner).registerPod(owner.address, MANIFEST)],
      ['frontend', () => registry.connect(owner).registerFrontend(owner.address, ZERO_HASH)],
    ] as const) {
      expect((await (await register()).wait())?.status, role).to.equal(1)
    }
  })

  it('the typed tests type-check against the generated types', () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const argv = [tsc, '--noEmit', '-p', join(root, 'test', 'hardhat', 'tsconfig.json')]
    const result = spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8' })

    expect(result.stdout).to.equal('')
    expect(result.status).to.equal(0)
  })

  it('a deposit, a voucher and a batch pay node, pod and frontend what the split says', async () => {
    const price = 1_000_003n
    await (await dollar.connect(payer).faucet(payer.address, 5_000_000n)).wait()
    await (await dollar.connect(payer).approve(await ledger.getAddress(), 5_000_000n)).wait()
    await (await ledger.connect(payer).deposit(router.address, payer.address, 5_000_000n)).wait()
    const batch = await batchOf(price)

    await (await ledger.connect(router).settle(toHex(packBatch(batch)))).wait()
    await (await ledger.connect(router).claim(router.address, 0, [1])).wait()
    await (await ledger.connect(router).claim(router.address, 1, [1])).wait()
    await (await ledger.connect(router).claim(router.address, 2, [1])).wait()

    // 70 % + 10 % + 10 %, each floored on its own total; voters are none, so the rest is the protocol's.
    const paid = (price * 7000n) / 10_000n + 2n * ((price * 1000n) / 10_000n)
    expect(await dollar.balanceOf(owner.address)).to.equal(paid)
    expect(await ledger.protocolOwed(router.address)).to.equal(price - paid)
    expect(await ledger.creditOf(router.address, payer.address)).to.equal(5_000_000n - price)
  })

  it('the same batch again is refused: its number is used', async () => {
    const again = toHex(packBatch(await batchOf(1_000_003n)))

    const data = await ledger
      .connect(router)
      .settle.staticCall(again)
      .then(
        () => '0x',
        (error: { data: string }) => error.data,
      )
    const failure = ledger.interface.parseError(data)?.name

    expect(failure).to.equal('BadSequence')
  })

  async function batchOf(price: bigint): Promise<Batch> {
    const domain: Domain = {
      chainId: 31_337,
      verifyingContract: (await ledger.getAddress()) as `0x${string}`,
    }
    const expiry = 4_000_000_000
    const voucher = { router: router.address, ceiling: price, expiry, request: REQUEST }
    const types = { Voucher: [...TYPES.Voucher] }
    const signature = await payer.signTypedData(eip712Domain(domain), types, voucher)
    const compact = toCompact(signature as `0x${string}`)
    if (!compact) throw new Error('a wallet signed with a high s')
    const line = { id: 1, amount: price }
    return {
      seq: 1n,
      prev: ZERO_HASH,
      root: ROOT,
      dataHash: ROOT,
      payers: [{ ...compact, request: REQUEST, ceiling: price, expiry, charge: price }],
      nodes: [line],
      pods: [line],
      frontends: [line],
    }
  }
})
