import { expect } from 'chai'
import { allowsDemo } from '../../apps/web/src/acts/demo.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { heuFaucet } from '../../sdk/chain/faucet.ts'
import { refusal } from '../sdk/refusal.ts'

const nobody = `0x${'11'.repeat(20)}` as const

describe('the demo wallet', () => {
  it('is there only where the chain is local by its id and by its address', () => {
    const allowed = (chainId: number, rpcUrl: string) => allowsDemo({ chainId, rpcUrl })

    expect(allowed(31_337, 'http://127.0.0.1:8545')).to.equal(true)
    expect(allowed(31_337, 'http://localhost:8545')).to.equal(true)
    expect(allowed(31_337, 'http://[::1]:8545')).to.equal(true)
    expect(allowed(31_337, 'https://rpc.example.org')).to.equal(false)
    expect(allowed(31_337, 'http://127.0.0.1.example.org')).to.equal(false)
    expect(allowed(1, 'http://127.0.0.1:8545')).to.equal(false)
  })

  it('gets its play money nowhere else, and nothing is asked of such a chain', async () => {
    const chain = openChain({ chainId: 1, rpcUrl: 'http://127.0.0.1:1' })

    expect((await refusal(heuFaucet(chain, nobody, nobody, 1n))).code).to.equal('faucet.absent')
  })
})
