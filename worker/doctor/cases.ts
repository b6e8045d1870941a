import { openChain } from '../../sdk/chain/clients.ts'
import { refused } from '../../sdk/errors.ts'
import { formatHeu } from '../../sdk/units.ts'
import { type Accusation, accusationsOf, fixOf } from '../cases.ts'
import { type Check, type Examination, look } from './check.ts'
import { nodeOf } from './node.ts'

/** Whether anybody accuses this node: a case that its owner does not dispute in time costs it stake. */
export const examineCases = (examination: Examination): Promise<Check> =>
  look('node.cases', async () => {
    const { network } = examination
    const node = await nodeOf(examination)
    const open = await accusationsOf(openChain(network), network.addresses.ledger, node)()
    const first = open.find(({ step }) => step.act === 'dispute') ?? open[0]
    if (!first) return `nobody accuses node ${node}`
    const detail = open.map(words).join('; ')
    if (first.step.act !== 'dispute') return { detail, fix: fixOf(first) }
    throw refused('node.accused', detail, { fix: fixOf(first) })
  })

function words({ id, state, amount, step }: Accusation): string {
  const end = step.until === undefined ? '' : ` until ${new Date(step.until * 1000).toISOString()}`
  return `case ${id} over ${formatHeu(amount)} HEU is ${state}, next to ${step.act}${end}`
}
