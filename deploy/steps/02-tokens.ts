import { type Address, isAddress, isAddressEqual, parseAbi } from 'viem'
import { refused } from '../../sdk/errors.ts'
import type { Deployer } from '../deployer.ts'
import type { Step } from './step.ts'

/** HEU, minted once to the deployer; the payment asset: a test dollar here, an existing stablecoin elsewhere. */
export const tokens: Step = {
  name: 'tokens',
  async check(deployer) {
    if (!deployer.isLocal) await existingAsset(deployer)
  },
  async run(deployer) {
    await deployer.create('heu', 'HEU', [deployer.admin])
    if (deployer.isLocal) await deployer.create('asset', 'TestDollar', [])
    else if (!isBuiltOn(deployer)) deployer.adopt('asset', await existingAsset(deployer))
  },
}

const assetAbi = parseAbi([
  'function decimals() view returns (uint8)',
  'function authorizationState(address,bytes32) view returns (bool)',
  'function nonces(address) view returns (uint256)',
])

/** Whether the contracts that take the asset for good are made; until then another may be named. */
const isBuiltOn = ({ record }: Deployer): boolean => record.addresses.emission !== undefined

/** @throws `asset.unset`, `asset.unsuitable`, `deployment.differs` (refused). */
async function existingAsset(deployer: Deployer): Promise<Address> {
  const known = deployer.record.addresses.asset
  const address = process.env.HEURIST_ASSET || known
  if (address === undefined || !isAddress(address)) {
    throw refused('asset.unset', 'a real chain needs its payment asset', {
      fix: 'Set HEURIST_ASSET to the address of a 6-decimal USD stablecoin with permit and EIP-3009.',
    })
  }
  if (isBuiltOn(deployer) && known !== undefined && !isAddressEqual(address, known)) {
    throw refused('deployment.differs', `this deployment was made with the asset ${known}, not ${address}`, {
      fix: 'Leave HEURIST_ASSET out, or deploy to a fresh record.',
      field: 'HEURIST_ASSET',
    })
  }
  const zero = `0x${'00'.repeat(32)}` as const
  const read = { address, abi: assetAbi } as const
  try {
    const decimals = await deployer.client.readContract({ ...read, functionName: 'decimals' })
    if (decimals !== 6) throw refused('asset.unsuitable', `the asset has ${decimals} decimals, not 6`)
    await deployer.client.readContract({ ...read, functionName: 'nonces', args: [address] })
    await deployer.client.readContract({ ...read, functionName: 'authorizationState', args: [address, zero] })
  } catch (cause) {
    throw refused('asset.unsuitable', `${address} is not a 6-decimal token with permit and EIP-3009`, {
      cause,
    })
  }
  return address
}
