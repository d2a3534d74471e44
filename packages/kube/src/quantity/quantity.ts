import { type Amount, compared, divideUp, nanoOf, negated, plus, roundedToMilli, zero } from './amount.ts'
import { formatAmount } from './format.ts'
import type { QuantityFormat } from './suffix.ts'

/**
 * An exact amount of a resource, as resource.Quantity of k8s.io/apimachinery: nine decimal places, any size, and the
 * format that it was written in. Immutable. `parseQuantity` makes one.
 */
export class Quantity {
  static readonly zero: Quantity = new Quantity(zero, 'DecimalSI')

  readonly #amount: Amount
  readonly #format: QuantityFormat
  #text: string | undefined

  /** `text`: how the quantity is written, if that is known already. */
  constructor(amount: Amount, format: QuantityFormat, text?: string) {
    this.#amount = amount
    this.#format = format
    this.#text = text
  }

  get isZero(): boolean {
    return this.sign === 0
  }

  get sign(): -1 | 0 | 1 {
    const { units } = this.#amount
    return units > 0 ? 1 : units < 0 ? -1 : 0
  }

  /** Keeps the format of this quantity; zero takes that of the other one, as upstream does. */
  add(other: Quantity): Quantity {
    return new Quantity(plus(this.#amount, other.#amount), this.#formatWith(other))
  }

  /** As {@link add}; the result may be negative. */
  sub(other: Quantity): Quantity {
    return new Quantity(plus(this.#amount, negated(other.#amount)), this.#formatWith(other))
  }

  negate(): Quantity {
    return new Quantity(negated(this.#amount), this.#format)
  }

  /** Negative if this is less than the other, positive if more, else 0: for `sort`. */
  compare(other: Quantity): number {
    return compared(this.#amount, other.#amount)
  }

  /** Of the same value, however written: 1 equals 1000m. */
  equals(other: Quantity): boolean {
    return this.compare(other) === 0
  }

  max(other: Quantity): Quantity {
    return this.compare(other) >= 0 ? this : other
  }

  /** The same quantity if it is whole in thousandths, else the next one further from zero that is. */
  roundUpToMilli(): Quantity {
    const rounded = roundedToMilli(this.#amount)
    return rounded === this.#amount ? this : new Quantity(rounded, this.#format)
  }

  /** In whole units, rounded away from zero. */
  value(): bigint {
    return divideUp(nanoOf(this.#amount), 1_000_000_000n)
  }

  /** In thousandths, rounded away from zero. */
  milliValue(): bigint {
    return divideUp(nanoOf(this.#amount), 1_000_000n)
  }

  /** The nearest number, for metrics and scores. */
  toNumber(): number {
    const { units, scale } = this.#amount
    return Number(units) / 10 ** -scale
  }

  /** What an API server stores for this quantity: the canonical form, or the text it was parsed from where that passes for one. */
  toString(): string {
    this.#text ??= formatAmount(this.#amount, this.#format)
    return this.#text
  }

  toJSON(): string {
    return this.toString()
  }

  #formatWith(other: Quantity): QuantityFormat {
    return this.isZero ? other.#format : this.#format
  }
}
