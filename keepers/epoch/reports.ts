import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type BaseReport, parseBaseReport } from '../../sdk/chain/base.ts'
import { toWire } from '../../sdk/protocol/wire.ts'

/**
 * The reports that this keeper files, with their leaves: what the chain has only the root of. They cannot be counted again
 * later, because the quotas that they were counted with move.
 */
export interface ReportStore {
  /** On the disk when it returns, whole or not at all. */
  write(report: BaseReport): void
  /** @throws `report.unreadable` (refused). */
  read(epoch: number): BaseReport | undefined
}

export function openReports(folder: string): ReportStore {
  mkdirSync(folder, { recursive: true })
  const fileOf = (epoch: number) => join(folder, `${epoch}.json`)

  return {
    write(report) {
      const path = fileOf(report.epoch)
      const file = openSync(`${path}.new`, 'w', 0o644)
      writeFileSync(file, toWire(report))
      sync(file)
      renameSync(`${path}.new`, path)
      sync(openSync(folder, 'r'))
    },
    read(epoch) {
      const path = fileOf(epoch)
      return existsSync(path) ? parseBaseReport(JSON.parse(readFileSync(path, 'utf8'))) : undefined
    },
  }
}

function sync(file: number): void {
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
