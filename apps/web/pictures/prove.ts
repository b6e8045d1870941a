import type { Address, Hex } from 'viem'
import { domainOf } from '../../../sdk/chain/network.ts'
import { receiptDocumentSchema } from '../../../sdk/documents.ts'
import { later, refused } from '../../../sdk/errors.ts'
import { manifestHash, parseManifest } from '../../../sdk/protocol/manifest.ts'
import { createHasher } from '../../../sdk/protocol/messages.ts'
import { createTransport } from '../../../sdk/transport.ts'
import { verifyReceipt } from '../../../sdk/verify.ts'

/** Whether a picture is what it says: asked by this input, answered by these bytes, signed by a node of the network. */

export interface Network {
  routerUrl: string
  rpcUrl: string
  chainId: number
  ledger: Address
}

export interface Claim {
  request: Hex
  /** As it was sent. */
  input: Uint8Array
  /** As it was delivered. */
  png: Uint8Array
}

/** What must hold of the receipt; whether it is settled yet is no matter here. */
const NEEDED = ['pinned', 'request', 'bytes', 'price', 'node', 'router']
/** Nothing of batches is read: their data may be large, and proves nothing about the picture. */
const MOST_LEAVES = 0

/**
 * @returns the name of the image pod that made it.
 * @throws `picture.unproven` (refused) naming what does not hold; `receipt.unknown` (refused);
 *         `router.unreachable`, `chain.unreachable`, `picture.unchecked` (later).
 */
export async function provePicture(claim: Claim, network: Network): Promise<string> {
  const { request, input, png } = claim
  const checks = await verifyReceipt(request, {
    ...network,
    bytes: png,
    whole: true,
    input,
    mostLeaves: MOST_LEAVES,
  })
  // Neither is the caller's fault: where the router settles is for the operator to put right.
  const foreign = checks.find(({ name, ok }) => !ok && (name === 'chain' || name === 'ledger'))
  if (foreign) {
    throw later('picture.unchecked', 'the router and this server look at different chains', {
      fix: 'Tell the operator of this page; the picture may be shared once that is mended.',
    })
  }
  const byName = new Map(checks.map((each) => [each.name, each]))
  for (const name of NEEDED) {
    const check = byName.get(name)
    if (check?.ok && check.checked) continue
    const found = check?.detail ?? checks.find(({ ok }) => !ok)?.detail ?? 'it was not checked'
    throw unproven(`${name}: ${found}`)
  }
  return modelOf(request, network)
}

/** The name in the manifest that the payer signed for. */
async function modelOf(request: Hex, { routerUrl, chainId, ledger }: Network): Promise<string> {
  const transport = createTransport(routerUrl)
  const { request: signed } = await transport.get(`/v1/receipts/${request}`, receiptDocumentSchema)
  const hasher = createHasher(domainOf({ chainId, addresses: { ledger } }))
  if (hasher.struct('Request', signed) !== request) throw unproven('request: it is shown in two ways')
  const bytes = await transport.bytes(`/v1/pods/${signed.pod}/manifest?version=${signed.manifest}`)
  if (manifestHash(bytes) !== signed.manifest) throw unproven('price: its manifest is another one')
  const { kind, name } = parseManifest(bytes)
  if (kind !== 'image') throw unproven(`'${name}' makes no pictures`)
  return name
}

const unproven = (what: string) =>
  refused('picture.unproven', `the receipt does not prove this picture: ${what}`, {
    fix: 'Share the picture as the network delivered it, with the input that asked for it.',
  })
