import { date, type Wording } from './say.ts'

const sign = (says: string) => ({ says, fix: 'Sign again, with the right key and for this chain.' })
const upgrade = (says: string) => ({ says, fix: 'Upgrade to the code of a contract that was built for it.' })
const report = (says: string) => ({
  says,
  fix: 'Report this with the transaction: it is a fault of the code.',
})

/** Of OpenZeppelin's parts: tokens, signatures, proxies, mathematics. */
export const CODE_WORDS: Wording = {
  ERC20InvalidApprover: ({ approver }) => ({
    says: `${approver} can approve nothing`,
    fix: 'Name another account.',
  }),
  ERC20InvalidReceiver: ({ receiver }) => ({
    says: `${receiver} can receive nothing`,
    fix: 'Name another account.',
  }),
  ERC20InvalidSender: ({ sender }) => ({ says: `${sender} can send nothing`, fix: 'Name another account.' }),
  ERC20InvalidSpender: ({ spender }) => ({
    says: `${spender} can spend nothing`,
    fix: 'Name another account.',
  }),
  SafeERC20FailedOperation: ({ token }) => ({
    says: `the token ${token} refused the transfer`,
    fix: 'Check balance and allowance, and whether the token blocks an account.',
  }),
  // -------------------------------------------------------------------------------------------------- signatures
  ERC2612ExpiredSignature: ({ deadline }) => sign(`the permit expired at ${date(deadline)}`),
  ERC2612InvalidSigner: ({ signer, owner }) => sign(`the permit is signed by ${signer}, not by ${owner}`),
  ERC3009InvalidAuthorizationTime: ({ validAfter, validBefore }) =>
    sign(`the authorization holds after ${date(validAfter)} and before ${date(validBefore)}`),
  ERC3009InvalidSignature: () => sign('the authorization is not signed by the giver'),
  ERC3009UsedAuthorization: ({ authorizer, nonce }) =>
    sign(`${authorizer} has used the authorization ${nonce}, or cancelled it`),
  ECDSAInvalidSignature: () => sign('the signature is none'),
  ECDSAInvalidSignatureLength: ({ length }) => sign(`a signature of ${length} bytes is none`),
  ECDSAInvalidSignatureS: ({ s }) => sign(`the signature has the high s ${s}`),
  InvalidAccountNonce: ({ account, currentNonce }) =>
    sign(`the signature does not use ${account}'s present nonce, ${currentNonce}`),
  // ----------------------------------------------------------------------------------------------------- proxies
  AddressEmptyCode: ({ target }) => upgrade(`there is no contract at ${target}`),
  ERC1967InvalidImplementation: ({ implementation }) => upgrade(`${implementation} is no contract`),
  ERC1967NonPayable: () => ({ says: 'an upgrade takes no coins', fix: 'Send none along.' }),
  ERC1967ProxyUninitialized: () => ({
    says: 'a proxy is not born without its first call',
    fix: 'Deploy it together with `initialize`.',
  }),
  InvalidInitialization: () => ({
    says: 'this contract is initialized for good',
    fix: 'Nothing is left to do.',
  }),
  NotInitializing: () => report('this belongs to the initialization only'),
  UUPSUnauthorizedCallContext: () => ({
    says: 'this works through the proxy only',
    fix: "Call the proxy's address.",
  }),
  UUPSUnsupportedProxiableUUID: ({ slot }) =>
    upgrade(`the new code keeps its address in another slot, ${slot}`),
  FailedCall: () => ({
    says: 'the inner call failed without a word',
    fix: 'Try the inner call alone: it may need more gas.',
  }),
  InsufficientBalance: ({ balance, needed }) => ({
    says: `the contract holds ${balance} wei, ${needed} are needed`,
    fix: 'Send it the rest first.',
  }),
  ReentrancyGuardReentrantCall: () => ({
    says: 'the call came back into the contract that made it',
    fix: 'Use a receiver that does not call back.',
  }),
  // ------------------------------------------------------------------------------------------------- mathematics
  CheckpointUnorderedInsertion: () => report('history would be written in the past'),
  SafeCastOverflowedUintDowncast: ({ bits, value }) => ({
    says: `${value} does not fit into ${bits} bits`,
    fix: 'Name a smaller amount.',
  }),
  SafeCastOverflowedUintToInt: ({ value }) => ({
    says: `${value} is too large`,
    fix: 'Name a smaller amount.',
  }),
  StringTooLong: ({ str }) => ({ says: `'${str}' is too long for a name`, fix: 'Name a shorter one.' }),
  InvalidShortString: () => report('a stored name cannot be read'),
}
