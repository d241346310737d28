/** What is to be put on a Swarm, and what is there already: checked as far as it can be before anything is made. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../clock.ts';
import type { LoadedSpecification } from '../../config/load.ts';
import type { Specification } from '../../config/specification.ts';
import { openDocker } from '../../drivers/orchestrators/swarm/docker.ts';
import type { ClusterMember } from '../../core/placement/node.ts';
import type { SwarmEngine } from '../../drivers/orchestrators/swarm/engine.ts';
import { fingerprintOf } from '../../drivers/orchestrators/swarm/stack/files.ts';
import { findStack, type StackFound } from '../../drivers/orchestrators/swarm/stack/make.ts';
import { hasImage, lookAtManager } from '../../drivers/orchestrators/swarm/stack/manager.ts';
import type { StackOrder } from '../../drivers/orchestrators/swarm/stack/order.ts';
import { hindrances } from '../../drivers/orchestrators/swarm/stack/specification-files.ts';
import { FlyballError } from '../../errors.ts';
import { holderOf } from '../../store/data-directory.ts';
import type { IssuedCertificate } from '../../tls/authority.ts';
import { dataDirectoryPath } from '../data-directory-path.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { loadFrom } from '../prepare.ts';
import { packageVersion } from '../version.ts';
import { openAuthority } from './material.ts';

export interface OpenedFleet extends AsyncDisposable {
  readonly order: StackOrder;
  readonly engine: SwarmEngine;
  readonly nodes: readonly ClusterMember[];
  readonly found: StackFound;
  readonly loaded: LoadedSpecification;
  readonly authority: IssuedCertificate;
  readonly dataDirectory: string;
  /** What its operator should know before it is made. */
  readonly notes: readonly string[];
}

export async function openFleet(invocation: Invocation): Promise<OpenedFleet> {
  const { terminal, values, positionals } = invocation;
  const loaded = await loadFrom(positionals[0], terminal);
  const insecure = flag(values, 'insecure');
  check(loaded, insecure);
  const dataDirectory = dataDirectoryPath(invocation);
  refuseWhereItRunsHere(dataDirectory);
  const specification = onSwarm(loaded.specification);
  const { name, orchestrator } = specification;
  const { socket, image = '' } = orchestrator;
  const manager = await lookAtManager(socket);
  const engine = openDocker({ kind: 'unix', path: socket });
  try {
    const [nodes, found] = await Promise.all([engine.nodes(), findStack(engine, name, systemClock.wall())]);
    refuseAnother(name, found, dataDirectory);
    const managers = nodes.filter(({ role }) => role === 'manager');
    const hasHome = managers.some(({ id }) => id === found.home);
    const notes = [
      ...((await hasImage(socket, image))
        ? []
        : [`the engine at ${socket} has no image ${image}: nodes will ask a registry for it`]),
      ...(found.home === undefined || hasHome || specification.store.kind !== 'sqlite'
        ? []
        : [
            `the node that control was bound to manages no more: it begins anew on another, without what it had stored`,
          ]),
    ];
    const authority = await openAuthority(dataDirectory, name, systemClock.wall());
    const order: StackOrder = {
      specification,
      image,
      managers,
      home: hasHome ? (found.home ?? manager.nodeId) : manager.nodeId,
      socketGroup: manager.socketGroup,
      authority: fingerprintOf(authority.certificate),
      insecure,
      logLevel: stringOption(values, 'log-level'),
    };
    const dispose = () => engine[Symbol.asyncDispose]();
    return { order, engine, nodes, found, loaded, authority, dataDirectory, notes, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** With the image that goes with this software, where none is named. */
function onSwarm(specification: Specification): Specification {
  const { orchestrator } = specification;
  const image = orchestrator.image ?? `flyball:${packageVersion()}`;
  return { ...specification, orchestrator: { ...orchestrator, kind: 'swarm', image } };
}

function check({ specification, path }: LoadedSpecification, insecure: boolean): void {
  const problems = hindrances(specification);
  if (problems.length > 0) {
    const head = `${path} cannot be put on a Swarm as it is`;
    throw new FlyballError('INVALID_SPECIFICATION', [head, ...problems].join('\n  '));
  }
  if (specification.auth.keys !== 'required' && !insecure)
    throw new FlyballError(
      'LISTENER_NOT_LOOPBACK',
      'on a Swarm every node listens for callers of the whole network, and control changes what whoever reaches it asks for: set auth.keys to required, or say --insecure',
    );
}

/** Two controls would each take the other's replicas for their own. */
function refuseWhereItRunsHere(dataDirectory: string): void {
  const holder = holderOf(dataDirectory);
  if (holder === undefined) return;
  const pid = holder.announcement?.pid;
  const who = pid === undefined ? 'a platform that is just starting' : `a platform of this machine (pid ${pid})`;
  throw new FlyballError('DATA_DIR_LOCKED', `${dataDirectory} is that of ${who}; \`flyball down\` ends it`);
}

/** Certificates of another authority would be refused by everything that runs. */
function refuseAnother(name: string, { authority }: StackFound, dataDirectory: string): void {
  if (authority === undefined) return;
  const path = join(dataDirectory, 'authority.pem');
  let own: string | undefined;
  try {
    own = fingerprintOf(readFileSync(path, 'utf8'));
  } catch {
    own = undefined;
  }
  if (own === authority) return;
  throw new FlyballError(
    'DATA_DIR_LOCKED',
    `${name} is on this Swarm, put there from another data directory: expected its authority.pem at ${path}, ` +
      `got ${own === undefined ? 'none' : 'another'}. Name that directory with --data-dir, give this platform another name, or take the other off with \`flyball down --orchestrator swarm\``,
  );
}
