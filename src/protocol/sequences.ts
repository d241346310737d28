/**
 * Triton's parameters of a sequence of requests that a stateful model is to remember. No model here keeps state, so one
 * that is asked to is refused: an answer as if it had would be a wrong one.
 */
import { FlyballError } from '../errors.ts';
import type { Parameters } from './inference.ts';

/** 0 and "" are how Triton's clients say that there is no sequence, and false that it neither begins nor ends. */
const saysNothing = (value: Parameters[string] | undefined): boolean =>
  value === undefined || value === 0 || value === 0n || value === '' || value === false;

/** Throws NOT_IMPLEMENTED for what belongs to a sequence. */
export function refuseSequence(parameters: Parameters): void {
  for (const name of ['sequence_id', 'sequence_start', 'sequence_end']) {
    if (saysNothing(parameters[name])) continue;
    throw new FlyballError(
      'NOT_IMPLEMENTED',
      `parameter '${name}': sequences are not offered, because no model here keeps state from one request to the next; ` +
        'leave the sequence_ parameters away, and send the state as inputs of the model and take it from its outputs',
    );
  }
}
