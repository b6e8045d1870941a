import { expect } from 'chai'
import { createTestClient, createWalletClient, encodeFunctionData, type Hex, http, maxUint256 } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { computeLedgerAbi, registryAbi, testDollarAbi } from '../../../sdk/chain/abi.ts'
import { type Chain, openChain, walletSender } from '../../../sdk/chain/clients.ts'
import { deposit } from '../../../sdk/chain/deposits.ts'
import { faucet } from '../../../sdk/chain/faucet.ts'
import { keySender } from '../../../sdk/chain/key-sender.ts'
import { chainReader } from '../../../sdk/chain/reader.ts'
import { ROLE } from '../../../sdk/protocol/messages.ts'
import { usd } from '../../../sdk/units.ts'
import { freePort, type Market, openMarket } from '../../market.ts'
import { OUT_OF_STEP, startIllNode } from '../ill-node.ts'
import { refusal } from '../refusal.ts'
import { podsOf } from '../stage.ts'

describe('a chain', function () {
  this.timeout(600_000)
  let market: Market
  let chain: Chain
  before(async () => {
    market = await openMarket(podsOf())
    chain = openChain({ chainId: market.domain.chainId, rpcUrl: market.chain.rpcUrl })
  })
  after(() => market.close())

  const sender = async () => {
    const account = privateKeyToAccount(generatePrivateKey())
    await market.gas(account.address)
    return { account, sender: keySender(chain, account) }
  }
  const mint = (to: Hex, amount: bigint) => ({
    to: market.addresses.asset,
    data: encodeFunctionData({ abi: testDollarAbi, functionName: 'faucet', args: [to, amount] }),
  })
  const dollarsOf = (address: Hex) =>
    chain.client.readContract({
      address: market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'balanceOf',
      args: [address],
    })

  it('takes many transactions of one sender in their order, without a gap', async () => {
    const { account, sender: from } = await sender()

    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => from.send(mint(account.address, BigInt(index + 1)))),
    )

    const sent = await Promise.all(
      receipts.map(({ transactionHash: hash }) => chain.client.getTransaction({ hash })),
    )
    expect(sent.map(({ nonce }) => nonce)).to.deep.equal(Array.from({ length: 20 }, (_, index) => index))
    expect(await dollarsOf(account.address)).to.equal(210n)
  })

  it('takes transactions of one account from two senders that do not know of each other', async () => {
    const { account, sender: one } = await sender()
    const two = keySender(chain, account)

    await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? one : two).send(mint(account.address, 1n))),
    )

    expect(await dollarsOf(account.address)).to.equal(10n)
  })

  it('sends a transaction anew whose place another process took by paying more', async () => {
    const { account, sender: from } = await sender()
    const anvil = createTestClient({ mode: 'anvil', transport: http(market.chain.rpcUrl) })
    await anvil.setIntervalMining({ interval: 0 })
    const sent = from.send(mint(account.address, 3n))
    const pending = () => chain.client.getTransactionCount({ address: account.address, blockTag: 'pending' })
    while ((await pending()) === 0) await new Promise((resolve) => setTimeout(resolve, 20))

    const other = createWalletClient({
      account,
      transport: http(market.chain.rpcUrl),
      chain: chain.client.chain,
    })
    const { maxFeePerGas, maxPriorityFeePerGas } = await chain.client.estimateFeesPerGas()
    const taker = await other.sendTransaction({
      ...mint(account.address, 40n),
      nonce: 0,
      gas: 200_000n,
      maxFeePerGas: 4n * maxFeePerGas,
      maxPriorityFeePerGas: 4n * maxPriorityFeePerGas,
    })
    await anvil.setIntervalMining({ interval: 1 })
    const receipt = await sent

    expect(receipt.transactionHash).to.not.equal(taker)
    expect((await chain.client.getTransaction({ hash: receipt.transactionHash })).nonce).to.equal(1)
    expect(await dollarsOf(account.address)).to.equal(43n)
  })

  it('goes on with a transaction that its owner pays more for in the wallet, and says so if the wallet sent another call', async () => {
    const { account } = await sender()
    const anvil = createTestClient({ mode: 'anvil', transport: http(market.chain.rpcUrl) })
    const wallet = createWalletClient({
      account,
      transport: http(market.chain.rpcUrl),
      chain: chain.client.chain,
    })
    const pending = () => chain.client.getTransactionCount({ address: account.address, blockTag: 'pending' })
    const replacedBy = async (nonce: number, amount: bigint) => {
      await anvil.setIntervalMining({ interval: 0 })
      const sent = walletSender(chain, wallet, account.address).send(mint(account.address, 3n))
      const outcome = sent.then(
        () => 'sent',
        (cause: { code?: string }) => cause.code,
      )
      while ((await pending()) === nonce) await new Promise((resolve) => setTimeout(resolve, 20))
      // The watcher has to see what it waits for before it can see it replaced.
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const { maxFeePerGas, maxPriorityFeePerGas } = await chain.client.estimateFeesPerGas()
      await wallet.sendTransaction({
        ...mint(account.address, amount),
        nonce,
        gas: 200_000n,
        maxFeePerGas: 4n * maxFeePerGas,
        maxPriorityFeePerGas: 4n * maxPriorityFeePerGas,
      })
      await anvil.setIntervalMining({ interval: 1 })
      return outcome
    }

    expect(await replacedBy(0, 3n)).to.equal('sent')
    expect(await replacedBy(1, 40n)).to.equal('transaction.replaced')
    expect(await dollarsOf(account.address)).to.equal(43n)
  })

  it('takes the same signed bytes twice as one transaction', async () => {
    const { account, sender: from } = await sender()

    const signed = await from.sign(mint(account.address, 5n))
    const hashes = [await from.broadcast(signed), await from.broadcast(signed)]
    const receipt = await from.confirm(signed.hash)
    const again = await from.broadcast(signed)

    expect([...hashes, again]).to.deep.equal([signed.hash, signed.hash, signed.hash])
    expect(receipt.status).to.equal('success')
    expect(await dollarsOf(account.address)).to.equal(5n)
  })

  it('names the custom error that a contract refuses with, and its values', async () => {
    const { account, sender: from } = await sender()
    const cap = await chain.client.readContract({
      address: market.addresses.asset,
      abi: testDollarAbi,
      functionName: 'FAUCET_CAP',
    })

    const error = await refusal(from.send(mint(account.address, cap + 1n)))

    expect(error.code).to.equal('chain.reverted')
    expect(error.kind).to.equal('refused')
    expect(error.details).to.include({
      error: 'FaucetCapExceeded',
      amount: (cap + 1n).toString(),
      cap: cap.toString(),
    })
  })

  it('names the error of a contract that another contract called', async () => {
    const { account, sender: from } = await sender()
    await from.send(mint(account.address, 100n))
    const args = [market.router.address, account.address, 100n] as const
    const data = encodeFunctionData({ abi: computeLedgerAbi, functionName: 'deposit', args })

    const error = await refusal(from.send({ to: market.addresses.ledger, data }))

    expect(error.details.error).to.equal('ERC20InsufficientAllowance')
  })

  it('goes on after a refused transaction: its nonce was not used', async () => {
    const { account, sender: from } = await sender()

    const results = await Promise.allSettled([
      from.send(mint(account.address, 1n)),
      from.send(mint(account.address, maxUint256)),
      from.send(mint(account.address, 2n)),
    ])

    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    expect(await dollarsOf(account.address)).to.equal(3n)
  })

  it('says why a transaction failed that was refused only in its block', async () => {
    const { account, sender: from } = await sender()
    const registry = market.addresses.registry
    const register = (signer: Hex) =>
      encodeFunctionData({
        abi: registryAbi,
        functionName: 'registerNode',
        args: [signer, account.address, `0x${'00'.repeat(32)}`],
      })
    const signer = privateKeyToAccount(generatePrivateKey()).address
    const first = await from.sign({ to: registry, data: register(signer) })
    const second = await from.sign({ to: registry, data: register(signer) })
    await from.broadcast(first)
    await from.broadcast(second)
    await from.confirm(first.hash)

    const error = await refusal(from.confirm(second.hash))

    expect(error.code).to.equal('chain.reverted')
  })

  it('says that an account cannot pay for gas', async () => {
    const account = privateKeyToAccount(generatePrivateKey())

    const error = await refusal(keySender(chain, account).send(mint(account.address, 1n)))

    expect(error.code).to.equal('gas.insufficient')
  })

  it('sends through a wallet as well, with the same errors', async () => {
    const { account } = await sender()
    const wallet = createWalletClient({ account, transport: http(market.chain.rpcUrl) })
    const from = walletSender(chain, wallet, account.address)

    const receipt = await from.send(mint(account.address, 7n))
    const error = await refusal(from.send(mint(account.address, maxUint256)))

    expect(receipt.status).to.equal('success')
    expect(error.details.error).to.equal('FaucetCapExceeded')
  })

  it('of another id than expected is refused before anything is read or sent', async () => {
    const wrong = openChain({ chainId: 5, rpcUrl: market.chain.rpcUrl })
    const { account } = await sender()

    const error = await refusal(wrong.check())
    expect(error.code).to.equal('chain.wrong')
    expect(JSON.stringify(error)).to.not.include(market.chain.rpcUrl)
    expect((await refusal(keySender(wrong, account).send(mint(account.address, 1n)))).code).to.equal(
      'chain.wrong',
    )
    expect((await refusal(chainReader(wrong, market.addresses).signerOf(1))).code).to.equal('chain.wrong')
  })

  it('that does not answer is unreachable for now, and is asked again later', async () => {
    const gone = openChain({ chainId: 31_337, rpcUrl: `http://127.0.0.1:${await freePort()}` })

    const error = await refusal(gone.check())

    expect(error.code).to.equal('chain.unreachable')
    expect(error.kind).to.equal('later')
    expect((await refusal(chainReader(gone, market.addresses).signerOf(1))).code).to.equal(
      'chain.unreachable',
    )
  })

  it('whose node answers with an error of its own is unreachable for now: time mends it, and its URL is told nobody', async () => {
    const node = await startIllNode(market.chain.rpcUrl)
    for (const says of [
      OUT_OF_STEP,
      { error: { code: -32005, message: 'daily request count exceeded' } },
      { error: { code: -32603, message: 'internal error' } },
      { error: { code: 19, message: 'temporary internal error' } },
    ]) {
      node.says = () => says
      const ill = openChain({ chainId: market.domain.chainId, rpcUrl: `${node.url}/v2/secret` })
      for (const asked of [ill.check(), chainReader(ill, market.addresses).signerOf(1)]) {
        const error = await refusal(asked)

        expect([error.code, error.kind]).to.deep.equal(['chain.unreachable', 'later'])
        expect(JSON.stringify(error)).to.not.match(/secret|exceeded|header/)
      }
    }
    node.close()
  })

  it('whose node is behind the contracts is unreachable for now', async () => {
    const node = await startIllNode(market.chain.rpcUrl)
    const ill = openChain({ chainId: market.domain.chainId, rpcUrl: node.url })
    await ill.check()
    node.says = () => ({ result: '0x' })
    const error = await refusal(chainReader(ill, market.addresses).signerOf(1))
    node.close()

    expect([error.code, error.kind]).to.deep.equal(['chain.unreachable', 'later'])
    expect(error.message).to.include('no contract')
  })

  it('that refuses without a reason is no chain that is unreachable: the contract refused', async () => {
    const node = await startIllNode(market.chain.rpcUrl)
    const read = chainReader(
      openChain({ chainId: market.domain.chainId, rpcUrl: node.url }),
      market.addresses,
    )
    await read.signerOf(1)
    node.says = () => ({ error: { code: 3, message: 'execution reverted' } })

    const error = await refusal(read.signerOf(1, { fresh: true }))
    node.close()

    expect([error.code, error.kind]).to.deep.equal(['chain.reverted', 'refused'])
  })

  it('gives test dollars and gas on a local chain only', async () => {
    const { address } = privateKeyToAccount(generatePrivateKey())

    await faucet(chain, market.addresses.asset, address, usd('25000'))
    await faucet(chain, market.addresses.asset, address, usd('1'))

    expect((await dollarsOf(address)) >= usd('25000')).to.equal(true)
    expect((await chain.client.getBalance({ address })) > 0n).to.equal(true)
    const real = openChain({ chainId: 1, rpcUrl: market.chain.rpcUrl })
    expect((await refusal(faucet(real, market.addresses.asset, address, 1n))).code).to.equal('faucet.absent')
    const greedy = faucet(chain, market.addresses.asset, address, usd('900000000000'))
    expect((await refusal(greedy)).code).to.equal('faucet.too_much')
  })

  it('deposits with an approval of exactly what is missing', async () => {
    const { account, sender: from } = await sender()
    await faucet(chain, market.addresses.asset, account.address, usd('3'))
    const { ledger, asset } = market.addresses
    const terms = { ledger, asset, router: market.router.address, key: account.address }
    const reader = chainReader(chain, market.addresses)

    await deposit(chain, from, terms, usd('1'))
    await deposit(chain, from, terms, usd('2'))

    const { deposited, spent, owner } = await reader.account(market.router.address, account.address)
    expect([deposited, spent, owner]).to.deep.equal([usd('3'), 0n, account.address])
    const allowance = await chain.client.readContract({
      address: asset,
      abi: testDollarAbi,
      functionName: 'allowance',
      args: [account.address, ledger],
    })
    expect(allowance).to.equal(0n)
  })

  it('tells the signer of a node, and the new one when it was replaced', async () => {
    const reader = chainReader(chain, market.addresses)
    const node = await market.node()
    const old = privateKeyToAccount(node.signerKey).address
    const fresh = privateKeyToAccount(generatePrivateKey()).address
    expect(await reader.signerOf(node.id)).to.equal(old)
    const before = Number((await chain.client.getBlock()).timestamp)
    const data = encodeFunctionData({ abi: registryAbi, functionName: 'setSigner', args: [node.id, fresh] })
    await keySender(chain, node.owner).send({ to: market.addresses.registry, data })

    expect(await reader.signerOf(node.id)).to.equal(old)
    expect(await reader.signerOf(node.id, { fresh: true })).to.equal(fresh)
    expect(await reader.wasSigner(node.id, old, before)).to.equal(true)
    expect(await reader.wasSigner(node.id, fresh, before - 100)).to.equal(false)
    expect(await reader.signerOf(4_000_000)).to.equal(undefined)
  })

  it('tells the split, the versions and the batches that it holds', async () => {
    const reader = chainReader(chain, market.addresses)
    const registry = { address: market.addresses.registry, abi: registryAbi } as const
    const pod = market.seeded.pods.chat ?? 0
    const latest = await chain.client.readContract({ ...registry, functionName: 'latestOf', args: [pod] })

    const { bps } = await reader.split()

    expect(bps.node + bps.pod + bps.frontend).to.equal(9_000)
    expect(await reader.isVersion(pod, latest)).to.equal(true)
    expect(await reader.isVersion(pod, `0x${'11'.repeat(32)}`)).to.equal(false)
    expect(await reader.rootOf(market.router.address, 1n)).to.equal(undefined)
    expect(await reader.grossOf(market.router.address, 'pod', pod)).to.equal(0n)
    expect((await reader.addresses()).asset.toLowerCase()).to.equal(market.addresses.asset.toLowerCase())
    expect(ROLE.pod).to.equal(1)
  })
})
