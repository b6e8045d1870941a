import { Tensor } from './onnx.ts'

/** One row of token ids, or of marks, as every Hugging Face graph takes them. */
export const int64 = (values: readonly bigint[]): Tensor =>
  new Tensor('int64', BigInt64Array.from(values), [1, values.length])

/** What a graph gave, as float32; float16 is widened. @returns undefined if it is neither. */
export function floatsOf(tensor: Tensor | undefined): Float32Array | undefined {
  const data: unknown = tensor?.data
  if (data instanceof Float32Array) return data
  if (data instanceof Uint16Array) return Float32Array.from(data, fromFloat16)
  // Newer Node versions have Float16Array, whose elements are numbers already.
  if (tensor?.type === 'float16' && ArrayBuffer.isView(data)) {
    return Float32Array.from(data as unknown as ArrayLike<number>)
  }
  return undefined
}

/** An empty cache of a sequence that has read nothing. @returns undefined for a type that is not served. */
export function emptyTensor(type: string, dims: readonly number[]): Tensor | undefined {
  if (type === 'float16') return new Tensor('float16', new Uint16Array(0), dims)
  if (type === 'float32') return new Tensor('float32', new Float32Array(0), dims)
  return undefined
}

/** The number that an IEEE binary16 bit pattern stands for. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
