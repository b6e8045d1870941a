import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Shape } from '../../chat/train/model.ts'
import type { Vocabulary } from '../../training/bpe.ts'
import type { Parameters } from '../../training/parameters.ts'
import { encoderGraph } from './encoder.ts'
import { PAD, tokenizerConfig, tokenizerJson } from './vocabulary.ts'

/** Writes the Hugging Face folder that Transformers.js and our engine load. */
export async function writeFolder(
  folder: string,
  shape: Shape,
  vocabulary: Vocabulary,
  parameters: Parameters,
  weights: Float32Array,
): Promise<void> {
  await mkdir(join(folder, 'onnx'), { recursive: true })
  const json = (name: string, value: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 1)}\n`)
  await Promise.all([
    json('config.json', modernBertConfig(shape, vocabulary.ids.get(PAD) ?? 0)),
    json('tokenizer.json', tokenizerJson(vocabulary)),
    json('tokenizer_config.json', tokenizerConfig(shape.context)),
    writeFile(join(folder, 'onnx', 'model.onnx'), encoderGraph(shape, parameters, weights)),
  ])
}

export const modernBertConfig = (shape: Shape, pad: number) => ({
  architectures: ['ModernBertModel'],
  model_type: 'modernbert',
  vocab_size: shape.vocabulary,
  hidden_size: shape.width,
  intermediate_size: shape.inner,
  num_hidden_layers: shape.layers,
  num_attention_heads: shape.heads,
  hidden_activation: 'gelu',
  max_position_embeddings: shape.context,
  global_attn_every_n_layers: 1,
  global_rope_theta: shape.theta,
  norm_eps: shape.epsilon,
  norm_bias: false,
  attention_bias: false,
  mlp_bias: false,
  pad_token_id: pad,
})
