import { domainOf } from '../../sdk/chain/network.ts'
import { asHeuristError, later } from '../../sdk/errors.ts'
import { createHasher, ROLE } from '../../sdk/protocol/messages.ts'
import { type StatementReply, statementReplySchema } from '../../sdk/protocol/wire.ts'
import { recoverSigner, same } from '../../sdk/recover.ts'
import { askRouter } from '../router.ts'
import type { Place } from '../trust.ts'

/** What a router says under its own signature that it owes a frontend in all. */
export interface Stated {
  statement: StatementReply['statement']
  /** For `heurist claim --shortfall`, if it is never settled. */
  reply: StatementReply
}

/**
 * @returns undefined if the router has acknowledged no call of it, or cannot be asked: nobody then knows what is not posted.
 * @throws `statement.invalid` (later) if what it gives is not its own word on this frontend.
 */
export async function statementOf(
  place: Place,
  frontend: number,
): Promise<Stated | 'unreachable' | undefined> {
  const { network, router } = place
  try {
    const reply = await askRouter(
      network.router.url,
      `/v1/statements/frontend/${frontend}`,
      statementReplySchema,
    )
    const { statement, signature } = reply
    const digest = createHasher(domainOf(network)).digest('Statement', statement)
    const isIts = same(await recoverSigner(digest, signature), router)
    if (isIts && statement.role === ROLE.frontend && statement.id === frontend) return { statement, reply }
  } catch (cause) {
    const { code } = asHeuristError(cause)
    if (code === 'statement.none') return undefined
    if (code === 'router.unreachable') return 'unreachable'
    throw cause
  }
  throw later(
    'statement.invalid',
    'the router gave a Statement that is not its own, or not of this frontend',
    {
      fix: 'Do not use this router until it signs what it owes.',
    },
  )
}
