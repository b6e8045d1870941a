/* Runs in the page before anything else: a wallet that announces itself (EIP-6963) and passes everything on to `about.channel`. */
/* global about */
const provider = {
  async request({ method, params }) {
    const reply = await window[about.channel](method, params ?? [])
    if (reply.error) throw Object.assign(new Error(reply.error.message), { code: reply.error.code })
    return reply.result
  },
  on() {},
  removeListener() {},
}
const info = {
  uuid: about.channel,
  name: about.name,
  icon: 'data:image/svg+xml,<svg/>',
  rdns: about.channel,
}
const detail = Object.freeze({ info, provider })
const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
window.addEventListener('eip6963:requestProvider', announce)
announce()
