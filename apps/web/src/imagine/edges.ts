/** Up to this many pixels wide a picture is shown with hard edges; larger ones are smoothed where they must shrink. */
const HARD_EDGES = 256
export const edgesOf = (width: number): string => (width <= HARD_EDGES ? '[image-rendering:pixelated]' : '')
