/** What turns the direction of the words after it: in a name or a title, so that it reads as another one. */
const TURNS = /[\u202A-\u202E\u2066-\u2069]/g

/** A name or title of a stranger that reads as it is written. Languages from right to left need none of those marks in one. */
export const straight = (text: string): string => text.replaceAll(TURNS, ' ')
