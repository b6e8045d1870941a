/** First questions to begin with. */
const PROMPTS = [
  'What is a pod?',
  'What is an epoch?',
  'Who earns from a call?',
  'What does a receipt prove?',
  'What happens to a call that fails?',
  'How does a node earn?',
  'What is the capital of Japan?',
  'What is 17 plus 25?',
  'What is the opposite of cold?',
  'What is the chemical symbol of gold?',
  'How many days has a leap year?',
]

/** So many different ones. @param draw  0 ≤ draw() < 1. */
export function somePrompts(count: number, draw: () => number = Math.random): string[] {
  const left = [...PROMPTS]
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [taken = ''] = left.splice(Math.floor(draw() * left.length), 1)
    return taken
  })
}
