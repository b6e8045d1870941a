/** Who calls whom in the settlement bench: jobs pair payers, nodes, pods and frontends at random, by a seed. */
export const SEED = 20_261_125

/** How many of each there are. */
export interface Population {
  payers: number
  nodes: number
  pods: number
  frontends: number
}

/** Each index counts from 0; `price` is base units. */
export interface Job {
  payer: number
  node: number
  pod: number
  frontend: number
  price: bigint
}

const LEAST_PRICE = 1_000

/** An endless line of jobs; the same seed gives the same ones. Prices are 0.1 to 0.2 cents. */
export function* jobsOf(population: Population, seed: number): Generator<Job, never> {
  const random = mulberry32(seed)
  const below = (count: number) => Math.floor(random() * count)
  for (;;) {
    yield {
      payer: below(population.payers),
      node: below(population.nodes),
      pod: below(population.pods),
      frontend: below(population.frontends),
      price: BigInt(LEAST_PRICE + below(LEAST_PRICE)),
    }
  }
}

/** The next `count` jobs of a line. */
export function take(jobs: Iterator<Job, never>, count: number): Job[] {
  return Array.from({ length: count }, () => jobs.next().value)
}

/** A small seeded generator, good enough to pair jobs. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
