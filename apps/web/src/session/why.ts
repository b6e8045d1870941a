import type { Phase } from './view.ts'

const WORDS: Partial<Record<Phase, string>> = {
  none: 'Add credit first: one signature',
  unfunded: 'Your deposit is not on the chain yet',
  broken: 'This key signs nothing more',
  down: 'Read only for now',
  elsewhere: 'Read only: another tab has the key',
}

/** Why nothing can be asked just now, in a few words. */
export const whyNot = (phase: Phase): string => WORDS[phase] ?? 'One moment…'
