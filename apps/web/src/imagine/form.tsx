import { type ReactNode, useId, useState } from 'react'
import { formatUsd } from '../../../../sdk/units.ts'
import type { Manifest } from '../network/models.ts'
import { Button } from '../parts/button.tsx'
import { useSession } from '../session/use.ts'
import { whyNot } from '../session/why.ts'
import { type Fields, type Form, faultsOf, fieldsOf, pictureMost } from './fields.ts'
import { type Keywords as Words, withWord } from './known.ts'

interface Props {
  manifest: Manifest
  /** Words that the model is known to know. */
  keywords: readonly Words[]
  form: Form
  set: (part: Partial<Form>) => void
  /** A picture is being drawn: the next one waits. */
  busy: boolean
  /** What is to be known before the button is pressed. */
  children?: ReactNode
  onDraw: () => void
}

/** Every field a picture can have: those that the model takes with its own limits, the others with the reason. */
export function PictureForm({ manifest, keywords, form, set, busy, children, onDraw }: Props) {
  const { view } = useSession()
  const fields = fieldsOf(manifest)
  const faults = faultsOf(fields, form, manifest.limits)
  const price = pictureMost(manifest, form)
  const isWhole = form.prompt.trim() !== '' && faults.prompt === undefined && faults.seed === undefined
  const mayDraw = view.phase === 'ready' && !busy && isWhole
  return (
    <form
      aria-label="What to draw"
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (mayDraw) onDraw()
      }}
    >
      <Field name="Prompt" fault={faults.prompt}>
        {(props) => (
          <textarea
            {...props}
            name="prompt"
            rows={3}
            value={form.prompt}
            placeholder="What should be in the picture?"
            onChange={(event) => set({ prompt: event.target.value })}
            className={`${BOX} placeholder:text-muted`}
          />
        )}
      </Field>
      {keywords.length > 0 && (
        <Keywords keywords={keywords} onSay={(said) => set({ prompt: withWord(form, said) })} />
      )}
      <Negative fields={fields} form={form} set={set} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Size fields={fields} form={form} set={set} />
        <Seed form={form} set={set} fault={faults.seed} />
        <Slider
          name="Steps"
          limits={fields.steps}
          least={1}
          by={1}
          value={form.steps}
          onChange={(steps) => set({ steps })}
          note="More steps, more care, and a higher price."
        />
        <Slider
          name="Guidance"
          limits={fields.guidance}
          least={0}
          by={0.1}
          value={form.guidance}
          onChange={(guidance) => set({ guidance })}
          note="How strictly the prompt is followed."
        />
      </div>
      {children}
      <p className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button tone="main" type="submit" disabled={!mayDraw}>
          Draw
        </Button>
        <span className="label" data-price={price.toString()}>
          At most ${formatUsd(price)} for this picture
        </span>
        {view.phase !== 'ready' && <span className="label">{whyNot(view.phase)}</span>}
      </p>
    </form>
  )
}

const BOX =
  'w-full rounded-md border border-edge bg-raised px-2.5 py-1.5 disabled:border-line disabled:bg-transparent disabled:text-muted'

interface Inner {
  id: string
  'aria-describedby'?: string
  'aria-invalid'?: boolean
}

/** A label, what stands under it, and what is wrong with it. */
function Field({
  name,
  note,
  fault,
  children,
}: {
  name: string
  note?: ReactNode
  fault?: string | undefined
  children: (props: Inner) => ReactNode
}) {
  const id = useId()
  const said = fault ?? note
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block font-[520]">
        {name}
      </label>
      {children({
        id,
        ...(said === undefined ? {} : { 'aria-describedby': `${id}-note` }),
        ...(fault === undefined ? {} : { 'aria-invalid': true }),
      })}
      {said !== undefined && (
        <p id={`${id}-note`} className={fault === undefined ? 'label' : 'text-[0.87rem]'} data-note={name}>
          {said}
        </p>
      )}
    </div>
  )
}

/** Folded, so that the keyboard goes by in one step; each word goes to the end of the prompt. */
function Keywords({ keywords, onSay }: { keywords: Props['keywords']; onSay: (said: string) => void }) {
  const [added, setAdded] = useState('')
  return (
    <details className="rounded-md border border-line px-3 py-1.5">
      <summary className="cursor-pointer">Recommended keywords</summary>
      <div className="space-y-2 pt-2 pb-1.5">
        {keywords.map(({ kind, words, said }) => (
          <fieldset key={kind} className="flex flex-wrap items-baseline gap-1.5">
            <legend className="label float-left w-24">{kind}</legend>
            {words.map((word) => (
              <Button
                key={word}
                className="text-[0.87rem]"
                onClick={() => {
                  onSay(said(word))
                  setAdded(`Added: ${said(word)}`)
                }}
              >
                {word}
              </Button>
            ))}
          </fieldset>
        ))}
      </div>
      <p role="status" className="sr-only">
        {added}
      </p>
    </details>
  )
}

type Part = Pick<Props, 'form' | 'set'> & { fields: Fields }

function Negative({ fields, form, set }: Part) {
  const takes = fields.negative !== undefined
  return (
    <Field
      name="Negative prompt"
      note={
        takes
          ? 'What should not be in the picture.'
          : 'This model takes none; larger diffusion models such as SDXL do.'
      }
    >
      {(props) => (
        <textarea
          {...props}
          rows={1}
          disabled={!takes}
          value={takes ? form.negative : ''}
          onChange={(event) => set({ negative: event.target.value })}
          className={BOX}
        />
      )}
    </Field>
  )
}

function Size({ fields: { sizes }, form, set }: Part) {
  const one = sizes?.offered.length === 1
  return (
    <Field
      name="Size"
      note={
        sizes === undefined
          ? 'This model makes one size only.'
          : one
            ? 'Its manifest names no other size.'
            : `Width and height in pixels; its own is ${sizes.own}.`
      }
    >
      {(props) => (
        <select
          {...props}
          disabled={sizes === undefined || one}
          value={form.size}
          onChange={(event) => set({ size: event.target.value })}
          className={BOX}
        >
          {(sizes?.offered ?? ['']).map((size) => (
            <option key={size} value={size}>
              {size.replace('x', ' × ')}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

function Seed({ form, set, fault }: Pick<Props, 'form' | 'set'> & { fault: string | undefined }) {
  return (
    <Field
      name="Seed"
      fault={fault}
      note="The same seed and the same words make the same picture. Blank or -1 draws another one each time."
    >
      {(props) => (
        <input
          {...props}
          inputMode="numeric"
          autoComplete="off"
          placeholder="random"
          maxLength={12}
          value={form.seed}
          onChange={(event) => set({ seed: event.target.value })}
          className={`${BOX} placeholder:text-muted`}
        />
      )}
    </Field>
  )
}

interface SliderProps {
  name: string
  limits: { own: number; most: number } | undefined
  least: number
  by: number
  value: number
  onChange: (value: number) => void
  note: string
}

function Slider({ name, limits, least, by, value, onChange, note }: SliderProps) {
  return (
    <Field
      name={name}
      note={
        limits
          ? `${least} to ${limits.most}; its own is ${limits.own}. ${note}`
          : `This model has no ${name.toLowerCase()} to set.`
      }
    >
      {(props) => (
        <span className="flex items-center gap-3">
          <input
            {...props}
            type="range"
            min={least}
            max={limits?.most ?? least}
            step={by}
            disabled={limits === undefined}
            value={value}
            onChange={(event) => onChange(Number(event.target.value))}
            className="min-w-0 flex-1 accent-accent"
          />
          <output htmlFor={props.id} className="figures w-9 text-right">
            {limits ? value : '–'}
          </output>
        </span>
      )}
    </Field>
  )
}
