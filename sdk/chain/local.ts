import { bytesToHex, type Hex } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { bug } from '../errors.ts'

/** The world knows these keys: they hold play money on local chains and nothing anywhere else. */
export const LOCAL_MNEMONIC = 'test test test test test test test test test test test junk'

/** Which account of the local mnemonic plays which part. */
export const LOCAL_KEY = {
  deployer: 0,
  router: 1,
  podDeployer: 2,
  frontend: 3,
  payer: 4,
  /** This one and the next two own the first three nodes. */
  nodeOwner: 5,
  /** Turns the epochs, probes and buys fees. */
  keeper: 8,
  /** Gives gas to whoever asks on a local chain. */
  faucet: 9,
  /** Pays for the translations of the Discord bot, and is its frontend's owner. */
  babel: 10,
  /** What the web's doors earn is paid to these; they need no gas. */
  portal: 11,
  pondera: 12,
  imagine: 13,
  /** Also pays for the vectors of the documents that this door searches. */
  search: 14,
} as const

/** Private key `index` of the local mnemonic, 32 bytes. */
export function localKey(index: number): Hex {
  const key = mnemonicToAccount(LOCAL_MNEMONIC, { addressIndex: index }).getHdKey().privateKey
  if (!key) throw bug('key.missing', `no private key ${index}`)
  return bytesToHex(key)
}
