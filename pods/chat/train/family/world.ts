import { capitalised, fact, type Topic, withArticle } from './topic.ts'

/** Splits a table of `left: right` pairs, one per comma. */
const pairs = (table: string): [string, string][] =>
  table.split(',').map((line) => {
    const [left, right] = line.split(':').map((part) => part.trim())
    if (left === undefined || right === undefined) throw new SyntaxError(`no pair in "${line}"`)
    return [left, right]
  })

const CAPITALS = pairs(`
  France: Paris, Germany: Berlin, Italy: Rome, Spain: Madrid, Portugal: Lisbon, Poland: Warsaw, Austria: Vienna,
  Switzerland: Bern, Belgium: Brussels, the Netherlands: Amsterdam, Denmark: Copenhagen, Sweden: Stockholm,
  Norway: Oslo, Finland: Helsinki, Iceland: Reykjavik, Ireland: Dublin, the United Kingdom: London, Greece: Athens,
  Turkey: Ankara, Russia: Moscow, Ukraine: Kyiv, Hungary: Budapest, the Czech Republic: Prague, Romania: Bucharest,
  Bulgaria: Sofia, Croatia: Zagreb, Egypt: Cairo, Kenya: Nairobi, Nigeria: Abuja, Morocco: Rabat, Ghana: Accra,
  China: Beijing, Japan: Tokyo, South Korea: Seoul, India: New Delhi, Thailand: Bangkok, Vietnam: Hanoi,
  Indonesia: Jakarta, the Philippines: Manila, Iran: Tehran, Iraq: Baghdad, Israel: Jerusalem, Saudi Arabia: Riyadh,
  Australia: Canberra, New Zealand: Wellington, Canada: Ottawa, the United States: Washington, Mexico: Mexico City,
  Cuba: Havana, Brazil: Brasilia, Argentina: Buenos Aires, Chile: Santiago, Peru: Lima, Colombia: Bogota,
  Uruguay: Montevideo`)

/** Other ways to say a country; drawn as often as the first. */
const OTHER_NAMES: Record<string, string[]> = {
  'the United Kingdom': ['the UK', 'Britain'],
  'the United States': ['the USA', 'the US', 'America'],
  'the Netherlands': ['Netherlands', 'Holland'],
  'the Czech Republic': ['Czechia'],
}

export const COUNTRIES = CAPITALS.map(([country]) => country)

const capitals: Topic = {
  name: 'capitals',
  weight: 8,
  facts: CAPITALS.map(([country, city]) =>
    fact(`The capital of ${country} is ${city}.`, { x: [country, ...(OTHER_NAMES[country] ?? [])] }),
  ),
  asked: [
    'what is the capital (city|) of {x}',
    "what's the capital of {x}",
    '(which|what) city is the capital of {x}',
    'tell me the capital (city|) of {x}',
    'capital of {x}',
    '{x} capital (city|)',
    'the capital of {x} is',
    'do you know the capital of {x}',
    'name the capital of {x}',
    'where is the capital of {x}',
    'what city is the capital (city|) in {x}',
    'give me the capital of {x}',
    'which is the capital of {x}',
    'i want to know the capital of {x}',
    'what do they call the capital of {x}',
    'can you tell me the capital of {x}',
  ],
  held: [
    'please name the capital city of {x}',
    'i need to know the capital of {x}',
    'what would be the capital of {x}',
    'what is the name of the capital of {x}',
    'could you give me the capital city of {x}',
    'which city serves as the capital of {x}',
    '{x} has which capital',
    'say the capital of {x}',
  ],
  after: ['and {x}', 'and of {x}', 'what about {x}', 'and the capital of {x}', 'and for {x}'],
}

const capitalOf: Topic = {
  name: 'capital of which country',
  weight: 6,
  facts: CAPITALS.map(([country, city]) => fact(`${city} is the capital of ${country}.`, { x: city })),
  asked: [
    '(which|what) country has {x} as its capital',
    '{x} is the capital of (which|what) country',
    '{x} is the capital of what',
    'of which country is {x} the capital',
    'of what country is {x} the capital city',
    'whose capital is {x}',
    'what country is {x} the capital of',
    'which country is {x} the capital (city|) of',
    'tell me which country has the capital {x}',
    'the country with the capital {x}',
    'in which country is {x} the capital',
  ],
  held: [
    'name the country whose capital is {x}',
    'to which country does the capital {x} belong',
    'which country calls {x} its capital',
    '{x} is the capital city of which country',
    'do you know what country {x} is the capital of',
  ],
  after: ['and {x}', 'what about {x}'],
}

const YOUNG = pairs(`
  cow: calf, dog: puppy, cat: kitten, horse: foal, sheep: lamb, goat: kid, pig: piglet, lion: cub, bear: cub,
  duck: duckling, goose: gosling, swan: cygnet, hen: chick, frog: tadpole, kangaroo: joey, deer: fawn, owl: owlet,
  eagle: eaglet, seal: pup, rabbit: kit, whale: calf, elephant: calf, fox: cub, wolf: pup, butterfly: caterpillar`)

const young: Topic = {
  name: 'young animals',
  weight: 3,
  facts: YOUNG.map(([animal, child]) =>
    fact(`A young ${animal} is called ${withArticle(child)}.`, { x: animal, a: withArticle(animal) }),
  ),
  asked: [
    'what is (a baby|a young) {x} called',
    'what do you call a (baby|young) {x}',
    'what is the name (of|for) a (baby|young) {x}',
    'what is the (baby|young|child) of {a} called',
    'baby {x} name',
    'how do you call a (baby|young) {x}',
    'tell me what a (baby|young) {x} is called',
    'what are baby {x}s called',
    'the young of {a} is called',
  ],
  held: [
    'which word means a baby {x}',
    'what is the word for a young {x}',
    'name the young of {a}',
    'what do people call a baby {x}',
    'do you know what a young {x} is called',
  ],
  after: ['and a (baby|young) {x}', 'what about a baby {x}'],
}

const SOUNDS = pairs(`
  cow: moos, dog: barks, cat: meows, horse: neighs, sheep: bleats, pig: oinks, lion: roars, duck: quacks, owl: hoots,
  wolf: howls, frog: croaks, snake: hisses, bee: buzzes, mouse: squeaks, rooster: crows, donkey: brays, bird: sings,
  elephant: trumpets, goose: honks, hen: clucks, monkey: chatters`)

const sounds: Topic = {
  name: 'animal sounds',
  weight: 3,
  facts: SOUNDS.map(([animal, sound]) =>
    fact(`${capitalised(withArticle(animal))} ${sound}.`, { x: animal, a: withArticle(animal) }),
  ),
  asked: [
    '(what|which) sound does {a} make',
    '(what|which) noise does {a} make',
    'what does {a} (say|sound like)',
    'how does {a} (sound|go|call)',
    'what is the (sound|noise|call) of {a}',
    'tell me the sound of {a}',
    'what sound do {x}s make',
    'the {x} goes',
    'what does the {x} say',
  ],
  held: [
    'what kind of sound does {a} make',
    'which sound comes from {a}',
    'what noise is made by {a}',
    'do you know the sound that {a} makes',
    'describe the sound of {a}',
  ],
  after: ['and {a}', 'what about {a}', 'and the {x}'],
}

const LEGS = pairs(`
  spider: 8, ant: 6, bee: 6, butterfly: 6, cow: 4, dog: 4, cat: 4, horse: 4, bird: 2, chicken: 2, snake: 0, fish: 0,
  crab: 10, octopus: 0, frog: 4, lizard: 4, human: 2, fly: 6, beetle: 6, scorpion: 8, elephant: 4, penguin: 2`)

const legs: Topic = {
  name: 'legs',
  weight: 3,
  facts: LEGS.map(([animal, count]) =>
    fact(`${capitalised(withArticle(animal))} has ${count === '0' ? 'no' : count} legs.`, {
      x: animal,
      a: withArticle(animal),
    }),
  ),
  asked: [
    'how many legs does {a} have',
    'how many legs (has|has got) {a}',
    'how many legs does the {x} have',
    'how many legs are on {a}',
    'number of legs of {a}',
    'what is the number of legs of {a}',
    'tell me how many legs {a} has',
    'on how many legs does {a} walk',
    'how many feet does {a} have',
  ],
  held: [
    'count the legs of {a}',
    'do you know how many legs {a} has',
    'what number of legs does {a} have',
    '{a} has how many legs',
  ],
  after: ['and {a}', 'what about {a}'],
}

const THINGS = pairs(`
  the sky: blue, grass: green, snow: white, coal: black, a banana: yellow, a lemon: yellow, a tomato: red,
  a strawberry: red, a carrot: orange, an orange: orange, blood: red, milk: white, chocolate: brown, a leaf: green,
  the sun: yellow, a cucumber: green, a flamingo: pink, an elephant: grey, a raven: black, a cherry: red,
  a polar bear: white, a pumpkin: orange, a frog: green, a plum: purple, salt: white, gold: yellow, silver: grey,
  the sea: blue, a violet: purple, a brick: red, spinach: green, a swan: white, a pig: pink, sand: yellow`)

const colours: Topic = {
  name: 'colours of things',
  weight: 3.5,
  facts: THINGS.map(([thing, colour]) => fact(`${capitalised(thing)} is ${colour}.`, { x: thing })),
  asked: [
    '(what|which) (colour|color) is {x}',
    'what is the (colour|color) of {x}',
    "what's the (colour|color) of {x}",
    'tell me the (colour|color) of {x}',
    '(colour|color) of {x}',
    'which (colour|color) does {x} have',
    'what (colour|color) does {x} have',
    'do you know the (colour|color) of {x}',
    'what is {x} (colour|color)',
  ],
  held: [
    'name the colour of {x}',
    'in what colour does {x} come',
    'what color would you say {x} is',
    '{x} is of which colour',
    'can you tell me what color {x} is',
  ],
  after: ['and {x}', 'what about {x}', 'and the colour of {x}'],
}

const MIXES: [string, string, string][] = [
  ['red', 'blue', 'purple'],
  ['red', 'yellow', 'orange'],
  ['blue', 'yellow', 'green'],
  ['red', 'white', 'pink'],
  ['black', 'white', 'grey'],
  ['red', 'green', 'brown'],
]

const mixes: Topic = {
  name: 'mixed colours',
  weight: 2,
  facts: MIXES.flatMap(([a, b, mixed]) =>
    [
      { a, b },
      { a: b, b: a },
    ].map((slots) => fact(`${capitalised(slots.a)} and ${slots.b} make ${mixed}.`, slots)),
  ),
  asked: [
    'what do {a} and {b} make',
    '(what|which) (colour|color) do {a} and {b} make',
    'what (colour|color) do you get (if|when) you mix {a} and {b}',
    'mix {a} and {b}',
    '{a} (and|plus|+) {b}',
    'what happens (if|when) i mix {a} (and|with) {b}',
    'what is {a} mixed with {b}',
    'what is the mix of {a} and {b}',
    'which (colour|color) is {a} and {b} together',
  ],
  held: [
    'if i mix {a} with {b} what colour is it',
    'what color comes from {a} and {b}',
    'what do i get from mixing {a} and {b}',
    'combine {a} and {b}',
    'what colour results from {a} and {b}',
  ],
  after: ['and {a} and {b}', 'what about {a} and {b}'],
}

const OPPOSITES = pairs(`
  hot: cold, big: small, fast: slow, high: low, light: dark, good: bad, old: young, long: short, hard: soft, wet: dry,
  full: empty, open: closed, early: late, happy: sad, rich: poor, strong: weak, clean: dirty, near: far, up: down,
  left: right, black: white, day: night, love: hate, war: peace, life: death, true: false, first: last, inside: outside,
  begin: end, buy: sell, win: lose, push: pull, wide: narrow, thick: thin, loud: quiet, easy: difficult,
  summer: winter, north: south, east: west, above: below, always: never, brave: afraid, sweet: sour`)

const opposites: Topic = {
  name: 'opposites',
  weight: 5,
  facts: OPPOSITES.flatMap(([a, b]) => [
    fact(`The opposite of ${a} is ${b}.`, { x: a }),
    fact(`The opposite of ${b} is ${a}.`, { x: b }),
  ]),
  asked: [
    'what is the opposite of {x}',
    "what's the opposite of {x}",
    'opposite of {x}',
    'the opposite of {x} is',
    'tell me the opposite of {x}',
    'give me the opposite of {x}',
    'which word is the opposite of {x}',
    'what is the contrary of {x}',
    'what is the antonym of {x}',
    'antonym of {x}',
    'what word means the opposite of {x}',
    'do you know the opposite of {x}',
    '{x} and its opposite',
  ],
  held: [
    'name the opposite of {x}',
    'say the opposite of {x}',
    'which word is the antonym of {x}',
    'can you give the opposite of {x}',
    'i need the opposite of {x}',
    'what would be the opposite of {x}',
  ],
  after: ['and {x}', 'what about {x}', 'and of {x}'],
}

const PLURALS = pairs(`
  mouse: mice, child: children, man: men, woman: women, foot: feet, tooth: teeth, goose: geese, person: people, ox: oxen,
  leaf: leaves, knife: knives, wolf: wolves, sheep: sheep, fish: fish, deer: deer, cactus: cacti, baby: babies,
  city: cities, box: boxes, bus: buses, potato: potatoes, hero: heroes, half: halves, life: lives, louse: lice`)

const plurals: Topic = {
  name: 'plurals',
  weight: 3,
  facts: PLURALS.map(([one, many]) => fact(`The plural of ${one} is ${many}.`, { x: one })),
  asked: [
    'what is the plural of {x}',
    "what's the plural of {x}",
    'plural of {x}',
    'the plural of {x} is',
    'tell me the plural of {x}',
    'give me the plural form of {x}',
    'what is the plural form of {x}',
    'how do you (say|write|form) the plural of {x}',
    'one {x} two',
    'what do you call more than one {x}',
  ],
  held: [
    'name the plural of {x}',
    'what would be the plural of {x}',
    'which word is the plural of {x}',
    'say the plural form of {x}',
    'can you give the plural of {x}',
  ],
  after: ['and {x}', 'what about {x}', 'and of {x}'],
}

const SYMBOLS = pairs(`
  gold: Au, silver: Ag, iron: Fe, copper: Cu, oxygen: O, hydrogen: H, carbon: C, nitrogen: N, helium: He, neon: Ne,
  sodium: Na, potassium: K, calcium: Ca, lead: Pb, tin: Sn, mercury: Hg, zinc: Zn, sulfur: S, chlorine: Cl, silicon: Si,
  lithium: Li, magnesium: Mg, uranium: U, nickel: Ni, platinum: Pt, iodine: I, phosphorus: P, fluorine: F`)

const symbols: Topic = {
  name: 'chemical symbols',
  weight: 3.5,
  facts: SYMBOLS.map(([element, symbol]) =>
    fact(`The chemical symbol of ${element} is ${symbol}.`, { x: element }),
  ),
  asked: [
    'what is the (chemical symbol|symbol) (of|for) {x}',
    "what's the chemical symbol of {x}",
    'chemical symbol (of|for) {x}',
    'symbol of {x}',
    'tell me the chemical symbol (of|for) {x}',
    'which (symbol|chemical symbol) (does {x} have|stands for {x})',
    'how is {x} written in chemistry',
    'what is the sign for {x} in chemistry',
    'what letters stand for {x} in the periodic table',
    '{x} chemical symbol',
  ],
  held: [
    'name the chemical symbol of {x}',
    'what symbol is used for {x}',
    'which letters are the symbol of {x}',
    'do you know the symbol for {x}',
    'in chemistry what is the symbol of {x}',
  ],
  after: ['and {x}', 'what about {x}', 'and of {x}', 'and for {x}'],
}

export const world: readonly Topic[] = [
  capitals,
  capitalOf,
  young,
  sounds,
  legs,
  colours,
  mixes,
  opposites,
  plurals,
  symbols,
]
