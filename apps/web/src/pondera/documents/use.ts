import { useCallback } from 'react'
import { useRead } from '../../network/answer.ts'
import { useSession } from '../../session/use.ts'
import type { EmbedTerms } from './price.ts'

/** Who makes vectors of texts: undefined until it is read, null on a network without such a pod; `again` reads it now. */
export function useEmbedTerms(wanted: boolean): { value?: EmbedTerms | null; again: () => void } {
  const { config } = useSession()
  const read = useCallback(async (): Promise<EmbedTerms | null> => {
    const { readPods, readTerms } = await import('../../network/models.ts')
    const [pod] = await readPods(config, 'embed')
    return pod ? { pod: pod.name, manifest: await readTerms(config, pod.id) } : null
  }, [config])
  return useRead(wanted ? read : undefined)
}
