import { useState } from 'react'
import type { Manifest, Model } from '../network/models.ts'
import { Boundary } from '../parts/boundary.tsx'
import { Button } from '../parts/button.tsx'
import { Link } from '../parts/link.tsx'
import { Undrawn } from '../parts/undrawn.tsx'
import { useTerms } from '../pondera/use.ts'
import { useSession } from '../session/use.ts'
import { draw } from './draw.ts'
import { nextToGo, ofModel } from './drawing.ts'
import { edgesOf } from './edges.ts'
import {
  askedOf,
  emptyForm,
  type Form,
  fieldsOf,
  formOf,
  freshSeed,
  isSmall,
  pictureMost,
  seedOf,
} from './fields.ts'
import { PictureForm } from './form.tsx'
import { Terms } from './gallery.tsx'
import { History, NextToGo } from './history.tsx'
import { type Example, examplesOf, keywordsOf } from './known.ts'
import { EXAMPLES } from './prompts.ts'
import { Result } from './result.tsx'
import { useDrawings, usePictureModels } from './use.ts'

/** One model: what it can do, the form, the newest picture and those before it. */
export function ModelPage({ name }: { name: string }) {
  const models = usePictureModels()
  const model = models?.find((each) => each.name === name)
  const { value: manifest, again } = useTerms(model?.id)
  return (
    <>
      <p className="label">
        <Link
          href="/imagine"
          className="underline underline-offset-4"
          onClick={() => window.scrollTo({ top: 0 })}
        >
          All models
        </Link>
      </p>
      <header className="space-y-1.5">
        <h1 className="text-[1.4rem]">{name}</h1>
        {model && <p className="max-w-[46rem] text-muted">{model.description}</p>}
      </header>
      {models !== undefined && model === undefined && (
        <p role="status">This network has no picture model “{name}”. Choose another one.</p>
      )}
      {models === undefined || (model && manifest === undefined) ? (
        <p className="text-muted">Reading its terms…</p>
      ) : null}
      {model && manifest && <Studio model={model} manifest={manifest} reread={again} />}
    </>
  )
}

function Studio({ model, manifest, reread }: { model: Model; manifest: Manifest; reread: () => void }) {
  const { drawings, view } = useDrawings()
  const { config, session, view: paying } = useSession()
  const fields = fieldsOf(manifest)
  const examples = examplesOf(manifest)
  const [form, setForm] = useState<Form>(() => ({ ...emptyForm(fields), ...wishOf(window.location.search) }))
  const [shown, setShown] = useState<string>()
  const mine = ofModel(view.drawings, model.name)
  const next = nextToGo(view.drawings, model.name)
  const current = mine.find(({ id }) => id === shown) ?? mine[0]
  const set = (part: Partial<Form>) => setForm((before) => ({ ...before, ...part }))
  function begin() {
    if (!paying.client) return
    const asked = askedOf(fields, form, seedOf(form.seed) ?? freshSeed())
    const { client } = paying
    const { routerUrl } = config
    const most = pictureMost(manifest, form)
    setShown(draw({ drawings, session, client, routerUrl, model: model.name, asked, most, reread }))
  }
  return (
    <>
      <div className="grid gap-x-10 gap-y-8 lg:grid-cols-2">
        <div className="min-w-0 space-y-5">
          {examples.length > 0 ? (
            <Examples examples={examples} onUse={(asked) => setForm(formOf(asked, fields))} />
          ) : (
            <Prompts onUse={(prompt) => set({ prompt })} />
          )}
          <PictureForm
            manifest={manifest}
            keywords={keywordsOf(manifest)}
            form={form}
            set={set}
            busy={mine.some(({ state }) => state === 'drawing')}
            onDraw={begin}
          >
            {next && (
              <Boundary key={next.id} instead={<Undrawn />}>
                <NextToGo drawing={next} />
              </Boundary>
            )}
          </PictureForm>
          <Terms manifest={manifest} served={model.served} />
          {isSmall(manifest) && (
            <p className="label">
              A model as small as this one knows a few plain shapes and nothing else. Photographs and
              paintings take a large diffusion model, such as SDXL or FLUX, on a node with a GPU; this page
              works the same with those.
            </p>
          )}
        </div>
        <Boundary key={current?.id} instead={<Undrawn />}>
          <Result drawing={current} reuse={(asked) => setForm(formOf(asked, fields))} />
        </Boundary>
      </div>
      <History
        model={model.name}
        drawings={mine}
        current={current?.id}
        onShow={(id) => {
          setShown(id)
          document.getElementById('result')?.scrollIntoView({ block: 'nearest' })
        }}
      />
    </>
  )
}

/** What this very model drew, each with all that it was asked. */
function Examples({
  examples,
  onUse,
}: {
  examples: readonly Example[]
  onUse: (asked: Example['asked']) => void
}) {
  return (
    <section aria-label="Drawn with this model">
      <p className="label mb-1.5">Drawn with this model; the same settings draw the same again</p>
      <ul className="grid gap-3 sm:grid-cols-3">
        {examples.map(({ asked, picture }) => (
          <li key={picture} className="flex items-start gap-3 sm:flex-col sm:gap-1.5">
            <img
              src={picture}
              alt={`Example: ${asked.prompt}`}
              width={256}
              height={256}
              loading="lazy"
              decoding="async"
              className={`aspect-square h-auto w-24 shrink-0 rounded-md border border-line sm:w-full ${edgesOf(256)}`}
            />
            <span className="min-w-0 flex-1 space-y-1">
              <span className="block text-[0.9rem]">{asked.prompt}</span>
              <Button onClick={() => onUse(asked)}>
                Use this prompt<span className="sr-only">: {asked.prompt}</span>
              </Button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Prompts({ onUse }: { onUse: (prompt: string) => void }) {
  return (
    <section aria-label="Prompts to begin with">
      <p className="label mb-1.5">Prompts to begin with</p>
      <ul className="space-y-1.5">
        {EXAMPLES.map((prompt) => (
          <li key={prompt} className="flex items-baseline justify-between gap-3 border-b border-line pb-1.5">
            <span>{prompt}</span>
            <Button tone="plain" className="whitespace-nowrap" onClick={() => onUse(prompt)}>
              Use this prompt<span className="sr-only">: {prompt}</span>
            </Button>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** `?prompt=` and `?seed=` of the address, as a shared picture links here. */
function wishOf(search: string): Partial<Form> {
  const asked = new URLSearchParams(search)
  const prompt = asked.get('prompt')
  const seed = asked.get('seed')
  return {
    ...(prompt === null ? {} : { prompt }),
    ...(seed === null ? {} : { seed: seed.slice(0, 12) }),
  }
}
