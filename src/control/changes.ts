/**
 * What people ask control to change: apply a specification, deploy, scale, move an alias, remove. Each is one
 * transaction in the store between two turns of the loop, then an operation that follows what upkeep makes of it.
 * The specification owns what it names; whatever else is asked for is stored as an override, with owner and time.
 */
import type { OperationView, ResolvedSpecification } from '../api/schemas.ts';
import type { Clock } from '../clock.ts';
import type { DeploymentSpecification } from '../config/specification.ts';
import { namePattern, reservedNames } from '../config/specification.ts';
import { asleep, awakeAt } from '../core/upkeep/sleep.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import { parseReference } from '../registry/reference.ts';
import type { Registry } from '../registry/registry.ts';
import type { Trust } from '../registry/trust.ts';
import type { Store, StoreAccess, VersionRecord } from '../store/store.ts';
import type { ControlService } from './control-service.ts';
import { wantedOf, type Deployments } from './deployments.ts';
import { requireOwnNames } from './figure-names.ts';
import type { Fleet } from './fleet.ts';
import type { Operations, RunningOperation } from './operations.ts';
import {
  droppedOverrides,
  fingerprint,
  replicaBounds,
  requireServable,
  wantedDeployments,
  type PlanState,
} from './plan.ts';
import { toProblem } from '../api/problems.ts';
import { resourcesOf } from './template.ts';
import type { UpkeepLoop } from './upkeep-loop.ts';

export type Changes = Pick<ControlService, 'apply' | 'deploy' | 'scale' | 'removeDeployment' | 'setAlias'>;

export interface ChangesParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly deployments: Deployments;
  readonly fleet: Fleet;
  readonly operations: Operations;
  readonly loop: UpkeepLoop;
  readonly clock: Clock;
  readonly planState: () => Promise<PlanState>;
}

export function makeChanges(parts: ChangesParts): Changes {
  const { store, registry, deployments, fleet, operations, loop, clock, planState } = parts;

  /** Writes it all at once, reads it again, gives failed versions another try at once, and follows what comes of it. */
  async function change(
    options: Parameters<Operations['start']>[0],
    done: readonly string[],
    write: (access: StoreAccess) => Promise<void>,
  ): Promise<OperationView> {
    const operation: RunningOperation = await operations.start(options, write);
    try {
      await deployments.refresh();
    } catch (error) {
      // Nobody knows what is wanted now; the operation must not be judged by what was wanted before.
      operation.end(toProblem(toFlyballError(error)));
      throw error;
    }
    for (const name of options.deployments) {
      const deployment = deployments.find(name);
      if (deployment === undefined) continue;
      const key = deployment.target?.key;
      const failure = key === undefined ? undefined : deployment.failures.get(key);
      // How many is another question than which: scaling gives a version that was given up no other chance.
      if (key !== undefined && failure !== undefined && !(options.kind === 'scale' && failure.kind === 'rejected')) {
        deployments.noteFailure(deployment, key, undefined);
      }
      fleet.settle(name, resourcesOf(deployment.record.specification));
    }
    for (const text of done) operation.step(text, 'ok');
    return operation.view();
  }

  const override = (access: StoreAccess, path: string, value: unknown, owner: string): Promise<void> =>
    access.putOverride({ path, value, owner, at: clock.wall() });

  const isSpecified = async (section: 'models' | 'deployments', name: string): Promise<boolean> =>
    Object.hasOwn((await store.applied())?.resolved.specification[section] ?? {}, name);

  return {
    apply: ({ resolved, fingerprint: expected, by }, precondition) =>
      loop.exclusively(async () => {
        await precondition?.();
        const state = await planState();
        if (expected !== undefined && fingerprint(state, resolved) !== expected) {
          throw new FlyballError(
            'PLAN_OUTDATED',
            `the plan ${expected} was made for another state; the plan for the one now is ${fingerprint(state, resolved)}`,
          );
        }
        requireVersions(state, resolved);
        requireServable(state, resolved);
        requireTrusted(state, resolved, await store.versions(), registry.trust);
        const wanted = wantedDeployments(state, resolved);
        // Those that were deployed by themselves stay; the specification's own have been checked with it.
        const others = state.deployments.filter(({ name, origin }) => origin.kind === 'override' && !wanted.has(name));
        requireOwnNames(
          others.map(({ name, specification }) => [name, specification]),
          resolved.specification.alerts,
        );
        const dropped = droppedOverrides(state, resolved);
        const gone = state.deployments.filter(
          ({ name, origin }) => origin.kind === 'specification' && !wanted.has(name),
        );
        const before = new Map(state.deployments.map((record) => [record.name, record.desired]));
        const at = clock.wall();
        const names = [...wanted.keys(), ...gone.map(({ name }) => name)];
        const skipped = Object.keys(resolved.specification.deployments).filter((name) => !wanted.has(name));
        const done = [
          `specification stored: ${wanted.size} deployment${wanted.size === 1 ? '' : 's'}`,
          ...dropped.map(({ path, owner }) => `override ${path} by ${owner} dropped`),
          ...skipped.map((name) => `${name} left out: its optional model is not there`),
        ];
        return change({ kind: 'apply', subject: 'specification', by, deployments: names }, done, async (access) => {
          await access.setApplied({ resolved, by, at });
          for (const [model, { aliases }] of Object.entries(resolved.specification.models)) {
            // An optional model that is not there has no versions to point at.
            if ((await access.highestVersion(model)) === 0) continue;
            for (const [alias, version] of Object.entries(aliases)) {
              await access.setAlias({ model, alias, version, by, at });
            }
          }
          for (const [name, specification] of wanted) {
            const model = specification.model.split(/[@:]/)[0] ?? '';
            const note = resolved.models[model]?.note;
            await access.putDeployment({
              name,
              specification,
              origin: { kind: 'specification' },
              desired: startOf(specification, before.get(name)),
              ...(note === undefined ? {} : { note }),
            });
          }
          for (const { path } of dropped) await access.removeOverride(path);
          const removing = [...wanted.keys()].map((name) => [name, false] as const);
          await deployments.markRemoving(
            Object.fromEntries([...removing, ...gone.map(({ name }) => [name, true] as const)]),
            access,
          );
        });
      }),

    deploy: (name, { deployment, by, note }, precondition) =>
      loop.exclusively(async () => {
        await precondition?.();
        requireName(name);
        requireOwnNames([[name, deployment]], deployments.alerts());
        const version = await registry.resolve(deployment.model);
        registry.trust.require(version);
        const specified = await isSpecified('deployments', name);
        const at = clock.wall();
        const before = (await store.deployment(name))?.desired ?? deployment.replicas.min;
        const done = [`${name}: set to version ${version.version}, ${replicaBounds(deployment)}`];
        return change({ kind: 'deploy', subject: name, by, deployments: [name] }, done, async (access) => {
          await access.putDeployment({
            name,
            specification: deployment,
            origin: specified ? { kind: 'specification' } : { kind: 'override', owner: by, at },
            desired: clamp(before, deployment),
            ...(note === undefined ? {} : { note }),
          });
          await override(access, `deployments.${name}`, deployment, by);
          await deployments.markRemoving({ [name]: false }, access);
        });
      }),

    scale: (name, { replicas, by }) =>
      loop.exclusively(async () => {
        const { record, removing } = deployments.get(name);
        if (removing) throw new FlyballError('CONFLICT', `${name} is being removed; deploy it again to scale it`);
        const { min, max } = record.specification.replicas;
        if (replicas < min || replicas > max) {
          throw new FlyballError('OUT_OF_BOUNDS', `${name}: expected ${min} to ${max} replicas, got ${replicas}`);
        }
        const path = `deployments.${name}.replicas`;
        const from = wantedOf(deployments.get(name));
        const done = [`${from} → ${replicas} replicas wanted${replicas === 0 ? ': it goes to sleep' : ''}`];
        const request = { kind: 'scale', subject: name, by, deployments: [name] } as const;
        const view = await change(request, done, async (access) => {
          await access.setDesired(name, replicas);
          // What the specification says anyway is no override of it.
          if (replicas === min) await access.removeOverride(path);
          else await override(access, path, replicas, by);
        });
        deployments.get(name).wakefulness = replicas === 0 ? asleep : awakeAt(clock.now());
        return view;
      }),

    removeDeployment: (name, by) =>
      loop.exclusively(async () => {
        deployments.get(name);
        const specified = await isSpecified('deployments', name);
        return change({ kind: 'remove', subject: name, by, deployments: [name] }, [], async (access) => {
          for (const path of [`deployments.${name}`, `deployments.${name}.replicas`]) await access.removeOverride(path);
          if (specified) await override(access, `deployments.${name}`, null, by);
          await deployments.markRemoving({ [name]: true }, access);
        });
      }),

    setAlias: (name, alias, version, by) =>
      loop.exclusively(async () => {
        const declared = (await store.applied())?.resolved.specification.models[name]?.aliases[alias];
        const target = await store.version(name, version);
        // Refused before anything moves; one that is not there is told by the change itself.
        if (target !== undefined) registry.trust.require(target);
        const path = `models.${name}.aliases.${alias}`;
        const reference = `${name}@${alias}`;
        const following = deployments
          .all()
          .filter(({ record }) => record.specification.model === reference)
          .map((deployment) => deployment.name);
        const request = { kind: 'alias', subject: reference, by, deployments: following } as const;
        return change(request, [`${reference} is version ${version}`], async (access) => {
          await registry.setAlias(name, alias, version, by, access);
          // An alias that the specification does not name is nobody's but its mover's.
          if (declared === undefined || declared === version) await access.removeOverride(path);
          else await override(access, path, version, by);
        });
      }),
  };
}

/** What the governor holds goes on: two must not pull at one target. Everybody else begins at the minimum. */
const startOf = (specification: DeploymentSpecification, held: number | undefined): number =>
  specification.scaling.mode === 'auto' && held !== undefined ? clamp(held, specification) : specification.replicas.min;

const clamp = (desired: number, { replicas: { min, max } }: DeploymentSpecification): number =>
  Math.min(max, Math.max(min, desired));

/** The version that each deployment would serve, once the wish's aliases stand, may be loaded. */
function requireTrusted(
  state: PlanState,
  wish: ResolvedSpecification,
  there: readonly VersionRecord[],
  trust: Trust,
): void {
  for (const [, { model: reference }] of wantedDeployments(state, wish)) {
    const { model, ...which } = parseReference(reference);
    const versions = there.filter((version) => version.model === model);
    const declared = wish.specification.models[model]?.aliases ?? {};
    const aliased = (alias: string): number | undefined =>
      Object.hasOwn(declared, alias)
        ? declared[alias]
        : state.aliases.find((entry) => entry.model === model && entry.alias === alias)?.version;
    const number =
      which.kind === 'newest'
        ? Math.max(...versions.map(({ version }) => version))
        : which.kind === 'number'
          ? which.version
          : aliased(which.alias);
    const found = versions.find(({ version }) => version === number);
    if (found !== undefined) trust.require(found);
  }
}

function requireName(name: string): void {
  if (reservedNames.has(name)) {
    throw new FlyballError(
      'INVALID_NAME',
      `expected another name: ${name} is taken by the protocol (/v2/models/${name})`,
    );
  }
  if (namePattern.test(name)) return;
  throw new FlyballError(
    'INVALID_NAME',
    `expected a name of 1 to 63 of a-z A-Z 0-9 . _ - that begins and ends with a letter or digit, got ${name}`,
  );
}

/** Every version that the wish counts on is here, under its number and with its content. */
function requireVersions(state: PlanState, wish: ResolvedSpecification): void {
  for (const [model, { versions }] of Object.entries(wish.models)) {
    for (const { version, digest } of versions) {
      const known = state.versions.filter((entry) => entry.model === model);
      if (known.some((entry) => entry.digest === digest)) continue;
      const other = known.find((entry) => entry.version === version);
      if (other !== undefined) {
        throw new FlyballError('CONFLICT', `${model}:${version} is ${other.digest} here, not ${digest}`);
      }
      throw new FlyballError('VERSION_NOT_FOUND', `${model}:${version} (${digest}) has not been uploaded`);
    }
  }
}
