import { constants, deflateRawSync, deflateSync } from 'node:zlib'

/** PDFs of a few kilobytes that want gigabytes. */

const MB = 1 << 20

/** An object of a PDF with a stream of these bytes. */
const streamOf = (dictionary: string, bytes: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`<< /Length ${bytes.length} ${dictionary} >>\nstream\n`),
    bytes,
    Buffer.from('\nendstream'),
  ])

function fileOf(objects: readonly (Buffer | string)[]): Buffer {
  const parts = [Buffer.from('%PDF-1.7\n')]
  let length = parts[0]?.length ?? 0
  const offsets = objects.map((object, index) => {
    const at = length
    const part = Buffer.concat([
      Buffer.from(`${index + 1} 0 obj\n`),
      Buffer.from(object),
      Buffer.from('\nendobj\n'),
    ])
    parts.push(part)
    length += part.length
    return at
  })
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  const count = objects.length + 1
  parts.push(
    Buffer.from(
      `xref\n0 ${count}\n0000000000 65535 f \n${table}trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  )
  return Buffer.concat(parts)
}

/** One page with this content, written in this font. */
const pageOf = (content: Buffer, font: string, ...more: Buffer[]): Buffer =>
  fileOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    content,
    font,
    ...more,
  ])

const HELLO = streamOf('', Buffer.from('BT /F1 12 Tf (hello) Tj ET'))
const HELVETICA = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'
/** A font whose characters are numbers. */
const numberedFont = (descendant: string, font: string): string =>
  `<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor << /Type /FontDescriptor /FontName /X /Flags 4 >> ${descendant} >>] ${font} >>`

/** So many times sixteen megabytes of spaces, deflated: no machine has to make them. */
function spaces(times: number): Buffer {
  const some = deflateRawSync(Buffer.alloc(16 * MB, ' '), { finishFlush: constants.Z_FULL_FLUSH })
  const end = deflateRawSync(Buffer.alloc(0))
  return Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array<Buffer>(times).fill(some), end, Buffer.alloc(4)])
}

/** A map of characters with these lines. */
const mapOf = (lines: readonly string[]): Buffer =>
  streamOf(
    '',
    Buffer.from(
      `/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange\n${lines.join('\n')}\nendcmap end end`,
    ),
  )
const hex = (value: number): string => `<${value.toString(16).padStart(8, '0')}>`
const RANGE = 0xfffffe
const RANGES = Array.from({ length: 60 }, (_, index) => [index * RANGE, index * RANGE + RANGE - 1] as const)

/** Each with what its fonts or pages would fill. */
export const BOMBS: Record<string, () => Buffer> = {
  'a map of characters by ranges': () =>
    pageOf(
      HELLO,
      numberedFont('', '/ToUnicode 6 0 R'),
      mapOf(RANGES.map(([from, to]) => `1 beginbfrange ${hex(from)} ${hex(to)} <0041> endbfrange`)),
    ),
  'the same by numbers': () =>
    pageOf(
      HELLO,
      numberedFont('', '/ToUnicode 6 0 R'),
      mapOf(RANGES.map(([from, to]) => `1 begincidrange ${hex(from)} ${hex(to)} 1 endcidrange`)),
    ),
  'a map with one far character': () =>
    pageOf(HELLO, numberedFont('', '/ToUnicode 6 0 R'), mapOf(['1 beginbfchar <01fffffe> <0041> endbfchar'])),
  'widths by ranges': () => pageOf(HELLO, numberedFont('/W [0 1000000000 500]', '')),
  'six gigabytes of spaces': () => pageOf(streamOf('/Filter /FlateDecode', spaces(384)), HELVETICA),
  'the same, deflated twice': () =>
    pageOf(streamOf('/Filter [/FlateDecode /FlateDecode]', deflateSync(spaces(384))), HELVETICA),
}
