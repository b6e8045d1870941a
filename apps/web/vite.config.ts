import { join } from 'node:path'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** One build, a page for each door, pictures inline as SVG, no request to anyone but the network's own doors. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss()],
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
      output: { strictExecutionOrder: true },
    },
    license: { fileName: 'LICENSES.md' },
  },
})
