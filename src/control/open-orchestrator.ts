/** Which orchestrator runs the replicas, opened with all that it needs: as the specification says. */
import { isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { openProcessOrchestrator } from '../drivers/orchestrators/process.ts';
import { prepareOnnx } from '../drivers/runtimes/onnx-prepare.ts';
import { openPreparedFiles } from '../drivers/runtimes/onnx-prepared.ts';
import type { ArtefactStore } from '../registry/artefacts.ts';
import { artefactsFolder, preparedFolder } from '../store/data-directory.ts';
import type { ProcessSettings } from '../supervisor/messages.ts';
import type { IssuedCertificate } from '../tls/authority.ts';
import type { SwarmEngine } from '../drivers/orchestrators/swarm/engine.ts';
import { identityOf, openPlatformAuthority } from '../tls/platform-authority.ts';
import { publish } from '../telemetry/events.ts';
import { ownIdentity } from '../tls/own-identity.ts';
import { seededRng } from '../rng.ts';
import { openIssuer, type CertificateIssuer } from './certificates.ts';
import type { Door } from './door.ts';
import { fetchingFirst } from './fetching-orchestrator.ts';
import type { Orchestrator } from './orchestrator.ts';

export interface OrchestratorParts {
  readonly settings: ProcessSettings;
  readonly artefacts: ArtefactStore;
  readonly clock: Clock;
  /** Of this software: the image that goes with it. */
  readonly version: string;
  /** What is opened for it is closed with this. */
  readonly stack: AsyncDisposableStack;
  /** Whether what others change of a deployment on the engine is put right. */
  readonly corrects: (deployment: string) => boolean;
  /** False when another control may act: nothing is certified then. */
  readonly mayIssue: () => boolean;
}

/** The door stands where replicas and gateways may be on other machines. */
export interface OpenedOrchestrator {
  readonly orchestrator: Orchestrator;
  readonly door?: Door & Pick<CertificateIssuer, 'counts'>;
}

export async function openOrchestrator(parts: OrchestratorParts): Promise<OpenedOrchestrator> {
  const { settings, artefacts, stack } = parts;
  if (settings.orchestrator.kind === 'swarm') return openOnSwarm(parts);
  const opened = stack.use(await openOnThisMachine(parts));
  const orchestrator = settings.store.kind === 'sqlite' ? opened : fetchingFirst(opened, artefacts);
  return settings.authority === undefined
    ? { orchestrator }
    : { orchestrator, door: await openOwnDoor(settings.authority, parts) };
}

/**
 * Where tasks find control. A control alone whose store others share may be followed by one on another manager, at the same
 * port: tasks that run are not made anew for it, so they know all of them from their start.
 */
async function doorsOf(
  { authority, store }: ProcessSettings,
  own: string,
  port: number,
  engine: SwarmEngine,
): Promise<readonly string[]> {
  const others =
    authority === undefined || store.kind === 'sqlite'
      ? []
      : (await engine.nodes()).filter(({ role }) => role === 'manager').map(({ address }) => address);
  const inUrl = (address: string): string => (isIPv6(address) ? `[${address}]` : address);
  return [...new Set([own, ...others.toSorted()])].map((address) => `https://${inUrl(address)}:${port}`);
}

async function openOwnDoor(
  authority: IssuedCertificate,
  { settings, artefacts, clock, stack, mayIssue }: OrchestratorParts,
): Promise<Door & Pick<CertificateIssuer, 'counts'>> {
  const { openDoor } = await import('./door.ts');
  const { host, port } = settings.orchestrator.door;
  const lifetimeMs = lifetimeOf(settings);
  const tell = (message: string): void => publish('flyball:fault', { where: "control's door", message });
  const identity = stack.use(
    ownIdentity({
      authority,
      identity: 'control',
      role: 'peer',
      lifetimeMs,
      clock,
      rng: seededRng(clock.wall()),
      onTrouble: tell,
    }),
  );
  const certificates = openIssuer({ authority, clock, lifetimeMs, mayIssue });
  const onRefused = sayOnce(clock, tell);
  const door = stack.use(await openDoor({ identity, host, port, artefacts, certificates, onRefused }));
  identity.onReplaced((next) => door.renew(next));
  return Object.assign(door, { counts: () => certificates.counts() });
}

async function openOnThisMachine({ settings, clock, stack }: OrchestratorParts): Promise<Orchestrator> {
  const { dataDirectory, runDirectory, lifeline } = settings;
  const { prestarted, preparedBytesMax: bytesMax } = settings.runners;
  // What this node has prepared for itself nobody has signed.
  const prepared =
    bytesMax === 0 || settings.registry.requireSignature
      ? undefined
      : stack.use(
          openPreparedFiles({ folder: join(dataDirectory, preparedFolder), bytesMax, clock, prepare: prepareOnnx }),
        );
  return openProcessOrchestrator({
    runDirectory,
    clock,
    lifeline,
    prestarted,
    ...(prepared === undefined ? {} : { prepared }),
  });
}

/** How long a task may finish what it has after it was told to end. */
const stopGraceMs = 30_000;
const msPerHour = 3_600_000;

const lifetimeOf = ({ orchestrator }: ProcessSettings): number => orchestrator.certificateHours * msPerHour;

/** Nothing of it is loaded on a machine that has no Swarm. */
async function openOnSwarm(parts: OrchestratorParts): Promise<OpenedOrchestrator> {
  const { settings, clock, version, stack, corrects } = parts;
  const { orchestrator, dataDirectory, serverName } = settings;
  const [{ openDocker }, { openSwarmOrchestrator }, { withForeignImages }] = await Promise.all([
    import('../drivers/orchestrators/swarm/docker.ts'),
    import('../drivers/orchestrators/swarm/swarm.ts'),
    import('../drivers/orchestrators/swarm/foreign.ts'),
  ]);
  const authority = settings.authority ?? (await openPlatformAuthority(dataDirectory, serverName, clock.wall()));
  const door = await openOwnDoor(authority, parts);
  const engine = openDocker({ kind: 'unix', path: orchestrator.socket });
  const address = orchestrator.door.address ?? (await engine.ownAddress()) ?? hostname();
  const image = orchestrator.image ?? `flyball:${version}`;
  const platform = {
    name: serverName,
    image,
    imageId: (await engine.image(image))?.id,
    doors: await doorsOf(settings, address, door.port, engine),
    artefactsRoot: join(dataDirectory, artefactsFolder),
    stopGraceMs,
    certificateMs: lifetimeOf(settings),
  };
  const opened = await openSwarmOrchestrator({
    engine,
    clock,
    platform,
    certificate(identity, { from, until }) {
      const { certificate, key } = identityOf(authority, identity, 'peer', from, until - from);
      return certificate + key + authority.certificate;
    },
    corrects,
  });
  return { orchestrator: stack.use(withForeignImages(opened, { engine, clock, platform })), door };
}

const sayAgainMs = 60_000;
const saidMax = 100;

/** Whoever is turned away comes back within a second: the same words are said once a minute. */
function sayOnce(clock: Clock, say: (message: string) => void): (message: string) => void {
  const saidAt = new Map<string, number>();
  return (message) => {
    const now = clock.now();
    if (now - (saidAt.get(message) ?? -Infinity) < sayAgainMs) return;
    if (saidAt.size >= saidMax) saidAt.clear();
    saidAt.set(message, now);
    say(message);
  };
}
