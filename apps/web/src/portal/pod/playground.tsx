import { type FormEvent, useId, useRef } from 'react'
import type { Manifest } from '../../../../../sdk/protocol/manifest.ts'
import { formatUsd } from '../../../../../sdk/units.ts'
import { Button } from '../../parts/button.tsx'
import { INPUT } from '../../parts/field.tsx'
import { Section } from '../../parts/section.tsx'
import { StopButton } from '../../parts/stop.tsx'
import { useSession } from '../../session/use.ts'
import { whyNot } from '../../session/why.ts'
import { type Field, type Filled, mostPrice, type Values } from './input.ts'
import { ResultView } from './result.tsx'
import { useRun } from './run.ts'

interface Props {
  pod: number
  manifest: Manifest
  fields: readonly Field[]
  values: Values
  onChange(name: string, value: string): void
  filled: Filled
}

/** The pod's form, its price before and its receipt after. */
export function Playground({ pod, manifest, fields, values, onChange, filled }: Props) {
  const { view } = useSession()
  const { run, start, stop } = useRun(pod, manifest.kind)
  const result = useRef<HTMLDivElement>(null)
  const input = 'input' in filled ? filled.input : undefined
  const most = input && mostPrice(manifest, input)
  const mayRun = view.phase === 'ready' && input !== undefined
  const running = run?.state === 'running'
  function submit(event: FormEvent) {
    event.preventDefault()
    if (mayRun && most !== undefined) start(input, most)
  }
  const options = fields.filter(({ isOption }) => isOption)
  const field = (each: Field) => (
    <FieldView key={each.name} field={each} value={values[each.name] ?? ''} onChange={onChange} />
  )
  return (
    <Section title="Try it" note="paid by your key, no prompt">
      <form className="space-y-3" onSubmit={submit}>
        {fields.filter(({ isOption }) => !isOption).map(field)}
        {options.length > 0 && (
          <details className="rounded-md border border-line px-3.5 py-2">
            <summary className="label cursor-pointer">Options</summary>
            <div className="grid gap-3 pt-2 pb-1 sm:grid-cols-2">{options.map(field)}</div>
          </details>
        )}
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          {running ? (
            <StopButton isNext onStop={stop} onLeft={() => result.current?.focus()} />
          ) : (
            <Button key="run" tone="main" type="submit" disabled={!mayRun}>
              Run
            </Button>
          )}
          <p className="label" data-price={most?.toString()}>
            {most === undefined ? faultWords(filled, values) : `At most $${formatUsd(most)} for this call`}
          </p>
          {view.phase !== 'ready' && <p className="label">{whyNot(view.phase)}</p>}
        </div>
      </form>
      {run && <ResultView ref={result} manifest={manifest} run={run} />}
    </Section>
  )
}

/** Nothing is wrong with a form that nobody has begun to fill. */
function faultWords(filled: Filled, values: Values): string {
  if (!('says' in filled)) return ''
  return (values[filled.field] ?? '') === '' ? 'The price stands here before you run it' : filled.says
}

function FieldView({ field, value, onChange }: { field: Field; value: string; onChange: Props['onChange'] }) {
  const id = useId()
  const { name, label, kind, note, least, most, step, choices } = field
  const shared = {
    id,
    name,
    value,
    'aria-describedby': note === undefined ? undefined : `${id}-note`,
    onChange: ({ target }: { target: { value: string } }) => onChange(name, target.value),
    className: `${INPUT} w-full`,
  }
  return (
    <div className="min-w-0 space-y-1">
      <label htmlFor={id} className="label block">
        {label}
      </label>
      {kind === 'text' ? (
        <textarea rows={Math.min(8, Math.max(2, value.split('\n').length))} {...shared} />
      ) : kind === 'choice' ? (
        <select {...shared}>
          {choices?.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          type={kind === 'number' ? 'number' : 'text'}
          min={least}
          max={most}
          step={step ?? 'any'}
          list={choices ? `${id}-choices` : undefined}
          {...shared}
        />
      )}
      {kind === 'line' && choices && (
        <datalist id={`${id}-choices`}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
      {note !== undefined && (
        <p id={`${id}-note`} className="label">
          {note}
        </p>
      )}
    </div>
  )
}
