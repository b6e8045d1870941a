import type { Wording } from './say.ts'

/** Of the Registry, and of what only some may do. */
export const PEOPLE_WORDS: Wording = {
  UnknownId: ({ id }) => ({
    says: `the Registry has no entry ${id} of this role`,
    fix: 'Check the id, or register it first.',
  }),
  NotOwner: ({ caller, owner }) => ({
    says: `the entry belongs to ${owner}, not to ${caller}`,
    fix: "Act with its owner's key.",
  }),
  NotHeir: ({ caller, heir }) => ({
    says: `the entry is offered to ${heir}, not to ${caller}`,
    fix: 'Its owner proposes this account first.',
  }),
  SignerTaken: ({ signer, node }) => ({
    says: `${signer} signs, or once signed, for node ${node}`,
    fix: 'Make a new signer key: each serves one node, once.',
  }),
  ZeroManifest: () => ({ says: 'a version needs a hash', fix: 'Publish the hash of the manifest.' }),
  AlreadyPublished: ({ pod, manifest }) => ({
    says: `pod ${pod} has published ${manifest} before`,
    fix: 'Change the manifest, or leave it as it is.',
  }),
  PublishInstead: ({ pod }) => ({
    says: `the description of pod ${pod} is its newest manifest`,
    fix: 'Publish a new manifest with `heurist pod`.',
  }),
  TooManyPreferred: ({ given, most }) => ({
    says: `${given} preferred nodes are more than ${most}`,
    fix: 'Name fewer.',
  }),
  AlreadyInactive: ({ id, inactiveFrom }) => ({
    says: `entry ${id} is inactive from epoch ${inactiveFrom} on`,
    fix: 'Nothing is left to do.',
  }),
  AlreadyActive: ({ id }) => ({
    says: `entry ${id} is active and has no end`,
    fix: 'Nothing is left to do.',
  }),
  NotTheLedgersVoters: ({ voters }) => ({
    says: `the ledger pays the voters of ${voters}`,
    fix: 'Deploy ledger and VoteController for each other.',
  }),
  TipOutOfOrder: ({ epoch, least }) => ({
    says: `the tip of epoch ${epoch} comes before that of epoch ${least}`,
    fix: 'Tips are drawn in order, by `heurist epoch close`.',
  }),
  // ------------------------------------------------------------------------------------------------------ rights
  AccessManagedUnauthorized: ({ caller }) => ({
    says: `${caller} has no role for this`,
    fix: 'Act with an account that holds the role; who does is on the page of permissions.',
  }),
  AccessManagedRequiredDelay: ({ delay }) => ({
    says: `this account must schedule the call ${delay} s ahead`,
    fix: 'Schedule it with the Authority, wait, then execute it.',
  }),
  AccessManagedInvalidAuthority: ({ authority }) => ({
    says: `${authority} is no contract, so no authority`,
    fix: 'Name an AccessManager.',
  }),
  AccessManagerAlreadyScheduled: ({ operationId }) => ({
    says: `the operation ${operationId} is scheduled`,
    fix: 'Wait for its time, or cancel it first.',
  }),
  AccessManagerNotScheduled: ({ operationId }) => ({
    says: `the operation ${operationId} is not scheduled`,
    fix: 'Schedule it with the Authority first.',
  }),
  AccessManagerNotReady: ({ operationId }) => ({
    says: `the operation ${operationId} still waits for its time`,
    fix: 'Come back when its delay is over.',
  }),
  AccessManagerExpired: ({ operationId }) => ({
    says: `the time to execute ${operationId} is over`,
    fix: 'Schedule it again.',
  }),
  AccessManagerBadConfirmation: () => ({
    says: 'a role is given up by naming its holder, who must be the sender',
    fix: "Name the sender's own address.",
  }),
  AccessManagerInvalidInitialAdmin: ({ initialAdmin }) => ({
    says: `${initialAdmin} cannot be the first admin`,
    fix: 'Name another address.',
  }),
  AccessManagerLockedFunction: ({ selector }) => ({
    says: `the function ${selector} is locked to the Authority`,
    fix: 'It cannot be given to a role.',
  }),
  AccessManagerLockedRole: ({ roleId }) => ({
    says: `role ${roleId} cannot be changed`,
    fix: 'Name another role.',
  }),
  AccessManagerUnauthorizedAccount: ({ msgsender, roleId }) => ({
    says: `${msgsender} does not hold role ${roleId}`,
    fix: 'Act with an account that holds it.',
  }),
  AccessManagerUnauthorizedCall: ({ caller, selector }) => ({
    says: `${caller} may not call ${selector}`,
    fix: 'Act with an account that holds the role of that function.',
  }),
  AccessManagerUnauthorizedCancel: ({ msgsender }) => ({
    says: `${msgsender} may not cancel this operation`,
    fix: 'Whoever scheduled it, or the guardian of its role, cancels.',
  }),
  AccessManagerUnauthorizedConsume: ({ target }) => ({
    says: `${target} asks for no scheduled operation`,
    fix: 'Only a managed contract consumes, in the middle of a call.',
  }),
}
