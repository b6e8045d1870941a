import { formatUsd } from '../../../../sdk/units.ts'
import type { Manifest, Model } from '../network/models.ts'
import { mostPrice } from '../network/models.ts'
import { Link } from '../parts/link.tsx'
import { useTerms } from '../pondera/use.ts'
import { useSession } from '../session/use.ts'
import { ofModel } from './drawing.ts'
import { askedOf, emptyForm, fieldsOf, isSmall } from './fields.ts'
import { Picture } from './picture.tsx'
import { modelPath, useDrawings, usePictureModels } from './use.ts'

/** Every model of the network that makes pictures. */
export function Gallery() {
  const models = usePictureModels()
  const { view } = useSession()
  return (
    <>
      <header className="space-y-2 pt-2 sm:pt-6">
        <h1 className="max-w-[36rem] text-[1.5rem] leading-snug">
          Say it, see it. <span className="text-muted">A price before, a receipt after, no account.</span>
        </h1>
      </header>
      {models === undefined && <p className="text-muted">Reading the models…</p>}
      {models?.length === 0 && <p>No model of this network makes pictures yet.</p>}
      <ul aria-label="Models" className="grid gap-5 sm:grid-cols-2 lg:grid-cols-3">
        {models?.map((model) => (
          <Card key={model.id} model={model} />
        ))}
      </ul>
      {/* Below what stood before the page knew: nothing moves. */}
      {view.phase === 'none' && (
        <p>Add credit above to begin: one signature, and no picture asks you again.</p>
      )}
    </>
  )
}

function Card({ model }: { model: Model }) {
  const { value: manifest } = useTerms(model.id)
  const { view } = useDrawings()
  const cover = ofModel(view.drawings, model.name).find(({ state }) => state === 'done')
  return (
    <li className="overflow-hidden rounded-lg border border-line" data-model={model.name}>
      <div className="relative grid aspect-[4/3] place-items-center bg-raised">
        {cover ? (
          <Picture drawing={cover} alt={`The newest picture of ${model.name} in this browser`} />
        ) : (
          <p className="label px-6 text-center">Nothing drawn with it in this browser yet</p>
        )}
      </div>
      <div className="space-y-1.5 border-t border-line px-4 py-3">
        <h2 className="text-[1.05rem]">
          <Link
            href={modelPath(model.name)}
            className="underline underline-offset-4"
            onClick={() => window.scrollTo({ top: 0 })}
          >
            {model.name}
          </Link>
        </h2>
        <p className="line-clamp-3 text-muted">{model.description}</p>
        {manifest === undefined ? (
          <p className="label">Reading its terms…</p>
        ) : (
          <Terms manifest={manifest} served={model.served} />
        )}
      </div>
    </li>
  )
}

/** What it costs and what it can be asked, by its manifest. */
export function Terms({ manifest, served }: { manifest: Manifest; served: boolean }) {
  const fields = fieldsOf(manifest)
  const own = mostPrice(manifest, askedOf(fields, { ...emptyForm(fields), prompt: '?' }, 0))
  const { minimum, output, per, unit } = manifest.pricing
  const facts = [
    fields.sizes && `${fields.sizes.offered.length} ${fields.sizes.offered.length === 1 ? 'size' : 'sizes'}`,
    fields.steps && `1 to ${fields.steps.most} steps`,
    fields.guidance && `guidance 0 to ${fields.guidance.most}`,
    fields.negative === undefined ? undefined : 'negative prompt',
  ].filter((each) => each !== undefined)
  return (
    <div className="label space-y-1">
      <p>
        <span className="text-ink" data-own={own.toString()}>
          ${formatUsd(own)}
        </span>{' '}
        a picture as it comes; ${formatUsd(BigInt(output))} per {per === 1 ? unit : `${per} ${unit}s`}, at
        least ${formatUsd(BigInt(minimum))}
      </p>
      <p>{facts.join(', ')}</p>
      <p>
        {served ? 'A node serves it now' : 'No node serves it now'}
        {isSmall(manifest) && '; a small model, for plain shapes'}
      </p>
    </div>
  )
}
