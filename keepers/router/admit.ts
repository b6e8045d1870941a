import type { Hex } from 'viem'
import { asHeuristError, HeuristError, later, refused } from '../../sdk/errors.ts'
import { toCompact } from '../../sdk/native.ts'
import type { Hasher } from '../../sdk/protocol/messages.ts'
import type { Job } from '../../sdk/protocol/wire.ts'
import type { World } from '../world.ts'
import type { Account, Books } from './books.ts'
import type { Limits } from './config.ts'
import type { Dispatch } from './dispatch.ts'
import { noNode } from './failures.ts'
import { Audience, isDurable, type Listener, type LiveJob, Output } from './job.ts'
import type { AttemptRow, JobRow, Op } from './ledger/ledger.ts'
import { type Nodes, versionKey } from './nodes.ts'
import type { PodVersion } from './pods.ts'
import type { Registry } from './registry.ts'
import type { Stored } from './stored.ts'
import { bestVoucher, type Checked, checkForm, refusalOf } from './terms.ts'

export interface AdmitDeps {
  world: Pick<World, 'clock' | 'timers' | 'chain' | 'ledger' | 'log'>
  hasher: Hasher
  limits: Limits
  registry: Registry
  nodes: Nodes
  books: Books
  dispatch: Dispatch
  stored: Stored
  /** Why no new call is taken now. */
  closed(): HeuristError | undefined
  fatal(cause: unknown): void
}

/** What a listener has to do with a call that it joined. */
export interface Joined {
  request: Hex
  /** The client is gone. */
  leave(): void
}

export type Admit = (body: unknown, listener: Listener) => Promise<Joined>

/**
 * Admits a call, joins one that is under way, or answers one that has ended.
 *
 * @throws what the caller is told instead; nothing is held or charged then.
 */
export function createAdmit(deps: AdmitDeps): Admit {
  const { world, hasher, limits, registry, nodes, books, dispatch, stored } = deps
  const { clock, timers, chain, ledger } = world
  const here = { chainId: chain.domain.chainId, router: chain.router, hasher }
  /** Calls on their way in, by payer and id: the second of two equal ones waits for the first. */
  const entering = new Map<string, Promise<unknown>>()
  /** Calls that started and are not durable yet, by payer and id: what `stored` cannot know of. */
  const starting = new Map<string, Hex>()

  async function inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = entering.get(key)
    const turn = (before ?? Promise.resolve()).then(task, task)
    const tail = turn.catch(() => {})
    entering.set(key, tail)
    try {
      return await turn
    } finally {
      if (entering.get(key) === tail) entering.delete(key)
    }
  }

  async function enter(checked: Checked, listener: Listener): Promise<Joined> {
    const { request, job } = checked
    const live = dispatch.live(request)
    if (live) return join(live, listener)
    const begun = starting.get(entryKey(job))
    if (begun !== undefined && begun !== request) throw reused(begun)
    const row = await stored.find(job.request.payer, job.request.id)
    if (row && row.request !== request) throw reused(row.request)
    if (row && (await answered(row, listener))) return { request, leave() {} }
    const closed = deps.closed()
    if (closed) throw closed
    return open(checked, row, listener)
  }

  function join(job: LiveJob, listener: Listener): Joined {
    job.audience.join(listener)
    return { request: job.request, leave: () => dispatch.leave(job, listener) }
  }

  /** A call that has ended is answered again; one that time can mend runs again while its deadline lasts. */
  async function answered(row: JobRow, listener: Listener): Promise<boolean> {
    if (row.status === 'receipted') {
      await stored.replay(row, listener)
      return true
    }
    if (row.status !== 'failed' || !row.error) return false
    const again = row.error.kind === 'later' && row.body.deadline * 1000 > clock.nowMs()
    if (again) return false
    const { code, kind, message, ...facts } = row.error
    throw new HeuristError(kind, code, message, facts)
  }

  async function open(checked: Checked, row: JobRow | undefined, listener: Listener): Promise<Joined> {
    const account = await books.use(checked.job.request.payer)
    try {
      return await openWith(account, checked, row, listener)
    } finally {
      books.letGo(account)
    }
  }

  async function openWith(
    account: Account,
    checked: Checked,
    row: JobRow | undefined,
    listener: Listener,
  ): Promise<Joined> {
    const { job, request, input } = checked
    const { body, version, preferred } = await partiesOf(job)
    let onChain = await registry.account(body.payer, false)
    const facts = () => ({
      job,
      input,
      version,
      nowSeconds: Math.floor(clock.nowMs() / 1000),
      account,
      chain: onChain,
      jobsPerPayer: limits.jobsPerPayer,
    })
    const first = refusalOf(facts())
    if (first && !CHAIN_MAY_MEND.has(first.code)) throw first
    // Never refuse on an old view of the chain.
    if (first) onChain = await registry.account(body.payer, true)
    const attempts = row ? await stored.attempts(row) : []
    const refusal =
      deps.closed() ??
      refusalOf(facts()) ??
      dispatch.refusalOf(version, body, preferred) ??
      refusalOfRoom(version, input)
    if (refusal) throw refusal
    // From the last check to the hold nothing waits: no two calls can pass on the same credit.
    return start(checked, { version, preferred, account, row, attempts, request }, listener)
  }

  function refusalOfRoom(version: PodVersion, input: Uint8Array): HeuristError | undefined {
    const key = versionKey(version.pod, version.hash)
    const pending = dispatch.pending(version)
    const most = Math.max(limits.queuePerPod, 4 * nodes.totalSlots(key))
    if (pending >= most || dispatch.bytes + input.length > limits.liveBytes) {
      const retryAfterSeconds = Math.max(1, Math.ceil(dispatch.expectedMs(version) / 1000))
      return later('queue.full', 'More calls wait than this router takes.', {
        fix: 'Try again after `retryAfterSeconds`.',
        details: { pending, most, retryAfterSeconds },
      })
    }
    return undefined
  }

  /** @throws `pod.unknown`, `manifest.wrong`, `frontend.unknown`, `node.unavailable`. */
  async function partiesOf({ request: body }: Job) {
    const pod = await registry.pod(body.pod)
    if (!pod || (pod.versions.size === 0 && pod.latest !== body.manifest)) throw unknownPod(body.pod)
    const version = pod.versions.get(body.manifest)
    if (!version) {
      throw refused('manifest.wrong', `Pod ${body.pod} has no version ${body.manifest} here.`, {
        fix: 'Sign for the version that GET /v1/pods names.',
        field: 'request.manifest',
        details: { manifest: body.manifest, latest: pod.latest },
      })
    }
    if (!pod.active) throw unknownPod(body.pod)
    const frontend = body.frontend === 0 ? undefined : await registry.frontend(body.frontend)
    if (body.frontend !== 0 && !frontend?.active) {
      throw refused('frontend.unknown', `There is no active frontend ${body.frontend}.`, {
        fix: 'Use a registered frontend, or 0 for none.',
        field: 'request.frontend',
        details: { frontend: body.frontend },
      })
    }
    if (body.node !== 0 && !(await registry.node(body.node))) throw noNode({ body }, [])
    return { body, version, preferred: frontend?.preferred ?? [] }
  }

  interface Admission {
    version: PodVersion
    preferred: number[]
    account: Account
    row: JobRow | undefined
    attempts: AttemptRow[]
    request: Hex
  }

  function start(checked: Checked, admission: Admission, listener: Listener): Joined {
    const { job } = checked
    const { account, row, request } = admission
    const { request: body, voucher, signature } = job
    const at = clock.nowMs()
    const number = row?.number ?? books.nextJob()
    books.hold(account, body.maxPrice)
    const ops: Op[] = [{ op: 'job.admitted', job: { number, request, body, at } }]
    const compact = toCompact(signature)
    const keptBefore = account.voucher
    const { ceiling, expiry } = voucher
    if (compact) {
      const best = bestVoucher(
        account.voucher,
        { ceiling, expiry, request, ...compact },
        Math.floor(at / 1000),
      )
      if (best !== account.voucher) {
        account.voucher = best
        ops.push({ op: 'voucher.kept', payer: body.payer, voucher: best })
      }
    }
    const live = createLive(checked, admission, number, at)
    const joined = join(live, listener)
    starting.set(entryKey(job), request)
    // Bytes that may not go out before ask for it sooner.
    ledger.commit(ops, { soon: true }).then(
      () => {
        starting.delete(entryKey(job))
        live.durable = true
        live.audience.more()
      },
      (cause: unknown) => {
        if (asHeuristError(cause).code !== 'ledger.conflict') return deps.fatal(cause)
        // Nothing of it is written: no voucher of it counts, and no byte of it has gone out.
        starting.delete(entryKey(job))
        if (account.voucher?.request === request) {
          if (keptBefore) account.voucher = keptBefore
          else delete account.voucher
        }
        world.log.error({ event: 'admission.conflict', request, ...asHeuristError(cause).toJSON() })
        dispatch.refuse(live, reused(request))
      },
    )
    stored.takeUp(request)
    dispatch.submit(live)
    return joined
  }

  function createLive(
    { job, input }: Checked,
    { version, preferred, account, row, attempts, request }: Admission,
    number: number,
    at: number,
  ): LiveJob {
    const output = new Output()
    const live: LiveJob = {
      number,
      request,
      body: job.request,
      version,
      input,
      account,
      preferred,
      admittedMs: at,
      payer: job.request.payer,
      deadlineMs: job.request.deadline * 1000,
      cost: Number(job.request.maxPrice),
      durable: false,
      durableAttempt: attempts.length,
      state: 'queued',
      attempts: attempts.length,
      asked: new Set(attempts.map(({ node }) => node)),
      excluded: [],
      oldNode: row?.node ?? 0,
      attempt: undefined,
      mishaps: 0,
      resumeNode: 0,
      timer: () => {},
      output,
      audience: new Audience(output, {
        timers,
        mayFlow: () => isDurable(live) && !doomed(live),
        onFlow: () => dispatch.flow(live),
      }),
    }
    return live
  }

  return async (body, listener) => {
    const checked = checkForm(body, here)
    return inTurn(entryKey(checked.job), () => enter(checked, listener))
  }
}

/** Of an answer that is being stopped and that nobody has seen, nobody sees anything: it will be run again. */
const doomed = ({ attempt, audience }: LiveJob): boolean => attempt?.cancelled === true && audience.seen === 0

const CHAIN_MAY_MEND = new Set(['credit.insufficient', 'credit.thawing'])

const unknownPod = (pod: number) =>
  refused('pod.unknown', `This router serves no pod ${pod}.`, {
    fix: 'See GET /v1/pods.',
    field: 'request.pod',
    details: { pod },
  })

const entryKey = ({ request: { payer, id } }: Job) => `${payer} ${id}`

const reused = (request: Hex) =>
  refused('request.id_reused', 'This payer has used this id for another request.', {
    fix: 'Use a fresh random id for every request.',
    field: 'request.id',
    details: { request },
  })
