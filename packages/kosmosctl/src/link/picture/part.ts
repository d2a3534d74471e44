/** A part of the picture, from 0/0 on. */
export interface Part {
  readonly xml: string
  readonly width: number
  readonly height: number
}
