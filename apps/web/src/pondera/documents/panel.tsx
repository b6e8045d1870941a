import { useEffect, useMemo, useRef, useState } from 'react'
import { formatUsd } from '../../../../../sdk/units.ts'
import { straight } from '../../../shares/straight.ts'
import { useDeletions } from '../../focus.tsx'
import { receiptPath } from '../../network/address.ts'
import { freshId } from '../../network/id.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { LINK } from '../../parts/link.tsx'
import { useSession } from '../../session/use.ts'
import { type Problem, wordsOf } from '../../session/words.ts'
import type { Chat, DocumentEntry } from '../chat.ts'
import { useChats } from '../use.ts'
import type { IndexedDocument, OpenCall } from './document.ts'
import {
  forgetTold,
  type Indexing,
  indexDocument,
  type Removed,
  removeDocument,
  stopIndexing,
} from './indexing.ts'
import { newDocument } from './library.ts'
import { type EmbedTerms, modelOf, mostLeft } from './price.ts'
import { MOST_DOCUMENTS, textOf } from './read.ts'
import { useEmbedTerms, useIndexing, useOpenEnds, useStored } from './use.ts'

/** The documents of a chat: read here, indexed by the embed pod at a price that is said before. */
export default function DocumentsPanel({
  chat,
  chatId,
  begin,
  onClose,
}: {
  chat: Chat | undefined
  chatId: string
  /** Makes the chat if there is none yet. @returns whether it did. */
  begin: () => boolean
  onClose: () => void
}) {
  const { chats } = useChats()
  const {
    session,
    view: { client },
  } = useSession()
  const { value: terms, again } = useEmbedTerms(true)
  const [file, setFile] = useState<{ name: string; text: string }>()
  const chosen = useMemo(
    () => (file && terms ? newDocument(terms, { id: freshId(), ...file }) : undefined),
    [file, terms],
  )
  const [doing, setDoing] = useState<string>()
  const chooser = useRef<HTMLInputElement>(null)
  // What is removed is told below, with what it has cost.
  const { list, leaving } = useDeletions<HTMLUListElement>(() => chooser.current)
  const [problem, setProblem] = useState<Problem>()
  const { loop, told } = useIndexing(chatId)
  useEffect(() => forgetTold, [])
  const documents = chat?.documents ?? NONE
  const stored = useStored(chatId, documents)
  useOpenEnds(chatId, stored)
  const busy = doing !== undefined || loop !== undefined

  async function act(what: string, work: () => Promise<void>) {
    setDoing(what)
    setProblem(undefined)
    forgetTold()
    await work().catch((cause: unknown) => setProblem(wordsOf(cause)))
    setDoing(undefined)
  }
  const choose = (next: File | undefined) =>
    act('Reading…', async () => {
      setFile(undefined)
      if (next) setFile({ name: straight(next.name).slice(0, 120), text: await textOf(next) })
    })
  async function index(document: IndexedDocument) {
    if (!client || !terms) return
    setProblem(undefined)
    const embedder = { ...terms, client }
    const place = { chats, locks: navigator.locks, embedder, chat: chatId, begin }
    const isWhole = await indexDocument(place, document)
    // Whatever was wrong: the terms that are shown may be it.
    if (!isWhole) again()
    // What is paid for goes on from its own line.
    if (chats.find(chatId)?.documents?.some(({ id }) => id === document.id)) setFile(undefined)
    await session.refresh()
  }
  const full = documents.length >= MOST_DOCUMENTS
  const isListed = documents.some(({ id }) => id === chosen?.id)
  return (
    <Dialog title="Documents" onClose={onClose}>
      <p className="text-muted">
        Questions of this chat are answered from excerpts of these alone. Files stay in this browser; their
        text goes to the embed pod in pieces, and the nearest excerpts to the model. Following excerpts is
        what larger models do well.
      </p>
      <ul ref={list} className="space-y-1">
        {documents.map((entry) => (
          <Entry
            key={entry.id}
            entry={entry}
            document={stored.find(({ id }) => id === entry.id)}
            terms={terms}
            mayIndex={client !== undefined && !busy}
            onIndex={(document) => void index(document)}
            onRemove={() => {
              if (!window.confirm(questionOf(entry))) return
              leaving([entry.id], '')
              void act('Removing…', () =>
                removeDocument({ chats, locks: navigator.locks, chat: chatId }, entry),
              )
            }}
          />
        ))}
      </ul>
      <label className="block space-y-1">
        <span>A text file or PDF, up to 10 MB{full ? `; ${MOST_DOCUMENTS} are the most` : ''}</span>
        <input
          ref={chooser}
          type="file"
          accept=".txt,.md,.csv,.pdf,text/*,application/pdf"
          disabled={full || busy}
          onChange={(event) => void choose(event.target.files?.[0])}
          className="block w-full rounded border border-edge bg-paper px-2 py-1.5"
        />
      </label>
      {chosen && !isListed && terms && client && (
        <p>
          <IndexButton
            document={chosen}
            terms={terms}
            disabled={busy}
            onIndex={(document) => void index(document)}
            verb="Index"
          />
        </p>
      )}
      {(!client || terms === null) && <p className="label">This needs credit and a pod of kind embed.</p>}
      <div aria-live="polite">
        {doing !== undefined && <p className="text-muted">{doing}</p>}
        {loop && <Progress loop={loop} />}
        <Told problem={problem ?? told?.problem} removed={told?.removed} />
      </div>
    </Dialog>
  )
}

const NONE: readonly DocumentEntry[] = []

/** Before what only this browser has is removed. */
const questionOf = ({ name }: DocumentEntry): string =>
  `Remove “${name}” from this chat? What was indexed is kept nowhere else, and to index it again is paid again.`

function Progress({ loop: { chat, name, done, of, stopping } }: { loop: Indexing }) {
  return (
    <p className="flex flex-wrap items-center justify-between gap-2" data-indexing={name}>
      <span className="text-muted [overflow-wrap:anywhere]">
        {stopping
          ? `Stopping ${name} after the call that is under way…`
          : `Indexing ${name}, ${done} of ${of} pieces…`}
      </span>
      <Button disabled={stopping} onClick={() => stopIndexing(chat)}>
        Stop
      </Button>
    </p>
  )
}

interface ToldProps {
  problem: Problem | undefined
  removed: Removed | undefined
}

function Told({ problem, removed }: ToldProps) {
  return (
    <>
      {removed && (
        <p data-removed={removed.name} data-price={removed.price}>
          {removed.name} is removed. Indexing it has cost ${formatUsd(BigInt(removed.price))}
          {removed.unpriced ? (
            <>
              {' and what this page does not know: '}
              <Receipts requests={removed.unpriced} />
            </>
          ) : (
            '.'
          )}
        </p>
      )}
      {problem && (
        <p data-problem={problem.code}>
          {problem.says} <span className="text-muted">{problem.fix}</span>
        </p>
      )}
    </>
  )
}

interface EntryProps {
  entry: DocumentEntry
  document: IndexedDocument | undefined
  terms: EmbedTerms | null | undefined
  mayIndex: boolean
  onIndex: (document: IndexedDocument) => void
  onRemove: () => void
}

function Entry({
  entry: { id, name, pieces, rest, price },
  document,
  terms,
  mayIndex,
  onIndex,
  onRemove,
}: EntryProps) {
  const isOther = document !== undefined && terms && document.model !== modelOf(terms)
  return (
    <li data-entry-of={id} data-document={name} data-price={price} data-rest={rest}>
      <div className="flex items-center justify-between gap-2">
        <span className="min-w-0 truncate">{name}</span>
        <span className="label whitespace-nowrap">
          {pieces} pieces · ${formatUsd(BigInt(price))}
          <Button tone="plain" aria-label={`Remove ${name}`} onClick={onRemove}>
            ✕
          </Button>
        </span>
      </div>
      {isOther && (
        <p className="label">
          Another model than the network has now indexed it: remove it and add it again.
        </p>
      )}
      {document?.open && <OpenEnd open={document.open} />}
      {document?.unpriced && (
        <p className="label" data-unpriced={document.unpriced.length}>
          There is no answer to a call that may have been paid, and what it cost is not in the sum:{' '}
          <Receipts requests={document.unpriced} />
        </p>
      )}
      {rest > 0 && document && terms && !isOther && (
        <p className="label">
          Not whole: {rest} pieces are left.{' '}
          <IndexButton
            document={document}
            terms={terms}
            disabled={!mayIndex}
            onIndex={onIndex}
            verb="Go on with"
          />
        </p>
      )}
    </li>
  )
}

/** What says what calls cost that this page does not know. */
function Receipts({ requests }: { requests: readonly string[] }) {
  return requests.map((request, index) => (
    <span key={request}>
      {index === 0 ? 'the ' : ', the '}
      <a href={receiptPath(request)} target="_blank" rel="noreferrer" className={LINK}>
        receipt
      </a>
      {index === requests.length - 1 ? ' says it, if there is one.' : ''}
    </span>
  ))
}

/** What is said of a call whose page was closed before its end. */
function OpenEnd({ open: { request, price, isForgotten } }: { open: OpenCall }) {
  if (price !== undefined) {
    return (
      <p className="label" data-open="paid">
        ${formatUsd(BigInt(price))} of it is for a call whose page was closed. Going on fetches its answer,
        which is not paid again.
      </p>
    )
  }
  if (!isForgotten) {
    return (
      <p className="label" data-open="undecided">
        A call whose page was closed is not decided yet: what it cost will stand here.
      </p>
    )
  }
  return (
    <p className="label" data-open="forgotten">
      This browser no longer knows what a call cost whose page was closed: <Receipts requests={[request]} />
    </p>
  )
}

interface IndexProps {
  document: IndexedDocument
  terms: EmbedTerms
  disabled: boolean
  onIndex: (document: IndexedDocument) => void
  verb: string
}

/** Says the most that it costs. */
function IndexButton({ document, terms, disabled, onIndex, verb }: IndexProps) {
  const most = useMemo(() => mostLeft(document, terms.manifest), [document, terms])
  return (
    <Button tone="main" disabled={disabled} data-most={most.toString()} onClick={() => onIndex(document)}>
      {verb} {document.name} for at most ${formatUsd(most)}
    </Button>
  )
}
