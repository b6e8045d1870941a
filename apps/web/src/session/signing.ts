/** What signs and sends; it comes once somebody acts. */
export { sendTransaction, signTypedData } from 'viem/actions'
