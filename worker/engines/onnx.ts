/**
 * The one door to ONNX Runtime. Its official builds for Linux and macOS report models, devices and errors to their maker
 * unless this variable is set before the first session; what a node serves is nobody else's business. (On Windows the
 * reports go to the operating system's own tracing, which only its owner can switch off.)
 */
process.env.ORT_DISABLE_TELEMETRY = '1'

/**
 * Float32 is float32. CUDA's libraries may multiply it with 10 bits of mantissa (TF32), and ONNX Runtime lets them: log-
 * probabilities were then 1e-3 from the CPU's, embeddings 4e-4, which is where a model of fewer bits begins to hide. Who
 * wants the speed exports float16, and says so in the pod.
 */
process.env.NVIDIA_TF32_OVERRIDE = '0'

export { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node'
