import type { Shelf } from './intents.ts'

/** Where a browser keeps nothing, what was begun is at least known as long as the page is open. */
function findShelf(): Shelf {
  try {
    window.localStorage.setItem('heurist-probe', '')
    window.localStorage.removeItem('heurist-probe')
    return window.localStorage
  } catch {
    const kept = new Map<string, string>()
    return {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, text) => void kept.set(name, text),
      removeItem: (name) => void kept.delete(name),
      key: (index) => [...kept.keys()][index] ?? null,
      get length() {
        return kept.size
      },
    }
  }
}

export const shelf = findShelf()
