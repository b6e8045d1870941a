import { asHeuristError } from '../../../../sdk/errors.ts'

/** What went wrong, for a person: what is, and what to do. */
export interface Problem {
  code: string
  says: string
  fix: string
}

/** The number that a wallet or a chain gave to its refusal (EIP-1193), wherever in the causes it stands. */
export function walletCode(cause: unknown): number | undefined {
  for (let error = cause; typeof error === 'object' && error !== null; ) {
    const { code, cause: inner } = error as { code?: unknown; cause?: unknown }
    if (typeof code === 'number') return code
    error = inner
  }
  return undefined
}

const WALLET_WORDS: Record<number, Problem> = {
  4001: {
    code: 'wallet.declined',
    says: 'You declined in the wallet.',
    fix: 'What you declined was neither signed nor sent, and cost nothing; try again whenever you like.',
  },
  4100: {
    code: 'wallet.unauthorized',
    says: 'The wallet does not let this page use that account.',
    fix: 'Connect the account in the wallet, then try again.',
  },
  [-32002]: {
    code: 'wallet.busy',
    says: 'The wallet asks you something already.',
    fix: 'Open the wallet and answer there.',
  },
}

/** What a schema says of a document names fields, which nobody wrote for people. */
const UNREADABLE: Omit<Problem, 'code'> = {
  says: 'The router answers what this page cannot read.',
  fix: 'Load the page again, or come back later.',
}
const UNTAKEN: Omit<Problem, 'code'> = {
  says: 'The server of this page does not take this as it is.',
  fix: 'Load the page again, or try something shorter.',
}

/** What is said of codes whose own message was written for programs. */
export const CODE_WORDS: Record<string, Omit<Problem, 'code'>> = {
  'router.unreachable': {
    says: 'The router does not answer.',
    fix: 'What is here can be read meanwhile; the page goes on by itself once it answers.',
  },
  'chain.unreachable': {
    says: 'The chain does not answer.',
    fix: 'What is here can be read meanwhile; the page goes on by itself once it answers.',
  },
  'journal.locked': {
    says: 'Another tab of this browser uses your key.',
    fix: 'Go on there, or close it: this tab takes over by itself.',
  },
  'client.closed': {
    says: 'The key that this was begun with is not in use any more.',
    fix: 'Ask again: nothing was signed or charged for this.',
  },
  'credit.insufficient': {
    says: 'Your credit does not cover this call.',
    fix: 'Add to it, then ask again. Nothing was charged.',
  },
  'price.rose': {
    says: 'The price rose meanwhile.',
    fix: 'Look at the new one and ask again. Nothing was signed or charged for this.',
  },
  'pod.unknown': {
    says: 'This router serves no such pod.',
    fix: 'Choose one of those that are listed under Pods.',
  },
  'voucher.ceiling_low': {
    says: 'The router counts more for this key than this browser does, and takes no more of its calls.',
    fix: 'Revoke the key, which gives back what it holds, then begin with a new one. Nothing was charged for this.',
  },
  'manifest.wrong': { says: 'The pod has a newer version.', fix: 'Ask again: nothing was charged for this.' },
  'router.unreadable': UNREADABLE,
  'network.invalid': UNREADABLE,
  'manifest.invalid': UNREADABLE,
  'data.unreadable': UNREADABLE,
  'report.unreadable': UNREADABLE,
  'share.invalid': UNTAKEN,
  'picture.invalid': UNTAKEN,
  'search.invalid': UNTAKEN,
  'deposit.invalid': UNTAKEN,
  'call.left': { says: 'You left the call.', fix: 'Only what was delivered is charged.' },
}

/** What a code means to somebody who was shown a price: pages allow what they show, and no more. */
const MEANS: Record<string, string> = { 'price.too_low': 'price.rose' }

/**
 * Of an answer that came and could not be held to the chain: what its receipt asks is known, and not whether it holds. It is
 * charged once that is known; asked for again it is not paid twice.
 */
export const isUnchecked = (cause: unknown): boolean => asHeuristError(cause).details.unchecked === true
const UNCHECKED: Omit<Problem, 'code'> = {
  says: 'The answer came, but the chain does not say whether it holds: it cannot be checked yet.',
  fix: 'The page goes on asking by itself, and shows what was charged once that is known.',
}

/** Where nobody said what to do. What is refused is refused again, whenever that is. */
const FIXES = {
  refused: 'It would be refused again as it is: change something first.',
  later: 'Try again later.',
  bug: 'Try again later.',
} as const

/** Any thrown value in words. Never a stack, never a message that nobody wrote for people. */
export function wordsOf(cause: unknown): Problem {
  const number = walletCode(cause)
  const known = number === undefined ? undefined : WALLET_WORDS[number]
  if (known) return known
  const error = asHeuristError(cause)
  const code = MEANS[error.code] ?? error.code
  const words = isUnchecked(error) ? UNCHECKED : CODE_WORDS[code]
  if (words) return { code, ...words }
  if (error.code === 'unexpected') {
    return {
      code: error.code,
      says: 'Something went wrong that this page did not expect.',
      fix: 'Try again; if it stays, load the page again. Nothing undelivered is charged.',
    }
  }
  const says = error.message.charAt(0).toUpperCase() + error.message.slice(1)
  return {
    code: error.code,
    says: says.endsWith('.') ? says : `${says}.`,
    fix: error.fix ?? FIXES[error.kind],
  }
}
