import { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } from 'hardhat/builtin-tasks/task-names'
import { subtask } from 'hardhat/config'
import type { HardhatUserConfig, SolcBuild } from 'hardhat/types'
import '@nomicfoundation/hardhat-ethers'
import '@typechain/hardhat'

const SOLC = '0.8.28'

// The compiler is the WebAssembly solc that npm installed: nothing is downloaded.
subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD).setAction(async (): Promise<SolcBuild> => {
  const solc = require('solc') as { version(): string }
  return {
    compilerPath: require.resolve('solc/soljson.js'),
    isSolcJs: true,
    version: SOLC,
    longVersion: solc.version(),
  }
})

/** As the stand-in for anvil it mines at an interval and keeps to the clock; in tests each transaction is a block. */
function cadence(blockMs: string | undefined) {
  if (blockMs === undefined) return {}
  return { mining: { auto: false, interval: Number(blockMs) }, allowBlocksWithSameTimestamp: true }
}

const config: HardhatUserConfig = {
  solidity: {
    version: SOLC,
    // The same settings as foundry.toml; `npm run check` holds both bytecodes equal.
    settings: {
      evmVersion: 'cancun',
      viaIR: true,
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
    },
  },
  networks: {
    hardhat: {
      hardfork: 'cancun',
      chainId: 31_337,
      blockGasLimit: 100_000_000,
      ...cadence(process.env.HEURIST_BLOCK_MS),
    },
  },
  paths: { sources: 'contracts', tests: 'test/contracts', cache: 'cache/hardhat', artifacts: 'artifacts' },
  typechain: { outDir: 'test/typechain', target: 'ethers-v6' },
}

module.exports = config
