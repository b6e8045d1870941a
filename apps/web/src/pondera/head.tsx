import { Suspense, useState } from 'react'
import { Button } from '../parts/button.tsx'
import { late } from '../parts/late.tsx'
import { Advanced } from './advanced.tsx'
import type { useConversation } from './asking.ts'
import { useIndexing } from './documents/use.ts'
import { ShareChat } from './share.tsx'

const DocumentsPanel = late(() => import('./documents/panel.tsx'))

/** Title, model and what can be done with the whole chat. */
export function ConversationHead({ talk }: { talk: ReturnType<typeof useConversation> }) {
  const { chat, models, name: model } = talk
  const { loop } = useIndexing(talk.id)
  const [shown, setShown] = useState<'advanced' | 'documents' | 'share'>()
  const isKnown = models?.some(({ name }) => name === model) ?? false
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <h1 className="min-w-0 truncate text-[1.15rem]">{chat?.title ?? 'Pondera'}</h1>
      <div className="flex flex-wrap items-center gap-2">
        <label className="label flex items-center gap-1.5">
          Model
          <select
            value={isKnown ? model : ''}
            onChange={(event) => talk.choose(event.target.value)}
            className="max-w-44 rounded border border-edge bg-paper px-2 py-1 text-ink"
          >
            {!isKnown && <option value="">{models === undefined ? 'reading…' : 'choose one'}</option>}
            {models?.map(({ name, served }) => (
              <option key={name} value={name}>
                {name}
                {served ? '' : ' (no node now)'}
              </option>
            ))}
          </select>
        </label>
        <Button tone="plain" onClick={() => setShown('advanced')}>
          Advanced
        </Button>
        <Button tone="plain" onClick={() => setShown('documents')}>
          Documents{chat?.documents?.length ? ` (${chat.documents.length})` : ''}
          {loop ? ', indexing…' : ''}
        </Button>
        {chat !== undefined && chat.messages.length > 0 && (
          <Button tone="plain" onClick={() => setShown('share')}>
            Share
          </Button>
        )}
      </div>
      {shown === 'advanced' && <Advanced onClose={() => setShown(undefined)} />}
      {shown === 'documents' && (
        <Suspense fallback={null}>
          <DocumentsPanel
            chat={chat}
            chatId={talk.id}
            begin={talk.begin}
            onClose={() => {
              setShown(undefined)
              talk.settle()
            }}
          />
        </Suspense>
      )}
      {shown === 'share' && chat && <ShareChat chat={chat} onClose={() => setShown(undefined)} />}
    </div>
  )
}
