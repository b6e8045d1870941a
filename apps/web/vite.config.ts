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

/** One build, a page for each door, pictures inline as SVG, no request to anyone but the network's own doors. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [earlyChunk, react(), tailwindcss()],
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
              name: 'chain',
              test: /node_modules\/(?:viem|abitype)\/(?!node_modules)|\/sdk\/chain\//,
              minShareCount: 3,
            },
            {
              name: 'common',
              test: /\/web\/src\/(?:parts\/|start|no-eval|session\/(?:button|use|words)|network\/(?:address|answer|config|use))|vite\/preload-helper|\/sdk\/(?:errors|units|protocol\/wire)\.ts/,
              minShareCount: 4,
            },
            {
              name: 'paying',
              test: /\/web\/src\/(?:sharing\/|session\/(?:start|why)|network\/server)|node_modules\/idb\//,
              minShareCount: 3,
            },
          ],
        },
      },
    },
    license: { fileName: 'LICENSES.md' },
  },
})
