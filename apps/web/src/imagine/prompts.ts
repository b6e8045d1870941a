/** First prompts to begin with: the smallest model can draw them, and so can every larger one. */
export const EXAMPLES = [
  'a small red circle on a blue background, top left',
  'a large yellow triangle on a black background, centre',
  'a large white cross on a green background, bottom right',
] as const
