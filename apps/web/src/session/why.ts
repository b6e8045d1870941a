import type { Phase } from './view.ts'

const WORDS: Partial<Record<Phase, string>> = {
  none: 'Add credit first: one signature',
  unfunded: 'Your deposit is not on the chain yet',
  revoking: 'This key is being revoked',
  revoked: 'Your credit is on its way back: cancel that, or deposit to a new key',
  broken: 'This key signs nothing more',
  down: 'Read only for now',
  elsewhere: 'Read only: another tab has the key',
}

/** Why nothing can be asked just now, in a few words. */
export const whyNot = (phase: Phase): string => WORDS[phase] ?? 'One moment…'
