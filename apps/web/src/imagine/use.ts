import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { usePath } from '../network/address.ts'
import { useRead } from '../network/answer.ts'
import type { Model } from '../network/models.ts'
import { useSession } from '../session/use.ts'
import { wordsOf } from '../session/words.ts'
import type { Drawing } from './drawing.ts'
import type { Drawings, DrawingsView } from './store.ts'

export const DrawingsContext = createContext<Drawings | undefined>(undefined)

export function useDrawings(): { drawings: Drawings; view: DrawingsView } {
  const drawings = useContext(DrawingsContext)
  if (drawings === undefined) throw new Error('DrawingsContext is missing')
  return { drawings, view: useSyncExternalStore(drawings.subscribe, drawings.view) }
}

const MODEL = /^\/imagine\/m\/([a-z0-9-]{1,64})\/?$/
const SHARE = /^\/imagine\/s\/([\w-]{1,64})\/?$/

export const modelPath = (model: string): string => `/imagine/m/${model}`

/** What the address names: a model, or a picture that somebody shares. */
export function useAddress(): { model?: string; share?: string } {
  const path = usePath()
  const model = MODEL.exec(path)?.[1]
  const share = SHARE.exec(path)?.[1]
  return { ...(model ? { model } : {}), ...(share ? { share } : {}) }
}

/** The pods that make pictures; undefined until the router told them. */
export function usePictureModels(): Model[] | undefined {
  const { config } = useSession()
  const read = useCallback(
    async () => (await import('../network/models.ts')).readPods(config, 'image'),
    [config],
  )
  return useRead(read).value
}

const JOURNAL_MS = 1_500

/** Looks up what a picture cost whose end this page did not see, until this browser's journal says so, or cannot any more. */
export function useUnseenPrice({ id, state, request, price, isForgotten }: Drawing): void {
  const { drawings } = useDrawings()
  const isUnseen = state !== 'done' && state !== 'drawing' && price === undefined && !isForgotten
  const wanted = isUnseen ? request : undefined
  useEffect(() => {
    if (wanted === undefined) return
    const look = async () => {
      const { endOf } = await import('../session/prices.ts')
      const end = await endOf(wanted)
      if (end === 'forgotten') drawings.patch(id, { isForgotten: true })
      else if (end !== 'open') drawings.patch(id, { price: end.toString() })
    }
    const again = () => void look().catch((cause: unknown) => console.warn(wordsOf(cause).says))
    again()
    const timer = window.setInterval(again, JOURNAL_MS)
    return () => window.clearInterval(timer)
  }, [drawings, id, wanted])
}

/** An address of a picture of this browser, for as long as it is shown; undefined until it is read. */
export function usePicture(id: string, isThere: boolean): string | undefined {
  const { drawings } = useDrawings()
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    if (!isThere) return
    let made: string | undefined
    let gone = false
    void drawings.picture(id).then((bytes) => {
      if (gone || !bytes) return
      made = URL.createObjectURL(new Blob([bytes], { type: 'image/png' }))
      setUrl(made)
    })
    return () => {
      gone = true
      setUrl(undefined)
      if (made !== undefined) URL.revokeObjectURL(made)
    }
  }, [drawings, id, isThere])
  return url
}
