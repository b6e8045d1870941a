import type { Address } from 'viem'

/** Whose the credit of a key is: its own as long as the ledger names nobody. In lower case. */
export const ownerOf = (owner: Address, key: Address): Address =>
  /^0x0*$/.test(owner) ? key : (owner.toLowerCase() as Address)
