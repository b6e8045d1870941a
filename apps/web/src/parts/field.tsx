/** How a line of text, a number or a choice looks. */
export const INPUT = 'rounded border border-edge bg-paper px-2 py-1'
