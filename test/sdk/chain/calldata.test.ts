import { expect } from 'chai'
import { concat, encodeFunctionData, type Hex, pad } from 'viem'
import { computeLedgerAbi } from '../../../sdk/chain/abi.ts'
import { packedBatchIn } from '../../../sdk/chain/calldata.ts'
import { packBatch } from '../../../sdk/protocol/batch.ts'
import { keccak, toHex } from '../../../sdk/protocol/bytes.ts'
import { refusal } from '../refusal.ts'

const HASH: Hex = `0x${'5'.repeat(64)}`
const word = (digit: string): Hex => `0x${digit.repeat(64)}`
const lines = { payers: [], nodes: [], pods: [], frontends: [] }
const batchOf = (root: Hex) => packBatch({ seq: 7n, prev: word('1'), root, dataHash: word('3'), ...lines })
const settle = (batch: Uint8Array) =>
  encodeFunctionData({ abi: computeLedgerAbi, functionName: 'settle', args: [toHex(batch)] })

describe('the batch in a transaction', () => {
  const batch = batchOf(word('a'))
  const event = { batchHash: toHex(keccak(batch)), root: word('a') }

  it('is what it hands to settle, to the byte', () => {
    expect(packedBatchIn(HASH, settle(batch), event)).to.deep.equal(batch)
  })

  it('is found inside the call of a contract, among others, by the hash that the ledger counted', () => {
    const [other, twin] = [batchOf(word('b')), batchOf(word('a'))]
    twin[0] = 9
    const inner = [settle(other), settle(twin), settle(batch)].map((call) =>
      concat([pad('0x07'), call, '0x00ff']),
    )

    expect(packedBatchIn(HASH, concat(['0x12345678', ...inner]), event)).to.deep.equal(batch)
  })

  it('is looked for in no time among thousands that are not it, however they are nested, and however many have its root', async () => {
    const digits = settle(batch).slice(2, 2 + 8 + 64)
    /** Calls of `settle`, each of which reaches to the end of all. */
    const nested = (size: number, inner: string) => {
      const each = 36 + 32 + inner.length / 2
      const calls = Math.floor(size / each)
      return Array.from({ length: calls }, (_, index) => {
        const left = (calls - index - 1) * each + inner.length / 2
        return `${digits}${left.toString(16).padStart(64, '0')}${inner}`
      }).join('')
    }
    const rooted = `${'00'.repeat(40)}${word('a').slice(2)}`
    const from = process.cpuUsage()

    for (const inner of ['', rooted]) {
      const input: Hex = `0x12345678${nested(256 * 1024, inner)}`
      expect(await refusal((async () => packedBatchIn(HASH, input, event))())).to.include({
        code: 'batch.unreadable',
      })
    }

    const { user, system } = process.cpuUsage(from)
    expect(user + system, 'microseconds of work').to.be.lessThan(2_000_000)
  }).timeout(120_000)

  it('is refused by name where the transaction calls another function, a contract that makes it up, or nothing', async () => {
    const others: Hex[] = [
      encodeFunctionData({ abi: computeLedgerAbi, functionName: 'collect', args: [`0x${'1'.repeat(40)}`] }),
      settle(batchOf(word('b'))),
      settle(batch.with(0, 9)),
      toHex(batch),
      '0xdeadbeef',
      '0x',
    ]

    for (const input of others) {
      const error = await refusal((async () => packedBatchIn(HASH, input, event))())
      expect(error.code, input.slice(0, 40)).to.equal('batch.unreadable')
    }
  })
})
