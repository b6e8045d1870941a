import sharp from 'sharp'
import { sidesOf } from './config.ts'

/** A picture as values from -1 to 1, channel-major, to RGB bytes, row by row. Values past the ends are cut. */
export function toPixels(picture: Float32Array, side: number): Uint8Array {
  const plane = side * side
  const pixels = new Uint8Array(3 * plane)
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = picture[channel * plane + pixel] ?? 0
      pixels[3 * pixel + channel] = Math.round(Math.min(1, Math.max(-1, value)) * 127.5 + 127.5)
    }
  }
  return pixels
}

/** The picture as PNG, enlarged to `size` with hard pixel edges: nothing is invented between the pixels. */
export async function toPng(picture: Float32Array, side: number, size: string): Promise<Uint8Array> {
  const [width, height] = sidesOf(size)
  const image = sharp(toPixels(picture, side), { raw: { width: side, height: side, channels: 3 } })
  const png = await image
    .resize(width, height, { kernel: 'nearest', fit: 'fill' })
    .png({ compressionLevel: 9, palette: false })
    .toBuffer()
  return new Uint8Array(png)
}
