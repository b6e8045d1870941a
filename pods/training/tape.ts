import type { Graph } from './graph.ts'

/** A float32 tensor in the graph; its shape is fixed when the graph is written. */
export interface Value {
  readonly name: string
  readonly shape: readonly number[]
  /** False for data and constants: no gradient is emitted for what leads only there. */
  readonly trained: boolean
}

/** An int64 tensor: token ids, class ids, positions. */
export interface Indices {
  readonly name: string
  readonly shape: readonly number[]
  readonly integer: true
}

type Pull = (gradient: Value) => void

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, d) => product * d, 1)

/**
 * Reverse-mode autodiff that emits ordinary ONNX operators: every operation appends its forward nodes at once
 * and remembers how to append its backward nodes. `gradients` then walks the memory from the end.
 */
export class Tape {
  readonly #memory: { readonly value: Value; readonly pull: Pull }[] = []
  readonly #gradients = new Map<string, Value>()

  constructor(readonly graph: Graph) {}

  // ---- leaves

  data(name: string, shape: readonly number[]): Value {
    return { name: this.graph.input(name, 'float32', shape), shape, trained: false }
  }

  indices(name: string, shape: readonly number[]): Indices {
    return { name: this.graph.input(name, 'int64', shape), shape, integer: true }
  }

  constant(values: Float32Array, shape: readonly number[]): Value {
    return { name: this.graph.floats(values, shape), shape, trained: false }
  }

  /** Marks a tensor that is already in the graph as something to learn. */
  leaf(name: string, shape: readonly number[]): Value {
    return { name, shape, trained: true }
  }

  output(value: Value, name: string): void {
    this.graph.output(value.name, name, 'float32', value.shape)
  }

  /** Emits the backward graph of a scalar loss; one gradient per asked-for value, zeros if nothing leads to it. */
  gradients(loss: Value, wanted: readonly Value[]): Value[] {
    if (loss.shape.length !== 0)
      throw new RangeError(`loss must be a scalar, has shape [${loss.shape.join()}]`)
    this.#gradients.set(loss.name, this.scalar(1))
    for (const { value, pull } of this.#memory.toReversed()) {
      const gradient = this.#gradients.get(value.name)
      if (gradient !== undefined) pull(gradient)
    }
    return wanted.map(
      (value) =>
        this.#gradients.get(value.name) ?? this.constant(new Float32Array(sizeOf(value.shape)), value.shape),
    )
  }

  // ---- elementwise, with NumPy broadcasting

  scalar(value: number): Value {
    return { name: this.graph.scalar(value), shape: [], trained: false }
  }

  add(a: Value, b: Value): Value {
    return this.#remember(this.#binary('Add', a, b), (g) => {
      this.#give(a, () => g)
      this.#give(b, () => g)
    })
  }

  sub(a: Value, b: Value): Value {
    return this.#remember(this.#binary('Sub', a, b), (g) => {
      this.#give(a, () => g)
      this.#give(b, () => this.#unary('Neg', g))
    })
  }

  mul(a: Value, b: Value): Value {
    return this.#remember(this.#binary('Mul', a, b), (g) => {
      this.#give(a, () => this.#binary('Mul', g, b))
      this.#give(b, () => this.#binary('Mul', g, a))
    })
  }

  div(a: Value, b: Value): Value {
    const y = this.#binary('Div', a, b)
    return this.#remember(y, (g) => {
      this.#give(a, () => this.#binary('Div', g, b))
      this.#give(b, () => this.#unary('Neg', this.#binary('Div', this.#binary('Mul', g, y), b)))
    })
  }

  scale(a: Value, factor: number): Value {
    return this.mul(a, this.scalar(factor))
  }

  exp(a: Value): Value {
    const y = this.#unary('Exp', a)
    return this.#remember(y, (g) => this.#give(a, () => this.#binary('Mul', g, y)))
  }

  log(a: Value): Value {
    return this.#remember(this.#unary('Log', a), (g) => this.#give(a, () => this.#binary('Div', g, a)))
  }

  sqrt(a: Value): Value {
    const y = this.#unary('Sqrt', a)
    return this.#remember(y, (g) =>
      this.#give(a, () => this.#binary('Div', g, this.#binary('Mul', this.scalar(2), y))),
    )
  }

  tanh(a: Value): Value {
    const y = this.#unary('Tanh', a)
    return this.#remember(y, (g) =>
      this.#give(a, () =>
        this.#binary('Mul', g, this.#binary('Sub', this.scalar(1), this.#binary('Mul', y, y))),
      ),
    )
  }

  sigmoid(a: Value): Value {
    const y = this.#unary('Sigmoid', a)
    return this.#remember(y, (g) =>
      this.#give(a, () =>
        this.#binary('Mul', g, this.#binary('Mul', y, this.#binary('Sub', this.scalar(1), y))),
      ),
    )
  }

  /** x·σ(x). */
  silu(x: Value): Value {
    const s = this.#unary('Sigmoid', x)
    const y = this.#binary('Mul', x, s)
    return this.#remember(y, (g) =>
      this.#give(x, () => {
        const slope = this.#binary('Add', s, this.#binary('Mul', y, this.#binary('Sub', this.scalar(1), s)))
        return this.#binary('Mul', g, slope)
      }),
    )
  }

  /** x·Φ(x), the exact form with erf. */
  gelu(x: Value): Value {
    const erf = this.#unary('Erf', this.#binary('Mul', x, this.scalar(Math.SQRT1_2)))
    const cdf = this.#binary('Mul', this.#binary('Add', erf, this.scalar(1)), this.scalar(0.5))
    return this.#remember(this.#binary('Mul', x, cdf), (g) =>
      this.#give(x, () => {
        const square = this.#binary('Mul', this.#binary('Mul', x, x), this.scalar(-0.5))
        const density = this.#binary(
          'Mul',
          this.#unary('Exp', square),
          this.scalar(1 / Math.sqrt(2 * Math.PI)),
        )
        return this.#binary('Mul', g, this.#binary('Add', cdf, this.#binary('Mul', x, density)))
      }),
    )
  }

  // ---- products

  /** a[…, M, K] · b[K, N], or batched a[…, M, K] · b[…, K, N] with equal leading dimensions. */
  matmul(a: Value, b: Value): Value {
    const rows = a.shape.slice(0, -1)
    const inner = lastOf(a.shape)
    const columns = lastOf(b.shape)
    if (b.shape.at(-2) !== inner) throw new RangeError(`matmul [${a.shape.join()}] · [${b.shape.join()}]`)
    const y = this.#made('MatMul', [a, b], [...rows, columns])
    if (b.shape.length > 2) {
      if (a.shape.slice(0, -2).join() !== b.shape.slice(0, -2).join()) {
        throw new RangeError(`batched matmul [${a.shape.join()}] · [${b.shape.join()}]`)
      }
      return this.#remember(y, (g) => {
        this.#give(a, () => this.#made('MatMul', [g, this.#swapped(b)], a.shape))
        this.#give(b, () => this.#made('MatMul', [this.#swapped(a), g], b.shape))
      })
    }
    const count = sizeOf(rows)
    return this.#remember(y, (g) => {
      const flat = this.#shaped(g, [count, columns])
      this.#give(a, () => this.#shaped(this.#gemm(flat, b, { transB: 1 }, [count, inner]), a.shape))
      this.#give(b, () => this.#gemm(this.#shaped(a, [count, inner]), flat, { transA: 1 }, b.shape))
    })
  }

  // ---- shape

  reshape(a: Value, shape: readonly number[]): Value {
    if (sizeOf(shape) !== sizeOf(a.shape))
      throw new RangeError(`reshape [${a.shape.join()}] to [${shape.join()}]`)
    if (shape.join() === a.shape.join()) return a
    return this.#remember(this.#shaped(a, shape), (g) => this.#give(a, () => this.#shaped(g, a.shape)))
  }

  transpose(a: Value, permutation: readonly number[]): Value {
    const inverse = permutation.map((_, axis) => permutation.indexOf(axis))
    return this.#remember(this.#permuted(a, permutation), (g) =>
      this.#give(a, () => this.#permuted(g, inverse)),
    )
  }

  /** Cuts one axis into parts of the given sizes. */
  split(a: Value, axis: number, sizes: readonly number[]): Value[] {
    const shapes = sizes.map((size) => a.shape.map((d, i) => (i === axis ? size : d)))
    const names = this.graph.nodes('Split', [a.name, this.graph.ints(sizes)], sizes.length, { axis })
    const parts = names.map((name, i) => ({ name, shape: shapes[i] ?? [], trained: a.trained }))
    const given: (Value | undefined)[] = sizes.map(() => undefined)
    // The first part is pulled last (the memory is walked backwards), and it must run for `a` to get its gradient.
    const anchor = { name: `${names[0]}_split`, shape: [] as number[], trained: a.trained }
    if (a.trained) {
      this.#memory.push({
        value: anchor,
        pull: () =>
          this.#give(a, () => {
            const all = given.map((g, i) => g ?? this.#zeros(shapes[i] ?? []))
            return this.#made('Concat', all, a.shape, { axis })
          }),
      })
    }
    return parts.map((part, i) =>
      this.#remember(part, (g) => {
        given[i] = g
        this.#gradients.set(anchor.name, anchor)
      }),
    )
  }

  concat(parts: readonly Value[], axis: number): Value {
    const sizes = parts.map((part) => part.shape[axis] ?? 0)
    const shape = (parts[0]?.shape ?? []).map((d, i) =>
      i === axis ? sizes.reduce((sum, s) => sum + s, 0) : d,
    )
    const y = this.#made('Concat', parts, shape, { axis })
    return this.#remember(y, (g) => {
      const names = this.graph.nodes('Split', [g.name, this.graph.ints(sizes)], parts.length, { axis })
      for (const [i, part] of parts.entries()) {
        this.#give(part, () => ({ name: names[i] ?? '', shape: part.shape, trained: false }))
      }
    })
  }

  // ---- reductions and normalisation

  sum(a: Value, axes: readonly number[], keepDims = false): Value {
    return this.#remember(this.#reduce('ReduceSum', a, axes, keepDims), (g) =>
      this.#give(a, () => {
        const kept = this.#shaped(g, reduced(a.shape, axes, true))
        return this.#made('Expand', [kept, { name: this.graph.ints(a.shape) }], a.shape)
      }),
    )
  }

  mean(a: Value, axes: readonly number[], keepDims = false): Value {
    const count = axes.reduce((product, axis) => product * (a.shape.at(axis) ?? 1), 1)
    return this.scale(this.sum(a, axes, keepDims), 1 / count)
  }

  /** Over the last axis. */
  softmax(a: Value): Value {
    const y = this.#made('Softmax', [a], a.shape, { axis: -1 })
    return this.#remember(y, (g) =>
      this.#give(a, () => {
        const inner = this.#reduce('ReduceSum', this.#binary('Mul', g, y), [-1], true)
        return this.#binary('Mul', y, this.#binary('Sub', g, inner))
      }),
    )
  }

  /** x / √(mean(x²) + ε) over the last axis; multiply by a weight afterwards. */
  rmsNorm(x: Value, epsilon = 1e-5): Value {
    const square = this.#reduce('ReduceMean', this.#binary('Mul', x, x), [-1], true)
    return this.#normalised(x, x, square, epsilon)
  }

  /** (x − mean) / √(variance + ε) over the last axis; multiply by a weight and add a bias afterwards. */
  layerNorm(x: Value, epsilon = 1e-5): Value {
    const centred = this.#binary('Sub', x, this.#reduce('ReduceMean', x, [-1], true))
    const variance = this.#reduce('ReduceMean', this.#binary('Mul', centred, centred), [-1], true)
    return this.#normalised(x, centred, variance, epsilon)
  }

  /**
   * Rotary position: x·cos + rotate(x)·sin on the last axis, rotate(x) = (−second half, first half).
   * `cos` and `sin` must be constants that broadcast to `x` and repeat their first half in the second.
   */
  rotary(x: Value, cos: Value, sin: Value): Value {
    const turn = (v: Value, op: 'Add' | 'Sub') =>
      this.#binary(op, this.#binary('Mul', v, cos), this.#binary('Mul', this.#rotated(v), sin))
    return this.#remember(turn(x, 'Add'), (g) => this.#give(x, () => turn(g, 'Sub')))
  }

  // ---- embedding and losses

  /** Rows of `table` [V, D] by index. Its gradient is a one-hot product: deterministic, unlike a scatter. */
  embed(table: Value, indices: Indices): Value {
    const [rows, width] = [table.shape[0] ?? 0, table.shape[1] ?? 0]
    const y = this.#made('Gather', [table, indices], [...indices.shape, width], { axis: 0 })
    return this.#remember(y, (g) =>
      this.#give(table, () => {
        const count = sizeOf(indices.shape)
        const flat = this.#shaped(this.#oneHot(indices, rows), [count, rows])
        return this.#gemm(flat, this.#shaped(g, [count, width]), { transA: 1 }, table.shape)
      }),
    )
  }

  /**
   * Mean of −log softmax(logits)[target], weighted: Σ weight·loss / Σ weight. Weight 0 leaves a position out.
   *
   * @param logits  [N, classes]
   * @param target  [N]
   * @param weight  [N], data, with a positive sum
   */
  crossEntropy(logits: Value, target: Indices, weight: Value): Value {
    const classes = lastOf(logits.shape)
    const hot = this.#oneHot(target, classes)
    const logp = this.#made('LogSoftmax', [logits], logits.shape, { axis: -1 })
    const picked = this.#reduce('ReduceSum', this.#binary('Mul', hot, logp), [-1], false)
    const total = this.#reduce('ReduceSum', weight, [0], false)
    const share = this.#binary('Div', weight, total)
    const loss = this.#unary('Neg', this.#reduce('ReduceSum', this.#binary('Mul', picked, share), [0], false))
    return this.#remember({ ...loss, trained: logits.trained }, (g) =>
      this.#give(logits, () => {
        const error = this.#binary('Sub', this.#unary('Exp', logp), hot)
        const factor = this.#shaped(this.#binary('Mul', share, g), [logits.shape[0] ?? 0, 1])
        return this.#binary('Mul', error, factor)
      }),
    )
  }

  /** Mean squared difference over all elements. */
  meanSquaredError(a: Value, b: Value): Value {
    const difference = this.sub(a, b)
    const axes = difference.shape.map((_, axis) => axis)
    return this.mean(this.mul(difference, difference), axes)
  }

  // ---- how nodes are written

  #normalised(x: Value, centred: Value, square: Value, epsilon: number): Value {
    const root = this.#unary('Sqrt', this.#binary('Add', square, this.scalar(epsilon)))
    const y = this.#binary('Div', centred, root)
    const layer = centred !== x
    return this.#remember({ ...y, trained: x.trained }, (g) =>
      this.#give(x, () => {
        const along = this.#reduce('ReduceMean', this.#binary('Mul', g, y), [-1], true)
        const across = this.#binary('Sub', g, this.#binary('Mul', y, along))
        const flat = layer ? this.#binary('Sub', across, this.#reduce('ReduceMean', g, [-1], true)) : across
        return this.#binary('Div', flat, root)
      }),
    )
  }

  #rotated(x: Value): Value {
    const axis = x.shape.length - 1
    const half = lastOf(x.shape) / 2
    const names = this.graph.nodes('Split', [x.name, this.graph.ints([half, half])], 2, { axis })
    const negative = this.graph.node('Neg', [names[1] ?? ''])
    const name = this.graph.node('Concat', [negative, names[0] ?? ''], { axis })
    return { name, shape: x.shape, trained: x.trained }
  }

  #oneHot(indices: Indices, classes: number): Value {
    const values = this.graph.floats(Float32Array.of(0, 1), [2])
    const depth = this.graph.ints([classes], [])
    const name = this.graph.node('OneHot', [indices.name, depth, values], { axis: -1 })
    return { name, shape: [...indices.shape, classes], trained: false }
  }

  #zeros(shape: readonly number[]): Value {
    return this.constant(new Float32Array(sizeOf(shape)), shape)
  }

  #gemm(a: Value, b: Value, attributes: Record<string, number>, shape: readonly number[]): Value {
    return this.#made('Gemm', [a, b], shape, attributes)
  }

  #swapped(a: Value): Value {
    const axes = a.shape.map((_, axis) => axis)
    return this.#permuted(a, [...axes.slice(0, -2), axes.length - 1, axes.length - 2])
  }

  #permuted(a: Value, permutation: readonly number[]): Value {
    const shape = permutation.map((axis) => a.shape[axis] ?? 0)
    return this.#made('Transpose', [a], shape, { perm: permutation })
  }

  #shaped(a: Value, shape: readonly number[]): Value {
    if (a.shape.join() === shape.join()) return a
    const name = this.graph.node('Reshape', [a.name, this.graph.ints(shape)])
    return { name, shape, trained: a.trained }
  }

  #reduce(op: 'ReduceSum' | 'ReduceMean', a: Value, axes: readonly number[], keepDims: boolean): Value {
    const name = this.graph.node(op, [a.name, this.graph.ints(axes)], { keepdims: keepDims ? 1 : 0 })
    return { name, shape: reduced(a.shape, axes, keepDims), trained: a.trained }
  }

  #unary(op: string, a: Value): Value {
    return this.#made(op, [a], a.shape)
  }

  #binary(op: string, a: Value, b: Value): Value {
    return this.#made(op, [a, b], broadcast(a.shape, b.shape))
  }

  #made(
    op: string,
    from: readonly { readonly name: string; readonly trained?: boolean }[],
    shape: readonly number[],
    attributes: Record<string, number | readonly number[]> = {},
  ): Value {
    const name = this.graph.node(
      op,
      from.map((value) => value.name),
      attributes,
    )
    return { name, shape, trained: from.some((value) => value.trained === true) }
  }

  #remember(value: Value, pull: Pull): Value {
    if (value.trained) this.#memory.push({ value, pull })
    return value
  }

  /** Adds to a value's gradient, summed back over whatever was broadcast. Emits nothing for untrained values. */
  #give(to: Value, gradient: () => Value): void {
    if (!to.trained) return
    const part = this.#summedTo(gradient(), to.shape)
    const sum = this.#gradients.get(to.name)
    this.#gradients.set(to.name, sum === undefined ? part : this.#binary('Add', sum, part))
  }

  #summedTo(gradient: Value, shape: readonly number[]): Value {
    if (gradient.shape.join() === shape.join()) return gradient
    const extra = gradient.shape.length - shape.length
    const axes = gradient.shape.flatMap((d, i) =>
      i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : [],
    )
    return this.#shaped(this.#reduce('ReduceSum', gradient, axes, true), shape)
  }
}

const lastOf = (shape: readonly number[]): number => shape.at(-1) ?? 1

function reduced(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  const gone = new Set(axes.map((axis) => (axis < 0 ? axis + shape.length : axis)))
  return shape.flatMap((d, axis) => (gone.has(axis) ? (keepDims ? [1] : []) : [d]))
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    if (x !== y && x !== 1 && y !== 1) throw new RangeError(`broadcast [${a.join()}] with [${b.join()}]`)
    return Math.max(x, y)
  })
}
