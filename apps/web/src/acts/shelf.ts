/** What is needed of `localStorage`. */
export type Shelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>

/** A shelf on which everything can be put; what a browser has no room for, only until the page is left. */
export interface RoomyShelf extends Shelf {
  /**
   * What a browser has no room for takes away what lay there: another tab would take it for what stands now.
   *
   * @param mayStay  Whether that is as good as what does not fit, for whoever finds it.
   */
  setItem(name: string, text: string, mayStay?: (below: string) => boolean): void
  /** Whether what has this name will be there when the page is loaded again. */
  survives(name: string): boolean
}

/** What lies in a storage can be read also where nothing more fits into it; what does not fit is held in memory. */
export function roomy(storage: Shelf): RoomyShelf {
  const held = new Map<string, string>()
  const stored = () => Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')
  const names = () => [...new Set([...stored(), ...held.keys()])]
  const fits = (name: string, text: string): boolean => {
    try {
      storage.setItem(name, text)
      return true
    } catch {
      return false
    }
  }
  return {
    getItem: (name) => held.get(name) ?? storage.getItem(name),
    setItem(name, text, mayStay = () => false) {
      held.delete(name)
      if (fits(name, text)) return
      const below = storage.getItem(name)
      storage.removeItem(name)
      if (fits(name, text)) return
      held.set(name, text)
      if (below !== null && mayStay(below)) fits(name, below)
    },
    removeItem(name) {
      held.delete(name)
      storage.removeItem(name)
    },
    key: (index) => names()[index] ?? null,
    get length() {
      return names().length
    },
    survives: (name) => !held.has(name),
  }
}

/** Of a browser that keeps nothing. */
const NOTHING: Shelf = {
  getItem: () => null,
  setItem() {
    throw new DOMException('this browser keeps nothing', 'QuotaExceededError')
  },
  removeItem: () => undefined,
  key: () => null,
  length: 0,
}

/** A browser may refuse even to name its storage. */
function findStorage(): Shelf {
  try {
    return window.localStorage ?? NOTHING
  } catch {
    return NOTHING
  }
}

export const storage: Shelf = findStorage()

/** Where a browser keeps nothing, what was begun is at least known as long as the page is open. */
export const shelf: RoomyShelf = roomy(storage)
