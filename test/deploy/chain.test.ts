import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
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
    const before_ = process.env.HEURIST_CHAIN

    before(async () => {
      if (engine === 'hardhat') process.env.HEURIST_CHAIN = 'hardhat'
      port = await freePort()
      chain = await startChain({ port })
    })
    after(async () => {
      if (before_ === undefined) delete process.env.HEURIST_CHAIN
      else process.env.HEURIST_CHAIN = before_
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

    it('takes a whole deployment, mines without being asked, and keeps to the clock', async () => {
      const deployer = await deploy({
        rpcUrl: chain.rpcUrl,
        account: localAccount('deployer'),
        recordFile: join(home, 'record.json'),
      })
      const first = await deployer.client.getBlockNumber({ cacheTime: 0 })
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      const last = await deployer.client.getBlock()

      expect(last.number > first).to.equal(true)
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
