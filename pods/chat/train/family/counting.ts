import { type Fact, fact, type Topic } from './topic.ts'

const WORDS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  )

/** Sums and differences go up to this number, products up to the next. */
const SUM_LIMIT = 12
const PRODUCT_LIMIT = 12

function facts(limit: number, sign: '+' | '-' | '×', result: (a: number, b: number) => number): Fact[] {
  const numbers = Array.from({ length: limit + 1 }, (_, i) => i)
  return numbers.flatMap((a) =>
    numbers.map((b) =>
      fact(`${a} ${sign} ${b} = ${result(a, b)}.`, {
        a: `${a}`,
        b: `${b}`,
        // In words less often than in digits: the wordings with {wa} are fewer.
        wa: WORDS[a] ?? `${a}`,
        wb: WORDS[b] ?? `${b}`,
      }),
    ),
  )
}

/** Wordings for an operation that people write with any of `signs` and say with any of `verbs`. */
function wordings(signs: string, verbs: string): { asked: string[]; held: string[]; after: string[] } {
  return {
    asked: [
      `what is {a} (${signs}|${verbs}) {b}`,
      `what's {a} (${signs}|${verbs}) {b}`,
      `{a} (${signs}|${verbs}) {b}`,
      `{a} (${signs}) {b} =`,
      `how much is {a} (${signs}|${verbs}) {b}`,
      `(calculate|compute) {a} (${signs}|${verbs}) {b}`,
      `what does {a} (${verbs}) {b} (make|give|equal)`,
      `tell me {a} (${signs}|${verbs}) {b}`,
      `{a} (${verbs}) {b} (is|equals)`,
      `what is the (answer to|result of) {a} (${signs}|${verbs}) {b}`,
      `what do you get for {a} (${signs}|${verbs}) {b}`,
      `solve {a} (${signs}|${verbs}) {b}`,
      `work out {a} (${signs}|${verbs}) {b}`,
      `please work out {a} (${signs}|${verbs}) {b}`,
      `what will {a} (${signs}|${verbs}) {b} be`,
      `i need {a} (${signs}|${verbs}) {b}`,
      `i need to know {a} (${signs}|${verbs}) {b}`,
      `give me {a} (${signs}|${verbs}) {b}`,
      `show me the answer to {a} (${signs}|${verbs}) {b}`,
      `what is the value of {a} (${signs}|${verbs}) {b}`,
      `how much will {a} (${signs}|${verbs}) {b} be`,
      `can you tell what {a} (${signs}|${verbs}) {b} is`,
      `tell me what {wa} (${verbs}) {wb} is`,
      `what does {wa} (${verbs}) {wb} make`,
      `what is {wa} (${verbs}) {wb}`,
      `how much is {wa} (${verbs}) {wb}`,
      `{wa} (${verbs}) {wb}`,
    ],
    held: [
      `can you work out {a} (${signs}|${verbs}) {b}`,
      `find {a} (${signs}|${verbs}) {b}`,
      `what would {a} (${signs}|${verbs}) {b} be`,
      `i need the answer to {a} (${signs}|${verbs}) {b}`,
      `give me the result of {a} (${signs}|${verbs}) {b}`,
      `how much do you get for {a} (${signs}|${verbs}) {b}`,
      `tell me how much {wa} (${verbs}) {wb} is`,
    ],
    after: [`and {a} (${signs}|${verbs}) {b}`, `what about {a} (${signs}|${verbs}) {b}`],
  }
}

const sums: Topic = {
  name: 'sums',
  weight: 9,
  facts: facts(SUM_LIMIT, '+', (a, b) => a + b),
  ...wordings('+', 'plus'),
}

const differences: Topic = {
  name: 'differences',
  weight: 7,
  facts: facts(SUM_LIMIT, '-', (a, b) => a - b),
  ...wordings('-', 'minus'),
}

const products: Topic = {
  name: 'products',
  weight: 6,
  facts: facts(PRODUCT_LIMIT, '×', (a, b) => a * b),
  ...wordings('×|*|x', 'times'),
}

/** How many of the small unit are in one of the large one. */
const UNITS: [number, string, string][] = [
  [60, 'seconds', 'minute'],
  [60, 'minutes', 'hour'],
  [24, 'hours', 'day'],
  [7, 'days', 'week'],
  [168, 'hours', 'week'],
  [365, 'days', 'year'],
  [52, 'weeks', 'year'],
  [12, 'months', 'year'],
  [10, 'years', 'decade'],
  [100, 'years', 'century'],
  [1000, 'years', 'millennium'],
  [3600, 'seconds', 'hour'],
  [10, 'millimetres', 'centimetre'],
  [100, 'centimetres', 'metre'],
  [1000, 'millimetres', 'metre'],
  [1000, 'metres', 'kilometre'],
  [1000, 'grams', 'kilogram'],
  [1000, 'kilograms', 'tonne'],
  [1000, 'millilitres', 'litre'],
  [12, 'inches', 'foot'],
  [3, 'feet', 'yard'],
  [16, 'ounces', 'pound'],
  [8, 'bits', 'byte'],
  [1024, 'bytes', 'kibibyte'],
  [100, 'cents', 'dollar'],
  [12, 'eggs', 'dozen'],
  [3, 'sides', 'triangle'],
  [4, 'sides', 'square'],
  [6, 'faces', 'cube'],
  [360, 'degrees', 'circle'],
]

/** American spelling is understood too; the answer keeps the house's. */
const spellings = (unit: string): string[] =>
  /(met|lit)re/.test(unit) ? [unit, unit.replace(/(met|lit)re/, '$1er')] : [unit]

const units: Topic = {
  name: 'units',
  weight: 4,
  facts: UNITS.map(([count, small, large]) => {
    const article = large === 'hour' ? 'an' : 'a'
    return fact(`There are ${count} ${small} in ${article} ${large}.`, {
      x: spellings(small),
      y: spellings(large),
      a: spellings(large).map((said) => `${article} ${said}`),
    })
  }),
  asked: [
    'how many {x} are in ({a}|one {y}|1 {y})',
    'how many {x} are there in ({a}|one {y})',
    'how many {x} (does|has) ({a}|one {y}) (have|)',
    'how many {x} (make|make up|is|are) {a}',
    '{x} in {a}',
    '{x} per {y}',
    'number of {x} in {a}',
    'what is the number of {x} in {a}',
    'tell me how many {x} are in {a}',
    'one {y} is how many {x}',
    'one {y} in {x}',
    'convert one {y} to {x}',
    '{a} is how many {x}',
    '{a} contains how many {x}',
    'how many {x} do you need for {a}',
    'how many {x} go into {a}',
    'how many {x} would be in {a}',
    'how many {x} can you find in {a}',
    'how many {x} does it take to make {a}',
    'how many {x} together make {a}',
    '{a} is divided into how many {x}',
    'how do you divide {a} into {x}',
    'can you count the {x} of {a}',
    'what is {a} in {x}',
    'what is one {y} when you count {x}',
    'i need the number of {x} in one {y}',
  ],
  held: [
    'do you know how many {x} are in {a}',
    'how many {x} will i find in {a}',
    'count the {x} in {a}',
    'how many {x} fit in {a}',
    'into how many {x} is {a} divided',
    'what is one {y} in {x}',
  ],
  after: ['and {x} in {a}', 'and how many {x} are in {a}'],
}

const DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ')
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)
const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const ORDINALS = 'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'.split(
  ' ',
)

/** The neighbours of each name on a ring of names. */
function ring(kind: 'day' | 'month', names: readonly string[], direction: 'after' | 'before'): Topic {
  const step = direction === 'after' ? 1 : names.length - 1
  const [next, follows] = direction === 'after' ? ['next', 'follows'] : ['previous', 'precedes']
  return {
    name: `${kind} ${direction}`,
    weight: 1.6,
    facts: names.map((name, i) =>
      fact(`The ${kind} ${direction} ${name} is ${names[(i + step) % names.length]}.`, { x: name }),
    ),
    asked: [
      `(what|which) ${kind} (comes|is) ${direction} {x}`,
      `what comes ${direction} {x}`,
      `the ${kind} ${direction} {x}`,
      `what is the ${kind} ${direction} {x}`,
      `(what|which) ${kind} ${follows} {x}`,
      `what is the ${next} ${kind} (${direction}|from) {x}`,
      `tell me the ${kind} ${direction} {x}`,
      `${kind} ${direction} {x}`,
      direction === 'after'
        ? `if (today|it) is {x} what (${kind} is|is) next`
        : `if (today|it) is {x} what ${kind} was before`,
    ],
    held: [
      `name the ${kind} ${direction} {x}`,
      `which ${kind} is directly ${direction} {x}`,
      `do you know the ${kind} that comes ${direction} {x}`,
      `what ${kind} do we have ${direction} {x}`,
    ],
  }
}

const monthLengths: Topic = {
  name: 'days in a month',
  weight: 2,
  facts: MONTHS.map((month, i) => fact(`${month} has ${LENGTHS[i]} days.`, { x: month })),
  asked: [
    'how many days (does|has) {x} (have|)',
    'how many days are (in|there in) {x}',
    'how long is {x}',
    'days in {x}',
    'number of days in {x}',
    'tell me how many days {x} has',
    'what is the number of days in {x}',
    '{x} has how many days',
    'how many days long is {x}',
    'how many days does the month {x} last',
    'of how many days does {x} consist',
    'how many days do we count in {x}',
    'how many days make a whole {x}',
    'what is the length of {x} in days',
    'i need the number of days of {x}',
  ],
  held: [
    'do you know how many days {x} has',
    'count the days of {x}',
    'of how many days is {x} made',
    'how many days make up {x}',
  ],
  after: ['and {x}', 'what about {x}', 'and in {x}'],
}

const monthNumbers: Topic = {
  name: 'months by number',
  weight: 1.6,
  facts: MONTHS.map((month, i) =>
    fact(`${month} is the ${ORDINALS[i]} month of the year.`, { x: month, n: ORDINALS[i] ?? '' }),
  ),
  asked: [
    '(which|what) (number|month number) is {x}',
    'what is the {n} month (of the year|)',
    'which month is the {n}',
    'which month (of the year|) is {x}',
    'tell me the {n} month of the year',
    'the {n} month of the year (is|)',
    'what number is the month {x}',
    'give me the {n} month',
    'what is the name of the {n} month',
    'what do we call the {n} month',
    'which month comes {n}',
    'which month do we find at the {n} place of the year',
    'in the year which month is {n}',
    'which one is the {n} month in the year',
    'what place does {x} have among the months',
    'what is the position of {x} in the calendar',
    'at what place in the year is {x}',
    'where in the order of the months is {x}',
    'can you tell me the {n} month',
  ],
  held: [
    'name the {n} month',
    'which month comes {n} in the year',
    'what position does {x} have in the year',
    'do you know the {n} month',
  ],
}

export const counting: readonly Topic[] = [
  sums,
  differences,
  products,
  units,
  ring('day', DAYS, 'after'),
  ring('day', DAYS, 'before'),
  ring('month', MONTHS, 'after'),
  ring('month', MONTHS, 'before'),
  monthLengths,
  monthNumbers,
]

/** What the largest sum is, for whoever writes questions outside the family. */
export const LARGEST = { sum: SUM_LIMIT, product: PRODUCT_LIMIT }
