/**
 * One management call over HTTP: reads the body, lets the path's own function ask control on the caller's behalf, and
 * answers what came of it. Invariant: one answer a call, and a caller who hangs up ends what was asked for them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toFlyballError } from '../../errors.ts';
import { printJson } from '../json.ts';
import { managementOf, type Management } from '../management.ts';
import { readBody } from './body.ts';
import { requestIdOf, type RestContext } from './call.ts';
import { readHeaders } from './headers.ts';
import { sendError, sendText } from './reply.ts';

export interface ManagementAnswer {
  readonly status: number;
  /** Printed as JSON. */
  readonly value: unknown;
}

/** Throws, rejects or answers. */
export type ManagementAct = (
  management: Management,
  body: Uint8Array,
  signal: AbortSignal,
) => ManagementAnswer | Promise<ManagementAnswer>;

export function handleManagement(
  { service, limits }: RestContext,
  request: IncomingMessage,
  response: ServerResponse,
  act: ManagementAct,
): void {
  const headers = readHeaders(request.rawHeaders);
  const requestId = requestIdOf(headers);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const answer = async (body: Uint8Array): Promise<void> => {
    const management = managementOf(service, { by: `rest ${request.socket.remoteAddress ?? 'unknown'}`, requestId });
    const { status, value } = await act(management, body, gone.signal);
    sendText(response, status, printJson(value), { requestId });
  };
  const fail = (thrown: unknown): void => sendError(response, toFlyballError(thrown), { requestId });
  readBody(request, headers, limits.bodyBytesMax, (failed, body) => {
    if (failed === undefined) answer(body).catch(fail);
    else fail(failed);
  });
}
