/**
 * What a specification names of the machine that it was written on, and what of it can be brought to a Swarm: files are
 * (as secrets, at the same paths), folders, environment variables and loopback addresses are not. Pure.
 */
import { isAbsolute } from 'node:path';
import type { Specification } from '../../../../config/specification.ts';
import { readPostgresAddress } from '../../../../store/postgres-address.ts';
import { stateFolder } from '../service-spec.ts';

/** Every file that control reads, by absolute path; sorted, each once. */
export function filesOfControl(specification: Specification): readonly string[] {
  const { models: _models, listeners, ...rest } = specification;
  const { http: _http, grpc: _grpc, ...own } = listeners;
  const { store } = specification;
  const address = store.kind === 'postgres' ? readPostgresAddress(store.url) : undefined;
  const ofStore =
    address !== undefined && 'address' in address
      ? [address.address.rootCertificate, address.address.certificate, address.address.key]
      : [];
  return sorted([...walk({ ...rest, listeners: own }).map(({ path }) => path), ...ofStore]);
}

/** And every file that a gateway reads. */
export function filesOfGateway({ tls, listeners }: Specification): readonly string[] {
  const { http, grpc, metrics } = listeners;
  return sorted(walk({ tls, http, grpc, metrics }).map(({ path }) => path));
}

/** What cannot be had on another machine, in words that name the key. */
export function hindrances(specification: Specification): readonly string[] {
  const { listeners, telemetry, torchserve, requestLog, store } = specification;
  const found: string[] = [];
  for (const [name, listener] of Object.entries(listeners))
    if (listener?.port === 0) found.push(`listeners.${name}.port: expected a port, the same on every node, got 0`);
  for (const { key, name } of environmentOf(specification))
    found.push(`${key}: ${name} is an environment variable of this machine; name a file, which becomes a secret`);
  if (torchserve.modelStore !== undefined)
    found.push(`torchserve.modelStore: ${torchserve.modelStore} is a folder of this machine`);
  const written = [
    ['requestLog.folder', requestLog.folder],
    ...telemetry.influx.map((sink, index) => [
      `telemetry.influx.${index}.path`,
      'path' in sink ? sink.path : undefined,
    ]),
  ] as const;
  for (const [key, path] of written)
    if (path !== undefined && isAbsolute(path) && !path.startsWith(`${stateFolder}/`))
      found.push(`${key}: expected a path below ${stateFolder}, which is kept on the node, got ${path}`);
  if (store.kind === 'postgres' && isOfThisMachine(store.url))
    found.push(
      `store.url: its server is only reached from this machine; expected an address that every manager reaches`,
    );
  return found;
}

function isOfThisMachine(url: string): boolean {
  const reading = readPostgresAddress(url);
  return 'address' in reading && /^(\/|localhost$|127\.|::1$)/.test(reading.address.host);
}

const sorted = (paths: readonly (string | undefined)[]): readonly string[] =>
  [...new Set(paths.filter((path) => path !== undefined))].toSorted();

interface Named {
  readonly key: string;
  readonly path: string;
}

/** By the names that files have everywhere in a specification. */
const fileKeys: ReadonlySet<string> = new Set([
  'file',
  'caFile',
  'passwordFile',
  'sealKeyFile',
  'certificate',
  'key',
  'clientCa',
]);

function walk(value: unknown, key = ''): readonly Named[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]): readonly Named[] => {
    const at = key === '' ? name : `${key}.${name}`;
    return typeof each === 'string' && fileKeys.has(name) && isAbsolute(each)
      ? [{ key: at, path: each }]
      : walk(each, at);
  });
}

function environmentOf({ models: _models, ...rest }: Specification): readonly { key: string; name: string }[] {
  const look = (value: unknown, key: string): { key: string; name: string }[] => {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, each]) => {
      const at = key === '' ? name : `${key}.${name}`;
      return name === 'env' && typeof each === 'string' ? [{ key: at, name: each }] : look(each, at);
    });
  };
  return look(rest, '');
}
