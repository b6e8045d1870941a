/** Chains that live on one machine, where test dollars and the keys of `local.ts` are worth nothing. */
export const LOCAL_CHAIN_IDS: readonly number[] = [31_337, 1_337]

export const isLocalChain = (chainId: number): boolean => LOCAL_CHAIN_IDS.includes(chainId)
