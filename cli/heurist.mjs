#!/usr/bin/env node
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { freshBundle } from '../deploy/build/bundle.mjs'

const bundle = process.env.HEURIST_SOURCES ? undefined : freshBundle()
if (bundle) {
  // Every process that this one starts runs from the bundle too.
  process.env.HEURIST_BUNDLE = bundle
  await import(pathToFileURL(join(bundle, 'cli.js')).href)
} else {
  delete process.env.HEURIST_BUNDLE
  const { register } = await import('tsx/esm/api')
  register()
  await import('./main.ts')
}
