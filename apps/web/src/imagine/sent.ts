import { picturePath, readAsked, type SharedPicture } from '../../pictures/record.ts'
import { attributeOf, textOf } from '../../shares/page.ts'
import { edgesOf } from './edges.ts'

/** A shared picture as the server sends it, as large and in the place as `SharedPicture` shows it: on a phone the head has two rows. */
export function pictureBody(id: string, { input, model, width, height }: SharedPicture): string {
  const { prompt } = readAsked(input)
  return `<main class="mx-auto max-w-[40rem] space-y-4 pt-9 sm:pt-0">
  <img src="${picturePath(id)}" alt="Drawn from: ${attributeOf(prompt)}" width="${width}" height="${height}" fetchpriority="high" class="h-auto w-full rounded-lg border border-line ${edgesOf(width)}" />
  <h1 class="text-[1.2rem] [overflow-wrap:anywhere]">${textOf(prompt)}</h1>
  <p class="label">Drawn by ${textOf(model)}; the words are those of somebody who used this page.</p>
</main>`
}
