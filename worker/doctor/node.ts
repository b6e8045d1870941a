import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { registryAbi } from '../../sdk/chain/abi.ts'
import { openChain } from '../../sdk/chain/clients.ts'
import { loadKey } from '../../sdk/chain/keys.ts'
import { refused } from '../../sdk/errors.ts'
import { epochAt } from '../../sdk/protocol/epochs.ts'
import { ROLE } from '../../sdk/protocol/messages.ts'
import { type Check, type Examination, type Finding, look } from './check.ts'

/** Whether the chain knows this node by the key that is here. */
export const examineNode = (examination: Examination): Promise<Check[]> =>
  Promise.all([
    look('node.signer', () => signerOf(examination).address),
    look('node.registered', () => registered(examination)),
    look('node.active', () => active(examination)),
    look('node.payout', () => payout(examination)),
  ])

function signerOf({ home, password }: Examination) {
  const path = join(home, 'signer.key')
  if (existsSync(path)) return loadKey(path, password)
  throw refused('signer.missing', `there is no signer key in ${home}`, {
    fix: 'Run `heurist node up`: it makes one and registers it.',
  })
}

async function registryOf(examination: Examination) {
  const { network } = examination
  const { client } = openChain(network)
  const registry = { address: network.addresses.registry, abi: registryAbi } as const
  const { address } = signerOf(examination)
  const life = await client.readContract({ ...registry, functionName: 'signerLife', args: [address] })
  if (life.node === 0) {
    throw refused('node.unregistered', `no node has the signer ${address}`, {
      fix: "Run `heurist node up`: it registers the node, without anybody's consent.",
    })
  }
  if (life.until !== 0) {
    throw refused('signer.retired', `${address} was replaced as the signer of node ${life.node}`, {
      fix: "Put the node's present signer key into its home.",
    })
  }
  return { client, registry, node: life.node }
}

/** The node whose signer is here. @throws `signer.missing`, `node.unregistered`, `signer.retired` (refused). */
export const nodeOf = async (examination: Examination): Promise<number> =>
  (await registryOf(examination)).node

async function registered(examination: Examination): Promise<Finding> {
  const { node } = await registryOf(examination)
  return `node ${node}, and its signer is the key here`
}

async function active(examination: Examination): Promise<Finding> {
  const { client, registry, node } = await registryOf(examination)
  const { timestamp } = await client.getBlock()
  const epoch = epochAt(Number(timestamp))
  const args = [ROLE.node, node] as const
  const { activeFrom, inactiveFrom } = await client.readContract({
    ...registry,
    functionName: 'entryOf',
    args,
  })
  const fix =
    'Its owner may reactivate it in the Registry: at once before it takes effect, later from the next epoch.'
  if (activeFrom > epoch) {
    throw refused('node.inactive', `node ${node} is active from epoch ${activeFrom} on; this is ${epoch}`, {
      fix: 'Wait for the epoch to change, once a week.',
    })
  }
  if (inactiveFrom === 0) return `active in epoch ${epoch}`
  if (inactiveFrom > epoch)
    return { detail: `deactivated from epoch ${inactiveFrom} on; this is ${epoch}`, fix }
  throw refused('node.inactive', `node ${node} is inactive since epoch ${inactiveFrom}`, { fix })
}

async function payout(examination: Examination): Promise<Finding> {
  const { client, registry, node } = await registryOf(examination)
  const args = [ROLE.node, node] as const
  return client.readContract({ ...registry, functionName: 'payoutOf', args })
}
