/** In the place of one of several things that cannot be drawn. */
export const Undrawn = () => (
  <p role="status" className="label" data-broken>
    This could not be drawn. What this browser keeps of it is still there.
  </p>
)
