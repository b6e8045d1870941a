const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Words as text of HTML or SVG, in an attribute too. */
export const escaped = (words: string): string => words.replace(/[&<>"']/g, (each) => ENTITIES[each] ?? each)
