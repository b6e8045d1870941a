import onnxProto from 'onnx-proto'

const { onnx } = onnxProto

/** Opset 18: the newest whose operators all have a kernel in every execution provider we use. */
const OPSET = 18
const IR_VERSION = 8

export type ElementType = 'float32' | 'float16' | 'int64' | 'int32' | 'bool'
/** A number is fixed, a string is a symbolic dimension such as `batch_size`. */
export type Dimension = number | string
export type Attribute = number | string | readonly number[] | { readonly float: number }

const DATA_TYPE: Record<ElementType, number> = {
  float32: onnx.TensorProto.DataType.FLOAT,
  float16: onnx.TensorProto.DataType.FLOAT16,
  int64: onnx.TensorProto.DataType.INT64,
  int32: onnx.TensorProto.DataType.INT32,
  bool: onnx.TensorProto.DataType.BOOL,
}

/** The ONNX number of an element type, for the `to` attribute of `Cast`. */
export const dataTypeOf = (type: ElementType): number => DATA_TYPE[type]

/**
 * Writes an ONNX model node by node. It knows names, not shapes: the caller keeps what it needs to know.
 * Equal constants are stored once. Names are numbered in order, so the same calls give the same bytes.
 */
export class Graph {
  readonly #nodes: InstanceType<typeof onnx.NodeProto>[] = []
  readonly #initializers: InstanceType<typeof onnx.TensorProto>[] = []
  readonly #inputs: InstanceType<typeof onnx.ValueInfoProto>[] = []
  readonly #outputs: InstanceType<typeof onnx.ValueInfoProto>[] = []
  readonly #scalars = new Map<string, string>()
  #count = 0

  constructor(readonly name: string) {}

  get nodeCount(): number {
    return this.#nodes.length
  }

  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(name, type, shape))
    return name
  }

  /** Declares `value` as a model output, renamed to `name` when they differ. */
  output(value: string, name: string, type: ElementType, shape: readonly Dimension[]): void {
    if (value !== name) this.#push('Identity', [value], [name], {})
    this.#outputs.push(valueInfo(name, type, shape))
  }

  /** Appends a node and returns the name of its first output. */
  node(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    const name = this.#fresh(op)
    this.#push(op, inputs, [name], attributes)
    return name
  }

  /** Appends a node with several outputs, such as `Split`. */
  nodes(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Record<string, Attribute> = {},
  ): string[] {
    const names = Array.from({ length: outputs }, () => this.#fresh(op))
    this.#push(op, inputs, names, attributes)
    return names
  }

  /** Stores a float tensor; `float16` halves the file, and a `Cast` (folded at load) gives float32 back. */
  floats(
    values: Float32Array,
    shape: readonly number[],
    storedAs: 'float32' | 'float16' = 'float32',
    name?: string,
  ): string {
    const bytes = storedAs === 'float16' ? bytesOf(toFloat16(values)) : bytesOf(values)
    const stored = this.#initializer(storedAs, bytes, shape, name)
    return storedAs === 'float32' ? stored : this.node('Cast', [stored], { to: DATA_TYPE.float32 })
  }

  /** A constant scalar, stored once however often it is asked for. */
  scalar(value: number): string {
    const key = `float:${value}`
    const known = this.#scalars.get(key)
    if (known !== undefined) return known
    const name = this.floats(Float32Array.of(value), [])
    this.#scalars.set(key, name)
    return name
  }

  /** A constant int64 vector (axes, shapes, splits), stored once; `shape []` makes it a scalar. */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const key = `int:${values.join()}:${shape.join()}`
    const known = this.#scalars.get(key)
    if (known !== undefined) return known
    const name = this.#initializer('int64', bytesOf(BigInt64Array.from(values, BigInt)), shape)
    this.#scalars.set(key, name)
    return name
  }

  encode(): Uint8Array {
    const model = onnx.ModelProto.create({
      irVersion: IR_VERSION,
      producerName: 'heurist',
      opsetImport: [onnx.OperatorSetIdProto.create({ domain: '', version: OPSET })],
      graph: onnx.GraphProto.create({
        name: this.name,
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
      }),
    })
    return onnx.ModelProto.encode(model).finish()
  }

  #fresh(stem: string): string {
    this.#count += 1
    return `${stem}_${this.#count}`
  }

  #initializer(type: ElementType, rawData: Uint8Array, shape: readonly number[], named?: string): string {
    const name = named ?? this.#fresh('c')
    this.#initializers.push(
      onnx.TensorProto.create({ name, dataType: DATA_TYPE[type], dims: [...shape], rawData }),
    )
    return name
  }

  #push(
    opType: string,
    input: readonly string[],
    output: readonly string[],
    given: Record<string, Attribute>,
  ): void {
    const attribute = Object.entries(given).map(([name, value]) => attributeOf(name, value))
    this.#nodes.push(
      onnx.NodeProto.create({
        opType,
        input: [...input],
        output: [...output],
        name: output[0] ?? '',
        attribute,
      }),
    )
  }
}

function attributeOf(name: string, value: Attribute): InstanceType<typeof onnx.AttributeProto> {
  const kinds = onnx.AttributeProto.AttributeType
  if (typeof value === 'number') return onnx.AttributeProto.create({ name, type: kinds.INT, i: value })
  if (typeof value === 'string') {
    return onnx.AttributeProto.create({ name, type: kinds.STRING, s: new TextEncoder().encode(value) })
  }
  if ('float' in value) return onnx.AttributeProto.create({ name, type: kinds.FLOAT, f: value.float })
  return onnx.AttributeProto.create({ name, type: kinds.INTS, ints: [...value] })
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]) {
  const dim = shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }))
  return onnx.ValueInfoProto.create({
    name,
    type: { tensorType: { elemType: DATA_TYPE[type], shape: { dim } } },
  })
}

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

/** IEEE binary16 bit patterns, rounded to nearest even. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(bits, half)
}

function half(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 112
  const fraction = bits & 0x7fffff
  if (exponent >= 31) return sign | 0x7c00 | (exponent === 143 && fraction !== 0 ? 0x200 : 0)
  if (exponent <= 0) {
    if (exponent < -10) return sign
    return sign | roundShift(fraction | 0x800000, 14 - exponent)
  }
  // A carry out of the fraction raises the exponent by one, which is the right rounding.
  return sign | roundShift((exponent << 23) | fraction, 13)
}

function roundShift(value: number, shift: number): number {
  const kept = value >>> shift
  const rest = value & ((1 << shift) - 1)
  const middle = 1 << (shift - 1)
  return rest > middle || (rest === middle && (kept & 1) === 1) ? kept + 1 : kept
}
