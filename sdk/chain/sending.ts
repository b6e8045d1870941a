/** What is asked of a chain once something is to be sent. A browser brings it only then. */
export {
  estimateFeesPerGas,
  estimateGas,
  getGasPrice,
  sendRawTransaction,
  waitForTransactionReceipt,
} from 'viem/actions'
