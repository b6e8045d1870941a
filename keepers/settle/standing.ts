/** How this router stands with its chain, as it was last seen: who serves, settles or signs asks here first. */
export interface Standing {
  /** The node behind the RPC URL knows the newest blocks; nothing is done before it does. */
  synced: boolean
  /** Its bond lets the router settle: without it new calls are refused. */
  allowed: boolean
  /** The chain has batches of this router that its journal lacks: no statement is signed then. */
  behind: boolean
  /** At the start chain and journal told different totals: no statement is signed either. */
  differs: boolean
  /** The router's own money in the ledger, base units. */
  float: bigint
}

/** Nothing was looked at yet: nothing is settled or stated, but calls may come in. */
export const createStanding = (): Standing => ({
  synced: false,
  allowed: true,
  behind: false,
  differs: false,
  float: 0n,
})
