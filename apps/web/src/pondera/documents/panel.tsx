import { useState } from 'react'
import { formatUsd } from '../../../../../sdk/units.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useSession } from '../../session/use.ts'
import { type Problem, wordsOf } from '../../session/words.ts'
import type { Chat } from '../chat.ts'
import { useChats } from '../use.ts'
import { indexPrice, indexText } from './library.ts'
import { MOST_DOCUMENTS, textOf } from './read.ts'
import { useEmbedder } from './use.ts'

interface Chosen {
  name: string
  text: string
}

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
  const { session } = useSession()
  const embedder = useEmbedder()
  const [chosen, setChosen] = useState<Chosen>()
  const [doing, setDoing] = useState<string>()
  const [problem, setProblem] = useState<Problem>()
  const documents = chat?.documents ?? []

  async function act(what: string, work: () => Promise<void>) {
    setDoing(what)
    setProblem(undefined)
    await work().catch((cause: unknown) => setProblem(wordsOf(cause)))
    setDoing(undefined)
  }
  const choose = (file: File | undefined) =>
    act('Reading…', async () => {
      setChosen(undefined)
      if (file) setChosen({ name: file.name.slice(0, 120), text: await textOf(file) })
    })
  const index = ({ name, text }: Chosen) =>
    act('Indexing…', async () => {
      if (!embedder) return
      const id = crypto.randomUUID()
      const made = await indexText(embedder, { id, name, text }, (done, of) =>
        setDoing(`Indexing, ${done} of ${of} pieces…`),
      )
      await chats.setDocuments(chatId, [...(await chats.documents(chatId)), made])
      keep([...documents, { id, name, pieces: made.pieces.length, price: made.price }])
      setChosen(undefined)
      await session.refresh()
    })
  const remove = (id: string) =>
    act('Removing…', async () => {
      await chats.setDocuments(
        chatId,
        (await chats.documents(chatId)).filter((each) => each.id !== id),
      )
      keep(documents.filter((each) => each.id !== id))
    })
  const full = documents.length >= MOST_DOCUMENTS
  return (
    <Dialog title="Documents" onClose={onClose}>
      <p className="text-muted">
        Questions of this chat are answered from excerpts of these alone. Files stay in this browser; their
        text goes to the embed pod in pieces, and the nearest excerpts to the model. Following excerpts is
        what larger models do well.
      </p>
      <ul className="space-y-1">
        {documents.map(({ id, name, pieces, price }) => (
          <li key={id} className="flex items-center justify-between gap-2" data-document={name}>
            <span className="min-w-0 truncate">{name}</span>
            <span className="label whitespace-nowrap">
              {pieces} pieces · ${formatUsd(BigInt(price))}
              <Button tone="plain" aria-label={`Remove ${name}`} onClick={() => void remove(id)}>
                ✕
              </Button>
            </span>
          </li>
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
      {chosen && embedder && (
        <p>
          <Button tone="main" disabled={doing !== undefined} onClick={() => void index(chosen)}>
            Index {chosen.name} for at most ${formatUsd(indexPrice(chosen.text, embedder.manifest))}
          </Button>
        </p>
      )}
      {!embedder && <p className="label">This needs credit and a pod of kind embed.</p>}
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
