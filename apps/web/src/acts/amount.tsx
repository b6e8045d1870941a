import { useId } from 'react'
import { heu } from '../../../../sdk/units.ts'
import { Button } from '../parts/button.tsx'
import { INPUT } from '../parts/field.tsx'

/** An amount of HEU as it is typed; undefined while it is none. Wei. */
export function heuIn(text: string): bigint | undefined {
  try {
    return heu(text.trim())
  } catch {
    return undefined
  }
}

/** A field for HEU, with what there is at most. */
export function HeuField({
  label,
  text,
  onText,
  most,
}: {
  label: string
  text: string
  onText: (text: string) => void
  most?: { amount: string; word: string }
}) {
  const id = useId()
  const isWrong = text !== '' && heuIn(text) === undefined
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="label block">
        {label}
      </label>
      <div className="flex flex-wrap items-center gap-2">
        <input
          id={id}
          value={text}
          onChange={(event) => onText(event.target.value)}
          inputMode="decimal"
          autoComplete="off"
          aria-invalid={isWrong}
          className={`w-40 ${INPUT}`}
        />
        {most && (
          <Button tone="plain" onClick={() => onText(most.amount)}>
            {most.word}
          </Button>
        )}
      </div>
      {isWrong && <p className="label">Write it like 1.50, with at most 18 decimals.</p>}
    </div>
  )
}
