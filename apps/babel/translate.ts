import { asHeuristError, bug, later, refused } from '../../sdk/errors.ts'
import type { Client } from '../../sdk/index.ts'
import { isUnknown } from '../../sdk/transport.ts'
import type { Budget, Who } from './budget.ts'
import type { Limits } from './config.ts'
import type { Language } from './languages.ts'
import { ADVICE, inputOf, isUnsure, type Model, modelFor, unknownPair } from './models.ts'
import { type Part, plain, saidOf } from './neutral.ts'
import { openTurns } from './turns.ts'

export interface Asked {
  parts: readonly Part[]
  from: Language
  to: Language
  who: Who
}

export interface Translation {
  /** What was kept stands in it as it was. */
  text: string
  /** For the asker's eyes: what the model says of itself, or that an answer was cut. */
  note?: string
}

/** Texts in, translations out, each call paid from the operator's account. */
export interface Translator {
  /**
   * @throws `pair.unknown`, `model.unsure`, `text.too_long`, `text.empty`, `rate.*`, `budget.*` (refused); `translation.slow`
   *   and what the network says (later).
   */
  translate(asked: Asked): Promise<Translation>
}

interface Deps {
  client: Pick<Client, 'quote' | 'run'>
  budget: Budget
  models: readonly Model[]
  limits: Pick<Limits, 'characters' | 'sentences' | 'calls'>
  patienceMs: number
}

/** Translations that are remembered: a repeated text is not paid twice. */
const REMEMBERED = 2_000

interface Said {
  text: string
  cut: boolean
}

export function createTranslator({ client, budget, models, limits, patienceMs }: Deps): Translator {
  const turns = openTurns(limits.calls)
  const memory = new Map<string, Said>()

  async function call(
    model: Model,
    text: string,
    { from, to, who }: Asked,
    signal: AbortSignal,
  ): Promise<Said> {
    const key = JSON.stringify([model.pod, from, to, text])
    const known = memory.get(key)
    if (known !== undefined) return known
    const said = await turns.take(() => paid(model, text, { from, to, who }, signal), signal)
    if (memory.set(key, said).size > REMEMBERED) memory.delete([...memory.keys()][0] ?? '')
    return said
  }

  async function paid(
    model: Model,
    text: string,
    { from, to, who }: Omit<Asked, 'parts'>,
    signal: AbortSignal,
  ): Promise<Said> {
    const input = inputOf(model, text, from, to)
    const { maxPrice } = await client.quote(model.pod, input)
    const close = budget.hold(who, maxPrice)
    let price = 0n
    let isSigned = false
    const signed = () => {
      isSigned = true
    }
    try {
      const answer = await client.run(model.pod, input, { signal, maxPrice, signed })
      price = answer.price
      if (answer.text === undefined) throw bug('answer.no_text', `the pod ${model.pod} answered no text`)
      if (isUnsure(model, answer.text)) throw unsure(model)
      return { text: saidOf(answer.text), cut: answer.finish === 'length' }
    } catch (cause) {
      if (isSigned && price === 0n) price = mayCost(cause, maxPrice)
      throw namedFor(from, to, cause)
    } finally {
      close(price)
    }
  }

  return {
    async translate(asked) {
      const { parts, from, to, who } = asked
      const model = modelFor(models, from, to)
      const pieces = parts.map((part) => (part.kind === 'keep' ? [part] : unitsOf(part.text, model, from)))
      checkSize(parts, pieces.flat(), limits)
      budget.take(who)
      const patience = AbortSignal.timeout(patienceMs)
      const failed = new AbortController()
      const signal = AbortSignal.any([patience, failed.signal])
      try {
        const said = await Promise.all(
          pieces.flat().map(async (piece) => {
            if (piece.kind === 'keep') return { text: piece.text, cut: false }
            return call(model, piece.text, asked, signal)
          }),
        )
        const ofModel = model.note === undefined ? undefined : plain(model.note)
        const note = said.some(({ cut }) => cut) ? 'The model stopped before the end.' : ofModel
        return { text: said.map(({ text }) => text).join(''), ...(note === undefined ? {} : { note }) }
      } catch (cause) {
        failed.abort(cause)
        throw patience.aborted ? slow(cause) : cause
      }
    },
  }
}

/** Left before their end: what was delivered by then is charged. */
const LEFT = new Set(['call.left', 'job.timeout'])

/** Charged for what was delivered: they say the price where its receipt has come. */
const CHARGED = new Set(['stream.interrupted', 'output.unreadable'])

/**
 * What a call that was signed for and failed may be charged. What the router refused or a node failed costs nothing; of the
 * others nobody knows yet how they end: until somebody does, they count with their most.
 */
function mayCost(cause: unknown, most: bigint): bigint {
  const { code, details } = asHeuristError(cause)
  if (CHARGED.has(code)) return BigInt(String(details?.price ?? most))
  const isOpen = isUnknown(cause) || LEFT.has(code) || code.startsWith('chain.') || code === 'unexpected'
  return isOpen ? most : 0n
}

/**
 * What is asked in one call each, and what stands between: a translation pod knows one sentence at a time, a chat pod
 * reads a text as it is.
 */
function unitsOf(text: string, model: Model, from: Language): Part[] {
  const units =
    model.kind === 'chat' ? [text] : text.split(/(\n+)/).flatMap((line) => sentencesOf(line, from))
  return units.flatMap((unit) => {
    const [, before = '', inner = '', after = ''] = /^(\s*)(.*?)(\s*)$/su.exec(unit) ?? []
    // Numbers, marks and smileys are the same in every language.
    const isSaid = /\p{L}/u.test(inner)
    const core: Part = isSaid ? { kind: 'say', text: inner } : { kind: 'keep', text: plain(inner) }
    return [{ kind: 'keep', text: before } as const, core, { kind: 'keep', text: after } as const].filter(
      (part) => part.text !== '',
    )
  })
}

const sentencesOf = (line: string, language: Language): string[] =>
  [...new Intl.Segmenter(language, { granularity: 'sentence' }).segment(line)].map(({ segment }) => segment)

function checkSize(
  parts: readonly Part[],
  pieces: readonly Part[],
  { characters, sentences }: Pick<Limits, 'characters' | 'sentences'>,
): void {
  const length = parts.reduce((sum, { text }) => sum + text.length, 0)
  const count = pieces.filter(({ kind }) => kind === 'say').length
  if (count === 0) throw refused('text.empty', 'There is nothing to translate in it: no words.')
  if (length > characters) {
    throw refused('text.too_long', `It has ${length} characters; ${characters} are translated at once.`, {
      fix: 'Send it in parts.',
      details: { length, most: characters },
    })
  }
  if (count > sentences) {
    throw refused('text.too_long', `It has ${count} sentences; ${sentences} are translated at once.`, {
      fix: 'Send it in parts.',
      details: { length: count, most: sentences },
    })
  }
}

/** A pod that does not know one of the languages says so by the field. */
function namedFor(from: Language, to: Language, cause: unknown): unknown {
  const { code, field } = asHeuristError(cause)
  if (code === 'input.invalid' && (field === 'from' || field === 'to')) return unknownPair(from, to)
  if (code === 'input.too_long' || code === 'input.too_large') {
    return refused('text.too_long', 'One of its sentences is longer than the model reads.', {
      fix: 'Send it in shorter sentences.',
      cause,
    })
  }
  return cause
}

const unsure = ({ pod }: Model) =>
  refused('model.unsure', `The model ${pod} says that it cannot translate this.`, { fix: ADVICE })

const slow = (cause: unknown) =>
  later('translation.slow', 'No worker answered in time. Only what was delivered is charged.', {
    fix: 'Ask again in a minute.',
    cause,
  })
