import { refused } from '../../../../../sdk/errors.ts'

/** A file of this machine as text. It is read in this browser; nothing but its excerpts ever leaves it. */

export const MOST_BYTES = 10 * 1024 * 1024
export const MOST_DOCUMENTS = 5
/** More text than this is no document that one asks about, or a bomb. */
export const MOST_CHARACTERS = 2_000_000

/** @throws `document.too_large`, `document.unreadable`, `document.empty`, `document.unknown` (refused). */
export async function textOf(file: File): Promise<string> {
  if (file.size > MOST_BYTES) {
    throw refused('document.too_large', `“${file.name}” is larger than 10 MB`, {
      fix: 'Choose a smaller file.',
    })
  }
  const text = isPdf(file) ? await pdfText(file) : await plainText(file)
  if (text.trim() === '') {
    throw refused('document.empty', `“${file.name}” holds no text`, {
      fix: 'A scan is a picture: choose a file whose text can be selected.',
    })
  }
  if (text.length > MOST_CHARACTERS) throw tooMuch(file.name)
  return text
}

export const tooMuch = (name: string) =>
  refused('document.too_long', `“${name}” holds more than two million characters`, {
    fix: 'Choose a part of it.',
  })

const isPdf = (file: File): boolean => file.type === 'application/pdf' || /\.pdf$/i.test(file.name)

async function plainText(file: File): Promise<string> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer())
    if (!text.includes('\u0000')) return text
  } catch {
    // Not text.
  }
  throw refused('document.unknown', `“${file.name}” is neither text nor PDF`, {
    fix: 'Choose a text file in UTF-8, or a PDF.',
  })
}

async function pdfText(file: File): Promise<string> {
  const { readPdf } = await import('./pdf.ts')
  return readPdf(file)
}
