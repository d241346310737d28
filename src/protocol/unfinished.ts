/** The failure of a request that had got as far as a queue: what became of it, with how far it got. */
import { FlyballError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import type { UnfinishedTiming } from './inference.ts';

export class UnfinishedError extends FlyballError {
  readonly timing: UnfinishedTiming;

  constructor(code: ErrorCode, message: string, timing: UnfinishedTiming, details?: ErrorDetails) {
    super(code, message, details);
    this.timing = timing;
  }
}
