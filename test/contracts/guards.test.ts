import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { findGuards } from '../guards/guards.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (name: string) =>
  JSON.parse(readFileSync(join(root, 'test/guards', name), 'utf8')) as Record<string, string>

/** `Contract.test` of every Solidity test, inherited ones by the name alone. */
function solidityTests(): { contracts: Set<string>; tests: Set<string> } {
  const folder = join(root, 'test/solidity')
  const text = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n')
  const named = (pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, name = '']) => name))
  return { contracts: named(/^contract (\w+)/gm), tests: named(/function ((?:test|invariant|setUp)\w*)\(/g) }
}

describe('the guards of the contracts', () => {
  const OPEN = JSON.parse(readFileSync(join(root, 'test/guards/open.json'), 'utf8')) as string[]
  const caught = read('caught.json')
  const equivalent = read('equivalent.json')

  it('every test that caught a removed guard is there', () => {
    const { contracts, tests } = solidityTests()
    for (const [guard, caughtBy] of Object.entries(caught)) {
      const [contract = '', test = ''] = caughtBy.split('.')
      expect(contracts.has(contract) && tests.has(test), `${guard} was caught by ${caughtBy}`).to.equal(true)
    }
  })

  it('every guard that is called caught or equivalent stands in the sources, and is not both', () => {
    const names = new Set(findGuards(root).guards.map(({ name }) => name))
    for (const name of [...Object.keys(caught), ...Object.keys(equivalent)]) {
      expect(names.has(name), `${name} is no guard of the sources`).to.equal(true)
    }
    for (const name of Object.keys(equivalent)) expect(caught[name], name).to.equal(undefined)
    const open = [...names].filter((name) => caught[name] === undefined && equivalent[name] === undefined)
    // No run has caught these yet. A new guard is none of them: `npx tsx test/guards/remove.ts` says what catches it.
    expect(open.sort()).to.deep.equal(OPEN)
  })
})
