import { type Ref, useEffect, useState } from 'react'
import type { Manifest } from '../../../../../sdk/protocol/manifest.ts'
import { receiptPath } from '../../network/address.ts'
import { Copy } from '../../parts/copy.tsx'
import { Fact, FactList } from '../../parts/facts.tsx'
import { LINK, Link } from '../../parts/link.tsx'
import { Short, Usd } from '../../parts/text.tsx'
import type { Run } from './run.ts'

/** What came of a call, and what it cost. */
export function ResultView({
  ref,
  manifest,
  run,
}: {
  ref: Ref<HTMLDivElement>
  manifest: Manifest
  run: Run
}) {
  const { state, problem, answer, text } = run
  return (
    <div ref={ref} tabIndex={-1} className="mt-5 space-y-4" data-run={state}>
      <p role="status" className="sr-only">
        {state === 'running'
          ? 'The call runs.'
          : state === 'done'
            ? 'The answer is complete.'
            : problem?.says}
      </p>
      {state === 'running' && text === '' && <p className="text-muted">Signed; waiting for the node…</p>}
      {text !== '' && <Text text={text} whole={state === 'done'} />}
      {answer?.embeddings && <Vectors embeddings={answer.embeddings} />}
      {manifest.kind === 'image' && answer && (
        <Picture bytes={answer.bytes} mediaType={answer.mediaType} input={run.input} />
      )}
      {answer && !answer.embeddings && answer.text === undefined && manifest.kind !== 'image' && (
        <p>{answer.bytes.length} bytes came back.</p>
      )}
      {problem && (
        <p className="rounded-md border border-edge px-3 py-2" data-problem={problem.code}>
          {problem.says} <span className="text-muted">{problem.fix}</span>
        </p>
      )}
      <Paid run={run} />
    </div>
  )
}

const Text = ({ text, whole }: { text: string; whole: boolean }) => (
  <div className="rounded-md border border-line bg-raised px-3.5 py-3">
    <p className="whitespace-pre-wrap [overflow-wrap:anywhere]" data-answer={whole ? 'whole' : 'part'}>
      {text}
    </p>
    {whole && (
      <p className="mt-1 text-right">
        <Copy text={text} what="the answer" />
      </p>
    )}
  </div>
)

const SHOWN = 8

/** Numbers of the vectors, and how near two of them are. They have length 1: their product is the cosine. */
function Vectors({ embeddings }: { embeddings: readonly (readonly number[])[] }) {
  const [first, second] = embeddings
  const near = first && second && first.reduce((sum, each, index) => sum + each * (second[index] ?? 0), 0)
  return (
    <div className="space-y-2">
      {near !== undefined && (
        <p className="text-[1.3rem] leading-tight font-[520]" data-similarity={near}>
          {near.toFixed(3)}{' '}
          <span className="label">how near the two are: 1 is the same, 0 has nothing in common</span>
        </p>
      )}
      {embeddings.map((vector, index) => (
        <p
          // biome-ignore lint/suspicious/noArrayIndexKey: the vectors of one answer keep their places.
          key={index}
          className="rounded-md border border-line bg-raised px-3.5 py-2 font-mono text-[0.82rem] [overflow-wrap:anywhere]"
          data-vector={index}
        >
          {vector
            .slice(0, SHOWN)
            .map((each) => each.toFixed(4))
            .join('  ')}
          <span className="text-muted"> … {vector.length} numbers</span>
        </p>
      ))}
    </div>
  )
}

function Picture({ bytes, mediaType, input }: { bytes: Uint8Array; mediaType: string; input: object }) {
  const [url, setUrl] = useState<string>()
  const [isBroken, setBroken] = useState(false)
  const prompt = 'prompt' in input ? String(input.prompt) : 'the picture'
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: mediaType }))
    setUrl(made)
    setBroken(false)
    return () => URL.revokeObjectURL(made)
  }, [bytes, mediaType])
  if (url === undefined) return null
  if (isBroken) return <p>These bytes are no picture that this browser can draw.</p>
  return (
    <figure className="space-y-1.5">
      <img
        src={url}
        alt={prompt}
        onError={() => setBroken(true)}
        className="max-w-full rounded-md border border-line"
        data-picture
      />
      <figcaption>
        <a href={url} download="heurist.png" className={`label ${LINK}`}>
          Download
        </a>
      </figcaption>
    </figure>
  )
}

/** The receipt in short: what it cost, who answered, and the way to all of it. */
function Paid({ run: { most, request, answer, state, end } }: { run: Run }) {
  if (request === undefined) return null
  const price = answer?.price ?? (end === 'forgotten' ? undefined : end)
  return (
    <section aria-label="Receipt" className="rounded-md border border-line px-3.5 py-3">
      <FactList>
        {price !== undefined && (
          <Fact name="Paid" is={price}>
            <Usd amount={price} />
            <span className="text-muted">
              {' '}
              of at most <Usd amount={most} />
            </span>
          </Fact>
        )}
        {price === undefined && state === 'failed' && (
          <Fact name="Paid">
            <span className="text-muted">
              {end === 'forgotten'
                ? 'this browser no longer knows: the receipt does'
                : 'not known yet: it stands here as soon as it is'}
            </span>
          </Fact>
        )}
        {answer && (
          <Fact name="Answered by">
            <Link href={`/nodes/${answer.node}`} className={LINK}>
              node {answer.node}
            </Link>{' '}
            <span className="text-muted">on {answer.provider}; its signature was checked</span>
          </Fact>
        )}
        <Fact name="Receipt" is={request}>
          <Link href={receiptPath(request)} className={LINK} data-receipt={request}>
            <Short hex={request} />
          </Link>
          {state === 'running' && <span className="text-muted"> once it is answered</span>}
        </Fact>
      </FactList>
    </section>
  )
}
