import {
  embedInputSchema,
  IMAGE_GUIDANCE_MOST,
  IMAGE_SEED_MOST,
  translateInputSchema,
} from '../../../../../sdk/documents.ts'
import type { Manifest } from '../../../../../sdk/protocol/manifest.ts'
import { maxPriceOf, unitLimitsOf } from '../../../../../sdk/protocol/price.ts'

/** What a pod is asked: the form that its manifest makes, and the document that a filled form is. Pure. */

export interface Field {
  name: string
  label: string
  /** `choice`: one of `choices` and nothing else. */
  kind: 'line' | 'text' | 'number' | 'choice'
  initial: string
  /** Below the field. */
  note?: string
  least?: number
  most?: number
  step?: number
  /** Offered while one writes. */
  choices?: readonly string[]
  required?: boolean
  /** Not what is asked but how: shown apart. */
  isOption?: boolean
}

type Asked = Pick<Manifest, 'kind' | 'limits' | 'defaults' | 'choices'>

/** The form of a pod: of its kind, bounded by its limits, filled with its defaults. */
export function fieldsOf(manifest: Asked): readonly Field[] {
  const { kind, limits, defaults, choices } = manifest
  const initial = (name: string, otherwise = ''): string => String(defaults[name] ?? otherwise)
  switch (kind) {
    case 'chat':
      return [
        { name: 'message', label: 'Message', kind: 'text', initial: '', required: true },
        { name: 'system', label: 'System prompt', kind: 'text', initial: '', isOption: true },
        {
          ...{ name: 'max_tokens', label: 'Most tokens', kind: 'number', isOption: true, least: 1, step: 1 },
          ...{ initial: initial('max_tokens', String(limits.outputUnits)), most: limits.outputUnits },
        },
        {
          ...{ name: 'temperature', label: 'Temperature', kind: 'number', isOption: true },
          ...{ initial: initial('temperature', '0'), least: 0, most: 2, step: 0.05 },
        },
        SEED,
      ]
    case 'image':
      return [
        { name: 'prompt', label: 'Prompt', kind: 'text', initial: '', required: true },
        // A pod that names no negative prompt of its own takes none.
        ...(defaults.negative_prompt === undefined
          ? []
          : [
              {
                ...({ name: 'negative_prompt', label: 'Not this', kind: 'text', isOption: true } as const),
                initial: initial('negative_prompt'),
              },
            ]),
        {
          ...{ name: 'steps', label: 'Steps', kind: 'number', isOption: true, least: 1, step: 1 },
          ...{ initial: initial('steps', '1'), most: limits.outputUnits },
        },
        {
          ...{ name: 'guidance', label: 'Guidance', kind: 'number', isOption: true },
          ...{ initial: initial('guidance', '1'), least: 0, most: IMAGE_GUIDANCE_MOST, step: 0.1 },
        },
        {
          ...{ name: 'size', label: 'Size', initial: initial('size'), isOption: true },
          ...(choices?.size ? { kind: 'choice', choices: choices.size } : { kind: 'line' }),
        },
        SEED,
      ]
    case 'embed':
      return [
        { name: 'first', label: 'Text', kind: 'text', initial: '', required: true },
        {
          ...{ name: 'second', label: 'Another text', kind: 'text', initial: '' },
          note: 'If you write one, you see how near the two are.',
        },
      ]
    case 'translate':
      return [
        { name: 'text', label: 'Text', kind: 'text', initial: '', required: true },
        languageField('from', 'From', choices?.from, 0),
        languageField('to', 'To', choices?.to, 1),
      ]
    default:
      return [
        {
          ...{ name: 'document', label: 'Input document', kind: 'text', initial: '{}', required: true },
          note: 'JSON, as this pod reads it.',
        },
      ]
  }
}

const SEED: Field = {
  name: 'seed',
  label: 'Seed',
  kind: 'number',
  initial: '',
  least: 0,
  most: IMAGE_SEED_MOST,
  step: 1,
  isOption: true,
  note: 'Empty: the words decide it.',
}

/** Offered are those that the manifest names; the pod itself says what else it knows. */
function languageField(
  name: string,
  label: string,
  choices: readonly string[] | undefined,
  first: number,
): Field {
  return {
    name,
    label,
    kind: 'line',
    initial: choices?.[first] ?? '',
    choices: choices ?? [],
    required: true,
  }
}

export type Values = Readonly<Record<string, string>>

export const initialValues = (fields: readonly Field[]): Values =>
  Object.fromEntries(fields.map(({ name, initial }) => [name, initial]))

/** A filled form as the pod's input document, or what is wrong with which field. */
export type Filled = { input: object } | { field: string; says: string }

export function inputOf(manifest: Asked, values: Values): Filled {
  const fields = fieldsOf(manifest)
  for (const field of fields) {
    const says = faultOf(field, values[field.name] ?? '')
    if (says !== undefined) return { field: field.name, says }
  }
  const filled = documentOf(manifest.kind, values)
  if ('says' in filled) return filled
  const bytes = sizeOf(filled.input)
  if (bytes > manifest.limits.inputBytes) {
    const says = `All of it is ${bytes} bytes; this pod reads ${manifest.limits.inputBytes}.`
    return { field: fields[0]?.name ?? '', says }
  }
  return filled
}

const sizeOf = (input: object): number => new TextEncoder().encode(JSON.stringify(input)).length

/** What a call costs at most: the same formula that is signed. Base units. */
export const mostPrice = (manifest: Manifest, input: object): bigint =>
  maxPriceOf(manifest, unitLimitsOf(manifest, input, sizeOf(input)))

function faultOf(
  { label, kind, required, choices, least, most, step }: Field,
  value: string,
): string | undefined {
  if (value.trim() === '') return required ? `${label} is empty.` : undefined
  if (kind === 'choice' && !choices?.includes(value)) return `${label} is one of ${choices?.join(', ')}.`
  if (kind !== 'number') return undefined
  const number = Number(value)
  const outside = number < (least ?? number) || number > (most ?? number)
  if (Number.isNaN(number) || outside) return `${label} is a number from ${least} to ${most}.`
  if (step === 1 && !Number.isInteger(number)) return `${label} is a whole number.`
  return undefined
}

function documentOf(kind: Manifest['kind'], values: Values): Filled {
  const text = (name: string): string => (values[name] ?? '').trim()
  const number = (name: string) => (text(name) === '' ? {} : { [name]: Number(text(name)) })
  switch (kind) {
    case 'chat': {
      const system = text('system') === '' ? [] : [{ role: 'system', content: text('system') }]
      const messages = [...system, { role: 'user', content: text('message') }]
      return { input: { messages, ...number('max_tokens'), ...number('temperature'), ...number('seed') } }
    }
    case 'image': {
      const size = text('size') === '' ? {} : { size: text('size') }
      const unwanted = text('negative_prompt') === '' ? {} : { negative_prompt: text('negative_prompt') }
      return {
        input: {
          prompt: text('prompt'),
          ...number('steps'),
          ...number('guidance'),
          ...size,
          ...unwanted,
          ...number('seed'),
        },
      }
    }
    case 'embed': {
      const input = text('second') === '' ? text('first') : [text('first'), text('second')]
      return checked(embedInputSchema.safeParse({ input }), 'first')
    }
    case 'translate':
      return checked(
        translateInputSchema.safeParse({ text: text('text'), from: text('from'), to: text('to') }),
        'text',
      )
    default:
      return parsed(text('document'))
  }
}

interface Parsed {
  success: boolean
  data?: object
  error?: { issues: { path: PropertyKey[]; message: string }[] }
}

function checked({ data, error }: Parsed, otherwise: string): Filled {
  if (data !== undefined) return { input: data }
  const issue = error?.issues[0]
  const field = String(issue?.path[0] ?? otherwise)
  return { field, says: `${field} ${issue?.message ?? 'is wrong'}.` }
}

function parsed(text: string): Filled {
  try {
    const input: unknown = JSON.parse(text)
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return { input }
  } catch {
    // Said below.
  }
  return { field: 'document', says: 'The input document is one JSON object.' }
}
