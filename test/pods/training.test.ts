import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Graph, toFloat16 } from '../../pods/training/graph.ts'
import { train } from '../../pods/training/loop.ts'
import { Parameters } from '../../pods/training/parameters.ts'
import { Random } from '../../pods/training/random.ts'
import { sizeOf, Tape, type Value } from '../../pods/training/tape.ts'
import { ADAMW, type Loss, Trainer } from '../../pods/training/trainer.ts'
import { InferenceSession, Tensor } from '../../worker/engines/onnx.ts'

const SEED = 20
const random = () => new Random(SEED)
const normals = (count: number, source: Random) => Float32Array.from({ length: count }, () => source.normal())
const float = (data: Float32Array, shape: readonly number[]) => new Tensor('float32', data, [...shape])
const ids = (values: readonly number[]) =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length])

/** What an operation is asked: the shapes of its trained arguments, and how to apply it. */
interface Case {
  readonly shapes: readonly (readonly number[])[]
  readonly apply: (tape: Tape, args: Value[]) => Value
  /** Moves the arguments away from where the operation has no slope, such as 0 for a logarithm. */
  readonly shift?: number
}

const at = (args: Value[], i: number): Value => {
  const value = args[i]
  if (value === undefined) throw new RangeError(`argument ${i}`)
  return value
}
const unary =
  (op: 'exp' | 'log' | 'sqrt' | 'tanh' | 'sigmoid' | 'silu' | 'gelu' | 'softmax') =>
  (tape: Tape, args: Value[]) =>
    tape[op](at(args, 0))
const binary = (op: 'add' | 'sub' | 'mul' | 'div' | 'matmul') => (tape: Tape, args: Value[]) =>
  tape[op](at(args, 0), at(args, 1))

const CASES: Record<string, Case> = {
  'add with broadcasting': { shapes: [[2, 3, 4], [4]], apply: binary('add') },
  'sub with broadcasting both ways': {
    shapes: [
      [3, 1],
      [2, 1, 4],
    ],
    apply: binary('sub'),
  },
  mul: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    apply: binary('mul'),
  },
  'mul of a value with itself': { shapes: [[5]], apply: (tape, args) => tape.mul(at(args, 0), at(args, 0)) },
  div: { shapes: [[2, 3], [3]], apply: binary('div'), shift: 3 },
  scale: { shapes: [[4]], apply: (tape, args) => tape.scale(at(args, 0), -2.5) },
  exp: { shapes: [[6]], apply: unary('exp') },
  log: { shapes: [[6]], apply: unary('log'), shift: 4 },
  sqrt: { shapes: [[6]], apply: unary('sqrt'), shift: 4 },
  tanh: { shapes: [[6]], apply: unary('tanh') },
  sigmoid: { shapes: [[6]], apply: unary('sigmoid') },
  silu: { shapes: [[6]], apply: unary('silu') },
  gelu: { shapes: [[6]], apply: unary('gelu') },
  softmax: { shapes: [[3, 5]], apply: unary('softmax') },
  'matmul by a matrix': {
    shapes: [
      [2, 3, 4],
      [4, 5],
    ],
    apply: binary('matmul'),
  },
  'batched matmul': {
    shapes: [
      [2, 2, 3, 4],
      [2, 2, 4, 3],
    ],
    apply: binary('matmul'),
  },
  reshape: { shapes: [[2, 6]], apply: (tape, args) => tape.reshape(at(args, 0), [3, 4]) },
  'reshape to the same shape': { shapes: [[2, 3]], apply: (tape, args) => tape.reshape(at(args, 0), [2, 3]) },
  transpose: { shapes: [[2, 3, 4]], apply: (tape, args) => tape.transpose(at(args, 0), [2, 0, 1]) },
  'split, one part unused': {
    shapes: [[2, 6]],
    apply: (tape, args) => {
      const parts = tape.split(at(args, 0), 1, [2, 2, 2])
      return tape.mul(at(parts, 0), at(parts, 2))
    },
  },
  concat: {
    shapes: [
      [2, 1],
      [2, 3],
    ],
    apply: (tape, args) => tape.concat(args, 1),
  },
  sum: { shapes: [[2, 3, 4]], apply: (tape, args) => tape.sum(at(args, 0), [0, 2]) },
  'mean, kept dimensions': { shapes: [[2, 3]], apply: (tape, args) => tape.mean(at(args, 0), [-1], true) },
  rmsNorm: { shapes: [[3, 8]], apply: (tape, args) => tape.rmsNorm(at(args, 0)) },
  layerNorm: { shapes: [[3, 8]], apply: (tape, args) => tape.layerNorm(at(args, 0)) },
  rotary: {
    shapes: [[2, 3, 4]],
    apply: (tape, args) => {
      const angles = [0.1, 0.7, 1.3].flatMap((a) => [a, 2 * a, a, 2 * a])
      const table = (f: (x: number) => number) => tape.constant(Float32Array.from(angles, f), [3, 4])
      return tape.rotary(at(args, 0), table(Math.cos), table(Math.sin))
    },
  },
  'embed, one row twice and one never': {
    shapes: [[4, 3]],
    apply: (tape, args) =>
      tape.embed(at(args, 0), { name: tape.graph.ints([2, 0, 2]), shape: [3], integer: true }),
  },
  'cross-entropy with a position left out': {
    shapes: [[3, 5]],
    apply: (tape, args) =>
      tape.crossEntropy(
        at(args, 0),
        { name: tape.graph.ints([4, 0, 2]), shape: [3], integer: true },
        tape.constant(Float32Array.of(1, 0, 2), [3]),
      ),
  },
  'mean squared error': {
    shapes: [
      [2, 3],
      [2, 3],
    ],
    apply: (tape, args) => tape.meanSquaredError(at(args, 0), at(args, 1)),
  },
}

/** Worst difference between emitted gradients and central differences, over every element of every argument. */
async function worstError({ shapes, apply, shift = 0 }: Case): Promise<number> {
  const source = random()
  const graph = new Graph('case')
  const tape = new Tape(graph)
  const args = shapes.map((shape, i) => tape.leaf(graph.input(`x${i}`, 'float32', shape), shape))
  const y = apply(tape, args)
  // A random projection, so that no error can cancel in the sum.
  const projection = tape.constant(normals(sizeOf(y.shape), source), y.shape)
  const loss = tape.sum(
    tape.mul(y, projection),
    y.shape.map((_, axis) => axis),
  )
  tape.output(loss, 'loss')
  for (const [i, gradient] of tape.gradients(loss, args).entries()) tape.output(gradient, `g${i}`)
  const session = await InferenceSession.create(graph.encode(), { intraOpNumThreads: 1 })

  const values = shapes.map((shape) => normals(sizeOf(shape), source).map((x) => x + shift))
  const run = () =>
    session.run(Object.fromEntries(values.map((v, i) => [`x${i}`, float(v, shapes[i] ?? [])])))
  const lossOf = async () => Number((await run()).loss?.data[0])
  const gradients = await run()
  let worst = 0
  for (const [i, value] of values.entries()) {
    for (let j = 0; j < value.length; j++) {
      const [kept, h] = [value[j] ?? 0, 1e-2]
      value[j] = kept + h
      const above = await lossOf()
      value[j] = kept - h
      const below = await lossOf()
      value[j] = kept
      worst = Math.max(worst, Math.abs((above - below) / (2 * h) - Number(gradients[`g${i}`]?.data[j])))
    }
  }
  return worst
}

/** One linear layer and a gain, for the tests of the optimiser. */
const small = new Parameters([
  { name: 'matrix', shape: [3, 2], start: { deviation: 0.5 }, decays: true },
  { name: 'gain', shape: [2], start: { constant: 1 }, decays: false },
])
const linear: Loss = (tape, weight) => {
  const y = tape.mul(tape.matmul(tape.data('x', [4, 3]), weight('matrix')), weight('gain'))
  return tape.meanSquaredError(y, tape.data('y', [4, 2]))
}

describe(`training kit (seed ${SEED})`, function () {
  this.timeout(600_000)

  for (const [name, operation] of Object.entries(CASES)) {
    it(`the gradient of ${name} agrees with finite differences`, async () => {
      expect(await worstError(operation)).to.be.lessThan(4e-3)
    })
  }

  it('a wrong gradient would be seen', async () => {
    const wrong: Case = {
      shapes: [[6]],
      // σ(x) passed off as a constant: the product's slope through it is lost.
      apply: (tape, args) => tape.mul(at(args, 0), { ...tape.sigmoid(at(args, 0)), trained: false }),
    }
    expect(await worstError(wrong)).to.be.greaterThan(2e-2)
  })

  it('one step is clipped AdamW to the letter', async () => {
    const start = small.start(random())
    const trainer = new Trainer(small, start)
    const step = await trainer.shape(linear)
    const source = random()
    const [x, y] = [normals(12, source), normals(8, source).map((v) => 10 * v)]
    const rate = 0.1

    const { norm } = await step({ x: float(x, [4, 3]), y: float(y, [4, 2]) }, rate)

    const gradient = linearGradient(start, x, y)
    const length = Math.hypot(...gradient)
    expect(norm).to.be.closeTo(length, 1e-3 * length)
    expect(length).to.be.greaterThan(ADAMW.clip)
    const expected = [...start].map((w, i) => {
      const g = ((gradient[i] ?? 0) * ADAMW.clip) / length
      const decay = i < 6 ? ADAMW.decay * w : 0
      // After one step the bias-corrected moments are g and g².
      return w - rate * (g / (Math.abs(g) + ADAMW.epsilon) + decay)
    })
    for (const [i, w] of trainer.weights.entries()) expect(w).to.be.closeTo(expected[i] ?? Number.NaN, 1e-5)
  })

  it('the same seed gives the same bits, and a restored checkpoint goes on as if nothing happened', async () => {
    const batch = (i: number) => {
      const source = new Random(100 + i)
      return { x: float(normals(12, source), [4, 3]), y: float(normals(8, source), [4, 2]) }
    }
    const one = new Trainer(small, small.start(random()))
    const two = new Trainer(small, small.start(random()))
    const [stepOne, stepTwo] = [await one.shape(linear, 1), await two.shape(linear, 2)]

    for (let i = 0; i < 6; i++) await stepOne(batch(i), 0.01)
    for (let i = 0; i < 3; i++) await stepTwo(batch(i), 0.01)
    const three = new Trainer(small, new Float32Array(small.size))
    three.restore(two.checkpoint())
    const stepThree = await three.shape(linear)
    for (let i = 3; i < 6; i++) await stepThree(batch(i), 0.01)

    expect(three.steps).to.equal(6)
    expect([...three.weights]).to.deep.equal([...one.weights])
  })

  it('a training that is resumed sees the batches and takes the steps of an unbroken one', async () => {
    const home = await mkdtemp(join(tmpdir(), 'heurist-training-'))
    const run = async (work: string, steps: number, resume: boolean) => {
      const trainer = new Trainer(small, small.start(random()))
      const step = await trainer.shape(linear)
      const source = random()
      function* batches(): Generator<{ step: typeof step; feeds: Record<string, Tensor> }, never> {
        for (;;) {
          const feeds = { x: float(normals(12, source), [4, 3]), y: float(normals(8, source), [4, 2]) }
          yield { step, feeds }
        }
      }
      await train({ trainer, steps, peakRate: 0.01, work: join(home, work), resume, batches: batches() })
      return [...trainer.weights]
    }

    // While the rate still rises, it does not depend on how many steps are to come.
    const unbroken = await run('one', 6, false)
    const half = await run('two', 3, false)
    const resumed = await run('two', 6, true)
    await rm(home, { recursive: true })

    expect(resumed).to.deep.equal(unbroken)
    expect(half).to.not.deep.equal(unbroken)
  })

  it('it learns: a small decoder with rotary attention memorises four sequences', async () => {
    const { parameters, loss, batch } = decoder()
    const trainer = new Trainer(parameters, parameters.start(random()))
    const step = await trainer.shape(loss)

    const first = await step(batch, 0.01)
    let last = first
    for (let i = 0; i < 150; i++) last = await step(batch, 0.01)

    expect(first.loss).to.be.closeTo(Math.log(11), 0.5)
    expect(last.loss).to.be.lessThan(0.05)
  })

  it('float16 rounds to nearest even and keeps infinities', () => {
    const cases: [number, number][] = [
      [0, 0],
      [1, 0x3c00],
      [-2, 0xc000],
      [65504, 0x7bff],
      [65520, 0x7c00],
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
      [2 ** -24, 1],
      [2 ** -14, 0x0400],
      [Number.NEGATIVE_INFINITY, 0xfc00],
      [Number.NaN, 0x7e00],
    ]
    const bits = toFloat16(Float32Array.from(cases, ([value]) => value))
    expect([...bits]).to.deep.equal(cases.map(([, expected]) => expected))
  })
})

/** The gradient of mean((x·M·gain − y)²), by hand. */
function linearGradient(weights: Float32Array, x: Float32Array, y: Float32Array): number[] {
  const gradient = new Array<number>(8).fill(0)
  const w = (i: number) => weights[i] ?? 0
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 2; column++) {
      const input = [0, 1, 2].map((k) => x[3 * row + k] ?? 0)
      const dot = input.reduce((sum, v, k) => sum + v * w(2 * k + column), 0)
      const error = (2 / 8) * (dot * w(6 + column) - (y[2 * row + column] ?? 0))
      for (const [k, v] of input.entries()) {
        gradient[2 * k + column] = (gradient[2 * k + column] ?? 0) + error * v * w(6 + column)
      }
      gradient[6 + column] = (gradient[6 + column] ?? 0) + error * dot
    }
  }
  return gradient
}

function decoder() {
  const [rows, time, width, heads, vocabulary] = [4, 6, 16, 2, 11]
  const half = width / heads / 2
  const matrix = (name: string, shape: number[]) => ({ name, shape, start: { deviation: 0.1 }, decays: true })
  const parameters = new Parameters([
    matrix('table', [vocabulary, width]),
    matrix('qkv', [width, 3 * width]),
    matrix('out', [width, width]),
  ])
  const angles = Array.from(
    { length: time * half * 2 },
    (_, i) => Math.floor(i / (2 * half)) / 10 ** (i % half),
  )
  const mask = Float32Array.from({ length: time * time }, (_, i) =>
    i % time > Math.floor(i / time) ? -1e9 : 0,
  )
  const loss: Loss = (tape, weight) => {
    const x = tape.embed(weight('table'), tape.indices('ids', [rows * time]))
    const parts = tape.split(tape.matmul(tape.rmsNorm(x), weight('qkv')), 1, [width, width, width])
    const headed = parts.map((p) =>
      tape.transpose(tape.reshape(p, [rows, time, heads, width / heads]), [0, 2, 1, 3]),
    )
    const table = (f: (a: number) => number) => tape.constant(Float32Array.from(angles, f), [time, 2 * half])
    const turned = [0, 1].map((i) => tape.rotary(at(headed, i), table(Math.cos), table(Math.sin)))
    const scores = tape.scale(
      tape.matmul(at(turned, 0), tape.transpose(at(turned, 1), [0, 1, 3, 2])),
      1 / Math.sqrt(width / heads),
    )
    const attention = tape.softmax(tape.add(scores, tape.constant(mask, [time, time])))
    const mixed = tape.transpose(tape.matmul(attention, at(headed, 2)), [0, 2, 1, 3])
    const y = tape.add(x, tape.matmul(tape.reshape(mixed, [rows * time, width]), weight('out')))
    const logits = tape.matmul(tape.rmsNorm(y), tape.transpose(weight('table'), [1, 0]))
    return tape.crossEntropy(
      logits,
      tape.indices('target', [rows * time]),
      tape.data('weight', [rows * time]),
    )
  }
  // Two sequences share their first tokens, so only attention to earlier ones can tell them apart.
  const text = [1, 2, 3, 4, 5, 6, 2, 2, 3, 4, 7, 8, 9, 1, 3, 4, 9, 9, 5, 5, 3, 4, 1, 0]
  const target = text.map((_, i) => text[i + 1] ?? 0)
  const weight = Float32Array.from(text, (_, i) => (i % time < 3 || i % time === 5 ? 0 : 1))
  const batch = { ids: ids(text), target: ids(target), weight: float(weight, [weight.length]) }
  return { parameters, loss, batch }
}
