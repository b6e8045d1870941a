import type { Root } from 'hast'
import { common } from 'lowlight'
import rehypeHighlight from 'rehype-highlight'
import { visit } from 'unist-util-visit'

/** Colours for code. */

/** The grammar of Markdown takes time that grows with the cube of what links begin in it: its own code stays plain. */
const { markdown: _, ...LANGUAGES } = common
/** Longer code than this is not coloured: some grammars take time that grows with its square. Characters. */
const MOST_COLOURED = 2_000

export const COLOURED = Object.keys(LANGUAGES)

export default function colours() {
  const colour = rehypeHighlight({ languages: LANGUAGES, plainText: ['math'] })
  return (tree: Root, file: Parameters<typeof colour>[1]) => {
    visit(tree, 'element', ({ tagName, children: [text], properties }) => {
      if (tagName !== 'code' || text?.type !== 'text' || text.value.length <= MOST_COLOURED) return
      if (Array.isArray(properties.className)) properties.className.push('no-highlight')
    })
    colour(tree, file)
  }
}
