import { escaped } from '../markup.ts'
import { askedSchema, type Json, type Operation, ROOMS, schemaOf } from './operation.ts'

/** The page loads nothing and runs nothing. */
export const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:3rem}details{border-top:1px solid #8884;padding:.5rem 0}summary{cursor:pointer}code,pre{font-family:ui-monospace,monospace;font-size:.875em}
pre{overflow-x:auto;padding:.75rem;background:#8881;border-radius:.25rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #8883;vertical-align:top}
.method{display:inline-block;min-width:4.5rem;font-weight:600}`

const OPENS = {
  key: 'An API key, as <code>Authorization: Bearer</code>.',
  either:
    'An API key, as <code>Authorization: Bearer</code>; or, where it is offered, a payment by x402 or the free tier.',
  session: 'The token of <code>POST /v1/account/session</code>, as <code>Authorization: Bearer</code>.',
  body: 'A key inside the body.',
  nothing: 'Nothing.',
} as const

/** The published routes to read, in one page. */
export function pageOf(operations: readonly Operation[], about: string): string {
  const rooms = ROOMS.map((room) => [room, operations.filter((each) => each.room === room)] as const)
  const shown = rooms.filter(([, some]) => some.length > 0)
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Heurist gateway</title><style>${STYLE}</style></head><body>`,
    `<h1>Heurist gateway</h1><p>${marked(about)}</p><p>For machines: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>`,
    `<nav><ul>${shown.map(([room]) => `<li><a href="#${room}">${room}</a></li>`).join('')}</ul></nav>`,
    ...shown.map(([room, some]) => `<h2 id="${room}">${room}</h2>\n${some.map(sectionOf).join('\n')}`),
    '</body></html>',
    '',
  ].join('\n')
}

function sectionOf({ method, path, does, opens, body, query, example, answers }: Operation): string {
  return [
    `<details><summary><span class="method">${method.toUpperCase()}</span> <code>${escaped(path)}</code> ${marked(does)}</summary>`,
    `<p>Opens it: ${OPENS[opens]}</p>`,
    ...(query === undefined ? [] : [fieldsOf('Query', askedSchema(query))]),
    ...(body === undefined ? [] : [fieldsOf('Body', askedSchema(body))]),
    ...(example === undefined
      ? []
      : [`<h4>Example</h4><pre>${escaped(JSON.stringify(example, null, 2))}</pre>`]),
    ...Object.entries(answers).map(([status, { type = 'application/json', shape, event }]) => {
      const stream = event === undefined ? '' : ', or <code>text/event-stream</code>'
      if (shape === undefined && type === 'application/json') return `<h4>${status}</h4>`
      const schema =
        shape === undefined ? '' : `<pre>${escaped(JSON.stringify(schemaOf(shape), null, 2))}</pre>`
      return `<h4>${status}</h4><p><code>${escaped(type)}</code>${stream}</p>${schema}`
    }),
    '</details>',
  ].join('\n')
}

function fieldsOf(title: string, schema: Json): string {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, Json>
    required?: string[]
  }
  const rows = Object.entries(properties).map(
    ([name, each]) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${required.includes(name) ? 'required' : ''}</td><td><code>${escaped(inShort(each))}</code></td></tr>`,
  )
  return `<h4>${title}</h4><table><thead><tr><th>Name</th><th></th><th>What it takes</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

/** A schema on one line; what is deep is in the document for machines. */
function inShort(schema: Json): string {
  const text = JSON.stringify(schema)
  return text.length <= 240 ? text : `${text.slice(0, 239)}…`
}
/** Words between backticks are code. */
const marked = (words: string): string => escaped(words).replace(/`([^`]+)`/g, '<code>$1</code>')
