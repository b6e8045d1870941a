import type { Root } from 'hast'
import type { Options } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import remarkMath from 'remark-math'
import { visit } from 'unist-util-visit'

/** How Markdown is read. Pure. */

type Plugin = NonNullable<Options['rehypePlugins']>[number]

/**
 * @param prefix   Begins every id of this text: two texts of one page may have the same notes.
 * @param colours  Colours code, if it is here.
 */
export const readingOf = (prefix: string, colours?: Plugin) =>
  ({
    remarkPlugins: [remarkGfm, remarkMath],
    remarkRehypeOptions: { clobberPrefix: prefix },
    rehypePlugins: [[ownLabel, prefix], ...(colours ? [colours] : [])],
  }) satisfies Options

/** What the heading of all notes is called, in every text alike. */
const LABEL = 'footnote-label'

/** The library gives that heading the same id in every text. */
function ownLabel(prefix: string) {
  return (tree: Root) => {
    visit(tree, 'element', ({ properties }) => {
      if (properties.id === LABEL) properties.id = prefix + LABEL
      if (String(properties.ariaDescribedBy) === LABEL) properties.ariaDescribedBy = [prefix + LABEL]
    })
  }
}
