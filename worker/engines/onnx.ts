/**
 * The one door to ONNX Runtime. Its official builds for Linux and macOS report models, devices and errors to their maker
 * unless this variable is set before the first session; what a node serves is nobody else's business. (On Windows the
 * reports go to the operating system's own tracing, which only its owner can switch off.)
 */
process.env.ORT_DISABLE_TELEMETRY = '1'

export { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node'
