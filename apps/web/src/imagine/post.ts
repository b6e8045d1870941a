/** A post has 280 characters at most; an address counts as 23 of them, and a character of Chinese or an emoji as two. */
const MOST_PROMPT = 100

/** Where somebody who is signed in to X reads a post with this picture's page before sending it. Pure. */
export function postOnX({ prompt, page }: { prompt: string; page: string }): string {
  const words = [...prompt.replace(/\s+/g, ' ').trim()]
  const short = words.length > MOST_PROMPT ? `${words.slice(0, MOST_PROMPT - 1).join('')}…` : words.join('')
  const text = `“${short}”, drawn on a decentralized network`
  return `https://x.com/intent/post?${new URLSearchParams({ text, url: page })}`
}

/** The sheet of the operating system, where the browser has one. */
export async function shareBySystem(what: { title: string; url: string }): Promise<void> {
  try {
    await navigator.share(what)
  } catch (cause) {
    // Whoever closes the sheet has changed their mind.
    if (!(cause instanceof DOMException && cause.name === 'AbortError')) throw cause
  }
}
