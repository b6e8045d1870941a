import { type HeuristError, later, refused } from '../../sdk/errors.ts'
import type { Signer } from '../../sdk/native.ts'
import { type Hasher, ROLE, type Statement } from '../../sdk/protocol/messages.ts'
import type { Gross, Ledger } from '../router/ledger/ledger.ts'
import type { Metrics } from '../router/metrics.ts'
import type { Clock } from '../world.ts'
import type { Standing } from './standing.ts'

/** `GET /v1/statements/:role/:id`, before it is text. */
export interface SignedReply {
  statement: Statement
  signature: string
  router: string
}

export type Statements = (role: string, id: string) => Promise<SignedReply>

interface Deps {
  ledger: Ledger
  clock: Clock
  hasher: Hasher
  signer: Signer
  standing: Standing
  metrics: Pick<Metrics, 'stated'>
}

/**
 * Signs what this router owes a payee in all: the gross of its acknowledged calls, posted or not. The bond answers for
 * it, so it is read from what is durable, it is kept before it leaves, and it never falls.
 *
 * @throws `request.malformed`, `statement.none` (refused); `ledger.behind`, `statement.behind` (later): a journal that
 *         lost something signs nothing.
 */
export function createStatements(deps: Deps): Statements {
  const { ledger, clock, hasher, signer, standing, metrics } = deps
  /** One at a time: the higher of two figures must not be overwritten by the lower. */
  let tail: Promise<unknown> = Promise.resolve()

  async function sign(role: Gross['role'], id: number): Promise<SignedReply> {
    if (standing.behind) throw behind('ledger.behind', 'the chain')
    if (standing.differs) throw behind('ledger.differs', 'the totals on the chain')
    const [gross, last] = [await ledger.grossOf(role, id), await ledger.statement(role, id)]
    if (last && gross < last.gross) throw behind('statement.behind', 'a statement that it signed')
    if (gross === 0n) throw none(role, id)
    const asOf = Math.floor(clock.nowMs() / 1000)
    if (!last || gross > last.gross) {
      await ledger.commit([{ op: 'statement.signed', statement: { role, id, gross, asOf } }])
    }
    const statement = { role: ROLE[role], id, gross, asOf }
    metrics.stated()
    return {
      statement,
      signature: signer.sign(hasher.digest('Statement', statement)),
      router: signer.address,
    }
  }

  return async (roleText, idText) => {
    const [role, id] = payeeOf(roleText, idText)
    const turn = tail.then(() => sign(role, id))
    tail = turn.catch(() => undefined)
    return turn
  }
}

const ROLES: readonly string[] = ['node', 'pod', 'frontend'] satisfies Gross['role'][]

function payeeOf(role: string, id: string): [Gross['role'], number] {
  const number = Number(id)
  if (ROLES.includes(role) && /^[1-9]\d{0,9}$/.test(id) && number < 2 ** 32) {
    return [role as Gross['role'], number]
  }
  throw refused('request.malformed', 'A statement is for a node, a pod or a frontend and its number.', {
    fix: 'GET /v1/statements/node/<id>, /pod/<id> or /frontend/<id>.',
  })
}

const none = (role: string, id: number): HeuristError =>
  refused('statement.none', `This router has acknowledged no call of ${role} ${id}.`, {
    fix: 'Check the number; ask again after its first call.',
    details: { role, id },
  })

const behind = (code: string, what: string): HeuristError =>
  later(code, `The journal of this router is older than ${what}.`, {
    fix: 'Its operator must restore the newest journal; nothing is signed before.',
  })
