/**
 * The deployments as control works on them: the record in the store, the template that the reference resolves to now,
 * and the one that serves. Read again from the store after every change, so that memory and store cannot drift apart.
 */
import type { Clock } from '../clock.ts';
import type { AlertsSettings } from '../config/alerts-specification.ts';
import type { NotificationsSettings } from '../config/notifications-specification.ts';
import { toBytes, type Specification } from '../config/specification.ts';
import type { TelemetrySettings } from '../config/telemetry-specification.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import type { Failure } from '../core/upkeep/failures.ts';
import type { Upkeep } from '../core/upkeep/actions.ts';
import { wantedReplicas, type Reserve } from '../core/upkeep/seen.ts';
import { asleep, awakeAt, type Wakefulness } from '../core/upkeep/sleep.ts';
import { artefactPlace } from '../registry/artefacts.ts';
import type { Registry } from '../registry/registry.ts';
import { local, portable } from '../runner/portable-launch.ts';
import type { DeploymentRecord, Store, StoreAccess, VersionRecord } from '../store/store.ts';
import type { ColdStart } from './cold-start.ts';
import { openFailureMemory } from './failure-memory.ts';
import { openSizeMemory } from './size-memory.ts';
import { makeTemplate, templateKey, type Template, type TemplateLaunch } from './template.ts';

export interface Deployment {
  readonly name: string;
  record: DeploymentRecord;
  removing: boolean;
  target: Template | undefined;
  /** Why the reference resolves to nothing. */
  targetError: FlyballError | undefined;
  serving: Template | undefined;
  /** What served before, until what serves now has proved itself. */
  reserve: (Reserve & { readonly launch: TemplateLaunch }) | undefined;
  /** By version number, of the target, of what serves, and of whatever replicas still run. */
  readonly versions: Map<string, VersionRecord>;
  /** By template; changed by `noteFailures` alone. */
  readonly failures: ReadonlyMap<string, Failure>;
  upkeep: Upkeep | undefined;
  /** What a replica of a template was last measured to hold; changed by `noteSize` alone. */
  readonly residentBytes: Map<string, number>;
  /** Control's own memory: after a restart, what has replicas is awake. */
  wakefulness: Wakefulness;
  /** The last time that it was woken by a request; absent before. */
  coldStart?: ColdStart;
}

export interface Deployments {
  /** Reads everything again and resolves every reference. */
  refresh(): Promise<void>;
  /** Of all replicas together, as the applied specification says; undefined without a limit. */
  memoryBudgetBytes(): number | undefined;
  /** What the applied specification says of alerts; undefined where none is applied that says it. */
  alerts(): AlertsSettings | undefined;
  /** What it says of telemetry, likewise. */
  telemetry(): TelemetrySettings | undefined;
  /** The same of notifications. */
  notifications(): NotificationsSettings | undefined;
  all(): readonly Deployment[];
  /** DEPLOYMENT_NOT_FOUND. */
  get(name: string): Deployment;
  find(name: string): Deployment | undefined;
  /** From now on this template answers; durable with `flush`. What served before may be held in reserve. */
  serve(deployment: Deployment, template: string, launch: TemplateLaunch, reserve?: Reserve): void;
  /** Writes what serves, once for all that has changed: hundreds of deployments begin to serve in one turn. */
  flush(): Promise<void>;
  /** Remembers a template's failure, or forgets it; kept across restarts as well as the disk allows. */
  noteFailure(deployment: Deployment, template: string, failure: Failure | undefined): void;
  /** Remembers what a replica of a template holds, across restarts too. */
  noteSize(deployment: Deployment, template: string, bytes: number): void;
  /** Which of the names are to go, and which are not any more; part of a transaction when its access is handed in. */
  markRemoving(names: Readonly<Record<string, boolean>>, access?: StoreAccess): Promise<void>;
  /** Nothing is left of it. */
  forget(name: string): Promise<void>;
}

/** Replicas that are wanted now, within the bounds; none of one that sleeps. */
export function wantedOf({ record, removing, wakefulness }: Deployment): number {
  const { min, max } = record.specification.replicas;
  return wantedReplicas({ desired: record.desired, min, max, removing, asleep: wakefulness.kind === 'asleep' });
}

const servingKey = 'control.serving';
const removingKey = 'control.removing';
const reserveKey = 'control.reserve';

export function openDeployments(store: Store, registry: Registry, clock: Clock): Deployments {
  const deployments = new Map<string, Deployment>();
  const memory = openFailureMemory(store, clock);
  const sizes = openSizeMemory(store);
  let memoryBudgetBytes: number | undefined;
  let alerts: AlertsSettings | undefined;
  let telemetry: TelemetrySettings | undefined;
  let notifications: NotificationsSettings | undefined;
  /** What serves has changed since it was written. */
  let isDirty = false;

  const readMeta = async <T>(key: string, empty: T, access: StoreAccess = store): Promise<T> => {
    const text = await access.meta(key);
    return text === undefined ? empty : (JSON.parse(text) as T);
  };
  // Launches are kept without paths of this machine: the next control may be on another.
  const { root } = registry.artefacts;
  const readLaunches = async (key: string): Promise<Record<string, TemplateLaunch>> =>
    local(await readMeta<Record<string, TemplateLaunch>>(key, {}), (digest) => artefactPlace(root, digest));
  const toText = (launches: Readonly<Record<string, TemplateLaunch>>): string =>
    JSON.stringify(portable(launches, root).body);
  const readServing = (): Promise<Record<string, TemplateLaunch>> => readLaunches(servingKey);
  const readReserves = (): Promise<Record<string, TemplateLaunch>> => readLaunches(reserveKey);
  const readRemoving = (access?: StoreAccess): Promise<readonly string[]> => readMeta(removingKey, [], access);

  async function refreshOne(record: DeploymentRecord, removing: boolean, launch?: TemplateLaunch): Promise<void> {
    let deployment = deployments.get(record.name);
    if (deployment === undefined) {
      const before = launch === undefined ? undefined : (await readReserves())[record.name];
      // Its time begins again with this control: what is too long does less harm than what is too short.
      const until = clock.now() + record.specification.probationMs;
      deployment = {
        name: record.name,
        record,
        removing,
        target: undefined,
        targetError: undefined,
        serving: launch === undefined ? undefined : { key: templateKey(launch), launch },
        reserve: before === undefined ? undefined : { template: templateKey(before), launch: before, until },
        versions: new Map(),
        failures: await memory.read(record.name),
        upkeep: undefined,
        residentBytes: await sizes.read(record.name),
        wakefulness: record.specification.replicas.min === 0 ? asleep : awakeAt(0),
      };
      deployments.set(record.name, deployment);
    }
    deployment.record = record;
    deployment.removing = removing;
    try {
      const version = await registry.resolve(record.specification.model);
      deployment.versions.set(String(version.version), version);
      registry.trust.require(version);
      deployment.target = makeTemplate(record.specification, version, await registry.files(version));
      deployment.targetError = undefined;
    } catch (error) {
      deployment.target = undefined;
      deployment.targetError = toFlyballError(error);
    }
    const serving = deployment.serving?.launch;
    if (serving !== undefined && !deployment.versions.has(serving.version)) {
      const version = await store.version(serving.model, Number(serving.version));
      if (version !== undefined) deployment.versions.set(serving.version, version);
    }
  }

  return {
    async refresh() {
      // A specification that was applied before there was such a setting has none.
      const applied: Partial<Specification> | undefined = (await store.applied())?.resolved.specification;
      alerts = applied?.alerts;
      telemetry = applied?.telemetry;
      notifications = applied?.notifications;
      const memory = applied?.node?.memory;
      memoryBudgetBytes = memory === undefined ? undefined : toBytes(memory);
      const serving = await readServing();
      const removing = await readRemoving();
      const records = await store.deployments();
      for (const record of records) await refreshOne(record, removing.includes(record.name), serving[record.name]);
      const names = new Set(records.map(({ name }) => name));
      for (const name of deployments.keys()) if (!names.has(name)) deployments.delete(name);
    },
    memoryBudgetBytes: () => memoryBudgetBytes,
    alerts: () => alerts,
    telemetry: () => telemetry,
    notifications: () => notifications,
    all: () => [...deployments.values()],
    find: (name) => deployments.get(name),
    get(name) {
      const found = deployments.get(name);
      if (found !== undefined) return found;
      const names = [...deployments.keys()].toSorted().slice(0, 10).join(', ');
      throw new FlyballError(
        'DEPLOYMENT_NOT_FOUND',
        `there is no deployment ${name}; ${names === '' ? 'there are none' : `there are ${names}`}`,
      );
    },
    serve(deployment, template, launch, reserve) {
      const before = [
        deployment.reserve,
        deployment.serving && { ...deployment.serving, template: deployment.serving.key },
      ].find((held) => held !== undefined && held.template === reserve?.template)?.launch;
      deployment.serving = { key: template, launch };
      deployment.reserve = before === undefined || reserve === undefined ? undefined : { ...reserve, launch: before };
      isDirty = true;
    },
    async flush() {
      if (!isDirty) return;
      const serving: Record<string, TemplateLaunch> = {};
      const reserves: Record<string, TemplateLaunch> = {};
      for (const deployment of deployments.values()) {
        if (deployment.serving !== undefined) serving[deployment.name] = deployment.serving.launch;
        if (deployment.reserve !== undefined) reserves[deployment.name] = deployment.reserve.launch;
      }
      await store.transaction(async (access) => {
        await access.setMeta(servingKey, toText(serving));
        await access.setMeta(reserveKey, toText(reserves));
      });
      isDirty = false;
    },
    noteFailure(deployment, template, failure) {
      const failures = new Map(deployment.failures);
      if (failure === undefined) failures.delete(template);
      else failures.set(template, failure);
      Object.assign(deployment, { failures });
      memory.keep(deployment.name, failures);
    },
    noteSize(deployment, template, bytes) {
      deployment.residentBytes.set(template, bytes);
      sizes.note(deployment.name, template, bytes);
    },
    async markRemoving(names, access = store) {
      const before = await readRemoving(access);
      const others = before.filter((name) => !Object.hasOwn(names, name));
      const added = Object.keys(names).filter((name) => names[name] === true);
      await access.setMeta(removingKey, JSON.stringify([...others, ...added]));
    },
    async forget(name) {
      const { [name]: _, ...serving } = await readServing();
      const { [name]: __, ...reserves } = await readReserves();
      const removing = (await readRemoving()).filter((other) => other !== name);
      await store.transaction(async (access) => {
        await access.removeDeployment(name);
        await access.setMeta(servingKey, toText(serving));
        await access.setMeta(removingKey, JSON.stringify(removing));
        await access.setMeta(reserveKey, toText(reserves));
      });
      deployments.delete(name);
      memory.keep(name, new Map());
      sizes.forget(name);
    },
  };
}
