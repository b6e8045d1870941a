import { textOf } from '../../shares/page.ts'
import { excerptOf, fromMarkdown, MOST_EXCERPT } from './quotes.ts'
import type { SharedResult } from './server.ts'

/**
 * A shared result as the server sends it: its bare words, which `SharedFinding` shows with all that is in them, below the
 * place of the box.
 */
export function resultBody({ query, answer, sources }: SharedResult): string {
  const said = fromMarkdown(answer).replaceAll(/\[citation:(\d+)\]/g, '[$1]')
  const listed = sources.map(
    (source, index) => `<li class="min-w-0">
    <span class="label figures mr-1.5">[${index + 1}]</span>
    <span class="font-[520] [overflow-wrap:anywhere]">${textOf(source.title)}</span>
    <span class="label block truncate">${textOf(source.from)}</span>
    <span class="mt-0.5 block whitespace-pre-line [overflow-wrap:anywhere]">${textOf(excerptOf(query, source, MOST_EXCERPT))}</span>
  </li>`,
  )
  return `<main class="mx-auto w-full max-w-[58rem] space-y-6">
  <div class="min-h-[8rem] sm:min-h-[4.6rem]"></div>
  <article class="space-y-3">
    <h1 class="text-[1.3rem] [overflow-wrap:anywhere]">${textOf(query)}</h1>
    <p class="label">Shared by somebody who used this page. Nobody has checked it.</p>
    <p class="whitespace-pre-wrap [overflow-wrap:anywhere]">${textOf(said)}</p>
  </article>
  <ol class="grid gap-x-8 gap-y-4 border-t border-line pt-5 sm:grid-cols-2">${listed.join('')}</ol>
</main>`
}
