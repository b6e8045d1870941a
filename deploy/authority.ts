import { type Address, getAddress, type Hex, toFunctionSelector } from 'viem'
import { authorityAbi } from '../sdk/chain/abi.ts'
import { refused } from '../sdk/errors.ts'
import { creationOf } from './creation.ts'
import type { Deployer } from './deployer.ts'
import { grants, PRIVILEGED, ROLES } from './steps/07-roles.ts'
import type { Finding } from './verify.ts'

/** Blocks per question: what public nodes allow. */
const MOST_BLOCKS = 10_000n
/** `AccessManager.PUBLIC_ROLE`. */
const EVERYBODY = 2n ** 64n - 1n

type Told = Awaited<ReturnType<typeof toldTo>>

/** The Authority as it is read: all it was ever told, who is who, and the chain's time. */
interface Reading {
  deployer: Deployer
  authority: { address: Address; abi: typeof authorityAbi }
  told: Told
  /** Seconds. */
  now: number
}

/**
 * Who holds what, and what that allows, beside what `steps/07-roles.ts` gave. The Authority lists neither holders nor
 * functions, so its events say whom to ask about, and its views what holds now or has yet to begin.
 *
 * @throws `creation.unknown`, `history.absent` (refused).
 */
export async function authorityFindings(deployer: Deployer): Promise<Finding[]> {
  const authority = { address: deployer.addressOf('authority'), abi: authorityAbi } as const
  const told = await toldTo(deployer, authority.address)
  const { timestamp } = await deployer.client.getBlock()
  const reading = { deployer, authority, told, now: Number(timestamp) }
  const found = await Promise.all([holders(reading), functions(reading), roles(reading), targets(reading)])
  return found.flat()
}

/** Every event since its creation, oldest first. */
async function toldTo(deployer: Deployer, address: Address) {
  const { client } = deployer
  const { hash, blockNumber } = await creationOf(deployer, 'authority')
  const last = await client.getBlockNumber({ cacheTime: 0 })
  const between = (fromBlock: bigint, toBlock: bigint) =>
    client.getContractEvents({ address, abi: authorityAbi, fromBlock, toBlock, strict: true })
  const events: Awaited<ReturnType<typeof between>> = []
  for (let from = blockNumber; from <= last; from += MOST_BLOCKS) {
    const to = from + MOST_BLOCKS - 1n
    events.push(...(await between(from, to < last ? to : last)))
  }
  // Its constructor grants the admin's role: a node without that event has others missing too.
  if (events[0]?.transactionHash === hash) return events
  throw refused(
    'history.absent',
    'this node does not have the events of the Authority from its creation on',
    {
      fix: 'Set HEURIST_RPC_URL to a node that keeps all events.',
    },
  )
}

/** `delay` is what the deployment gave it, seconds; none if it gave nothing. */
interface Holding {
  role: bigint
  account: Address
  delay?: number
}

async function holders({ deployer, authority, told, now }: Reading): Promise<Finding[]> {
  const { client } = deployer
  const given = grants(deployer).map(([role, account, delay]) => ({ role: ROLES[role], account, delay }))
  const seen = told.flatMap((event) => (event.eventName === 'RoleGranted' ? [event.args] : []))
  const all = new Map<string, Holding>()
  for (const { roleId: role, account } of seen) all.set(holding(role, account), { role, account })
  for (const grant of given) all.set(holding(grant.role, grant.account), grant)

  const read = async ([what, { role, account, delay }]: [string, Holding]) => {
    const [since, current, pending, effect] = await client.readContract({
      ...authority,
      functionName: 'getAccess',
      args: [role, account],
    })
    const expected = delay === undefined ? 'none' : `held, delay ${delay} s`
    if (since === 0) {
      const found = delay === undefined ? 'none' : `not held${await endOf(deployer, told, role, account)}`
      return { what, expected, found }
    }
    if (since <= now && current === delay && effect === 0) return { what, expected, found: expected }
    const found = [
      since <= now ? `held since ${date(since)}` : `held from ${date(since)} on`,
      `delay ${current} s`,
      ...(effect === 0 ? [] : [`${pending} s from ${date(effect)} on`]),
    ].join(', ')
    return { what, expected, found }
  }
  const findings = await Promise.all([...all].map(read))
  return findings.filter(({ expected, found }) => expected !== 'none' || found !== 'none')
}

async function endOf({ client }: Deployer, told: Told, role: bigint, account: Address): Promise<string> {
  const ended = told.findLast(
    (event) =>
      event.eventName === 'RoleRevoked' && event.args.roleId === role && event.args.account === account,
  )
  if (!ended) return ''
  const { timestamp } = await client.getBlock({ blockNumber: ended.blockNumber })
  return ` since ${date(Number(timestamp))}`
}

/** Which role may call what. A function that nobody was given is the admin's. */
async function functions({ deployer, authority, told }: Reading): Promise<Finding[]> {
  const all = new Map<string, { what: string; target: Address; selector: Hex; expected: bigint }>()
  for (const event of told) {
    if (event.eventName !== 'TargetFunctionRoleUpdated') continue
    const { target, selector } = event.args
    const what = `${nameAt(deployer, target)} ${selector}`
    all.set(`${target} ${selector}`, { what, target, selector, expected: ROLES.admin })
  }
  for (const [name, role, signatures] of PRIVILEGED) {
    const target = getAddress(deployer.addressOf(name))
    for (const signature of signatures) {
      const selector = toFunctionSelector(signature)
      const what = `${name} ${signature}`
      all.set(`${target} ${selector}`, { what, target, selector, expected: ROLES[role] })
    }
  }
  return Promise.all(
    [...all.values()].map(async ({ what, target, selector, expected }) => {
      const args = [target, selector] as const
      const role = await deployer.client.readContract({
        ...authority,
        functionName: 'getTargetFunctionRole',
        args,
      })
      return { what, expected: roleName(expected), found: roleName(role) }
    }),
  )
}

/** Who hands a role out, how much later it begins, and who may cancel what its holders have scheduled. */
async function roles({ deployer, authority, told, now }: Reading): Promise<Finding[]> {
  const { client } = deployer
  const seen = told.flatMap((event) => ('roleId' in event.args ? [event.args.roleId] : []))
  const all = [...new Set([...Object.values(ROLES), ...seen])].filter((role) => role !== EVERYBODY)
  return Promise.all(
    all.map(async (role) => {
      const args = [role] as const
      const [admin, guardian, delay] = await Promise.all([
        client.readContract({ ...authority, functionName: 'getRoleAdmin', args }),
        client.readContract({ ...authority, functionName: 'getRoleGuardian', args }),
        client.readContract({ ...authority, functionName: 'getRoleGrantDelay', args }),
      ])
      const changed = told.findLast(
        (event) => event.eventName === 'RoleGrantDelayChanged' && event.args.roleId === role,
      )
      return {
        what: `${roleName(role)} handed out`,
        expected: 'by admin, cancelled by admin, delay 0 s',
        found: `by ${roleName(admin)}, cancelled by ${roleName(guardian)}, delay ${delay} s${toBegin(changed, now)}`,
      }
    }),
  )
}

/** Whether a contract's privileged functions are open, and how long the admin waits for a change of theirs. */
async function targets({ deployer, authority, told, now }: Reading): Promise<Finding[]> {
  const { client, addressOf } = deployer
  const seen = told.flatMap(({ args }) => ('target' in args ? [args.target] : []))
  const ours = PRIVILEGED.map(([name]) => getAddress(addressOf(name)))
  const all = [...new Set([getAddress(authority.address), ...ours, ...seen])]
  return Promise.all(
    all.map(async (target) => {
      const args = [target] as const
      const [closed, delay] = await Promise.all([
        client.readContract({ ...authority, functionName: 'isTargetClosed', args }),
        client.readContract({ ...authority, functionName: 'getTargetAdminDelay', args }),
      ])
      const changed = told.findLast(
        (event) => event.eventName === 'TargetAdminDelayUpdated' && event.args.target === target,
      )
      return {
        what: `${nameAt(deployer, target)} under the Authority`,
        expected: 'open, delay 0 s',
        found: `${closed ? 'closed' : 'open'}, delay ${delay} s${toBegin(changed, now)}`,
      }
    }),
  )
}

/** A new delay that is set and does not hold yet. */
function toBegin(changed: Told[number] | undefined, now: number): string {
  if (changed?.eventName !== 'RoleGrantDelayChanged' && changed?.eventName !== 'TargetAdminDelayUpdated')
    return ''
  const { delay, since } = changed.args
  return since > now ? `, ${delay} s from ${date(since)} on` : ''
}

const holding = (role: bigint, account: Address) => `${roleName(role)} of ${getAddress(account)}`

function roleName(role: bigint): string {
  if (role === EVERYBODY) return 'everybody'
  return Object.entries(ROLES).find(([, id]) => id === role)?.[0] ?? `role ${role}`
}

const nameAt = ({ record }: Deployer, address: Address): string =>
  Object.entries(record.addresses).find(([, at]) => getAddress(at) === getAddress(address))?.[0] ?? address

const date = (seconds: number): string => new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
