import { type Fact, fact, type Topic } from './topic.ts'

/** A word of the network: how it is asked for with and without its article, and what it is. */
function term(said: string | readonly string[], bare: string, answer: string): Fact {
  return fact(answer, { x: said, bare })
}

/** DESIGN's vocabulary, one sentence each. */
const TERMS: readonly Fact[] = [
  term(
    'heurist',
    'heurist',
    'Heurist is a decentralized, serverless GPU cloud that anyone can serve and anyone can call.',
  ),
  term(
    ['a pod', 'pods'],
    'pod',
    'A pod is a model, a workflow, a fine-tuning job or a prover that the network serves.',
  ),
  term(
    ['a manifest', 'the manifest', 'a pod manifest'],
    'manifest',
    'A manifest is the pod.yaml file that fixes the files, the prices and the limits of a pod.',
  ),
  term(
    ['a node', 'nodes'],
    'node',
    'A node is an on-chain identity that serves pods and is paid for the answers it delivers.',
  ),
  term(['a worker', 'workers'], 'worker', 'A worker is the process that serves pods for a node.'),
  term(['a slot', 'slots'], 'slot', 'A slot is one pod on one slice of a GPU, run by a process of its own.'),
  term(
    ['a router', 'the router', 'routers'],
    'router',
    'A router admits calls, chooses a node for each and settles the receipts on chain.',
  ),
  term(
    ['a frontend', 'frontends'],
    'frontend',
    'A frontend is a site, a bot or a gateway that brings calls and earns a share of them.',
  ),
  term(
    ['a payer', 'the payer', 'payers'],
    'payer',
    'A payer is the account key that signs for a call and pays for it.',
  ),
  term(
    ['a request', 'requests'],
    'request',
    'A request names the pod, the input, the highest price and the deadline of one call.',
  ),
  term(
    ['a voucher', 'vouchers', 'the voucher'],
    'voucher',
    'A voucher is the one signature by which a payer allows a router to charge up to a ceiling.',
  ),
  term(
    ['a receipt', 'receipts', 'the receipt'],
    'receipt',
    'A receipt is what a node signs about a finished call: its units, its price and the hash of its output.',
  ),
  term(
    ['an ack', 'acks'],
    'ack',
    'An ack is the signature by which a router confirms to a payer what it has charged.',
  ),
  term(
    ['a statement', 'statements'],
    'statement',
    'A statement is what a router signs to tell a payee how much it has earned in total.',
  ),
  term(
    ['a batch', 'batches'],
    'batch',
    'A batch is one transaction that settles many receipts and balances to the last unit.',
  ),
  term(
    ['an epoch', 'epochs', 'the epoch'],
    'epoch',
    'An epoch is one week, the clock for votes, emission and changes of the split.',
  ),
  term(
    ['points', 'fee points'],
    'points',
    'Points count the fees that a node has earned in an epoch and share out the dynamic emission.',
  ),
  term(
    ['heu', 'the heu token'],
    'heu',
    'HEU is the token of the network: one billion were minted once, and it can only be burnt.',
  ),
  term(
    ['staking', 'the stake', 'stake'],
    'stake',
    'A stake is HEU that a node locks to earn base emission and audited pods.',
  ),
  term(['unbonding'], 'unbonding', 'Unbonding is the 21 days that a stake waits before it can leave.'),
  term(['slashing'], 'slashing', 'Slashing takes part of the stake of a node that was proven to cheat.'),
  term(
    ['emission', 'the emission'],
    'emission',
    'Emission is the HEU that each epoch pays out to nodes from the reserve.',
  ),
  term(
    ['the compute reservoir', 'compute reservoir'],
    'compute reservoir',
    'The Compute Reservoir is the HEU that the emission did not issue and that stays in the reserve.',
  ),
  term(
    ['the voting escrow', 'voting escrow'],
    'voting escrow',
    'The voting escrow locks HEU for up to 104 weeks and gives votes for it.',
  ),
  term(
    ['a vote', 'votes', 'voting'],
    'vote',
    'A vote directs emission to a node or capacity to a pod from the next epoch on.',
  ),
  term(
    ['the fee burner', 'fee burner'],
    'fee burner',
    'The fee burner sells the protocol fee in an auction for HEU and burns what it gets.',
  ),
  term(
    ['the compute ledger', 'compute ledger', 'the ledger'],
    'ledger',
    'The compute ledger is the contract that holds all the money of all the calls.',
  ),
  term(
    ['the registry', 'registry'],
    'registry',
    'The registry is the contract where nodes, pods and frontends get their numbers.',
  ),
  term(
    ['the router bond', 'a router bond', 'a bond'],
    'bond',
    'A bond is what a router loses when it cheats.',
  ),
  term(
    ['a deposit', 'deposits'],
    'deposit',
    'A deposit is the credit that a payer puts on the ledger before it calls.',
  ),
  term(
    ['a ceiling', 'the ceiling'],
    'ceiling',
    'A ceiling is the highest total that a payer has allowed a router to charge.',
  ),
  term(
    ['a thaw', 'thawing', 'the thaw'],
    'thaw',
    'A thaw is the 24 hours that credit waits before its owner can withdraw it.',
  ),
  term(
    ['the split', 'the revenue split'],
    'split',
    'The split shares each price: 70 percent node, 10 pod, 10 frontend, 5 voters and 5 burnt.',
  ),
  term(
    ['the float', 'the router float', 'float'],
    'float',
    'The float is the money of a router that covers the lines of a batch that were skipped.',
  ),
  term(['a keeper', 'keepers'], 'keeper', 'A keeper is a process that does one duty, and anyone may run it.'),
  term(['the gateway', 'a gateway'], 'gateway', 'The gateway is a frontend that speaks the OpenAI API.'),
  term(
    ['settlement', 'the settlement'],
    'settlement',
    'Settlement is the posting of receipts to the chain in batches that balance exactly.',
  ),
  term(
    ['an engine', 'the engine', 'engines'],
    'engine',
    'An engine is the part of a worker that runs one kind of model.',
  ),
  term(
    ['an audit', 'audits', 'auditing'],
    'audit',
    'An audit runs a part of a finished job again and compares it with what the node committed to.',
  ),
  term(
    ['evidence', 'the evidence'],
    'evidence',
    'Evidence is the hash by which a node commits to how it computed an answer.',
  ),
]

export const terms: Topic = {
  name: 'terms',
  weight: 12,
  facts: TERMS,
  asked: [
    'what (is|are) {x}',
    "what's {x}",
    'what (is|are) {x} (in heurist|on heurist|in the heurist network|in this network|here)',
    '(explain|describe|define) {x}',
    '(explain|define) the (word|term) {bare}',
    'tell me (about|what you know about) {x}',
    'what does (the word|the term|) {bare} mean',
    'what (is|are) {x} exactly',
    'what exactly (is|are) {x}',
    'what do you mean by {x}',
    'what is meant by {x}',
    '{x} meaning',
    'meaning of {bare}',
    'definition of {x}',
    'give me (a|the|a short) definition of {x}',
    'can you explain {x} (to me|)',
    'can you (describe|define) {x}',
    '(explain|describe) {x} (in one sentence|briefly|simply)',
    'in one sentence what is {x}',
    'i do not (understand|get) {x}',
    "i don't know what {bare} means",
    'what is the (idea|point) of {x}',
    'what (is|are) {x} (for|used for)',
    'how would you (describe|explain) {x}',
    'say something about {x}',
    '{x}',
    'what kind of thing is {x}',
    'what does {x} do',
    'teach me about {x}',
    'who or what is {x}',
    'i would like to know about {x}',
    'what is this {bare} (thing|)',
    'could you tell me what {x} (is|are)',
    'could you describe {x} to me',
    'can you define {x} for us',
    'i want to understand {x}',
    'i want to know about {bare}',
    'what must i know about {x}',
    'what should one know of {x}',
    'give me one sentence about {x}',
    'a short explanation of {x} please',
    'explain in simple words {x}',
    'simply put what (is|are) {x}',
    'help me with {bare}',
    'what does {bare} stand for',
    'describe shortly {x}',
  ],
  held: [
    'help me understand {x}',
    'what is the meaning of {x}',
    'how do you define {x}',
    'could you (define|explain) {x} for me',
    'i want to know what {bare} means',
    'what should i know about {x}',
    'please explain what {bare} means',
    'give me a short explanation of {x}',
    'what is {x} in simple words',
    'what can you tell me about {x}',
    'briefly describe {x}',
    'write one sentence about {x}',
    'what does {bare} stand for in heurist',
    'explain to me {x}',
  ],
  after: ['and {x}', 'and what (is|are) {x}', 'what about {x}', 'and {bare}'],
}

interface Known {
  readonly answer: string
  readonly asked: readonly string[]
  readonly held: readonly string[]
}

/** Facts with a number or a rule in them; each has its own words. */
const KNOWN: readonly Known[] = [
  {
    answer: 'The node gets 70 percent of the price.',
    asked: [
      'how much (does|will) (a|the) node (get|earn|receive)',
      "what is the (node's share|share of the node)",
      'what (part|percentage|percent|share) of the price (goes to|does) the node (get|receive|)',
      'what does (a|the) node (earn|get) per call',
      'how many percent (goes|go) to the node',
    ],
    held: [
      'how big is the share of the node',
      'which part of the price does a node keep',
      'how much of the price goes to the node',
    ],
  },
  {
    answer: 'The pod deployer gets 10 percent of the price.',
    asked: [
      'how much (does|will) (a|the) pod deployer (get|earn|receive)',
      'what is the share of the (pod deployer|deployer)',
      'what (part|percentage|share) of the price goes to the (pod deployer|deployer)',
      'what does the deployer of a pod (earn|get)',
      'how much do i earn if i deploy a pod',
    ],
    held: [
      'how big is the share of the pod deployer',
      'which part of the price does the deployer keep',
      'how much of the price goes to the pod deployer',
    ],
  },
  {
    answer: 'The frontend gets 10 percent of the price.',
    asked: [
      'how much (does|will) (a|the) frontend (get|earn|receive)',
      'what is the share of the frontend',
      'what (part|percentage|share) of the price goes to the frontend',
      'what does (a|the) frontend (earn|get) per call',
      'how many percent (goes|go) to the frontend',
    ],
    held: [
      'how big is the share of the frontend',
      'which part of the price does a frontend keep',
      'how much of the price goes to the frontend',
    ],
  },
  {
    answer: 'The pod voters get 5 percent of the price.',
    asked: [
      'how much (do|will) (the|pod|the pod) voters (get|earn|receive)',
      'what is the share of the (pod voters|voters)',
      'what (part|percentage|share) of the price goes to the (pod voters|voters)',
      'what do voters (earn|get) per call',
      'how many percent (goes|go) to the voters',
    ],
    held: [
      'how big is the share of the voters',
      'which part of the price do the voters keep',
      'how much of the price goes to the pod voters',
    ],
  },
  {
    answer: 'The protocol burns 5 percent of the price.',
    asked: [
      'how much (is|gets|will be) burnt',
      'how much (is|gets) burned per call',
      'what (part|percentage|share) of the price is (burnt|burned)',
      'what is the (protocol fee|fee of the protocol)',
      'how many percent are (burnt|burned)',
    ],
    held: [
      'how big is the protocol fee',
      'which part of the price is burnt',
      'how much of the price does the protocol burn',
    ],
  },
  {
    answer: 'An epoch lasts one week.',
    asked: [
      'how long (is|lasts) an epoch',
      'how long does (an|one) epoch (last|take)',
      'what is the (length|duration) of an epoch',
      'how many days (are in|has|does) an epoch (have|last|)',
    ],
    held: [
      'how many days does one epoch take',
      'tell me the length of an epoch',
      'for how long does an epoch run',
    ],
  },
  {
    answer: 'A withdrawal waits 24 hours.',
    asked: [
      'how long does (a|the|my) withdrawal (take|wait)',
      'how long (must|do) i wait (to|before i can) withdraw',
      'when can i withdraw (my credit|my money|my deposit|)',
      'how long does (a thaw|thawing|the thaw) (take|last)',
    ],
    held: [
      'how many hours does a withdrawal take',
      'how soon can i withdraw my deposit',
      'how long until i can withdraw',
    ],
  },
  {
    answer: 'One billion HEU were minted once, and no more can be minted.',
    asked: [
      'how many heu (are there|exist|were minted|are in existence)',
      'what is the (total|maximum|max) supply of heu',
      'what is the supply of (heu|the token)',
      'how many heu tokens (are there|exist)',
      'can more heu be (minted|created|made)',
    ],
    held: [
      'how large is the supply of heu',
      'how many tokens of heu have been minted',
      'is it possible to mint more heu',
    ],
  },
  {
    answer: 'Unbonding takes 21 days.',
    asked: [
      'how long (is|does) unbonding (take|last|)',
      'how long does it take to (unstake|unbond)',
      'when do i get my stake back',
      'what is the unbonding (time|period)',
      'how many days (is|does) unbonding (take|)',
    ],
    held: [
      'how long is the unbonding period',
      'how many days until my stake is free',
      'how long must i wait to unstake',
    ],
  },
  {
    answer: 'No, serving needs no stake and no permission.',
    asked: [
      'do i need (a|any|to) stake (to serve|to run a node|to earn)',
      'is a stake (needed|required|necessary) (to serve|to run a node|)',
      'must i stake (heu|) to (serve|run a node)',
      'do i need permission to (serve|run a node|join)',
      'can i serve only with a stake',
    ],
    held: [
      'does serving require a stake',
      'do nodes need to stake before they serve',
      'must i ask for permission to run a node',
    ],
  },
  {
    answer: 'A call that failed costs nothing and leaves no trace on chain.',
    asked: [
      'what does a (failed call|call that failed|failure) cost',
      'do i pay for (a failed call|failed calls|errors|failures)',
      'what happens (if|when) (a|my) call fails',
      'am i charged (if|when) (the|a|my) call fails',
      'is a failed call (charged|paid|free)',
    ],
    held: [
      'how much do i pay when a call has failed',
      'does a failed call cost anything',
      'will i be charged for failed calls',
    ],
  },
  {
    answer: 'Run heurist node up.',
    asked: [
      'how (do|can|would) i (start|run|join with|set up|launch) a node',
      'how do i (serve pods|join the network|become a node)',
      'how can i (earn|make money) with my gpu',
      'which command (starts|runs) a node',
      'what is the command (to start|for) a node',
    ],
    held: ['how does one start a node', 'what do i type to run a node', 'show me how to start a node'],
  },
  {
    answer: 'Run npm install and then npm start.',
    asked: [
      'how (do|can) i (start|run|launch|install) (heurist|the network|the whole network)',
      'how do i (get started|begin) (with heurist|)',
      'which (command|commands) (start|starts|run) the network',
      'what is the command to (start|run) (the network|heurist)',
    ],
    held: [
      'what do i type to start the network',
      'show me how to run heurist',
      'how does one launch the network',
    ],
  },
  {
    answer: 'You sign one voucher per call, and it is charged to your deposit.',
    asked: [
      'how (do|can) i pay (for a call|for calls|)',
      'how does (payment|paying) work',
      'how (is|are) (a call|calls) paid',
      'what do i (sign|have to sign) (to pay|for a call)',
      'how do payments work',
    ],
    held: ['how is paying done', 'in which way do i pay for a call', 'how will i pay'],
  },
  {
    answer: 'Calls are paid in a US dollar stablecoin with 6 decimals.',
    asked: [
      'which (currency|asset|coin|token|money) (pays for|is used for|do i pay) calls (with|)',
      'what (currency|asset|coin) do i pay (with|in)',
      'what is the payment asset',
      'in which (currency|coin) are calls paid',
      'do i pay in (heu|dollars)',
    ],
    held: [
      'what money is used to pay',
      'which coin do i need to pay',
      'what kind of currency are calls paid in',
    ],
  },
  {
    answer: 'A voucher is valid for at least 48 hours and at most 7 days.',
    asked: [
      'how long is a voucher valid',
      'when does (a|my|the) voucher expire',
      'how long does a voucher (last|live|stay valid)',
      'what is the (expiry|lifetime) of a voucher',
    ],
    held: [
      'for how long can a voucher be used',
      'after how many days does a voucher expire',
      'how many days is a voucher good for',
    ],
  },
  {
    answer: 'The router tries another node, and only the delivered answer is paid.',
    asked: [
      'what happens (if|when) (a|the) node (fails|dies|crashes|goes offline|does not answer)',
      'what if (a|the|my) node (fails|crashes|dies|goes down)',
      'what does the router do (if|when) a node (fails|dies|crashes)',
    ],
    held: [
      'who answers if a node dies',
      'what will happen after a node crashes',
      'what if the worker of a node goes down',
    ],
  },
  {
    answer: 'A lock in the voting escrow lasts at most 104 weeks.',
    asked: [
      'how long can i lock (heu|my heu|tokens)',
      'what is the (longest|maximum|max) lock',
      'how long is the (longest|maximum) lock',
      'for how (long|many weeks) can (heu|i) (lock|be locked)',
    ],
    held: [
      'how many weeks can i lock my heu',
      'what is the longest time heu can be locked',
      'how long may a lock be',
    ],
  },
]

export const rules: readonly Topic[] = KNOWN.map(({ answer, asked, held }, i) => ({
  name: `rule ${i + 1}`,
  weight: 0.55,
  facts: [fact(answer)],
  asked,
  held,
}))
