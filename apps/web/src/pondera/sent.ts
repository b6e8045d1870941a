import { textOf } from '../../shares/page.ts'
import type { Shared } from '../../shares/snapshot.ts'

/** What fits a screen. */
const MOST_MESSAGES = 6
const LOOKS = {
  user: 'ml-auto w-fit rounded-lg bg-accent-soft px-3.5 py-2 [overflow-wrap:anywhere] whitespace-pre-wrap',
  assistant: 'whitespace-pre-wrap [overflow-wrap:anywhere]',
  note: 'label border-y border-line py-1.5 text-center',
}

/** How a shared chat begins, as the server sends it: its bare words, which `SharedChat` shows with all that is in them. */
export function chatBody({ title, messages }: Shared): string {
  const said = messages
    .slice(0, MOST_MESSAGES)
    .map(({ role, text }) => `  <p class="${LOOKS[role]}">${textOf(text)}</p>`)
  return `<main class="mx-auto w-full max-w-[46rem] space-y-6 pt-9 sm:pt-0">
  <h1 class="text-[1.3rem] [overflow-wrap:anywhere]">${textOf(title)}</h1>
  <p class="label">Shared by somebody who used this page. Nobody has checked it.</p>
${said.join('\n')}
</main>`
}
