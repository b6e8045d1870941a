import type { Address } from 'viem'
import { type Chain, type WalletSender, walletSender } from '../../../../sdk/chain/clients.ts'
import type { Economy } from '../../../../sdk/chain/economy.ts'
import { refused } from '../../../../sdk/errors.ts'
import type { PageConfig } from '../network/config.ts'
import {
  accountsIn,
  connect,
  findWallets,
  offerWallet,
  onWalletChange,
  onWallets,
  switchChain,
  type Wallet,
  walletClient,
  wallets,
} from '../session/wallets.ts'
import { type Problem, wordsOf } from '../session/words.ts'
import { allowsDemo, DEMO_RDNS, demoCode, loadDemo } from './demo.ts'
import { shelf } from './shelf.ts'

/** Who acts on this page: a wallet, its account, and the chain that it is on. */
export interface WhoView {
  wallets: readonly Wallet[]
  wallet?: Wallet
  /** In lower case. */
  account?: Address
  /** The wallet's, if it is not this page's. */
  wrongChain?: number
  /** What is being done, while it is. */
  doing?: string
  problem?: Problem
}

/** Which wallet was chosen last. */
const CHOSEN = 'heurist-wallet'

export class Who {
  #view: WhoView = { wallets: [] }
  readonly #listeners = new Set<() => void>()
  readonly #chain: Chain
  readonly #config: PageConfig
  readonly #economy: () => Promise<Economy>

  constructor(config: PageConfig, chain: Chain, economy: () => Promise<Economy>) {
    this.#config = config
    this.#chain = chain
    this.#economy = economy
    onWallets(() => this.#seen())
    findWallets()
    const demo = this.allowsDemo ? demoCode()?.keptDemo(chain) : undefined
    if (demo) offerWallet(demo)
    this.#seen()
    window.addEventListener('focus', () => void this.#look())
  }

  get allowsDemo(): boolean {
    return allowsDemo(this.#config)
  }
  view = () => this.#view
  subscribe = (listen: () => void) => {
    this.#listeners.add(listen)
    return () => this.#listeners.delete(listen)
  }
  #set(part: Partial<WhoView>, without: (keyof WhoView)[] = []): void {
    const next = { ...this.#view, ...part }
    for (const name of without) delete next[name]
    this.#view = next
    for (const listen of this.#listeners) listen()
  }

  /** The wallet of the last visit is taken up again, if it still lets this page in; nobody is asked. */
  #seen(): void {
    this.#set({ wallets: wallets() })
    if (this.#view.wallet) return
    const chosen = shelf.getItem(CHOSEN)
    const wallet = wallets().find(({ rdns }) => rdns === chosen)
    if (wallet) this.#take(wallet)
  }

  #take(wallet: Wallet): void {
    this.#set({ wallet }, ['account', 'wrongChain', 'problem'])
    onWalletChange(wallet, () => void this.#look())
    void this.#look()
  }

  async #look(): Promise<void> {
    const { wallet } = this.#view
    if (!wallet) return
    try {
      const [answer, chainId] = await Promise.all([
        wallet.provider.request({ method: 'eth_accounts' }),
        wallet.provider.request({ method: 'eth_chainId' }),
      ])
      if (this.#view.wallet !== wallet) return
      const [account] = accountsIn(answer)
      const wrong = Number(chainId) === this.#chain.id ? undefined : Number(chainId)
      this.#set(
        {
          ...(account ? { account } : {}),
          ...(wrong === undefined ? {} : { wrongChain: wrong }),
        },
        [
          ...(account ? [] : (['account'] as const)),
          ...(wrong === undefined ? (['wrongChain'] as const) : []),
        ],
      )
    } catch (cause) {
      this.#set({ problem: wordsOf(cause) })
    }
  }

  async #act(doing: string, work: () => Promise<void>): Promise<void> {
    if (this.#view.doing !== undefined) return
    this.#set({ doing }, ['problem'])
    try {
      await work()
    } catch (cause) {
      this.#set({ problem: wordsOf(cause) })
    } finally {
      this.#set({}, ['doing'])
    }
  }

  connect = (wallet: Wallet) =>
    this.#act('Your wallet asks whether this page may see your account.', async () => {
      await wallet.provider.request({ method: 'eth_requestAccounts' })
      shelf.setItem(CHOSEN, wallet.rdns)
      this.#take(wallet)
    })

  leave = () => {
    shelf.removeItem(CHOSEN)
    this.#set({}, ['wallet', 'account', 'wrongChain', 'problem'])
  }

  switchChain = () =>
    this.#act('Your wallet asks whether to switch.', async () => {
      if (this.#view.wallet) await switchChain(this.#view.wallet, this.#config)
      await this.#look()
    })

  /** Makes the demo wallet of a local chain, with money in it. */
  demo = () =>
    this.#act('Making a wallet and giving it play money…', async () => {
      const { fillDemo, makeDemo } = await loadDemo()
      const wallet = makeDemo(this.#chain)
      const [account] = await wallet.provider.request({ method: 'eth_accounts' })
      if (account) await fillDemo(this.#chain, await this.#economy(), account)
      offerWallet(wallet)
      shelf.setItem(CHOSEN, DEMO_RDNS)
      this.#take(wallet)
    })

  /**
   * Who sends for the account that is shown.
   *
   * @throws `wallet.missing`, `wallet.of_another` (refused), what {@link connect} throws.
   */
  ask = async (): Promise<WalletSender> => {
    const { wallet, account } = this.#view
    if (!wallet || !account) {
      throw refused('wallet.missing', 'no wallet is connected', {
        fix: 'Connect one at the top of this page.',
      })
    }
    const actual = await connect(wallet, this.#chain.id).finally(() => void this.#look())
    if (actual === account) return walletSender(this.#chain, await walletClient(wallet, actual), actual)
    throw refused('wallet.of_another', `the wallet shows ${actual} now, not ${account}`, {
      fix: 'Look at what this page shows of it, then try again; or choose the other account in the wallet.',
    })
  }
}
