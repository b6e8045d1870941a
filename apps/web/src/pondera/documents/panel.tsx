import { useEffect, useMemo, useState } from 'react'
import { formatUsd } from '../../../../../sdk/units.ts'
import { straight } from '../../../shares/straight.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useSession } from '../../session/use.ts'
import { type Problem, wordsOf } from '../../session/words.ts'
import type { Chat, DocumentEntry } from '../chat.ts'
import { useChats } from '../use.ts'
import { entryOf, type IndexedDocument, indexRest, newDocument } from './library.ts'
import { type EmbedTerms, indexPrice, modelOf } from './price.ts'
import { MOST_DOCUMENTS, textOf } from './read.ts'
import { useEmbedTerms } from './use.ts'

/** The documents of a chat: read here, indexed by the embed pod at a price that is said before. */
export default function DocumentsPanel({
  chat,
  chatId,
  keep,
  onClose,
}: {
  chat: Chat | undefined
  chatId: string
  /** Makes the chat if there is none yet, and keeps what is given. */
  keep: (documents: NonNullable<Chat['documents']>) => void
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
    () => (file && terms ? newDocument(terms, { id: crypto.randomUUID(), ...file }) : undefined),
    [file, terms],
  )
  const [doing, setDoing] = useState<string>()
  const [problem, setProblem] = useState<Problem>()
  const documents = chat?.documents ?? NONE
  const stored = useStored(chatId, documents)

  async function act(what: string, work: () => Promise<void>) {
    setDoing(what)
    setProblem(undefined)
    await work().catch((cause: unknown) => {
      setProblem(wordsOf(cause))
      // Whatever was wrong: the terms that are shown may be it.
      again()
    })
    setDoing(undefined)
  }
  const choose = (next: File | undefined) =>
    act('Reading…', async () => {
      setFile(undefined)
      if (next) setFile({ name: straight(next.name).slice(0, 120), text: await textOf(next) })
    })
  async function save(all: readonly IndexedDocument[]) {
    await chats.setDocuments(chatId, all)
    keep(all.map(entryOf))
  }
  const index = (document: IndexedDocument) =>
    act('Indexing…', async () => {
      if (!client || !terms) return
      try {
        await indexRest({ ...terms, client }, document, async (grown) => {
          const all = await chats.documents(chatId)
          const isNew = all.every(({ id }) => id !== grown.id)
          await save(isNew ? [...all, grown] : all.map((each) => (each.id === grown.id ? grown : each)))
          // What is paid for goes on from its own line.
          setFile(undefined)
          const done = grown.pieces.length
          setDoing(`Indexing, ${done} of ${done + grown.rest.length} pieces…`)
        })
      } finally {
        await session.refresh()
      }
    })
  const remove = (id: string) =>
    act('Removing…', async () => save((await chats.documents(chatId)).filter((each) => each.id !== id)))
  const full = documents.length >= MOST_DOCUMENTS
  return (
    <Dialog title="Documents" onClose={onClose}>
      <p className="text-muted">
        Questions of this chat are answered from excerpts of these alone. Files stay in this browser; their
        text goes to the embed pod in pieces, and the nearest excerpts to the model. Following excerpts is
        what larger models do well.
      </p>
      <ul className="space-y-1">
        {documents.map((entry) => (
          <Entry
            key={entry.id}
            entry={entry}
            document={stored.find(({ id }) => id === entry.id)}
            terms={terms}
            mayIndex={client !== undefined && doing === undefined}
            onIndex={index}
            onRemove={() => void remove(entry.id)}
          />
        ))}
      </ul>
      <label className="block space-y-1">
        <span>A text file or PDF, up to 10 MB{full ? `; ${MOST_DOCUMENTS} are the most` : ''}</span>
        <input
          type="file"
          accept=".txt,.md,.csv,.pdf,text/*,application/pdf"
          disabled={full || doing !== undefined}
          onChange={(event) => void choose(event.target.files?.[0])}
          className="block w-full rounded border border-edge bg-paper px-2 py-1.5"
        />
      </label>
      {chosen && terms && client && (
        <p>
          <IndexButton
            document={chosen}
            terms={terms}
            disabled={doing !== undefined}
            onIndex={index}
            verb="Index"
          />
        </p>
      )}
      {(!client || terms === null) && <p className="label">This needs credit and a pod of kind embed.</p>}
      <div aria-live="polite">
        {doing !== undefined && <p className="text-muted">{doing}</p>}
        {problem && (
          <p data-problem={problem.code}>
            {problem.says} <span className="text-muted">{problem.fix}</span>
          </p>
        )}
      </div>
    </Dialog>
  )
}

const NONE: readonly DocumentEntry[] = []

/** The documents of a chat as they are kept, read again whenever it says something else of them. */
function useStored(chatId: string, documents: readonly DocumentEntry[]): readonly IndexedDocument[] {
  const { chats } = useChats()
  const [stored, setStored] = useState<readonly IndexedDocument[]>([])
  // biome-ignore lint/correctness/useExhaustiveDependencies: they changed when what the chat says of them did.
  useEffect(() => {
    chats.documents(chatId).then(setStored, (cause: unknown) => console.warn(cause))
  }, [chats, chatId, documents])
  return stored
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
  entry: { name, pieces, rest, price },
  document,
  terms,
  mayIndex,
  onIndex,
  onRemove,
}: EntryProps) {
  const isOther = document !== undefined && terms && document.model !== modelOf(terms)
  return (
    <li data-document={name} data-price={price} data-rest={rest}>
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

interface IndexProps {
  document: IndexedDocument
  terms: EmbedTerms
  disabled: boolean
  onIndex: (document: IndexedDocument) => void
  verb: string
}

/** Says the most that it costs. */
function IndexButton({ document, terms, disabled, onIndex, verb }: IndexProps) {
  const most = useMemo(() => indexPrice(document.rest, terms.manifest), [document, terms])
  return (
    <Button tone="main" disabled={disabled} data-most={most.toString()} onClick={() => onIndex(document)}>
      {verb} {document.name} for at most ${formatUsd(most)}
    </Button>
  )
}
