import 'fake-indexeddb/auto'
import { expect } from 'chai'
import type { EIP1193Provider } from 'viem'
import { currentOf, type KnownKey } from '../../apps/web/src/session/known.ts'
import { openBrowserSession } from '../../apps/web/src/session/session.ts'
import { accountsOf, connect } from '../../apps/web/src/session/wallets.ts'
import { asHeuristError } from '../../sdk/errors.ts'
import { freePort } from '../market.ts'

describe('the accounts of a wallet', () => {
  const walletOf = (answer: unknown) => ({
    provider: { request: async () => answer } as unknown as EIP1193Provider,
  })

  it('are those that it shows; one that answers nothing at all shows none', async () => {
    const account = `0x${'Ab'.repeat(20)}`
    for (const [answer, accounts] of [
      [[account], [account.toLowerCase()]],
      [[], []],
      [null, []],
      [undefined, []],
      ['0x', []],
      [[null], []],
    ] as const)
      expect(await accountsOf(walletOf(answer))).to.deep.equal(accounts)

    const refusal = await connect(walletOf(null), 1).then(() => undefined, asHeuristError)
    expect(refusal?.code).to.equal('wallet.empty')
  })
})

describe('a session whose router does not answer', () => {
  const { window, document } = globalThis
  after(() => Object.assign(globalThis, { window, document }))

  it('has one next try, however many failed', async () => {
    const tries = new Set<number>()
    let last = 0
    const timers = {
      setTimeout() {
        last += 1
        tries.add(last)
        return last
      },
      clearTimeout: (timer: number) => void tries.delete(timer),
      setInterval: () => 0,
      addEventListener: () => undefined,
    }
    Object.assign(globalThis, { window: timers, document: { visibilityState: 'visible' } })
    const url = `http://127.0.0.1:${await freePort()}`
    const none = `0x${'0'.repeat(40)}` as const
    const config = { routerUrl: url, rpcUrl: url, chainId: 31337, ledger: none } as never
    const session = (await openBrowserSession(config, 1)) as unknown as { open(): Promise<void> }
    await Promise.all([session.open(), session.open()])

    expect(last).to.be.above(1)
    expect(tries.size).to.equal(1)
  })
})

describe('which key of a browser pays', () => {
  const key = (name: string, credit: bigint, part: object = {}): KnownKey =>
    ({
      record: { address: `0x${name.repeat(40)}`, ...part },
      account: { credit, thawing: 0n },
      awaits: false,
    }) as unknown as KnownKey
  const nameOf = (found: KnownKey | undefined) => found?.record.address[2]
  const at = (name: string) => `0x${name.repeat(40)}` as const

  it('is the one that paid before, until it has less than a cent and another has more', () => {
    const [a, b] = [key('a', 10_000n), key('b', 5_000_000n)]
    expect(nameOf(currentOf([b, a], at('a')))).to.equal('a')
    for (const dust of [9_999n, 1n, 0n])
      expect(nameOf(currentOf([b, key('a', dust)], at('a'))), `${dust}`).to.equal('b')
  })

  it('is one with a little before one with nothing, and none whose credit is on its way back', () => {
    expect(nameOf(currentOf([key('b', 0n), key('a', 1n)], at('b')))).to.equal('a')
    const thawing = { ...key('a', 5_000_000n), account: { credit: 5_000_000n, thawing: 5_000_000n } }
    expect(nameOf(currentOf([thawing as KnownKey, key('b', 0n)], at('a')))).to.equal('b')
    expect(currentOf([key('a', 9n, { revokedAt: 1 })], undefined)).to.equal(undefined)
  })
})
