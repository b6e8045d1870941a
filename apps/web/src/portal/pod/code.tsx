import type { Manifest } from '../../../../../sdk/protocol/manifest.ts'
import { useLive } from '../../network/use.ts'
import { Copy } from '../../parts/copy.tsx'
import { Scroll } from '../../parts/scroll.tsx'
import { Section } from '../../parts/section.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { type Called, type Snippet, snippetsOf, whyNoCurl } from './snippets.ts'

/** The call that is written in the form, from elsewhere. */
export function CodeTabs({ called, kind, input }: Called & { input: object | undefined }) {
  const { config } = useLive()
  const { routerUrl, gatewayUrl } = config
  const where = { routerUrl, gatewayUrl }
  const pod = { called, kind }
  const snippets = snippetsOf(pod, input ?? EXAMPLES[kind] ?? {}, where)
  const noCurl = whyNoCurl(pod, where)
  return (
    <Section title="Call it from elsewhere" note={input === undefined ? 'an example' : 'what the form says'}>
      <Tabs
        label="Ways to call this pod"
        tabs={snippets.map((snippet) => ({ name: snippet.name, children: <Code snippet={snippet} /> }))}
      />
      {noCurl !== undefined && (
        <p className="label mt-2" data-no-curl>
          {noCurl}
        </p>
      )}
    </Section>
  )
}

function Code({ snippet: { name, needs, code } }: { snippet: Snippet }) {
  return (
    <div className="space-y-2">
      <Scroll name={`${name} code`}>
        <pre className="w-fit min-w-full rounded-md border border-line bg-raised px-3.5 py-3 text-[0.82rem]">
          <code data-snippet={name}>{code}</code>
        </pre>
      </Scroll>
      <p className="label flex flex-wrap items-baseline justify-between gap-x-4">
        <span className="min-w-0 flex-1 basis-60">{needs}</span>
        <Copy text={code} what="the code" />
      </p>
    </div>
  )
}

/** Until the form says something. */
const EXAMPLES: Partial<Record<Manifest['kind'], object>> = {
  chat: { messages: [{ role: 'user', content: 'What is a pod?' }] },
  image: { prompt: 'a red circle on a blue background' },
  embed: { input: 'What is a pod?' },
  translate: { text: 'My sister buys a red hat at the market today.', from: 'en', to: 'de' },
}
