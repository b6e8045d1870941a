import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a node says of a question that it cannot answer, beside the question's id. */
export const OUT_OF_STEP = { error: { code: -32000, message: 'header not found' } }

export interface Question {
  id: number
  method: string
  params: { data?: string }[]
}

/** A way to the chain whose node answers with something else what is to fall ill, one question after the other. */
export interface IllNode {
  readonly url: string
  /** Questions so far. */
  asked: number
  /** What is said instead of the answer to the question of this number; undefined lets it through. */
  says(asked: number, question: Question): object | undefined
  close(): void
}

/** Between a client and the node at `rpcUrl`; well at first. */
export async function startIllNode(rpcUrl: string): Promise<IllNode> {
  const { hostname, port } = new URL(rpcUrl)
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const body = Buffer.concat(parts)
    const questions = JSON.parse(body.toString())
    const all: Question[] = Array.isArray(questions) ? questions : [questions]
    const instead = all.map((question) => {
      node.asked += 1
      return node.says(node.asked, question)
    })
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const onward = httpRequest({ hostname, port, method: 'POST', headers }, async (answer) => {
      const bytes: Buffer[] = []
      for await (const part of answer) bytes.push(part)
      const answers = [JSON.parse(Buffer.concat(bytes).toString())].flat()
      const told = all.map(({ id }, at) =>
        instead[at] ? { jsonrpc: '2.0', id, ...instead[at] } : answers.find((each) => each.id === id),
      )
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(Array.isArray(questions) ? told : told[0]))
    })
    onward.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const node: IllNode = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: 0,
    says: () => undefined,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
  return node
}
