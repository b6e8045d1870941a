import { join } from 'node:path'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** What an entry asks for as soon as it runs, but is evaluated apart from it; the HTML asks for it already. */
const EARLY = '/src/network/live.ts'
const earlyChunk: Plugin = {
  name: 'early-chunk',
  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle = {}, chunk }) {
      const early = Object.values(bundle).find(
        (each) => each.type === 'chunk' && each.facadeModuleId?.endsWith(EARLY) === true,
      )
      if (early?.type !== 'chunk' || chunk?.dynamicImports.includes(early.fileName) !== true) return
      return [early.fileName, ...early.imports]
        .map((file) => `/${file}`)
        .filter((href) => !html.includes(href))
        .map((href) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href },
          injectTo: 'head' as const,
        }))
    },
  },
}

/** A text of a library with so many places of it changed. @throws if there are not so many: it is another version. */
function changed(library: string, text: string, pattern: RegExp, times: number, by: string): string {
  const found = text.match(pattern)?.length
  if (found !== times) throw new Error(`${library} has ${found} of ${pattern}, not ${times}: it changed`)
  return text.replace(pattern, by)
}

/**
 * A font names its characters and their widths by ranges. A file of four kilobytes can name so many that they do not fit into
 * memory, and the browser ends the page: here all fonts of a document together have no more than this. So many characters of
 * two bytes, which is the most that CIDs have, are those of sixty-four fonts.
 */
const MOST_ENTRIES = 2 ** 23
const WITH_RANGE = / {4}if \(high - low > MAX_MAP_RANGE\) \{\n/g
const WITH_WIDTHS = / {12}for \(let j = start; j <= code; j\+\+\) \{\n\s+(\w+)\[j\]/g
const WITH_ONE = / {2}mapOne\(src, dst\) \{\n {4}this\._map\[/g
const boundedPdf: Plugin = {
  name: 'bounded-pdf',
  transform(code, id) {
    if (!id.split('?')[0]?.endsWith('/pdfjs-dist/build/pdf.worker.mjs')) return
    let text = changed('pdf.js', code, WITH_RANGE, 3, '    takeEntries(this._map, low, high)\n$&')
    text = changed(
      'pdf.js',
      text,
      WITH_ONE,
      1,
      '  mapOne(src, dst) {\n    takeEntries(this._map, src, src)\n    this._map[',
    )
    text = changed('pdf.js', text, WITH_WIDTHS, 2, '            takeEntries($1, start, code)\n$&')
    return `${text}
      let entriesLeft = ${MOST_ENTRIES}
      function takeEntries(list, first, last) {
        entriesLeft -= Math.max(0, last + 1 - first) + Math.max(0, last + 1 - list.length)
        if (entriesLeft >= 0) return
        self.postMessage('too much')
        throw new Error('more characters than fonts have')
      }`
  },
}

/** Every schema of zod brings along how it is written as JSON Schema, a fifth of the library, which no page asks for. */
const TO_JSON_SCHEMA = / {4}inst\._zod\.processJSONSchema = .*;\n/g
const METHOD = /createToJSONSchemaMethod\(this, \{\}\)\(params\)/g
const STANDARD = /createStandardJSONSchemaMethod\(this, "\w+"\)/g
const plainZod: Plugin = {
  name: 'plain-zod',
  transform(code, id) {
    if (!id.endsWith('/zod/v4/classic/schemas.js')) return
    const text = changed('zod', code, TO_JSON_SCHEMA, 41, '')
    return changed('zod', changed('zod', text, METHOD, 1, 'undefined'), STANDARD, 2, 'undefined')
  },
}

/**
 * viem fetches two parts of its own when they are first needed, both while an answer is checked: by then it is paid, and a line
 * that breaks just then must take nothing away. The curve is there already, for keys sign with it; lookups at strangers'
 * servers (EIP-3668) are not made.
 */
const FETCHED_CURVE = /const \{ secp256k1 \} = await import\('@noble\/curves\/secp256k1'\);/g
const FETCHED_LOOKUP =
  /const \{ offchainLookup, offchainLookupSignature \} = await import\('..\/..\/utils\/ccip.js'\);/g
const wholeViem: Plugin = {
  name: 'whole-viem',
  transform(code, id) {
    if (id.endsWith('/viem/_esm/utils/signature/recoverPublicKey.js'))
      return `import { secp256k1 } from '@noble/curves/secp256k1'\n${changed('viem', code, FETCHED_CURVE, 1, '')}`
    if (id.endsWith('/viem/_esm/actions/public/call.js'))
      return changed(
        'viem',
        code,
        FETCHED_LOOKUP,
        1,
        'const offchainLookupSignature = null, offchainLookup = null;',
      )
  },
}

/** viem pins a copy of its own of this library, and comes with most pages: they need no second one. */
const VIEMS_HASHES = join(import.meta.dirname, '../../node_modules/viem/node_modules/@noble/hashes/esm')

/** One build, a page for each door, pictures inline as SVG, no request to anyone but the network's own doors. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [earlyChunk, plainZod, wholeViem, react(), tailwindcss()],
  resolve: { alias: [{ find: /^@noble\/hashes(?=\/sha3\.js$)/, replacement: VIEMS_HASHES }] },
  worker: { format: 'es', plugins: () => [boundedPdf] },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    // Inline data would need a weaker Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // `no-eval.ts` runs before any schema is made, whatever chunk they are in.
    rolldownOptions: {
      input: ['index.html', 'pondera.html', 'imagine.html', 'search.html'].map((page) =>
        join(import.meta.dirname, page),
      ),
      output: {
        strictExecutionOrder: true,
        // What is needed together is one file each, not a dozen small ones.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'react', test: /node_modules\/(?:react|react-dom|scheduler)\// },
            { name: 'zod', test: /node_modules\/zod\// },
            {
              name: 'bytes',
              test: /\/sdk\/protocol\/bytes\.ts|\/web\/src\/receipt\/delivered\.ts|@noble\/hashes\/esm\/(?:sha3|_u64|utils|crypto)\.js/,
            },
            // What reads a chain. What signs, and what sends, is apart from it: they come with a key, and with the first act.
            {
              name: 'chain',
              test: /node_modules\/(?:viem|abitype)\/(?!node_modules|_esm\/utils\/signature\/)|\/sdk\/chain\/(?!local-chains)/,
              minShareCount: 8,
            },
            {
              name: 'signing',
              test: /node_modules\/viem\/_esm\/(?:accounts(?!\/(?:hdKey|mnemonic))|utils\/(?:authorization|blob|transaction))\//,
              minShareCount: 2,
            },
            { name: 'sending', test: /node_modules\/viem\/_esm\/actions\//, minShareCount: 2 },
            {
              name: 'common',
              test: /\/web\/src\/(?:parts\/|start|no-eval|session\/(?:button|use|words)|network\/(?:address|answer|config|retried|use))|vite\/preload-helper|\/sdk\/(?:errors|units|protocol\/wire|chain\/local-chains)\.ts/,
              minShareCount: 4,
            },
            {
              name: 'sharing',
              test: /\/web\/src\/(?:sharing\/|session\/start|network\/server)/,
              minShareCount: 3,
            },
            {
              name: 'paying',
              test: /\/web\/src\/(?:session\/why|acts\/(?:demo|shelf)\.ts)|node_modules\/idb\//,
              minShareCount: 3,
            },
          ],
        },
      },
    },
    license: { fileName: 'LICENSES.md' },
  },
})
