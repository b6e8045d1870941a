/** Longer than what one tab told another is on its way. Turns of this process. */
const CALM = 50

/**
 * Once all that was written before is on the disk, and every tab has read it. How long that was ago says nothing of it: the
 * database and the tabs go on turn by turn, and a process that was not let run has had no turn.
 */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50))
  for (let calm = 0; calm < CALM; calm += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    if (process.getActiveResourcesInfo().includes('Immediate')) calm = 0
  }
}
