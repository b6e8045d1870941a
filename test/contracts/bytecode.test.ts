import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { hardhatArtifacts, solidityFiles, sourceHash } from '../../deploy/build/artifacts.ts'
import { ABI_FILE, abiSource, BYTECODE_FILE, bytecodeSource, compile } from '../../deploy/build/build.ts'
import { foundryBinary } from '../../deploy/chain.ts'

const root = join(import.meta.dirname, '..', '..')

/** Opcodes that ZKsync OS, or an EraVM chain's interpreter, lacks or answers with a constant. */
const FORBIDDEN: Record<number, string> = {
  242: 'CALLCODE',
  255: 'SELFDESTRUCT',
  68: 'PREVRANDAO',
  73: 'BLOBHASH',
  74: 'BLOBBASEFEE',
}

/** The opcodes of a contract, push data skipped. */
function* opcodes(code: Buffer): Generator<number> {
  for (let at = 0; at < code.length; at += 1) {
    const opcode = code[at] ?? 0
    yield opcode
    if (opcode >= 0x60 && opcode <= 0x7f) at += opcode - 0x5f
  }
}

describe('the bytecode', function () {
  this.timeout(900_000)

  before(() => {
    compile(root)
  })

  it('Hardhat and forge compile every contract to the same bytes', () => {
    const forge = foundryBinary('forge') ?? ''
    const result = spawnSync(forge, ['build', '--quiet'], { cwd: root, encoding: 'utf8' })
    expect(result.status, result.stderr).to.equal(0)

    for (const { name, bytecode } of hardhatArtifacts(root)) {
      const source =
        solidityFiles(join(root, 'contracts')).find((file) => basename(file) === `${name}.sol`) ?? ''
      const file = join(root, 'out', basename(source), `${name}.json`)
      const forged = JSON.parse(readFileSync(file, 'utf8')) as { bytecode: { object: string } }
      expect(forged.bytecode.object, name).to.equal(bytecode)
    }
  })

  it('the committed ABIs and creation code are what the sources compile to', () => {
    const artifacts = hardhatArtifacts(root)

    expect(readFileSync(join(root, ABI_FILE), 'utf8')).to.equal(abiSource(artifacts))
    expect(readFileSync(join(root, BYTECODE_FILE), 'utf8')).to.equal(
      bytecodeSource(artifacts, sourceHash(root)),
    )
  })

  it('no contract is larger than 24,576 bytes or uses an opcode that the target chains lack', () => {
    for (const { name, deployedBytecode } of hardhatArtifacts(root)) {
      const code = Buffer.from(deployedBytecode.slice(2), 'hex')
      const used = [...opcodes(code)].flatMap((opcode) => FORBIDDEN[opcode] ?? [])

      expect(code.length, name).to.be.within(1, 24_576)
      expect([...new Set(used)], name).to.deep.equal([])
    }
  })

  it('the compiler came from npm: no compiler is downloaded', () => {
    expect(existsSync(join(root, 'node_modules', 'solc', 'soljson.js'))).to.equal(true)
  })
})
