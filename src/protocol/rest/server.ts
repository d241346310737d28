/**
 * The Open Inference Protocol over REST, and TorchServe's paths, as a request handler of node:http.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProcessLimits } from '../../supervisor/messages.ts';
import type { InferenceService } from '../inference.ts';

export interface RestOptions {
  readonly limits: ProcessLimits;
}

export function restHandler(
  _service: InferenceService,
  _options: RestOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  throw new Error('not yet');
}
