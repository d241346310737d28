/**
 * The gateway's way to control's API: HTTP over the Unix socket in the run directory, or over the door of a control on
 * another machine, one connection a call. It carries who asks and what; whether that is allowed and what comes of it is
 * control's to say.
 * Invariant: no call outlives its signal, its time limit or control; a lost connection is CONTROL_UNAVAILABLE.
 */
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { fromProblem } from '../api/problems.ts';
import type { OperationView } from '../api/schemas.ts';
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import { callOptions } from '../tls/peer.ts';
import { misdirected, type ControlAddress } from './control-dial.ts';
import type { Management, ManagementCaller } from '../protocol/management.ts';

export interface ManagementOptions {
  readonly control: ControlAddress;
  readonly clock: Clock;
  /** Time for one answer, a long poll's wait not counted. */
  readonly answerMs?: number;
  /** How long an operation that is waited for may be without a control that tells of it. */
  readonly awayMsMax?: number;
}

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below /api/v1, names encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly waitMs?: number;
}

const answerBytesMax = 64 * 1_048_576;
/** Of one worker at the same time; management is for people and deployment scripts. */
const callsMax = 256;
const waitMs = 10_000;
/** A machine without power answers nothing at all. */
const dialMsMax = 3000;
const retryMs = 250;
/** About what a restart of control takes. */
const retryAfterSeconds = 2;

const unavailable = (why: string, cause?: unknown): FlyballError =>
  new FlyballError('CONTROL_UNAVAILABLE', `nothing can be changed now, ${why}; inference goes on`, {
    retryAfterSeconds,
    ...(cause === undefined ? {} : { cause }),
  });

export function openManagement(options: ManagementOptions): (caller: ManagementCaller) => Management {
  const { control, clock, answerMs = 30_000, awayMsMax = 15_000 } = options;
  let calls = 0;

  /** Which of the doors led to the control that acts. */
  let door = 0;

  /** Goes to the next door only where nobody can have read the call. */
  async function send(call: Call, caller: ManagementCaller, signal: AbortSignal): Promise<Answer> {
    const doors = control.kind === 'unix' ? 1 : control.urls.length;
    for (let left = doors - 1; ; left -= 1) {
      const at = door;
      const tried = { arrived: false };
      try {
        const answer = await sendTo(at, tried, call, caller, signal);
        if (answer.status !== misdirected) return answer;
        if (left <= 0) throw unavailable('no control acts');
      } catch (error) {
        if (tried.arrived || left <= 0 || signal.aborted) throw error;
      }
      if (door === at) door = (at + 1) % doors;
    }
  }

  function sendTo(
    at: number,
    tried: { arrived: boolean },
    call: Call,
    caller: ManagementCaller,
    signal: AbortSignal,
  ): Promise<Answer> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) for (const each of [value].flat()) query.append(name, String(each));
    }
    const body = call.json === undefined ? call.bytes : Buffer.from(JSON.stringify(call.json));
    const type = call.json === undefined ? 'application/octet-stream' : 'application/json';
    return new Promise((resolve, reject) => {
      const start = (given: https.RequestOptions): http.ClientRequest =>
        control.kind === 'unix'
          ? http.request({ ...given, socketPath: control.path })
          : https.request(new URL(control.urls[at] ?? ''), { ...given, ...callOptions(control.identity, 'control') });
      const request = start({
        agent: false,
        signal,
        method: call.method,
        path: `/api/v1/${call.path}${query.size === 0 ? '' : `?${query.toString()}`}`,
        headers: {
          host: 'localhost',
          'x-request-id': caller.requestId,
          ...(caller.key === undefined ? {} : { authorization: `Bearer ${caller.key}` }),
          ...(body === undefined ? {} : { 'content-type': type, 'content-length': body.byteLength }),
        },
      });
      const limitMs = answerMs + (call.waitMs ?? 0);
      const cancelLimit = clock.after(limitMs, () =>
        request.destroy(unavailable(`control gave no answer within ${limitMs} ms`)),
      );
      const fail = (error: Error): void => reject(signal.aborted ? error : toUnavailable(error));
      request.once('close', cancelLimit);
      if (control.kind === 'doors') {
        const cancelDial = clock.after(dialMsMax, () => request.destroy(unavailable('its machine does not answer')));
        request.once('close', cancelDial);
        request.once('socket', (socket) =>
          socket.once('secureConnect', () => {
            cancelDial();
            tried.arrived = true;
          }),
        );
      }
      request.on('error', fail);
      request.on('response', (response) => void readAnswer(response).then(resolve, fail));
      request.end(body);
    });
  }

  async function ask<Value>(call: Call, caller: ManagementCaller, signal: AbortSignal): Promise<Value> {
    if (calls >= callsMax) throw unavailable(`${callsMax} other calls wait for control`);
    calls += 1;
    try {
      return toValue(await send(call, caller, signal), call) as Value;
    } catch (error) {
      if (signal.aborted) throw new FlyballError('CANCELLED', 'the caller hung up', { cause: error });
      throw error;
    } finally {
      calls -= 1;
    }
  }

  return (caller) => {
    // Every change from the inference ports passes here: this is where a caller without the scope `admin` is refused.
    const { by } = caller;
    const get = <Value>(path: string, signal: AbortSignal): Promise<Value> =>
      ask<Value>({ method: 'GET', path }, caller, signal);
    const part = encodeURIComponent;

    async function settled(operation: OperationView, signal: AbortSignal): Promise<OperationView> {
      let latest = operation;
      let awaySince: number | undefined;
      while (latest.state === 'running') {
        const query = { after: latest.steps.length, waitMs };
        const path = `operations/${part(latest.id)}`;
        try {
          latest = await ask<OperationView>({ method: 'GET', path, query, waitMs }, caller, signal);
          awaySince = undefined;
        } catch (error) {
          // The operation is in the store: the next control takes it up.
          const isAway = error instanceof FlyballError && error.code === 'CONTROL_UNAVAILABLE';
          awaySince ??= clock.now();
          if (!isAway || clock.now() - awaySince > awayMsMax) throw error;
          await pause(clock, signal);
        }
      }
      if (latest.state === 'succeeded') return latest;
      throw fromProblem(latest.error) ?? new FlyballError('INTERNAL', `operation ${latest.id} failed`);
    }

    return {
      specification: (signal) => get('specification', signal),
      models: (signal) => get('models', signal),
      model: (name, signal) => get(`models/${part(name)}`, signal),
      async putArtefact(bytes, signal) {
        const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
        await ask({ method: 'PUT', path: `artefacts/${digest}`, query: { by }, bytes }, caller, signal);
        return digest;
      },
      addVersion(model, { assets = {}, ...offer }, signal) {
        const asset = Object.entries(assets).map(([name, digest]) => `${name}=${digest}`);
        const path = `models/${part(model)}/versions`;
        return ask({ method: 'POST', path, query: { ...offer, by, asset } }, caller, signal);
      },
      removeModel: (name, signal) =>
        ask({ method: 'DELETE', path: `models/${part(name)}`, query: { by } }, caller, signal),
      removeVersion: (name, version, signal) =>
        ask({ method: 'DELETE', path: `models/${part(name)}/versions/${version}`, query: { by } }, caller, signal),
      setAlias: (name, alias, version, signal) =>
        ask(
          { method: 'PUT', path: `models/${part(name)}/aliases/${part(alias)}`, json: { version, by } },
          caller,
          signal,
        ),
      deployments: (signal) => get('deployments', signal),
      deployment: (name, signal) => get(`deployments/${part(name)}`, signal),
      deploy: (name, deployment, signal, note) =>
        ask({ method: 'PUT', path: `deployments/${part(name)}`, json: { deployment, by, note } }, caller, signal),
      scale: (name, replicas, signal) =>
        ask({ method: 'POST', path: `deployments/${part(name)}/scale`, json: { replicas, by } }, caller, signal),
      removeDeployment: (name, signal) =>
        ask({ method: 'DELETE', path: `deployments/${part(name)}`, query: { by } }, caller, signal),
      settled,
    };
  };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: number | undefined;
  readonly text: string;
}

async function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > answerBytesMax) throw new FlyballError('PROTOCOL', `control answered more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  const retryAfter = Number(response.headers['retry-after'] ?? Number.NaN);
  return {
    status: response.statusCode ?? 0,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

function toValue({ status, retryAfter, text }: Answer, { method, path }: Call): unknown {
  let value: unknown;
  try {
    value = text === '' ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new FlyballError('PROTOCOL', `control answered ${method} ${path} with something that is not JSON`, { cause });
  }
  if (status < 400) return value;
  const error = fromProblem(value, retryAfter);
  throw error ?? new FlyballError('PROTOCOL', `control answered ${method} ${path} with HTTP ${status} and no problem`);
}

function toUnavailable(error: NodeJS.ErrnoException): FlyballError {
  if (error instanceof FlyballError) return error;
  const isAbsent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
  return unavailable(isAbsent ? 'control is not running' : `control is gone (${error.message})`, error);
}

function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      reject(new FlyballError('CANCELLED', 'the caller hung up'));
    };
    const cancel = clock.after(retryMs, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
