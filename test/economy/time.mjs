// Loaded before anything else (`node --import`): the process lives in the time of the chain, which a test moves forward
// by weeks. HEURIST_TEST_TIME names a file with the milliseconds to add. Timers and patience stay what they are.
import { readFileSync } from 'node:fs'

const REAL = Date
const realNow = Date.now.bind(Date)
/** How old a reading may be. Milliseconds. */
const FRESH = 20
let readAt = Number.NEGATIVE_INFINITY
let ahead = 0

function offset() {
  const at = performance.now()
  const file = process.env.HEURIST_TEST_TIME
  if (file && at - readAt > FRESH) {
    readAt = at
    try {
      ahead = Number(readFileSync(file, 'utf8')) || 0
    } catch {
      ahead = 0
    }
  }
  return ahead
}

globalThis.Date = class extends REAL {
  constructor(...parts) {
    if (parts.length === 0) super(realNow() + offset())
    else super(...parts)
  }
  static now() {
    return realNow() + offset()
  }
}
