import { expect } from 'chai'
import { createQueue, type Waiting } from '../../keepers/router/queue.ts'

interface Call extends Waiting {
  name: string
}

const call = (name: string, payer: string, deadlineMs = 0, cost = 1): Call => ({
  name,
  payer,
  deadlineMs,
  cost,
})

function serveAll(queue: ReturnType<typeof createQueue<Call>>): string[] {
  const names: string[] = []
  while (queue.size > 0) {
    const [next] = queue.inOrder()
    if (!next) break
    queue.take(next)
    names.push(next.name)
  }
  return names
}

describe('the queue of a pod', () => {
  it('lets payers take turns, however many calls one of them sent first', () => {
    const queue = createQueue<Call>()
    for (const name of ['a1', 'a2', 'a3', 'a4']) queue.push(call(name, 'a'))
    for (const name of ['b1', 'b2']) queue.push(call(name, 'b'))

    expect(serveAll(queue)).to.deep.equal(['a1', 'b1', 'a2', 'b2', 'a3', 'a4'])
  })

  it('counts by cost: a payer of dear calls gets fewer turns', () => {
    const queue = createQueue<Call>()
    for (const name of ['a1', 'a2']) queue.push(call(name, 'a', 0, 3))
    for (const name of ['b1', 'b2', 'b3', 'b4']) queue.push(call(name, 'b', 0, 1))

    expect(serveAll(queue)).to.deep.equal(['a1', 'b1', 'b2', 'b3', 'a2', 'b4'])
  })

  it('serves the earliest deadline of a payer first', () => {
    const queue = createQueue<Call>()
    queue.push(call('late', 'a', 300))
    queue.push(call('soon', 'a', 100))
    queue.push(call('middle', 'a', 200))

    expect(serveAll(queue)).to.deep.equal(['soon', 'middle', 'late'])
  })

  it('nobody saves up turns: a payer that was away starts level with the least served', () => {
    const queue = createQueue<Call>()
    for (let index = 0; index < 6; index += 1) queue.push(call(`a${index}`, 'a'))
    for (let index = 0; index < 3; index += 1) {
      const [next] = queue.inOrder()
      if (next) queue.take(next)
    }
    for (const name of ['b0', 'b1', 'b2']) queue.push(call(name, 'b'))

    expect(serveAll(queue)).to.deep.equal(['a3', 'b0', 'a4', 'b1', 'a5', 'b2'])
  })

  it('corrects what a call really cost', () => {
    const queue = createQueue<Call>()
    queue.push(call('a1', 'a', 0, 10))
    queue.push(call('a2', 'a', 0, 10))
    queue.push(call('b1', 'b', 0, 10))
    const [first] = queue.inOrder()
    if (first) queue.take(first)
    queue.push(call('b2', 'b', 0, 10))
    queue.correct('a', -10)

    expect(serveAll(queue)[0]).to.equal('a2')
  })

  it('forgets a call that is taken back, once', () => {
    const queue = createQueue<Call>()
    const one = call('a1', 'a')
    queue.push(one)

    expect(queue.remove(one)).to.equal(true)
    expect(queue.remove(one)).to.equal(false)
    expect(queue.size).to.equal(0)
  })
})
