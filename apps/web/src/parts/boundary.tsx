import { Component, type ReactNode } from 'react'
import { Button } from './button.tsx'

interface Props {
  instead: ReactNode
  children: ReactNode
}

/** Where drawing what is within throws, `instead` stands there, and the rest of the page goes on. */
export class Boundary extends Component<Props, { isBroken: boolean }> {
  override state = { isBroken: false }
  static getDerivedStateFromError = () => ({ isBroken: true })
  override render(): ReactNode {
    return this.state.isBroken ? this.props.instead : this.props.children
  }
}

export const Broken = () => (
  <p
    role="alert"
    className="sticky bottom-4 z-10 m-4 flex flex-wrap items-center gap-2 rounded-md border border-edge bg-raised px-3.5 py-2"
    data-broken
  >
    This part of the page could not be drawn. What you keep in this browser is still there.
    <Button onClick={() => window.location.reload()}>Load the page again</Button>
  </p>
)
