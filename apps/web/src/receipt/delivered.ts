/** What calls of this tab sent and got, so that their receipts are checked against it. Forgotten with the tab. */

export interface Delivered {
  input: Uint8Array
  bytes: Uint8Array
}

const MOST = 32
const known = new Map<string, Delivered>()

export function keepDelivered(request: string, delivered: Delivered): void {
  known.set(request, delivered)
  const [oldest] = known.keys()
  if (known.size > MOST && oldest !== undefined) known.delete(oldest)
}

export const deliveredOf = (request: string): Partial<Delivered> => known.get(request) ?? {}
