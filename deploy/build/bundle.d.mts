/** The folder of the bundle, while it is made of the sources as they are. */
export function freshBundle(): string | undefined
