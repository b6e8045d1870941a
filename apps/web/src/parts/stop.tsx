import { Button } from './button.tsx'

/** Ends what is paid for by the piece. It stands where that was begun: the second click of a double click is not meant for it. */
export const StopButton = ({ onStop }: { onStop: () => void }) => (
  <Button onClick={({ detail }) => detail < 2 && onStop()}>Stop</Button>
)
