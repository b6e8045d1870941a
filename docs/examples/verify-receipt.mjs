// Verifies one paid call from its bytes to the debit on chain, with viem alone: no code of Heurist is trusted.
//
//   node verify-receipt.mjs ROUTER_URL RPC_URL REQUEST [OUTPUT_FILE] [--ledger ADDRESS | --network FILE]
//
// The ledger is yours to know, and never the router's to say: its address, or a file that names it and its chain (a
// deployment record, or the network.json of a home). Default: network.json in HEURIST_HOME, or in .heurist.
// OUTPUT_FILE holds the output bytes exactly as they were delivered; without it they alone stay unchecked.
// The router is asked what it claims; every claim is recomputed from signatures and from the chain.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  compactSignatureToSignature,
  concat,
  createPublicClient,
  decodeFunctionData,
  encodeAbiParameters,
  hashStruct,
  http,
  isAddress,
  isAddressEqual,
  keccak256,
  parseAbi,
  parseAbiParameters,
  parseEventLogs,
  recoverTypedDataAddress,
  serializeSignature,
  size,
  slice,
} from 'viem'

const { values: options, positionals } = parseArgs({
  options: { ledger: { type: 'string' }, network: { type: 'string' } },
  allowPositionals: true,
})
const [routerUrl, rpcUrl, request, outputFile] = positionals
const file = options.network ?? join(process.env.HEURIST_HOME ?? '.heurist', 'network.json')
const known = options.ledger === undefined && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
const ledger = options.ledger ?? known.addresses?.ledger
if (!request || !isAddress(ledger ?? '', { strict: false })) {
  console.error(
    'usage: node verify-receipt.mjs ROUTER_URL RPC_URL REQUEST [OUTPUT_FILE] [--ledger ADDRESS | --network FILE]',
  )
  if (request) console.error(`no ledger to trust: none is named, and ${file} names none`)
  process.exit(2)
}

const fields = (text) =>
  text.split(', ').map((field) => {
    const [type, name] = field.split(' ')
    return { type, name }
  })
const types = {
  Request: fields(
    'address payer, bytes32 id, uint32 pod, bytes32 manifest, uint32 frontend, uint32 node, uint128 maxPrice, uint40 deadline, bytes32 input',
  ),
  Voucher: fields('address router, uint128 ceiling, uint40 expiry, bytes32 request'),
  Receipt: fields(
    'bytes32 request, uint32 node, uint64 unitsIn, uint64 unitsOut, uint64 length, uint8 end, uint128 price, bytes32 output, bytes32 evidence, uint40 completedAt',
  ),
  Ack: fields('address payer, uint128 charged, uint64 count, bytes32 receipt'),
}
const LEAF = parseAbiParameters(
  'address payer, uint128 charged, uint64 count, bytes32 request, bytes32 receipt, uint32 node, uint128 nodeGross, uint32 pod, uint128 podGross, uint32 frontend, uint128 frontendGross',
)
const ledgerAbi = parseAbi([
  'event BatchSettled(address indexed router, uint64 indexed seq, bytes32 batchHash, bytes32 root, bytes32 dataHash, uint256 gross, uint256 floatUsed)',
  'event LineSkipped(address indexed router, uint64 indexed seq, uint256 index, uint8 reason)',
  'function settle(bytes batch)',
  'function registry() view returns (address)',
  'function rootOf(address router, uint64 seq) view returns (bytes32)',
  'function accountOf(address router, address key) view returns ((uint128 spent, uint128 deposited, uint128 thawing, uint40 thawedAt, address owner))',
  'function routerOf(address router) view returns ((uint96 earned, uint96 float, uint64 seq, bytes32 batchHash, uint128 gross, uint128 collected, uint32 epoch, bool allowed))',
  'function grossOf(address router, uint8 role, uint32 id) view returns (uint256)',
])
const registryAbi = parseAbi([
  'function signerLife(address signer) view returns ((uint32 node, uint40 since, uint40 until))',
  'function isVersion(uint32 pod, bytes32 manifest) view returns (bool)',
])

let failures = 0
function check(name, ok, detail) {
  if (!ok) failures += 1
  console.log(`${ok ? '✓' : '✗'} ${name.padEnd(9)} ${detail}`)
}

function unchecked(name, detail) {
  console.log(`– ${name.padEnd(9)} not checked: ${detail}`)
}

function refuse(why) {
  console.log(`✗ ${'ledger'.padEnd(9)} ${why}`)
  process.exit(1)
}

async function get(path) {
  const response = await fetch(routerUrl.replace(/\/+$/, '') + path)
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${await response.text()}`)
  return new Uint8Array(await response.arrayBuffer())
}
const json = (bytes) => JSON.parse(new TextDecoder().decode(bytes))

// What the router claims.
const network = json(await get('/v1/network'))
const claim = json(await get(`/v1/receipts/${request}`))
const { receipt, ack, leaf, batch } = claim
if (!receipt) throw new Error(`there is no receipt: ${claim.status} ${JSON.stringify(claim.error ?? '')}`)
const router = network.router.address
const client = createPublicClient({ transport: http(rpcUrl) })
const chainId = await client.getChainId()
if (known.chainId !== undefined && known.chainId !== chainId)
  refuse(`${rpcUrl} is chain ${chainId}, and ${file} is of chain ${known.chainId}`)
if (!isAddressEqual(network.addresses.ledger, ledger))
  refuse(`the router names ledger ${network.addresses.ledger}, not ${ledger}`)
if (network.chainId !== chainId) refuse(`the router names chain ${network.chainId}, not ${chainId}`)
const domain = { name: 'Heurist', version: '1', chainId, verifyingContract: ledger }
const read = (functionName, args) =>
  client.readContract({ address: ledger, abi: ledgerAbi, functionName, args })
const registry = await read('registry', [])
const ask = (functionName, args) =>
  client.readContract({ address: registry, abi: registryAbi, functionName, args })

const full = (signature) =>
  size(signature) === 64
    ? serializeSignature(
        compactSignatureToSignature({ r: slice(signature, 0, 32), yParityAndS: slice(signature, 32) }),
      )
    : signature
const structOf = (primaryType, data) => hashStruct({ types, primaryType, data })
const signerOf = (primaryType, message, signature) =>
  recoverTypedDataAddress({ domain, types, primaryType, message, signature: full(signature) })

// 1. The request is the one that was asked about; its manifest is a version that the pod published.
check('request', structOf('Request', claim.request) === request.toLowerCase(), `hashes to ${request}`)
const { pod, manifest, maxPrice } = claim.request
const yaml = await get(`/v1/pods/${pod}/manifest?version=${manifest}`)
check(
  'manifest',
  keccak256(yaml) === manifest && (await ask('isVersion', [pod, manifest])),
  `pod ${pod}, ${manifest}`,
)
const price = BigInt(receipt.price)
check('price', price <= BigInt(maxPrice), `${price} of at most ${maxPrice} (1e-6 USD)`)

// 2. The bytes that were delivered are the bytes that the node signed for.
if (outputFile) {
  const bytes = readFileSync(outputFile)
  const delivered = receipt.end === 1 ? bytes.subarray(0, Number(receipt.length)) : bytes
  const ok = BigInt(delivered.length) === BigInt(receipt.length) && keccak256(delivered) === receipt.output
  check('bytes', ok, `${delivered.length} bytes hash to ${keccak256(delivered)}`)
}

// 3. The node signed the receipt with a key that the registry knows; the router countersigned it for this payer.
const nodeKey = await signerOf('Receipt', receipt, claim.signature)
const life = await ask('signerLife', [nodeKey])
const nodeKnown =
  receipt.node !== 0 &&
  life.node === receipt.node &&
  life.since <= receipt.completedAt &&
  (life.until === 0 || receipt.completedAt <= life.until)
check(
  'node',
  nodeKnown && receipt.request === request.toLowerCase(),
  `node ${receipt.node} signed with ${nodeKey}`,
)
const routerKey = await signerOf('Ack', ack, claim.ackSignature)
const receiptHash = structOf('Receipt', receipt)
const acknowledged = ack.receipt === receiptHash && isAddressEqual(ack.payer, claim.request.payer)
check(
  'router',
  isAddressEqual(routerKey, router) && acknowledged,
  `${routerKey} counts ${ack.charged} in all`,
)

// 4. The leaf says the same, and stands under the root that the chain holds for this batch.
if (!batch || !leaf || claim.status !== 'settled') throw new Error(`not settled yet: ${claim.status}`)
if (!batch.proof) throw new Error('the router is busy with other proofs: ask again in a second')
const agrees =
  isAddressEqual(leaf.payer, ack.payer) &&
  leaf.request === request.toLowerCase() &&
  leaf.receipt === receiptHash &&
  BigInt(leaf.charged) === BigInt(ack.charged) &&
  BigInt(leaf.count) === BigInt(ack.count) &&
  leaf.node === receipt.node &&
  leaf.pod === pod &&
  leaf.frontend === claim.request.frontend
const hashLeaf = (values) => keccak256(keccak256(encodeAbiParameters(LEAF, values)))
const leafHash = hashLeaf(LEAF.map(({ name }) => leaf[name]))
const pair = (a, b) => keccak256(concat(BigInt(a) <= BigInt(b) ? [a, b] : [b, a]))
const root = batch.proof.reduce(pair, leafHash)
check('leaf', agrees, leafHash)
const posted = await read('rootOf', [router, BigInt(batch.seq)])
// A node of the chain that has not come to the batch yet convicts nobody of it.
const behind = BigInt(batch.block ?? 0) - (await client.getBlockNumber())
if (BigInt(posted) === 0n && behind > 0n && behind <= 20_000n)
  throw new Error(`${rpcUrl} is ${behind} blocks behind the batch, in block ${batch.block}: try again later`)
check('root', root === posted, `${root} is batch ${batch.seq}`)

// 5. The transaction settled that batch: its event, its bytes and the data behind it belong together.
const [transaction, mined] = await Promise.all([
  client.getTransaction({ hash: batch.txHash }),
  client.getTransactionReceipt({ hash: batch.txHash }),
])
const logs = parseEventLogs({
  abi: ledgerAbi,
  logs: mined.logs.filter((log) => isAddressEqual(log.address, ledger)),
})
const settled = logs.find((log) => log.eventName === 'BatchSettled')?.args
const packed = decodeFunctionData({ abi: ledgerAbi, data: transaction.input }).args[0]
check(
  'batch',
  isAddressEqual(transaction.to, ledger) &&
    isAddressEqual(settled.router, router) &&
    settled.seq === BigInt(batch.seq) &&
    settled.batchHash === keccak256(packed) &&
    settled.root === root,
  `${size(packed)} bytes in ${batch.txHash}`,
)
// Data is served for 30 days; a router that withholds it sooner, by the chain's clock, does not get past this line.
const DAYS = 30
const [then, now] = await Promise.all([
  client.getBlock({ blockNumber: mined.blockNumber }),
  client.getBlock(),
])
const days = Number(now.timestamp - then.timestamp) / 86_400
const column = Object.fromEntries(LEAF.map(({ name }, index) => [name, index]))
const isSame = (a, b) => String(a).toLowerCase() === String(b).toLowerCase()

/** A document of this batch that the router serves under a path, and that hashes to what was promised. */
async function document(path, hash) {
  const bytes = await get(path)
  if (keccak256(bytes) !== hash) throw new Error(`${path} is not what was posted`)
  const found = json(bytes)
  if (!isSame(found.router, router) || BigInt(found.seq) !== BigInt(batch.seq))
    throw new Error(`${path} is of another batch`)
  return found
}

/** All leaves behind `dataHash`, part by part: an index names the hash of each part, and parts hold the leaves in order. */
async function* allLeaves() {
  const path = `/v1/batches/${batch.seq}`
  const index = await document(path, settled.dataHash)
  let seen = 0
  for (const [part, hash] of index.parts.entries()) {
    const found = await document(`${path}/parts/${part}`, hash)
    const expected = Math.min(index.partLeaves, index.leaves - part * index.partLeaves)
    if (found.part !== part || found.leaves.length !== expected)
      throw new Error(`part ${part} is another one`)
    seen += expected
    yield* found.leaves
  }
  if (seen !== index.leaves) throw new Error(`${seen} leaves of ${index.leaves}`)
}

/** The root over leaves: node i has children 2i+1 and 2i+2, the leaves stand at the end, last leaf first. */
function rootOf(hashes) {
  const nodes = [...new Array(hashes.length - 1), ...hashes.toReversed()]
  for (let node = hashes.length - 2; node >= 0; node -= 1)
    nodes[node] = pair(nodes[2 * node + 1], nodes[2 * node + 2])
  return nodes[0]
}

/** What the data says of this payer and of the call's payees; nothing unless all of it is there. */
async function readData() {
  const hashes = []
  const own = []
  const near = { node: [], pod: [], frontend: [] }
  const runs = new Map()
  let copies = 0
  const newest = { node: 0n, pod: 0n, frontend: 0n }
  for await (const row of allLeaves()) {
    hashes.push(hashLeaf(row))
    if (isSame(row[column.payer], ack.payer)) {
      const [charged, count] = [BigInt(row[column.charged]), BigInt(row[column.count])]
      own.push({ request: row[column.request], receipt: row[column.receipt], charged, count })
    }
    const isIt = isSame(row[column.request], request)
    if (isIt) copies += 1
    // A call costs what its payer was charged more than before; a payer's first one, what is left of the payer's line.
    const total = BigInt(row[column.charged])
    const payer = row[column.payer].toLowerCase()
    const run = runs.get(payer)
    runs.set(payer, { from: run?.from ?? total, to: total })
    for (const name of Object.keys(newest)) {
      if (row[column[name]] !== leaf[name]) continue
      const [gross, to] = [BigInt(row[column[`${name}Gross`]]), BigInt(leaf[`${name}Gross`])]
      if (gross > newest[name]) newest[name] = gross
      // Another call that may take of this one's part of the gross: the payee would be credited once for both.
      if (!isIt && gross > to - price)
        near[name].push({
          request: row[column.request],
          receipt: row[column.receipt],
          payer,
          cost: run && total - run.to,
          over: gross - to,
        })
    }
  }
  own.sort((a, b) => Number(a.count - b.count))
  return { leaves: hashes.length, root: rootOf(hashes), own, newest, copies, near, runs }
}

let withheld
const data = await readData().catch((cause) => {
  withheld = cause
})
if (data) {
  const found = `${data.leaves} leaves behind ${settled.dataHash}`
  check('data', data.root === settled.root, found)
} else if (days < DAYS || !/ 410 /.test(withheld.message)) check('data', false, withheld.message)
else
  unchecked(
    'data',
    `posted ${Math.floor(days)} days ago, kept for ${DAYS}: the debit is not recomputed from it`,
  )

// 6. The batch debits this payer's voucher and credits node, pod and frontend, this call among them.
//    header 112 B: seq 8 | prev 32 | root 32 | dataHash 32 | 4 counts of 2
//    payer 115 B: r 32 | vs 32 | request 32 | ceiling 8 | expiry 5 | charge 6;  payee 10 B: id 4 | amount 6
const uint = (from, bytes) => BigInt(slice(packed, from, from + bytes))
const counts = [0, 1, 2, 3].map((index) => Number(uint(104 + 2 * index, 2)))
const skipped = logs.filter((log) => log.eventName === 'LineSkipped').map((log) => Number(log.args.index))
let at = 112
let floated = false
const lines = new Map() // what each payer is charged
let debit = 0n // of this payer's voucher, by itself or, if its line was skipped, by the router's float
for (let line = 0; line < counts[0]; line += 1, at += 115) {
  const voucher = {
    router,
    request: slice(packed, at + 64, at + 96),
    ceiling: uint(at + 96, 8),
    expiry: Number(uint(at + 104, 5)),
  }
  const key = await signerOf('Voucher', voucher, slice(packed, at, at + 64))
  lines.set(key.toLowerCase(), (lines.get(key.toLowerCase()) ?? 0n) + uint(at + 109, 6))
  if (!isAddressEqual(key, ack.payer)) continue
  debit += uint(at + 109, 6)
  if (skipped.includes(line)) floated = true
}
/** What the payer's first call of a batch cost: nothing was charged before its very first; else its receipt says. */
async function priceOf(first) {
  if (first.count === 1n) return first.charged
  const shown = json(await get(`/v1/receipts/${first.request}`)).receipt
  if (!shown || structOf('Receipt', shown) !== first.receipt) throw new Error('a receipt that is not shown')
  return BigInt(shown.price)
}

/** What the payer's calls of this batch cost in all; undefined if its leaves do not follow each other. */
async function costOf(own) {
  const first = own[0]
  const follows = own.every((each, index) => {
    const before = own[index - 1]
    const begins = isSame(each.request, request) ? each.charged - price : before?.charged
    return !before || (each.count === before.count + 1n && before.charged === begins)
  })
  if (!follows || !own.some((each) => isSame(each.request, request))) return
  const from = first.charged - (isSame(first.request, request) ? price : await priceOf(first))
  return from < 0n ? undefined : own.at(-1).charged - from
}

/** Whether a call cost nothing, by its signed receipt: only such a one ends where another did. */
async function wasFree(call) {
  const shown = await get(`/v1/receipts/${call.request}`).then(json, () => ({}))
  return (
    shown.receipt !== undefined &&
    BigInt(shown.receipt.price) === 0n &&
    structOf('Receipt', shown.receipt) === call.receipt
  )
}

/**
 * What the payer was charged in all: its newest settled leaf says it, which the router shows under a posted root. It can
 * convict, not acquit: a router can make a leaf up, and only the payer knows that it made no such call.
 */
async function chargedInAll() {
  const { seq: last } = await read('routerOf', [router])
  const shown = json(await get(`/v1/accounts/${ack.payer}/leaf?batch=${last}`))
  const top = shown.proof.reduce(pair, hashLeaf(LEAF.map(({ name }) => shown.leaf[name])))
  const posted = await read('rootOf', [router, BigInt(shown.seq)])
  if (!isAddressEqual(shown.leaf.payer, ack.payer) || BigInt(posted) === 0n || top !== posted)
    throw new Error('the newest leaf that the router shows is not in the batch that it names')
  return BigInt(shown.leaf.charged)
}

const by = floated ? `the router's float paid for ${ack.payer}` : `${ack.payer} paid`
if (!data) {
  const found = `${by} ${debit}, this call's ${price} among it`
  if (debit < price) check('debit', false, found)
  else unchecked('debit', found)
} else {
  const { spent } = await read('accountOf', [router, ack.payer])
  const cost = await costOf(data.own)
  const to = data.own.at(-1)?.charged ?? 0n
  const charged = spent <= to ? spent : await chargedInAll()
  const inAll = spent <= charged ? '' : `; ${spent} were debited in all, and leaves charge ${charged}`
  const found = `${by} ${debit}, and its calls of this batch cost ${cost}${inAll}`
  const distinct = new Set(data.own.map((each) => each.request)).size === data.own.length && data.copies === 1
  if (!distinct) check('debit', false, 'a call stands as more than one leaf of the batch')
  else if (debit !== cost || inAll) check('debit', false, found)
  else if (spent <= to) check('debit', true, found)
  else
    unchecked(
      'debit',
      `${found}; ${spent} in all: whether the payer made the later calls, its own journal tells`,
    )
}

// A router can make leaves up: that the payer made the calls that it was debited for, its own journal alone tells.
unchecked('journal', "`heurist receipt verify` reads the payer's, where the call was made")

/** What another call cost by the leaves and lines of its payer; undefined where no line is of that payer. */
function costOfOther({ payer, cost }) {
  const line = lines.get(payer)
  const { from, to } = data.runs.get(payer)
  return line === undefined ? undefined : (cost ?? line - (to - from))
}

/** Whether no other call takes of this one's part of a payee's gross; undefined where that is not known. */
async function isAlone(near) {
  const others = near.map((other) => ({ ...other, cost: costOfOther(other) }))
  // Leaves that charge less than nothing are a lie, and hide where a call begins.
  if (others.some(({ cost, over }) => cost < 0n || (cost > 0n && cost > over))) return false
  // Only a call that cost nothing ends where another did.
  const inside = others.filter(({ over }) => over <= 0n)
  const free = await Promise.all(inside.slice(0, 8).map(wasFree))
  if (free.includes(false)) return false
  return inside.length > free.length || others.some(({ cost, over }) => over > 0n && cost === undefined)
    ? undefined
    : true
}

// A cumulative figure was raised from `to - amount` to `to`; this call raised it from `after - price` to `after`.
const covers = (to, amount, after) => amount <= to && to - amount <= after - price && after <= to
for (const [role, name] of ['node', 'pod', 'frontend'].entries()) {
  let credit = 0n
  for (let line = 0; line < counts[role + 1]; line += 1, at += 10) {
    if (Number(uint(at, 4)) === leaf[name]) credit = uint(at + 4, 6)
  }
  const after = BigInt(leaf[`${name}Gross`])
  const gross = await read('grossOf', [router, role, leaf[name]])
  const found = `${name} ${leaf[name]}: ${credit} in this batch, ${gross} in all`
  const to = data?.newest[name]
  const title = name === 'node' ? 'credit' : ''
  const alone = data && (await isAlone(data.near[name]))
  if (alone === false) check(title, false, `${found}: another call shares this one's part`)
  else if (data && !(covers(to, credit, after) && gross >= to)) check(title, false, found)
  else if (alone) check(title, true, found)
  else if (credit < price || gross < after) check(title, false, found)
  else unchecked(title, found)
}

console.log(failures === 0 ? 'the receipt holds' : `${failures} checks failed`)
process.exitCode = failures === 0 ? 0 : 1
