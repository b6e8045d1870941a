/** Words name commands of `heurist`; some of them have a page here. Pure. */

const PAGE_OF = /^heurist (lock|vote|stake|claim|credits)(?: (\w+))?/

/** Text, and in place of each command that has a page, that page. */
export type Piece = { text: string } | { code: string } | { page: string; word: string }

/** @param text  Words with commands between backticks. */
export const piecesOf = (text: string): Piece[] =>
  text.split('`').map((part, index) => {
    if (index % 2 === 0) return { text: part }
    const [, page, verb] = PAGE_OF.exec(part) ?? []
    if (page === undefined) return { code: part }
    return { page: `/${page}`, word: verb === undefined ? page : `${page}: ${verb}` }
  })
