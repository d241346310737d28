/** Bodies that are taken whole and unread, since they are signed as they are; and what came of each, counted. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { FlyballError, type ErrorCode } from '../errors.ts';
import { publish } from '../telemetry/events.ts';
import { toApiError } from './problems.ts';

/** For the routes of this scope alone. */
export function takeWholeBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** Of every type: who reads it knows what it is. */
export function takeAnything(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** The limit is their own, and no setting. */
export function toWholeBodyError(thrown: unknown, bytesMax: number): FlyballError {
  const error = toApiError(thrown);
  if (error.code !== 'TOO_LARGE') return error;
  return new FlyballError('TOO_LARGE', `expected a body of at most ${bytesMax} bytes, got more`, { cause: thrown });
}

export function noteWebhook(request: FastifyRequest, outcome: 'accepted' | ErrorCode): void {
  const { sender } = request.params as { readonly sender?: string };
  publish('flyball:webhook', { sender: sender === 'grafana' || sender === 'alertmanager' ? sender : 'other', outcome });
}
