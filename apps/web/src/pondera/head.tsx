import { useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Advanced } from './advanced.tsx'
import type { Chat } from './chat.ts'
import type { Model } from './models.ts'
import { ShareDialog } from './share.tsx'

/** Title, model and what can be done with the whole chat. */
export function ConversationHead({
  chat,
  models,
  model,
  choose,
}: {
  chat: Chat | undefined
  models: readonly Model[] | undefined
  model: string | undefined
  choose: (model: string) => void
}) {
  const [shown, setShown] = useState<'advanced' | 'share'>()
  const isKnown = models?.some(({ name }) => name === model) ?? false
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <h1 className="min-w-0 truncate text-[1.15rem]">{chat?.title ?? 'Pondera'}</h1>
      <div className="flex flex-wrap items-center gap-2">
        <label className="label flex items-center gap-1.5">
          Model
          <select
            value={isKnown ? model : ''}
            onChange={(event) => choose(event.target.value)}
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
        {chat !== undefined && chat.messages.length > 0 && (
          <Button tone="plain" onClick={() => setShown('share')}>
            Share
          </Button>
        )}
      </div>
      {shown === 'advanced' && <Advanced onClose={() => setShown(undefined)} />}
      {shown === 'share' && chat && <ShareDialog chat={chat} onClose={() => setShown(undefined)} />}
    </div>
  )
}
