import { expect } from 'chai'
import { type Abi, encodeErrorResult } from 'viem'
import {
  emissionControllerAbi,
  feeBurnerAbi,
  nodeStakingAbi,
  voteControllerAbi,
  votingEscrowAbi,
} from '../../../sdk/chain/abi.ts'
import { revertOf } from '../../../sdk/chain/errors.ts'

type AbiError = Extract<Abi[number], { type: 'error' }>

/** What no call of a person provokes, libraries and wrong deployments: bugs of ours, shown as they are. */
const OURS_ALONE =
  /^(AccessManaged|Address|ERC1967|UUPS|Checkpoint|SafeCast|SafeERC20|Reentrancy|FailedCall|Insufficient|InvalidInit|NotInit|Math|String|InvalidShort|NotTheLedgersVoters|TipOutOfOrder|ShortTransfer)/

const CONTRACTS: [string, Abi][] = [
  ['VotingEscrow', votingEscrowAbi as unknown as Abi],
  ['VoteController', voteControllerAbi as unknown as Abi],
  ['NodeStaking', nodeStakingAbi as unknown as Abi],
  ['EmissionController', emissionControllerAbi as unknown as Abi],
  ['FeeBurner', feeBurnerAbi as unknown as Abi],
]

const sample = (type: string): unknown => {
  if (type === 'address') return `0x${'11'.repeat(20)}`
  if (type.startsWith('bytes')) return `0x${'22'.repeat(32)}`
  if (type === 'uint8') return 1
  return Number(type.replace(/\D/g, '')) > 48 ? 1_790_000_000n : 2_960
}

describe('what a contract refuses', () => {
  for (const [contract, abi] of CONTRACTS) {
    it(`is said in words, with a way out: ${contract}`, () => {
      const errors = abi.filter((item): item is AbiError => item.type === 'error')
      const own = errors.filter(({ name }) => !OURS_ALONE.test(name))

      expect(own).to.not.have.length(0)
      for (const { name, inputs } of own) {
        const args = inputs.map(({ type }) => sample(type))
        const error = revertOf(encodeErrorResult({ abi, errorName: name, args }))

        expect(error.details.error).to.equal(name)
        expect(error.fix, name).to.match(/^[A-Z].*\.$/)
        expect(error.message, name).to.match(/^the contract refused: /)
        expect(error.message + error.fix, name).to.not.match(/undefined|NaN|\w+\(/)
      }
    })
  }

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
