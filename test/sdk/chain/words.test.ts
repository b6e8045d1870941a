import { expect } from 'chai'
import { type Abi, encodeErrorResult } from 'viem'
import * as abis from '../../../sdk/chain/abi.ts'
import { emissionControllerAbi } from '../../../sdk/chain/abi.ts'
import { revertOf } from '../../../sdk/chain/errors.ts'

type AbiError = Extract<Abi[number], { type: 'error' }>

const sample = (type: string): unknown => {
  if (type === 'address') return `0x${'11'.repeat(20)}`
  if (type === 'string') return 'text'
  if (type === 'bool') return true
  if (type === 'bytes') return '0x22'
  if (type === 'bytes4') return '0x22222222'
  if (type.startsWith('bytes')) return `0x${'22'.repeat(32)}`
  if (type === 'uint8') return 1
  return Number(type.replace(/\D/g, '')) > 48 ? 1_790_000_000n : 2_960
}

/** Every custom error of every contract, those that it has of libraries among them. */
const errorsOf = (abi: Abi) => abi.filter((item): item is AbiError => item.type === 'error')

describe('what a contract refuses', () => {
  for (const [contract, abi] of Object.entries(abis) as [string, Abi][]) {
    it(`is said in words, with a way out: ${contract}`, () => {
      for (const item of errorsOf(abi)) {
        const { name, inputs } = item
        const args = inputs.map(({ type }) => sample(type))
        const error = revertOf(encodeErrorResult({ abi: [item], args }))

        expect(error.details.error).to.equal(name)
        expect(error.fix, name).to.match(/^[A-Z].*\.$/)
        expect(error.message, name).to.match(/^the contract refused: /)
        expect(error.message + error.fix, name).to.not.match(/undefined|NaN|\w+\(/)
      }
    })
  }

  it('contracts have more than a hundred ways to refuse', () => {
    const names = new Set(
      (Object.values(abis) as Abi[]).flatMap((abi) => errorsOf(abi).map(({ name }) => name)),
    )

    expect(names.size).to.be.greaterThan(100)
  })

  it('names the second to come back at', () => {
    const data = encodeErrorResult({
      abi: emissionControllerAbi,
      errorName: 'TooEarly',
      args: [1_790_000_000n, 1_790_208_000n],
    })

    expect(revertOf(data).fix).to.equal(
      `Come back at ${new Date(1_790_208_000_000).toISOString().slice(0, 19)}Z.`,
    )
  })
})
