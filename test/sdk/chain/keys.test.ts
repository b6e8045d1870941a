import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { decryptKeystoreJsonSync, encryptKeystoreJson } from 'ethers'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { createKey, decryptKey, encryptKey, loadKey, saveKey } from '../../../sdk/chain/keys.ts'
import { LOCAL_KEY, localKey } from '../../../sdk/chain/local.ts'
import { HeuristError } from '../../../sdk/errors.ts'

/** The two vectors of the Web3 Secret Storage Definition, version 3. */
const SECRET = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d'
const VECTORS = {
  scrypt: {
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
      ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
      kdf: 'scrypt',
      kdfparams: {
        dklen: 32,
        n: 262144,
        p: 8,
        r: 1,
        salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19',
      },
      mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
    },
    id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
    version: 3,
  },
  pbkdf2: {
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
      ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
      kdf: 'pbkdf2',
      kdfparams: {
        c: 262144,
        dklen: 32,
        prf: 'hmac-sha256',
        salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
      },
      mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
    },
    id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
    version: 3,
  },
}

function refused(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof HeuristError) return error.code
    throw error
  }
  return 'nothing was refused'
}

describe('key files', function () {
  this.timeout(600_000)
  let folder: string
  const at = (name: string) => join(folder, name)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heurist-keys-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  for (const [kdf, vector] of Object.entries(VECTORS)) {
    it(`open the published ${kdf} keystore`, () => {
      const { privateKey, address } = decryptKey(JSON.stringify(vector), 'testpassword')

      expect(privateKey).to.equal(SECRET)
      expect(address).to.equal('0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b')
    })
  }

  it('open with the capital letter that old wallets write', () => {
    const { crypto, ...rest } = VECTORS.pbkdf2

    expect(decryptKey(JSON.stringify({ ...rest, Crypto: crypto }), 'testpassword').privateKey).to.equal(
      SECRET,
    )
  })

  it('are read by ethers, and ethers’ by us', async () => {
    const privateKey = generatePrivateKey()
    const address = privateKeyToAddress(privateKey)

    const ours = decryptKeystoreJsonSync(encryptKey(privateKey, 'pässword'), 'pässword')
    const theirs = await encryptKeystoreJson({ address, privateKey }, 'pässword', { scrypt: { N: 1024 } })

    expect([ours.privateKey, ours.address]).to.deep.equal([privateKey, address])
    expect(decryptKey(theirs, 'pässword')).to.deep.equal({ privateKey, address })
  })

  it('are made fresh, for their owner alone, and never overwritten', () => {
    const key = createKey(at('deep/down/a.key'))

    expect(statSync(at('deep/down/a.key')).mode & 0o777).to.equal(0o600)
    expect(loadKey(at('deep/down/a.key'))).to.deep.equal(key)
    expect(key.address).to.equal(privateKeyToAddress(key.privateKey))
    expect(refused(() => createKey(at('deep/down/a.key')))).to.equal('key.exists')
    expect(loadKey(at('deep/down/a.key'))).to.deep.equal(key)
    expect(createKey(at('b.key')).privateKey).not.to.equal(key.privateKey)
  })

  it('with a password hold no key in the clear', () => {
    const key = createKey(at('a.json'), 'secret')
    const text = readFileSync(at('a.json'), 'utf8')

    expect(text).not.to.contain(key.privateKey.slice(2))
    expect(JSON.parse(text).version).to.equal(3)
    expect(statSync(at('a.json')).mode & 0o777).to.equal(0o600)
    expect(loadKey(at('a.json'), 'secret')).to.deep.equal(key)
    expect(refused(() => loadKey(at('a.json')))).to.equal('key.password_missing')
    expect(refused(() => loadKey(at('a.json'), 'Secret'))).to.equal('key.password_wrong')
  })

  it('in the clear that others can read are refused', () => {
    createKey(at('a.key'))
    chmodSync(at('a.key'), 0o644)

    expect(refused(() => loadKey(at('a.key')))).to.equal('key.readable_by_others')
  })

  it('are read with and without 0x', () => {
    const key = saveKey(at('a.key'), generatePrivateKey())
    writeFileSync(at('b.key'), key.privateKey.slice(2), { mode: 0o600 })

    expect(loadKey(at('b.key'))).to.deep.equal(key)
  })

  for (const [what, text] of Object.entries({
    'an empty file': '',
    'a short key': `0x${'12'.repeat(31)}`,
    'no hexadecimal': 'zz'.repeat(32),
    'the key zero': '00'.repeat(32),
    'a key past the order': 'ff'.repeat(32),
  })) {
    it(`that hold ${what} are refused`, () => {
      writeFileSync(at('a.key'), text, { mode: 0o600 })

      expect(refused(() => loadKey(at('a.key')))).to.equal('key.invalid')
    })
  }

  const { crypto } = VECTORS.scrypt
  for (const [what, keystore] of Object.entries({
    'no JSON': '{',
    'another version': JSON.stringify({ ...VECTORS.scrypt, version: 1 }),
    'no crypto section': JSON.stringify({ version: 3 }),
    'another cipher': JSON.stringify({ version: 3, crypto: { ...crypto, cipher: 'aes-256-gcm' } }),
    'another derivation': JSON.stringify({ version: 3, crypto: { ...crypto, kdf: 'none' } }),
    'more memory than is sane': JSON.stringify({
      version: 3,
      crypto: { ...crypto, kdfparams: { ...crypto.kdfparams, n: 2 ** 30, r: 64 } },
    }),
  })) {
    it(`that are keystores with ${what} are refused`, () => {
      expect(refused(() => decryptKey(keystore, 'testpassword'))).to.equal('key.invalid')
    })
  }

  it('that were tampered with do not open', () => {
    const { crypto } = VECTORS.pbkdf2
    const ciphertext = crypto.ciphertext.replace(/^53/, '54')
    const keystore = JSON.stringify({ version: 3, crypto: { ...crypto, ciphertext } })

    expect(refused(() => decryptKey(keystore, 'testpassword'))).to.equal('key.password_wrong')
  })

  it('that are not there are missed by name', () => {
    expect(refused(() => loadKey(at('none.key')))).to.equal('key.missing')
  })

  it('of local chains are the ones that everybody knows', () => {
    expect(privateKeyToAddress(localKey(LOCAL_KEY.deployer))).to.equal(
      '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    )
    expect(privateKeyToAddress(localKey(LOCAL_KEY.faucet))).to.equal(
      '0xa0Ee7A142d267C1f36714E4a8F75612F20a79720',
    )
  })
})
