/** First questions to begin with. */
const PROMPTS = [
  'What is a pod?',
  'What is an epoch?',
  'What is a voucher?',
  'What does a receipt prove?',
  'What happens to a call that fails?',
  'How does a node earn?',
  'What is the capital of Japan?',
  'What is 7 plus 5?',
  'What is the opposite of cold?',
  'What is the chemical symbol of gold?',
  'What is a baby cat called?',
]

/** So many different ones. @param draw  0 ≤ draw() < 1. */
export function somePrompts(count: number, draw: () => number = Math.random): string[] {
  const left = [...PROMPTS]
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [taken = ''] = left.splice(Math.floor(draw() * left.length), 1)
    return taken
  })
}
