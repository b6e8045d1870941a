import { useState } from 'react'
import { readAsked } from '../../pictures/record.ts'
import { useDeletions } from '../focus.tsx'
import { Boundary } from '../parts/boundary.tsx'
import { Button } from '../parts/button.tsx'
import { Section } from '../parts/section.tsx'
import { Undrawn } from '../parts/undrawn.tsx'
import { DeleteShared } from '../sharing/delete.tsx'
import { type Drawing, MOST_KEPT } from './drawing.ts'
import { Picture } from './picture.tsx'
import { Download } from './result.tsx'
import { PICTURES, sharedPath } from './share.tsx'
import { useDrawings } from './use.ts'

const WORDS = {
  drawing: 'drawing…',
  cancelled: 'cancelled',
  cut: 'cut off',
  unkept: 'no room',
  failed: 'failed',
  done: '',
} as const

/** Said before a picture is drawn that another one has to go for. */
export function NextToGo({ drawing }: { drawing: Drawing }) {
  const { prompt, seed } = readAsked(drawing.input)
  return (
    <p role="status" className="rounded-md border border-edge px-3 py-2" data-next-to-go={drawing.id}>
      This browser keeps the latest {MOST_KEPT} of a model: the next one takes the place of the oldest, “
      {shortOf(prompt)}”. What is shared stays.{' '}
      {drawing.state === 'done' && <Download drawing={drawing} seed={seed} name="Download it before" />}
    </p>
  )
}

const shortOf = (prompt: string): string => (prompt.length > 60 ? `${prompt.slice(0, 59)}…` : prompt)

/** The newest pictures of one model, as this browser keeps them. */
export function History({
  model,
  drawings,
  current,
  onShow,
}: {
  model: string
  drawings: readonly Drawing[]
  current: string | undefined
  onShow: (id: string) => void
}) {
  const { drawings: kept } = useDrawings()
  const [shown, setDeleting] = useState<string>()
  const { list, leaving, said } = useDeletions<HTMLUListElement>(() =>
    document.querySelector<HTMLElement>('textarea[name=prompt]'),
  )
  const { id: deleting, share } = drawings.find(({ id }) => id === shown) ?? {}
  const remove = (id: string, page?: string) => {
    leaving([id], 'The picture is deleted.')
    void kept.remove(id, page)
  }
  function clear() {
    const question = `Delete all pictures of ${model} from this browser? What is shared stays: delete each of those by itself.`
    if (!window.confirm(question)) return
    const gone = drawings.filter(({ state, share: shared }) => state !== 'drawing' && shared === undefined)
    leaving(
      gone.map(({ id }) => id),
      'The pictures are deleted.',
    )
    void kept.clear(model)
  }
  return (
    <>
      {drawings.length > 0 && (
        <Section
          title="Before"
          note={`The latest ${MOST_KEPT} of this model and all that are shared, kept in this browser alone`}
        >
          <ul
            ref={list}
            aria-label="Earlier pictures"
            className="grid grid-cols-3 gap-3 sm:grid-cols-5 lg:grid-cols-8"
          >
            {drawings.map((each) => {
              const onRemove = () => {
                if (each.share) return setDeleting(each.id)
                if (window.confirm('Delete this picture? It is kept nowhere else.')) remove(each.id)
              }
              return (
                <Boundary key={each.id} instead={<Unreadable id={each.id} onRemove={onRemove} />}>
                  <Entry
                    drawing={each}
                    isCurrent={each.id === current}
                    onShow={() => onShow(each.id)}
                    onRemove={onRemove}
                  />
                </Boundary>
              )
            })}
          </ul>
          {deleting !== undefined && share && (
            <DeleteShared
              title="Delete this picture?"
              noun="picture"
              api={PICTURES}
              path={sharedPath}
              share={share}
              onDelete={() => remove(deleting, share.id)}
              onClose={() => setDeleting(undefined)}
            />
          )}
          <p className="mt-4">
            <Button onClick={clear}>Delete them all</Button>
          </p>
        </Section>
      )}
      {said}
    </>
  )
}

const Unreadable = ({ id, onRemove }: { id: string; onRemove: () => void }) => (
  <li className="min-w-0" data-entry-of={id}>
    <Undrawn />
    <Button tone="plain" onClick={onRemove}>
      delete
    </Button>
  </li>
)

function Entry({
  drawing,
  isCurrent,
  onShow,
  onRemove,
}: {
  drawing: Drawing
  isCurrent: boolean
  onShow: () => void
  onRemove: () => void
}) {
  const { prompt } = readAsked(drawing.input)
  const short = shortOf(prompt)
  return (
    <li className="min-w-0" data-entry-of={drawing.id}>
      <button
        type="button"
        onClick={onShow}
        aria-current={isCurrent ? 'true' : undefined}
        title={short}
        className="relative grid aspect-square w-full cursor-pointer place-items-center overflow-hidden rounded-md border border-line bg-raised aria-[current]:border-accent"
        data-entry={drawing.state}
      >
        {drawing.state === 'done' ? (
          <Picture drawing={drawing} alt={short} />
        ) : (
          <span className="label px-1">
            {WORDS[drawing.state]}
            <span className="sr-only">: {short}</span>
          </span>
        )}
      </button>
      {drawing.state !== 'drawing' && (
        <Button tone="plain" aria-label={`Delete ${short}`} onClick={onRemove}>
          delete
        </Button>
      )}
    </li>
  )
}
