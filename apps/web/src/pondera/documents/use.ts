import { useEffect, useState } from 'react'
import { readPods, readTerms } from '../../network/models.ts'
import { useSession } from '../../session/use.ts'
import type { Embedder } from './library.ts'

/** Who makes vectors of texts; undefined without credit, or on a network without such a pod. */
export function useEmbedder(): Embedder | undefined {
  const { config, view } = useSession()
  const [terms, setTerms] = useState<Omit<Embedder, 'client'>>()
  useEffect(() => {
    let gone = false
    const read = async () => {
      const [pod] = await readPods(config, 'embed')
      if (pod === undefined) return
      const manifest = await readTerms(config, pod.id)
      if (!gone) setTerms({ pod: pod.name, manifest })
    }
    read().catch((cause: unknown) => console.warn(cause))
    return () => {
      gone = true
    }
  }, [config])
  return terms && view.client ? { ...terms, client: view.client } : undefined
}
