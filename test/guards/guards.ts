import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clauses } from './clauses.ts'

/**
 * The guards of the contracts: every `if (...) revert`, every alternative inside its condition, every use of a guarding
 * modifier, and the clauses of `clauses.ts`. Each gets a name from its text, which a moved line does not change, and a
 * switch: the armed source asks `isOff(number)` where the guard stands, and one compilation serves all of them.
 */
export interface Guard {
  /** `File.function: text`, and ` #2` for the second of equal ones. */
  readonly name: string
  readonly file: string
  readonly line: number
  /** From 1; the link-time address that switches it off. */
  readonly number: number
}

/** A guard's place: what the armed source puts before and after it, `OFF` where the switch is asked. */
interface Span {
  readonly at: number
  readonly end: number
  readonly guard: string
  readonly before: string
  readonly after: string
}

const FILES = [
  'contracts/ComputeLedger.sol',
  'contracts/RouterBond.sol',
  'contracts/Registry.sol',
  ...[
    'VotingEscrow',
    'VoteController',
    'NodeStaking',
    'SlashingManager',
    'EmissionController',
    'FeeBurner',
  ].map((name) => `contracts/${name}.sol`),
  'contracts/tokens/AuthorizedToken.sol',
  ...[
    'Authorizations',
    'Batches',
    'Emissions',
    'Locks',
    'Messages',
    'Papers',
    'Powers',
    'Prices',
    'Signatures',
    'Splits',
    'Streams',
    'Weights',
  ].map((name) => `contracts/libraries/${name}.sol`),
]

/** Folders of `contracts/` whose files are rooms of one contract. */
const ROOMS: Record<string, string> = {
  ledger: 'ComputeLedger',
  emission: 'EmissionController',
  votes: 'VoteController',
}

/** The sources that hold guards, relative to `root`. */
export function guardedFiles(root: string): string[] {
  const rooms = Object.keys(ROOMS).flatMap((folder) =>
    readdirSync(join(root, 'contracts', folder))
      .sort()
      .map((name) => `contracts/${folder}/${name}`),
  )
  return [...FILES, ...rooms]
}

/** The contract that a source is, or is a room of; a library, a token: its own name. */
export function contractOf(file: string): string {
  const [folder = '', name = ''] = file.split('/').slice(-2)
  return ROOMS[folder] ?? name.replace('.sol', '')
}

/** All guards of the sources under `root`, and each source armed with their switches. */
export function findGuards(root: string): { guards: Guard[]; armed: Map<string, string> } {
  const guards: Guard[] = []
  const armed = new Map<string, string>()
  const names = new Map<string, number>()
  for (const file of guardedFiles(root)) {
    const source = readFileSync(join(root, file), 'utf8')
    const inserts: { at: number; text: string }[] = []
    const spans = [...reverts(source), ...modifiers(source), ...handKept(file, source)]
    // The wider span comes first, so that it opens first and closes last.
    for (const span of spans.sort((a, b) => a.at - b.at || b.end - a.end)) {
      const plain = `${placeOf(file, source, span.at)}: ${span.guard}`
      const count = (names.get(plain) ?? 0) + 1
      names.set(plain, count)
      const number = guards.length + 1
      const line = source.slice(0, span.at).split('\n').length
      guards.push({ name: count === 1 ? plain : `${plain} #${count}`, file, line, number })
      inserts.push({ at: span.at, text: span.before.replaceAll('OFF', `isOff(${number})`) })
      inserts.unshift({ at: span.end, text: span.after.replaceAll('OFF', `isOff(${number})`) })
    }
    armed.set(file, woven(source, inserts))
  }
  return { guards, armed }
}

function woven(source: string, inserts: { at: number; text: string }[]): string {
  let text = ''
  let from = 0
  for (const { at, text: more } of inserts.sort((a, b) => a.at - b.at)) {
    text += source.slice(from, at) + more
    from = at
  }
  return text + source.slice(from)
}

function reverts(source: string): Span[] {
  const spans: Span[] = []
  for (const match of source.matchAll(/\bif \(/g)) {
    const at = match.index + match[0].length
    const end = closing(source, at)
    const error = /^\)\s*\{?\s*revert\s+([\w.]+)/.exec(source.slice(end))?.[1]
    // A modifier is a guard at each place that uses it.
    if (error === undefined || /modifier \w+\([^)]*\) \{\s*$/.test(source.slice(0, match.index))) continue
    const condition = source.slice(at, end)
    const guard = `if (${condition}) revert ${error}`
    spans.push({ at, end, guard, before: '!OFF && (', after: ')' })
    const parts = alternatives(condition)
    let from = at
    for (const part of parts.length > 1 ? parts : []) {
      const name = `${part} in ${guard}`
      spans.push({ at: from, end: from + part.length, guard: name, before: '(!OFF && (', after: '))' })
      from += part.length + ' || '.length
    }
  }
  return spans
}

function alternatives(condition: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < condition.length; i++) {
    if (condition[i] === '(') depth += 1
    if (condition[i] === ')') depth -= 1
    if (depth === 0 && condition.startsWith(' || ', i)) {
      parts.push(condition.slice(from, i))
      from = i + 4
    }
  }
  return [...parts, condition.slice(from)]
}

function modifiers(source: string): Span[] {
  const spans: Span[] = []
  for (const head of source.matchAll(/function \w+\([^)]*\)[^{;]*\{/g)) {
    for (const word of head[0].matchAll(/\b(nonReentrant|whenRunning|onlyBond|restricted)\b/g)) {
      const at = head.index + word.index
      const end = at + word[0].length
      spans.push({ at, end, guard: word[0], before: '', after: 'Unless(OFF)' })
    }
  }
  return spans
}

function handKept(file: string, source: string): Span[] {
  return clauses
    .filter((clause) => clause.file === file)
    .map(({ text, before, after }) => {
      const [lead = '', part = ''] = text.split(/[⟦⟧]/)
      const plain = text.replace(/[⟦⟧]/g, '')
      const found = source.indexOf(plain)
      if (found < 0 || source.indexOf(plain, found + 1) >= 0)
        throw new Error(`${file}: not there once: ${plain}`)
      const at = found + lead.length
      return {
        at,
        end: at + part.length,
        guard: `${before}${text.replace(/\s+/g, ' ')}${after}`,
        before,
        after,
      }
    })
}

function closing(source: string, from: number): number {
  let depth = 1
  for (let i = from; ; i++) {
    if (source[i] === '(') depth += 1
    if (source[i] === ')') depth -= 1
    if (depth === 0) return i
  }
}

function placeOf(file: string, source: string, at: number): string {
  const heads = [...source.slice(0, at).matchAll(/\b(?:function (\w+)|modifier (\w+)|(constructor)\()/g)]
  const head = heads.at(-1)
  const room = file.slice(file.lastIndexOf('/') + 1, -4)
  return `${room}.${head?.[1] ?? head?.[2] ?? head?.[3] ?? ''}`
}
