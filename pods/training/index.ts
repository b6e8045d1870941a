/** A training kit in plain TypeScript: models and whole training steps as ONNX graphs, run by onnxruntime-node. */
export { type Attribute, type Dimension, dataTypeOf, type ElementType, Graph, toFloat16 } from './graph.ts'
export { type Parameter, Parameters } from './parameters.ts'
export { Random } from './random.ts'
export { type Indices, sizeOf, Tape, type Value } from './tape.ts'
export {
  ADAMW,
  Average,
  cosineRate,
  type Loss,
  type Optimiser,
  type Step,
  stepGraph,
  Trainer,
} from './trainer.ts'
