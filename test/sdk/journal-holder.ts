import type { AccountId } from '../../sdk/journal.ts'
import { fileJournal } from '../../sdk/journal-file.ts'
import { createHasher } from '../../sdk/protocol/messages.ts'
import { openPurse } from '../../sdk/purse.ts'

/** A process of the journal's test: opens the journal, signs one call, then holds it until it is told or killed. */
const [folder = '', accountText = '{}'] = process.argv.slice(2)
const account = JSON.parse(accountText) as AccountId
const log = await fileJournal(folder).open(account)
const purse = openPurse({
  log,
  payer: account.payer,
  router: account.router,
  hasher: createHasher({ chainId: account.chainId, verifyingContract: account.ledger }),
  signVoucher: async () => `0x${'99'.repeat(65)}`,
  now: () => Date.now(),
})
const hash = `0x${'05'.repeat(32)}` as const
await purse.reserve({
  payer: account.payer,
  id: hash,
  pod: 1,
  manifest: hash,
  frontend: 0,
  node: 0,
  maxPrice: 1n,
  deadline: 1,
  input: hash,
})
process.on('message', () => process.exit(0))
process.send?.('ready')
