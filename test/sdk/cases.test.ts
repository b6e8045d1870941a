import { expect } from 'chai'
import { type Abi, encodeErrorResult } from 'viem'
import * as abis from '../../sdk/chain/abi.ts'
import { revertOf } from '../../sdk/chain/errors.ts'
import { type CaseState, EXECUTE_SECONDS, isOpen, nextStep } from '../../sdk/protocol/cases.ts'

type AbiError = Extract<Abi[number], { type: 'error' }>

const sample = (type: string): unknown => {
  if (type === 'address') return `0x${'11'.repeat(20)}`
  if (type.startsWith('bytes')) return `0x${'22'.repeat(Number(type.slice(5) || 32))}`
  if (type === 'string') return 'a name'
  if (type === 'uint8') return 1
  return Number(type.replace(/\D/g, '')) > 48 ? 1_790_000_000n : 2_960
}

describe('every custom error of every contract', () => {
  for (const [contract, each] of Object.entries(abis)) {
    const abi = [...each] as unknown as Abi
    const errors = abi.filter((item): item is AbiError => item.type === 'error')
    if (errors.length === 0) continue
    it(`has a sentence and a next step: ${contract.replace(/Abi$/, '')}`, () => {
      const dumb: string[] = []
      for (const item of errors) {
        const { name, inputs } = item
        const args = inputs.map(({ type }) => sample(type))
        const error = revertOf(encodeErrorResult({ abi: [item], args }))
        const text = `${error.message} ${error.fix}`
        const isWorded = /^[A-Z].*\.$/.test(error.fix ?? '') && !/undefined|NaN|\w+\(/.test(text)
        if (error.details.error !== name || !isWorded) dumb.push(`${name}: ${text}`)
      }

      expect(dumb).to.deep.equal([])
    })
  }
})

describe('the next step of a case', () => {
  const UNTIL = 1_790_000_000
  const at = (state: CaseState, now: number) => nextStep({ state, until: UNTIL }, now)

  it('is the owner’s until the last second of the dispute window, then anyone’s for seven days, then lapsing', () => {
    const lastToExecute = UNTIL + EXECUTE_SECONDS

    expect(at('proposed', UNTIL)).to.deep.equal({ act: 'dispute', until: UNTIL })
    expect(at('proposed', UNTIL + 1)).to.deep.equal({ act: 'execute', until: lastToExecute })
    expect(at('proposed', lastToExecute)).to.deep.equal({ act: 'execute', until: lastToExecute })
    expect(at('proposed', lastToExecute + 1)).to.deep.equal({ act: 'lapse' })
  })

  it('is the judge’s while it is disputed, anyone’s when it is upheld, and none when it is decided', () => {
    expect(at('disputed', UNTIL)).to.deep.equal({ act: 'judge', until: UNTIL })
    expect(at('disputed', UNTIL + 1)).to.deep.equal({ act: 'lapse' })
    expect(at('upheld', UNTIL)).to.deep.equal({ act: 'execute', until: UNTIL })
    for (const state of ['executed', 'dismissed', 'lapsed'] as const) {
      expect(at(state, UNTIL)).to.equal(undefined)
      expect(isOpen({ state })).to.equal(false)
    }
  })
})
