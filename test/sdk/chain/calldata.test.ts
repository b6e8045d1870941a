import { expect } from 'chai'
import { encodeFunctionData, type Hex } from 'viem'
import { computeLedgerAbi } from '../../../sdk/chain/abi.ts'
import { packedBatchIn } from '../../../sdk/chain/calldata.ts'
import { toHex } from '../../../sdk/protocol/bytes.ts'
import { refusal } from '../refusal.ts'

const HASH: Hex = `0x${'5'.repeat(64)}`

describe('the batch in a transaction', () => {
  it('is what it hands to settle, to the byte', () => {
    const batch: Hex = '0x00ff10'
    const input = encodeFunctionData({ abi: computeLedgerAbi, functionName: 'settle', args: [batch] })

    expect(toHex(packedBatchIn(HASH, input))).to.equal(batch)
  })

  it('is refused by name where the transaction calls another function, a contract, or nothing', async () => {
    const others: Hex[] = [
      encodeFunctionData({ abi: computeLedgerAbi, functionName: 'collect', args: [`0x${'1'.repeat(40)}`] }),
      '0xdeadbeef',
      '0x',
    ]

    for (const input of others) {
      const error = await refusal((async () => packedBatchIn(HASH, input))())
      expect(error.code).to.equal('batch.unreadable')
    }
  })
})
