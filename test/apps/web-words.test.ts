import { expect } from 'chai'
import { type Abi, encodeErrorResult } from 'viem'
import { z } from 'zod'
import { piecesOf } from '../../apps/web/src/acts/commands.ts'
import { PORTAL_ADDRESSES } from '../../apps/web/src/portal/addresses.ts'
import { wordsOf } from '../../apps/web/src/session/words.ts'
import * as abis from '../../sdk/chain/abi.ts'
import { revertOf } from '../../sdk/chain/errors.ts'
import { parseNetwork } from '../../sdk/chain/network.ts'
import { asHeuristError, later, refused } from '../../sdk/errors.ts'
import { parseManifest } from '../../sdk/protocol/manifest.ts'
import { parseWire } from '../../sdk/protocol/wire.ts'
import { closed } from '../../sdk/purse.ts'

type AbiError = Extract<Abi[number], { type: 'error' }>

const sample = (type: string): unknown => {
  if (type === 'address') return `0x${'11'.repeat(20)}`
  if (type === 'string') return 'text'
  if (type === 'bool') return true
  if (type === 'bytes4') return '0x22222222'
  if (type.startsWith('bytes')) return `0x${'22'.repeat(type === 'bytes' ? 1 : 32)}`
  return 1n
}

const errors = (Object.values(abis) as Abi[]).flatMap((abi) =>
  abi.filter((item): item is AbiError => item.type === 'error'),
)

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (cause) {
    return cause
  }
  throw new Error('nothing was thrown')
}

/** What the page makes of a contract's refusal. */
function problemOf(error: AbiError) {
  const args = error.inputs.map(({ type }) => (/^u?int(8|16|32)$/.test(type) ? 1 : sample(type)))
  return wordsOf(revertOf(encodeErrorResult({ abi: [error], args })))
}

describe('what the page says of a refusal', () => {
  it('is a sentence and a next step for every custom error of every contract', () => {
    for (const each of errors) {
      const { code, says, fix } = problemOf(each)

      expect(code, each.name).to.equal('chain.reverted')
      expect(says, each.name).to.match(/^The contract refused: .+\.$/)
      expect(fix, each.name).to.match(/^[A-Z].*\.$/)
    }
  })

  it('is that the price rose, where a pod asks for more than a page allowed', () => {
    const { code, says, fix } = wordsOf(
      refused('price.too_low', 'maxPrice is below what this input can cost'),
    )

    expect([code, says]).to.deep.equal(['price.rose', 'The price rose meanwhile.'])
    expect(fix).to.include('Nothing was signed or charged')
  })

  it('is that an answer could not be checked yet, where it came while the chain did not answer', () => {
    const { code, says } = wordsOf(
      later('chain.unreachable', 'it did not', { details: { price: '22', unchecked: true } }),
    )

    expect([code, says]).to.deep.equal([
      'chain.unreachable',
      'The answer came, but the chain does not say whether it holds: it cannot be checked yet.',
    ])
    expect(wordsOf(later('chain.unreachable', 'it did not')).says).to.equal('The chain does not answer.')
  })

  it('is to revoke the key, where the router counts more for it than its browser does', () => {
    const { says, fix } = wordsOf(refused('voucher.ceiling_low', 'The ceiling does not cover it.'))

    expect(says).to.match(/^The router counts more for this key/)
    expect(fix).to.match(/^Revoke the key/)
  })

  it('is that a key is not in use any more, where its client was closed', () => {
    const { code, says, fix } = wordsOf(closed())

    expect([code, says]).to.deep.equal([
      'client.closed',
      'The key that this was begun with is not in use any more.',
    ])
    expect(fix).to.match(/^Ask again: nothing was signed or charged/)
  })

  it('is never to try again later, where the same would be refused again', () => {
    const { says, fix } = wordsOf(refused('some.thing', 'it is wrong'))

    expect([says, fix]).to.deep.equal([
      'It is wrong.',
      'It would be refused again as it is: change something first.',
    ])
    expect(wordsOf(later('some.thing', 'it waits')).fix).to.equal('Try again later.')
  })

  it('is a sentence and a way out, where a schema says no to what pages send or read', () => {
    const wrong = [
      'router.unreadable',
      'data.unreadable',
      'report.unreadable',
      'share.invalid',
      'picture.invalid',
      'search.invalid',
      'deposit.invalid',
    ]
    const refusals = [
      ...wrong.map((code) => () => parseWire(z.object({ text: z.string().max(3) }), { text: 'long' }, code)),
      () => parseManifest(Buffer.from('kind: chat')),
      () => parseNetwork({}),
    ]
    for (const refuse of refusals) {
      const cause = thrownBy(refuse)
      const { says, fix } = wordsOf(cause)

      expect(asHeuristError(cause).field).to.be.a('string')
      expect(says).not.to.match(/:|expected|invalid/i)
      expect(says).to.match(/^[A-Z].*\.$/)
      expect(fix).to.match(/^[A-Z].*\.$/)
    }
  })

  it('leads to the page that does it, where a command has one', () => {
    const pages = errors.flatMap((each) =>
      piecesOf(problemOf(each).fix).flatMap((piece) => ('page' in piece ? [piece.page] : [])),
    )

    expect(new Set(pages)).to.include.keys('/lock', '/stake')
    for (const page of pages) expect(PORTAL_ADDRESSES).to.include(page)
    expect(piecesOf('Extend it with `heurist lock extend`, or see `heurist net`.')).to.deep.equal([
      { text: 'Extend it with ' },
      { page: '/lock', word: 'lock: extend' },
      { text: ', or see ' },
      { code: 'heurist net' },
      { text: '.' },
    ])
  })
})
