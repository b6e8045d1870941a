import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openAccounts } from '../../apps/gateway/accounts.ts'
import { openPictures, PICTURE_LIFE_MS } from '../../apps/gateway/pictures.ts'
import { asHeuristError } from '../../sdk/errors.ts'

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (cause: unknown) => asHeuristError(cause).code,
  )

describe('API keys', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-keys-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  /** What the first start shows, which has ended then. */
  async function firstShown(local: boolean): Promise<string> {
    const accounts = await openAccounts(home, local)
    await accounts.close()
    return accounts.shown ?? ''
  }

  it('belong to one gateway at a time', async () => {
    const first = await openAccounts(home, true)
    const code = await codeOf(openAccounts(home, true))
    await first.close()
    const second = await openAccounts(home, true)
    await second.close()

    expect(code).to.equal('till.in_use')
    expect(second.shown).to.equal(first.shown)
  })

  it('the first start makes a key that opens the door, and no other does', async () => {
    const keys = await openAccounts(home, false)
    const key = keys.shown ?? ''

    expect(key).to.match(/^hk[0-9a-f]{12}-[0-9a-f]{40}$/)
    expect(keys.check(`Bearer ${key}`)).to.equal(key.split('-')[0])
    expect(keys.check(`bearer  ${key} `)).to.equal(key.split('-')[0])
    const last = key.endsWith('0') ? '1' : '0'
    const wrong = [
      key,
      'Bearer',
      'Bearer ',
      `Basic ${key}`,
      `Bearer ${key.slice(0, -1)}${last}`,
      `Bearer ${key}x`,
      '',
    ]
    for (const each of wrong) expect(keys.check(each), each).to.equal(undefined)
  })

  it('splits at its only dash into consumer id and key, as the published SDK does', async () => {
    const key = (await openAccounts(home, false)).shown ?? ''

    expect(key.split(/[#-]/)).to.have.lengthOf(2)
  })

  it('away from a local chain the key is shown once and its text is stored nowhere', async () => {
    const shown = await firstShown(false)
    const again = await openAccounts(home, false)
    const stored = ['till.sqlite', 'till.sqlite-wal']
      .map((file) => readFileSync(join(home, file), 'latin1'))
      .join()

    expect(again.shown).to.equal(undefined)
    expect(again.check(`Bearer ${shown}`)).to.be.a('string')
    expect(stored).not.to.include(shown.split('-')[1])
    expect(() => readFileSync(join(home, 'api-key'))).to.throw('ENOENT')
  })

  it('on a local chain every start shows the same key, from a file that only its owner reads', async () => {
    const shown = await firstShown(true)
    const again = await openAccounts(home, true)

    expect(again.shown).to.equal(shown)
    for (const file of ['api-key', 'till.sqlite']) {
      expect(statSync(join(home, file)).mode & 0o777, file).to.equal(0o600)
    }
  })

  it('on a local chain a lost or altered copy is replaced by one more key; the old one still opens', async () => {
    const first = await firstShown(true)
    writeFileSync(
      join(home, 'api-key'),
      first.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
    )
    const keys = await openAccounts(home, true)

    expect(keys.shown).to.be.a('string').and.not.equal(first)
    expect(keys.check(`Bearer ${first}`)).to.be.a('string')
    expect(keys.check(`Bearer ${keys.shown}`)).to.be.a('string')
  })

  it('books that are none are refused, never overwritten: till.corrupt', async () => {
    const text = 'no books, whatever their name says '.repeat(200)
    writeFileSync(join(home, 'till.sqlite'), text)

    expect(await codeOf(openAccounts(home, true))).to.equal('till.corrupt')
    expect(readFileSync(join(home, 'till.sqlite'), 'utf8')).to.equal(text)
  })
})

describe('pictures given out as URLs', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'heurist-pictures-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  it('can be fetched for an hour and are then removed', async () => {
    let now = Date.now()
    const pictures = openPictures(join(home, 'pictures'), () => now)
    const name = await pictures.keep(Uint8Array.of(1, 2, 3))
    expect([...(await pictures.read(name))]).to.deep.equal([1, 2, 3])

    now += PICTURE_LIFE_MS + 60_000

    expect(await codeOf(pictures.read(name))).to.equal('picture.unknown')
    await pictures.sweep()
    expect(() => statSync(join(home, 'pictures', name))).to.throw('ENOENT')
  })

  it('a sweep leaves young pictures and foreign files alone', async () => {
    const pictures = openPictures(home)
    const name = await pictures.keep(Uint8Array.of(1))
    const foreign = join(home, 'notes.txt')
    writeFileSync(foreign, 'x')
    utimesSync(foreign, 1, 1)

    await pictures.sweep()

    expect(statSync(foreign).size).to.equal(1)
    expect((await pictures.read(name)).length).to.equal(1)
  })

  it('a name that leads elsewhere is unknown', async () => {
    writeFileSync(join(home, 'secret.png'), 'x')
    const pictures = openPictures(join(home, 'pictures'))

    for (const name of ['../secret.png', '..%2fsecret.png', 'secret.png', '/etc/passwd', '']) {
      expect(await codeOf(pictures.read(name)), name).to.equal('picture.unknown')
    }
  })
})
