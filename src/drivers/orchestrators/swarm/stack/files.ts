/** What the roles are given beside their image: secrets and configs, of the specification and of what its files hold. Pure. */
import { X509Certificate } from 'node:crypto';
import { basename } from 'node:path';
import { stringify } from 'yaml';
import type { Specification } from '../../../../config/specification.ts';
import { fileName, listenersOf, stackLabels, type Role, type StackFile } from './order.ts';
import { filesOfControl, filesOfGateway } from './specification-files.ts';

/** In the container. */
export const targets = {
  specification: '/etc/flyball/flyball.yaml',
  authority: 'authority.pem',
  identity: 'gateway.pem',
  adminKey: 'admin.key',
} as const;

/** PEM, each a whole file. */
export interface StackMaterial {
  /** Certificate and key. */
  readonly authority: string;
  /** Certificate, key and authority of gateways; absent where one that is there goes on. */
  readonly identity?: string | undefined;
  /** Where callers need keys. */
  readonly adminKey?: string | undefined;
  /** Absolute path → content, of every file that the specification names. */
  readonly files: ReadonlyMap<string, string>;
}

export function stackFiles(specification: Specification, material: StackMaterial): readonly StackFile[] {
  const { name } = specification;
  const { authority, identity, adminKey, files } = material;
  const [ofControl, ofGateway] = [filesOfControl(specification), filesOfGateway(specification)];
  const secret = (what: string, target: string, roles: readonly Role[], content: string, also = ''): StackFile => ({
    kind: 'secret',
    name: fileName(name, what, also + content, authority),
    target,
    roles,
    content,
  });
  const config = (role: Role): StackFile => {
    const content = settingsOf(specification, role);
    const target = targets.specification;
    return { kind: 'config', name: fileName(name, role, content), target, roles: [role], content };
  };
  const named = [...new Set([...ofControl, ...ofGateway])].toSorted().map((path): StackFile => {
    const content = files.get(path);
    if (content === undefined) throw new Error(`expected what is in ${path}`);
    const roles: Role[] = [
      ...(ofControl.includes(path) ? (['control'] as const) : []),
      ...(ofGateway.includes(path) ? (['gateway'] as const) : []),
    ];
    // Two files of one name and content are two, each at its path.
    return secret(shortName(path), path, roles, content, path);
  });
  return [
    secret('authority', targets.authority, ['control'], authority),
    ...(adminKey === undefined ? [] : [secret('admin', targets.adminKey, ['control'], adminKey)]),
    ...(identity === undefined
      ? []
      : [{ ...secret('identity', targets.identity, ['gateway'], identity), labels: lifeLabels(identity, authority) }]),
    ...named,
    config('control'),
    config('gateway'),
  ];
}

const shortName = (path: string): string =>
  basename(path)
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 24);

export const fingerprintOf = (pem: string): string =>
  new X509Certificate(pem).fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase();

/** Labels that say by whom a certificate is, and until when it is given to new tasks: for half of its life. */
export function lifeLabels(identity: string, authority: string): Readonly<Record<string, string>> {
  const { validFrom, validTo } = new X509Certificate(identity);
  const due = (Date.parse(validFrom) + Date.parse(validTo)) / 2;
  return { [stackLabels.authority]: fingerprintOf(authority), [stackLabels.due]: String(due) };
}

/**
 * The platform's half of the specification, as one role needs it to start; what is served, and who is told what, is applied
 * through control. Only what a role reads is in it, so that nobody is restarted for what concerns another.
 */
export function settingsOf(specification: Specification, role: Role): string {
  const { name, listeners, tls, auth, gateway, limits, requestLog, shutdown, torchserve } = specification;
  const open = Object.fromEntries(
    listenersOf(specification, role).map((key) => [key, { ...listeners[key], host: '0.0.0.0' }]),
  );
  const shared = { name, listeners: open, tls, auth, gateway, limits, requestLog, shutdown, torchserve };
  if (role === 'gateway') return toYaml(shared);
  const { runners, registry, orchestrator, store } = specification;
  const door = { ...orchestrator.door, host: '0.0.0.0' };
  return toYaml({ ...shared, runners, registry, orchestrator: { ...orchestrator, kind: 'swarm', door }, store });
}

/** What is not set is not there. */
const toYaml = (value: unknown): string => stringify(JSON.parse(JSON.stringify(value)));
