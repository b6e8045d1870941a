import type { Address } from 'viem'
import type { Client } from '../../../../sdk/client.ts'
import { asHeuristError } from '../../../../sdk/errors.ts'
import { hasOpenCalls } from './journal.ts'
import type { KeyRecord, SessionDb } from './store.ts'

/** The clients of keys that pay no more, until their last call is decided: what it costs is in their journals. */
export interface Leaving {
  /** Closes the client once its last call is decided. */
  add(key: Address, client: Client): void
  /** Of a key that pays again. */
  take(key: Address): Client | undefined
  /** Opens the keys whose calls an earlier page left open, until those are decided. Never throws. */
  resume(records: readonly KeyRecord[]): Promise<void>
  /** With the page. */
  close(): void
}

interface Deps {
  db: SessionDb
  clientOf(record: KeyRecord): Promise<Client>
  isPaying(key: Address): boolean
}

export function openLeaving({ db, clientOf, isPaying }: Deps): Leaving {
  const clients = new Map<Address, Client>()
  /** Keys that need not be looked at again, until they pay. */
  const over = new Set<Address>()

  function add(key: Address, client: Client): void {
    clients.set(key, client)
    void letGo(key, client)
  }

  async function letGo(key: Address, client: Client): Promise<void> {
    await client.idle()
    // The key may pay again by now.
    if (clients.get(key) !== client) return
    clients.delete(key)
    await client.close()
  }

  async function resumeOne(record: KeyRecord): Promise<void> {
    const { address: key } = record
    if (clients.has(key) || over.has(key)) return
    if (!(await hasOpenCalls(db, { ...record, payer: key }))) return void over.add(key)
    const client = await clientOf(record)
    if (clients.has(key) || isPaying(key)) return
    clients.set(key, client)
    try {
      // Asks the router what became of each, and goes on asking.
      await client.balance()
    } catch (cause) {
      if (clients.get(key) === client) {
        clients.delete(key)
        await client.close()
      }
      throw cause
    }
    if (clients.get(key) === client) void letGo(key, client)
  }

  return {
    add,
    take(key) {
      const client = clients.get(key)
      clients.delete(key)
      over.delete(key)
      return client
    },
    async resume(records) {
      for (const record of records) {
        try {
          await resumeOne(record)
        } catch (cause) {
          const { code, kind } = asHeuristError(cause)
          // The tab that has it decides them; if it is closed before, the next look does.
          if (code === 'journal.locked') continue
          console.warn(cause)
          // What its owner must mend stays so; all else may be over at the next look.
          if (kind === 'refused') over.add(record.address)
        }
      }
    },
    close() {
      for (const client of clients.values()) void client.close()
      clients.clear()
    },
  }
}
