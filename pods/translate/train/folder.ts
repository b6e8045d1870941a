import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Vocabulary } from '../../training/bpe.ts'
import type { Parameters } from '../../training/parameters.ts'
import { decoderGraph, encoderGraph } from './graphs.ts'
import type { Shape } from './model.ts'
import { END, PAD, tokenizerConfig, tokenizerJson } from './vocabulary.ts'

/** Writes the Hugging Face folder that Transformers.js and our engine load. */
export async function writeFolder(
  folder: string,
  shape: Shape,
  vocabulary: Vocabulary,
  parameters: Parameters,
  weights: Float32Array,
): Promise<void> {
  const [end, pad] = [vocabulary.ids.get(END) ?? 0, vocabulary.ids.get(PAD) ?? 0]
  const marks = { bos_token_id: end, eos_token_id: end, pad_token_id: pad, decoder_start_token_id: end }
  await mkdir(join(folder, 'onnx'), { recursive: true })
  const json = (name: string, value: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 1)}\n`)
  await Promise.all([
    json('config.json', m2m100Config(shape, marks)),
    json('generation_config.json', { ...marks, max_length: shape.context, do_sample: false }),
    json('tokenizer.json', tokenizerJson(vocabulary)),
    json('tokenizer_config.json', tokenizerConfig(shape.context)),
    writeFile(join(folder, 'onnx', 'encoder_model.onnx'), encoderGraph(shape, parameters, weights)),
    writeFile(join(folder, 'onnx', 'decoder_model_merged.onnx'), decoderGraph(shape, parameters, weights)),
  ])
}

export const m2m100Config = (shape: Shape, marks: Record<string, number>) => ({
  architectures: ['M2M100ForConditionalGeneration'],
  model_type: 'm2m_100',
  is_encoder_decoder: true,
  vocab_size: shape.vocabulary,
  d_model: shape.width,
  encoder_layers: shape.layers,
  decoder_layers: shape.layers,
  encoder_attention_heads: shape.heads,
  decoder_attention_heads: shape.heads,
  encoder_ffn_dim: shape.inner,
  decoder_ffn_dim: shape.inner,
  activation_function: 'gelu',
  scale_embedding: true,
  max_position_embeddings: shape.context,
  ...marks,
})
