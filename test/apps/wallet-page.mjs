/* Runs in the page before anything else: a wallet that announces itself (EIP-6963) and passes everything on. */
const provider = {
  async request({ method, params }) {
    const reply = await window.testWallet(method, params ?? [])
    if (reply.error) throw Object.assign(new Error(reply.error.message), { code: reply.error.code })
    return reply.result
  },
  on() {},
  removeListener() {},
}
const info = {
  uuid: '0d6d3a55-3b3c-4e5b-9d3c-d0f7a2a6d7a1',
  name: 'Test Wallet',
  icon: 'data:image/svg+xml,<svg/>',
  rdns: 'test',
}
const detail = Object.freeze({ info, provider })
const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
window.addEventListener('eip6963:requestProvider', announce)
announce()
