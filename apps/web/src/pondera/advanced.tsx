import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { MOST_MESSAGES } from './context.ts'
import { useChats } from './use.ts'

const MOST_SYSTEM = 8_000
const MEMORIES = [
  { messages: MOST_MESSAGES, words: 'the last eight messages' },
  { messages: 3, words: 'the last question and answer' },
  { messages: 1, words: 'none: only the question' },
] as const

/** What every question goes along with; kept in this browser. */
export function Advanced({ onClose }: { onClose: () => void }) {
  const { chats, view } = useChats()
  const { system, temperature, thinking, memory } = view.settings
  return (
    <Dialog title="Advanced" onClose={onClose}>
      <label className="block space-y-1">
        <span>System prompt</span>
        <textarea
          value={system}
          maxLength={MOST_SYSTEM}
          rows={5}
          onChange={(event) => chats.set({ system: event.target.value })}
          className="w-full rounded border border-edge bg-paper px-2 py-1.5"
        />
        <span className="label">Goes before every conversation, and counts as input.</span>
      </label>
      <label className="block space-y-1">
        <span className="flex justify-between">
          Temperature{' '}
          <output>{temperature === undefined ? 'the model’s own' : temperature.toFixed(2)}</output>
        </span>
        <input
          type="range"
          min={0}
          max={2}
          step={0.05}
          value={temperature ?? 0.75}
          onChange={(event) => chats.set({ temperature: Number(event.target.value) })}
          className="w-full accent-accent"
        />
      </label>
      <label className="block space-y-1">
        <span>Memory</span>
        <select
          value={memory ?? MOST_MESSAGES}
          onChange={(event) => chats.set({ memory: Number(event.target.value) })}
          className="w-full rounded border border-edge bg-paper px-2 py-1.5"
        >
          {MEMORIES.map(({ messages, words }) => (
            <option key={messages} value={messages}>
              {words}
            </option>
          ))}
        </select>
        <span className="label">
          The very small models of a local network answer best without any; larger ones follow a conversation.
        </span>
      </label>
      <label className="flex items-start gap-2">
        <input
          type="checkbox"
          checked={thinking}
          onChange={(event) => chats.set({ thinking: event.target.checked })}
          className="mt-1 accent-accent"
        />
        <span>
          Think first{' '}
          <span className="label block">
            Asks the model to think aloud before it answers; larger models do that well. What it thinks is
            folded away.
          </span>
        </span>
      </label>
      <Button
        onClick={() => {
          const { model } = view.settings
          chats.reset(model === undefined ? {} : { model })
        }}
      >
        Back to the defaults
      </Button>
    </Dialog>
  )
}
