import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { expect } from 'chai'
import { createTestClient, http, publicActions } from 'viem'
import { chainIdOf, LOCAL_CHAIN_ID, type LocalChain, startChain } from '../../deploy/chain.ts'
import { deploy } from '../../deploy/deploy.ts'
import { localAccount } from '../../deploy/local.ts'
import { freePort } from '../market.ts'

for (const engine of ['anvil', 'hardhat'] as const) {
  describe(`the embedded chain on ${engine}`, function () {
    this.timeout(600_000)

    let chain: LocalChain
    let port: number
    const home = mkdtempSync(join(tmpdir(), 'heurist-chain-'))
    const userHome = join(home, 'user')
    const before_ = { HEURIST_CHAIN: process.env.HEURIST_CHAIN, HOME: process.env.HOME }

    before(async () => {
      if (engine === 'hardhat') process.env.HEURIST_CHAIN = 'hardhat'
      port = await freePort()
      mkdirSync(userHome)
      process.env.HOME = userHome
      chain = await startChain({ port })
      process.env.HOME = before_.HOME
    })
    after(async () => {
      if (before_.HEURIST_CHAIN === undefined) delete process.env.HEURIST_CHAIN
      else process.env.HEURIST_CHAIN = before_.HEURIST_CHAIN
      await chain.stop()
      rmSync(home, { recursive: true, force: true })
    })

    it('answers with the local chain id and names its engine', async () => {
      expect(await chainIdOf(chain.rpcUrl)).to.equal(LOCAL_CHAIN_ID)
      expect(chain.engine).to.equal(engine)
    })

    it('listens on loopback alone: everybody knows its keys', async () => {
      const others = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
      for (const { address, family, internal } of others) {
        if (internal || family !== 'IPv4') continue
        expect(await accepts(address, port), address).to.equal(false)
      }
      // On Linux all of 127/8 is this machine: whoever listens everywhere listens there too.
      if (process.platform === 'linux') expect(await accepts('127.0.0.2', port)).to.equal(false)
      expect(await accepts('127.0.0.1', port)).to.equal(true)
    })

    it('answers for past blocks, and writes none of their states to the disk', async () => {
      const client = createTestClient({
        mode: 'hardhat',
        transport: http(chain.rpcUrl, { timeout: 60_000 }),
      }).extend(publicActions)
      const address = `0x${'11'.repeat(20)}` as const
      await client.setBalance({ address, value: 1n })
      await client.mine({ blocks: 1_000 })
      const blockNumber = await client.getBlockNumber()
      await client.mine({ blocks: 1 })
      await client.setBalance({ address, value: 2n })
      await client.mine({ blocks: 1_000 })

      expect(await client.getBalance({ address, blockNumber })).to.equal(1n)
      expect(await client.getBalance({ address })).to.equal(2n)
      const files = readdirSync(userHome, { recursive: true, encoding: 'utf8' })
      expect(files.filter((file) => file.includes(join('anvil', 'tmp') + sep))).to.deep.equal([])
    })

    it('takes a whole deployment, mines without being asked, and keeps to the clock', async () => {
      const deployer = await deploy({
        rpcUrl: chain.rpcUrl,
        account: localAccount('deployer'),
        recordFile: join(home, 'record.json'),
      })
      const first = await deployer.client.getBlockNumber({ cacheTime: 0 })
      let last = await deployer.client.getBlock()
      // As many as would show a second too much in each.
      while (last.number < first + 6n) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        last = await deployer.client.getBlock()
      }

      // A chain whose blocks run ahead of the clock would refuse signers that were registered a moment ago.
      expect(Number(last.timestamp)).to.be.at.most(Math.ceil(Date.now() / 1000) + 1)
    })
  })
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: 2_000 })
    const end = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}
