import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Parameters } from '../../training/parameters.ts'
import { decoderGraph } from './decoder.ts'
import { headWidth, type Shape } from './model.ts'
import { END, tokenizerConfig, tokenizerJson, type Vocabulary } from './vocabulary.ts'

/** Writes the Hugging Face folder that Transformers.js and our engine load. */
export async function writeFolder(
  folder: string,
  shape: Shape,
  vocabulary: Vocabulary,
  parameters: Parameters,
  weights: Float32Array,
): Promise<void> {
  const end = vocabulary.ids.get(END) ?? 0
  await mkdir(join(folder, 'onnx'), { recursive: true })
  const json = (name: string, value: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 1)}\n`)
  await Promise.all([
    json('config.json', llamaConfig(shape, end)),
    json('generation_config.json', { eos_token_id: end, pad_token_id: end, do_sample: false }),
    json('tokenizer.json', tokenizerJson(vocabulary)),
    json('tokenizer_config.json', tokenizerConfig(shape.context)),
    writeFile(join(folder, 'onnx', 'model.onnx'), decoderGraph(shape, parameters, weights)),
  ])
}

const llamaConfig = (shape: Shape, end: number) => ({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: shape.vocabulary,
  hidden_size: shape.width,
  intermediate_size: shape.inner,
  num_hidden_layers: shape.layers,
  num_attention_heads: shape.heads,
  num_key_value_heads: shape.heads,
  head_dim: headWidth(shape),
  hidden_act: 'silu',
  max_position_embeddings: shape.context,
  rope_theta: shape.theta,
  rms_norm_eps: shape.epsilon,
  tie_word_embeddings: true,
  bos_token_id: null,
  eos_token_id: end,
  pad_token_id: end,
})
