import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Tokenizer } from '@huggingface/tokenizers'
import { expect } from 'chai'
import sharp from 'sharp'
import { drawCombination } from '../../../pods/image/train/family.ts'
import { phrase, TRAINING_SENTENCES, UNSEEN_SENTENCES } from '../../../pods/image/train/phrase.ts'
import { Random } from '../../../pods/training/random.ts'
import { HeuristError } from '../../../sdk/errors.ts'
import { toHex } from '../../../sdk/protocol/bytes.ts'
import { type Manifest, parseManifest } from '../../../sdk/protocol/manifest.ts'
import { verifyMerkle } from '../../../sdk/protocol/merkle.ts'
import type { Engine, Work } from '../../../worker/engines/engine.ts'
import { loadConfig } from '../../../worker/engines/image/config.ts'
import { LatentSteps } from '../../../worker/engines/image/evidence.ts'
import { loadImage } from '../../../worker/engines/image/load.ts'
import { denoisingStep, encodePrompt, paint } from '../../../worker/engines/image/painter.ts'
import { requestParser } from '../../../worker/engines/image/request.ts'
import { Vocabulary } from '../../../worker/engines/image/words.ts'
import { InferenceSession } from '../../../worker/engines/onnx.ts'

const POD = join(import.meta.dirname, '../../../pods/image')
const PROMPT = 'a large red circle on a white background, in the centre'
const SEED = 2026

describe(`the image engine on the shipped pod (seed ${SEED})`, function () {
  this.timeout(600_000)
  let manifest: Manifest
  let engine: Engine

  before(async () => {
    manifest = parseManifest(await readFile(join(POD, 'pod.yaml')))
    engine = await loadImage(POD, manifest)
  })

  after(() => engine.close())

  const bytesOf = (request: unknown) => new TextEncoder().encode(JSON.stringify(request))

  async function paintWith(
    request: unknown,
    { signal = new AbortController().signal, on = engine }: { signal?: AbortSignal; on?: Engine } = {},
  ): Promise<Work & { png: Buffer }> {
    const parts: Uint8Array[] = []
    const work = await on.run(bytesOf(request), { emit: (bytes) => void parts.push(bytes), signal })
    return { ...work, png: Buffer.concat(parts) }
  }

  it('says which of the manifest’s providers ran the model', () => {
    expect(manifest.resources.providers).to.include(engine.provider)
  })

  it('a prompt alone gives a PNG of the default size and counts the default steps', async () => {
    const { png, ...work } = await paintWith({ prompt: PROMPT })

    const { format, width, height } = await sharp(png).metadata()
    expect(`${format} ${width}x${height}`).to.equal(`png ${manifest.defaults.size}`)
    expect(work).to.include({
      complete: true,
      unitsIn: 0n,
      unitsOut: BigInt(Number(manifest.defaults.steps)),
    })
    expect(png.byteLength).to.be.at.most(manifest.limits.outputBytes)
  })

  it('the same request gives the same bytes and evidence, another seed another picture', async () => {
    const [first, again, other] = [
      await paintWith({ prompt: PROMPT, seed: 1, steps: 4 }),
      await paintWith({ prompt: PROMPT, seed: 1, steps: 4 }),
      await paintWith({ prompt: PROMPT, seed: 2, steps: 4 }),
    ]

    expect(again.png.equals(first.png)).to.equal(true)
    expect(toHex(again.evidence)).to.equal(toHex(first.evidence))
    expect(other.png.equals(first.png)).to.equal(false)
    expect(toHex(other.evidence)).to.not.equal(toHex(first.evidence))
  })

  it('every allowed size is the same picture, pixel by pixel enlarged, and fits the output limit', async () => {
    const { sizes, sampleSize } = await loadConfig(POD)
    const own = await pixelsOf(
      (await paintWith({ prompt: PROMPT, seed: 3, steps: 4, size: `${sampleSize}x${sampleSize}` })).png,
    )

    for (const size of sizes) {
      const { png } = await paintWith({ prompt: PROMPT, seed: 3, steps: 4, size })
      const side = Number(size.split('x')[0])
      const back = await sharp(png).resize(sampleSize, sampleSize, { kernel: 'nearest' }).png().toBuffer()
      expect((await sharp(png).metadata()).width, size).to.equal(side)
      expect((await pixelsOf(back)).equals(own), size).to.equal(true)
      expect(png.byteLength, size).to.be.at.most(manifest.limits.outputBytes)
    }
  })

  it('the evidence is the root over every state, and each step can be opened and repeated alone', async () => {
    const request = { prompt: PROMPT, seed: 5, steps: 6, guidance: 2 }
    // To the last bit only where every session computes alike: on one thread, since more of them add up in another order,
    // and on the CPU, since a GPU's library chooses its algorithms anew in each session.
    const exact = { ...manifest, resources: { ...manifest.resources, providers: ['cpu' as const] } }
    const onCpu = await loadImage(POD, exact)
    const { evidence } = await paintWith(request, { on: onCpu })
    await onCpu.close()

    const config = await loadConfig(POD)
    const vocabulary = await Vocabulary.load(join(POD, 'model/tokenizer.json'))
    const parsed = requestParser(manifest, config, vocabulary)(bytesOf(request))
    const open = (name: string) =>
      InferenceSession.create(join(POD, `model/onnx/${name}.onnx`), { intraOpNumThreads: 1 })
    const networks = { textEncoder: await open('text_encoder'), transformer: await open('transformer') }
    const [states, steps] = [[] as Float32Array[], new LatentSteps()]
    for await (const { state } of paint(networks, config, parsed)) {
      states.push(state)
      steps.add(state)
    }
    expect(toHex(steps.root())).to.equal(toHex(evidence))

    const text = await encodePrompt(networks.textEncoder, parsed)
    for (const step of [5, 0, 3]) {
      const before = states[step] ?? new Float32Array()
      const after = await denoisingStep(networks.transformer, config, parsed, text, step, before)
      const leaf = new LatentSteps()
      leaf.add(after)
      const path = steps.tree().proof(step + 1)
      expect(verifyMerkle(toHex(evidence), leaf.tree().root, path), `step ${step}`).to.equal(true)
    }
    const fewer = { ...parsed, steps: 3 }
    const skipped = await denoisingStep(
      networks.transformer,
      config,
      fewer,
      text,
      1,
      states[1] ?? new Float32Array(),
    )
    const leaf = new LatentSteps()
    leaf.add(skipped)
    expect(verifyMerkle(toHex(evidence), leaf.tree().root, steps.tree().proof(2)), 'fewer steps').to.equal(
      false,
    )
  })

  it('a job that is aborted stops between two steps, shows nothing and counts what it ran', async () => {
    const leaving = new AbortController()
    setImmediate(() => leaving.abort())

    const { png, ...work } = await paintWith(
      { prompt: PROMPT, steps: manifest.limits.outputUnits },
      { signal: leaving.signal },
    )

    expect(png.byteLength).to.equal(0)
    expect(work.complete).to.equal(false)
    expect(Number(work.unitsOut)).to.be.lessThan(manifest.limits.outputUnits)
    expect(work.evidence).to.have.length(32)
  })

  it('other work gets its turn at every step', async () => {
    let turns = 0
    let running = true
    const others = (async () => {
      for (; running; turns++) await turn()
    })()

    await paintWith({ prompt: PROMPT, steps: 10 })
    running = false
    await others

    expect(turns).to.be.at.least(10)
  })

  it('a wrong request is refused before anything is drawn', async () => {
    let emitted = 0
    const signal = new AbortController().signal
    const attempt = engine.run(bytesOf({ prompt: 'nothing of this family' }), {
      emit: () => void emitted++,
      signal,
    })

    const error = await attempt.then(
      () => undefined,
      (cause: unknown) => cause,
    )
    expect(error).to.be.instanceOf(HeuristError).and.to.include({ code: 'input.invalid', field: 'prompt' })
    expect(emitted).to.equal(0)
  })

  it('the vocabulary reads a prompt as Hugging Face’s tokenizer does', async () => {
    const json = JSON.parse(await readFile(join(POD, 'model/tokenizer.json'), 'utf8')) as object
    const theirs = new Tokenizer(json, {})
    const ours = await Vocabulary.load(join(POD, 'model/tokenizer.json'))
    const random = new Random(SEED)

    for (let i = 0; i < 200; i++) {
      const sentences = i % 2 === 0 ? TRAINING_SENTENCES : UNSEEN_SENTENCES
      const prompt = phrase(drawCombination(random), sentences, random)
      expect(ours.encode(prompt), prompt).to.deep.equal([...theirs.encode(prompt).ids].filter((id) => id > 0))
    }
  })

  it('a folder whose config or tokenizer is of another kind is named as broken', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'image-pod-'))
    try {
      await mkdir(join(folder, 'model'))
      await writeFile(join(folder, 'model/config.json'), '{"pipeline":"text-generation"}')
      await writeFile(join(folder, 'model/tokenizer.json'), '{"model":{"type":"BPE"}}')

      const codes = await Promise.all(
        [loadConfig(folder), Vocabulary.load(join(folder, 'model/tokenizer.json'))].map((loading) =>
          loading.then(
            () => 'loaded',
            (cause: unknown) =>
              cause instanceof HeuristError ? `${cause.kind} ${cause.code}` : String(cause),
          ),
        ),
      )
      expect(codes).to.deep.equal(['bug pod.broken', 'bug pod.broken'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

const pixelsOf = (png: Buffer): Promise<Buffer> => sharp(png).removeAlpha().raw().toBuffer()
