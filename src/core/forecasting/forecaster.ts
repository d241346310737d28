/**
 * A forecaster: sees one value a step on an even grid and says what comes some steps later. It is believed only as far as
 * its record goes (record.ts), so it may be simple; what it must not do is throw, or depend on anything but what it saw.
 * State is plain data that a step may write into, as a policy's is. Any other source of numbers (a model that the
 * platform serves) gets its record in the same way: the record takes numbers, not forecasters.
 */

export interface Forecaster<State = unknown> {
  readonly name: string;
  start(): State;
  /** `value` NaN: the step was not seen. */
  observe(state: State, value: number): State;
  /** `steps` from the last value seen, at least 1; NaN while it cannot tell. */
  forecast(state: State, steps: number): number;
}
