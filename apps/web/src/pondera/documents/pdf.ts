import { GlobalWorkerOptions, getDocument, PDFWorker } from 'pdfjs-dist'
import address from 'pdfjs-dist/build/pdf.worker.mjs?worker&url'
import { asHeuristError, HeuristError, refused } from '../../../../../sdk/errors.ts'
import { MOST_CHARACTERS, tooMuch } from './read.ts'

/** PDFs are taken apart in a worker of their own, which is ended when it takes too long or too much. */

const MOST_PAGES = 1_000
const MOST_MS = 30_000
/** What the worker says when fonts would fill its memory: `vite.config.ts` has the limit. */
const TOO_MUCH = 'too much'

interface Policy {
  createScriptURL(url: string): unknown
}
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy
}
let policy: Policy | undefined

/** The page's policy lets no text become a script; this one lets the one file of this build be a worker. */
function workerAddress(): string {
  GlobalWorkerOptions.workerSrc = address
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
  if (!trustedTypes) return address
  policy ??= trustedTypes.createPolicy('heurist-pdf', {
    createScriptURL(url) {
      if (url === address) return url
      throw new TypeError('this is not the worker of this page')
    },
  })
  return policy.createScriptURL(address) as string
}

/** @throws `document.unreadable`, `document.too_long` (refused). */
export async function readPdf(file: File): Promise<string> {
  const port = new Worker(workerAddress(), { type: 'module' })
  let timer: number | undefined
  const ended = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => reject(unreadable(file.name, 'takes too long to read')), MOST_MS)
    port.addEventListener('message', ({ data }) => {
      if (data === TOO_MUCH) reject(unreadable(file.name, 'takes too much memory to read'))
    })
  })
  try {
    return await Promise.race([textOfPages(file, PDFWorker.create({ port })), ended])
  } catch (cause) {
    if (cause instanceof HeuristError) throw cause
    throw unreadable(file.name, 'cannot be read', asHeuristError(cause))
  } finally {
    window.clearTimeout(timer)
    port.terminate()
  }
}

async function textOfPages(file: File, worker: PDFWorker): Promise<string> {
  const data = new Uint8Array(await file.arrayBuffer())
  const document = await getDocument({
    data,
    worker,
    // Nothing is drawn, so nothing is fetched: no fonts, no character maps of others.
    disableFontFace: true,
    useSystemFonts: false,
    useWorkerFetch: false,
    stopAtErrors: true,
  }).promise
  if (document.numPages > MOST_PAGES) throw tooMuch(file.name)
  let text = ''
  for (let number = 1; number <= document.numPages; number += 1) {
    const page = await document.getPage(number)
    const { items } = await page.getTextContent()
    for (const item of items) if ('str' in item) text += item.str + (item.hasEOL ? '\n' : ' ')
    text += '\n'
    page.cleanup()
    if (text.length > MOST_CHARACTERS) throw tooMuch(file.name)
  }
  return text
}

const unreadable = (name: string, why: string, cause?: unknown) =>
  refused('document.unreadable', `“${name}” ${why}`, {
    fix: 'Save it anew as PDF, or choose a text file.',
    ...(cause === undefined ? {} : { cause }),
  })
