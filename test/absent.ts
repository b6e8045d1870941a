/** Commands whose subject is not built yet: one clear line, exit code 1, nothing pretended. */
const WHY: Record<string, string> = {
  sim: 'the deterministic router simulation is not built yet; its seam is keepers/world.ts',
  economy: 'the economy and its laboratory are not built yet',
}

const name = process.argv[2] ?? ''
process.stderr.write(`npm run ${name}: ${WHY[name] ?? 'there is no such command'}. Nothing was run.\n`)
process.exit(1)
