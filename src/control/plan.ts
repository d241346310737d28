/**
 * The difference between a specification and what is there, for people to read before they say yes. Pure.
 * The specification owns what it names: overrides on that are dropped by applying it, and the plan says which.
 * Invariant: the same state and the same wish give the same fingerprint, and any change of either gives another.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { OverrideView, PlanChange, PlanView, ResolvedSpecification } from '../api/schemas.ts';
import { canonicalJson } from '../config/canonical-json.ts';
import { didYouMean } from '../config/nearest.ts';
import type { DeploymentSpecification } from '../config/specification.ts';
import { FlyballError } from '../errors.ts';
import type { AliasRecord, DeploymentRecord, VersionRecord } from '../store/store.ts';

export interface PlanState {
  /** Of the specification applied last; undefined when there was none. */
  readonly applied: ResolvedSpecification | undefined;
  readonly deployments: readonly DeploymentRecord[];
  readonly versions: readonly Pick<VersionRecord, 'model' | 'version' | 'digest'>[];
  readonly aliases: readonly Pick<AliasRecord, 'model' | 'alias' | 'version'>[];
  readonly overrides: readonly OverrideView[];
}

/** Needs new replicas; everything else is taken over by those that run. */
const restarting: ReadonlySet<string> = new Set([
  'model',
  'resources.threads',
  'resources.graphOptimisation',
  'resources.memoryArena',
]);
/** Settled when `up` starts; applying them says so. */
const startOnly = [
  'name',
  'listeners',
  'torchserve',
  'tls',
  'auth',
  'gateway',
  'runners',
  'limits',
  'registry',
  'requestLog',
  'shutdown',
  'store',
] as const;

export function plan(state: PlanState, wish: ResolvedSpecification): PlanView {
  const changes: PlanChange[] = [
    ...modelChanges(state, wish),
    ...deploymentChanges(state, wish),
    ...(state.applied === undefined ? [] : startChanges(state.applied, wish)),
    ...nodeChanges(state.applied, wish),
    ...alertChanges(state.applied, wish),
  ];
  const overridesDropped = droppedOverrides(state, wish);
  for (const override of overridesDropped) {
    changes.push({
      action: 'change',
      subject: override.path,
      from: override.value,
      text: `drops the override by ${override.owner}: ${override.path} = ${JSON.stringify(override.value)}`,
    });
  }
  return { fingerprint: fingerprint(state, wish), changes, overridesDropped: [...overridesDropped] };
}

/** `1 replica`, `1 to 4 replicas`. */
export function replicaBounds({ replicas: { min, max } }: Pick<DeploymentSpecification, 'replicas'>): string {
  return min === max ? `${min} replica${min === 1 ? '' : 's'}` : `${min} to ${max} replicas`;
}

export function fingerprint(state: PlanState, wish: ResolvedSpecification): string {
  const sorted = {
    applied: state.applied ?? null,
    deployments: state.deployments.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    versions: state.versions.map(({ model, version, digest }) => `${model}:${version} ${digest}`).toSorted(),
    aliases: state.aliases.map(({ model, alias, version }) => `${model}@${alias} ${version}`).toSorted(),
    overrides: state.overrides.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    wish,
  };
  return createHash('sha256').update(canonicalJson(sorted)).digest('hex').slice(0, 12);
}

/** Those on what the wish names, and on what it no longer names although the last one did. */
export function droppedOverrides(state: PlanState, wish: ResolvedSpecification): readonly OverrideView[] {
  const owned = (section: 'models' | 'deployments', name: string): boolean =>
    Object.hasOwn(wish.specification[section], name) ||
    Object.hasOwn(state.applied?.specification[section] ?? {}, name);
  return state.overrides.filter(({ path }) => {
    const match = /^(models|deployments)\.(.+)$/.exec(path);
    if (match === null) return false;
    const rest = match[2] ?? '';
    // Names may hold dots themselves, so every prefix has to be tried.
    const parts = rest.split('.');
    return parts.some((_, index) => owned(match[1] as 'models' | 'deployments', parts.slice(0, index + 1).join('.')));
  });
}

/** Deployments that the wish names and that can be served: one whose optional model is not there is left out. */
export function wantedDeployments(
  state: PlanState,
  wish: ResolvedSpecification,
): ReadonlyMap<string, DeploymentSpecification> {
  const wanted = new Map<string, DeploymentSpecification>();
  for (const [name, deployment] of Object.entries(wish.specification.deployments)) {
    const model = deployment.model.split(/[@:]/)[0] ?? deployment.model;
    const known = Object.hasOwn(wish.models, model) || state.versions.some((version) => version.model === model);
    if (known || wish.specification.models[model]?.optional !== true) wanted.set(name, deployment);
  }
  return wanted;
}

/**
 * Refuses a wish with a deployment of a model, version or alias that there would not be: applying it would stop what
 * serves now and put nothing in its place. INVALID_SPECIFICATION.
 */
export function requireServable(state: PlanState, wish: ResolvedSpecification): void {
  for (const [name, { model: reference }] of wantedDeployments(state, wish)) {
    const [, model = '', mark, what = ''] = /^(.+?)(?:([@:])(.+))?$/.exec(reference) ?? [];
    const versions = new Set([
      ...state.versions.filter((entry) => entry.model === model).map(({ version }) => String(version)),
      ...(wish.models[model]?.versions ?? []).map(({ version }) => String(version)),
    ]);
    const aliases = new Set([
      ...state.aliases.filter((entry) => entry.model === model).map(({ alias }) => alias),
      ...Object.keys(wish.specification.models[model]?.aliases ?? {}),
    ]);
    const refuse = (words: string, given: string, known: Iterable<string>): never => {
      throw new FlyballError('INVALID_SPECIFICATION', `deployments.${name}.model: ${words}${didYouMean(given, known)}`);
    };
    if (versions.size === 0) {
      const known = new Set([...Object.keys(wish.models), ...state.versions.map((version) => version.model)]);
      refuse(`no model has the name ${model}`, model, known);
    }
    if (mark === '@' && !aliases.has(what)) refuse(`${model} has no alias ${what}`, what, aliases);
    if (mark === ':' && !versions.has(what)) refuse(`${model} has no version ${what}`, what, versions);
  }
}

function modelChanges(state: PlanState, wish: ResolvedSpecification): readonly PlanChange[] {
  const changes: PlanChange[] = [];
  for (const [model, { versions, note }] of Object.entries(wish.models)) {
    const known = state.versions.filter((version) => version.model === model);
    for (const { version, digest } of versions) {
      if (known.some((entry) => entry.digest === digest)) continue;
      const text = `adds version ${version} of ${model}${note === undefined ? '' : ` (${note})`}`;
      changes.push({ action: 'add', subject: `models.${model}`, to: version, text });
    }
  }
  for (const [model, { aliases }] of Object.entries(wish.specification.models)) {
    for (const [alias, version] of Object.entries(aliases)) {
      const from = state.aliases.find((entry) => entry.model === model && entry.alias === alias)?.version;
      if (from === version) continue;
      const text = `points ${model}@${alias} ${from === undefined ? '' : `from version ${from} `}to version ${version}`;
      const subject = `models.${model}.aliases.${alias}`;
      changes.push({ action: from === undefined ? 'add' : 'change', subject, from, to: version, text });
    }
  }
  return changes;
}

function deploymentChanges(state: PlanState, wish: ResolvedSpecification): readonly PlanChange[] {
  const changes: PlanChange[] = [];
  const wanted = wantedDeployments(state, wish);
  for (const [name, to] of wanted) {
    const subject = `deployments.${name}`;
    const record = state.deployments.find((deployment) => deployment.name === name);
    if (record === undefined) {
      const text = `deploys ${to.model} as ${name} (${replicaBounds(to)})`;
      changes.push({ action: 'add', subject, to, text });
      continue;
    }
    for (const key of differences(record.specification, to)) {
      const before = valueAt(record.specification, key);
      const after = valueAt(to, key);
      const restart = restarting.has(key);
      const text = `${name}: ${key} ${show(before)} → ${show(after)}${restart ? ' (new replicas beside the old)' : ''}`;
      const action = restart ? 'restart' : 'change';
      changes.push({ action, subject: `${subject}.${key}`, from: before, to: after, text });
    }
  }
  for (const record of state.deployments) {
    if (record.origin.kind !== 'specification' || wanted.has(record.name)) continue;
    const text = `removes the deployment ${record.name}, drained first`;
    changes.push({ action: 'remove', subject: `deployments.${record.name}`, from: record.specification, text });
  }
  return changes;
}

function startChanges(applied: ResolvedSpecification, wish: ResolvedSpecification): readonly PlanChange[] {
  return startOnly.flatMap((key): readonly PlanChange[] => {
    const from = applied.specification[key];
    const to = wish.specification[key];
    if (isDeepStrictEqual(from, to)) return [];
    return [{ action: 'restart', subject: key, from, to, text: `${key} takes effect at the next \`flyball up\`` }];
  });
}

function nodeChanges(applied: ResolvedSpecification | undefined, wish: ResolvedSpecification): readonly PlanChange[] {
  const from = applied?.specification.node?.memory;
  const to = wish.specification.node.memory;
  if (from === to) return [];
  const text = `node.memory ${show(from)} → ${show(to)}`;
  return [{ action: 'change', subject: 'node.memory', from, to, text }];
}

/** Names and not contents: of a playbook it is enough to know that it is another. */
function alertChanges(applied: ResolvedSpecification | undefined, wish: ResolvedSpecification): readonly PlanChange[] {
  // One that was applied by an earlier release knows no alerts.
  const before: Partial<ResolvedSpecification['specification']['alerts']> = applied?.specification.alerts ?? {};
  const { alerts } = wish.specification;
  return (['webhooks', 'signals', 'playbooks'] as const).flatMap((section) => {
    const [from, to] = [before[section] ?? {}, alerts[section]] as readonly Readonly<Record<string, unknown>>[];
    const names = [...new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})])].toSorted();
    return names.flatMap((name): readonly PlanChange[] => {
      const [old, now] = [from?.[name], to?.[name]];
      if (isDeepStrictEqual(old, now)) return [];
      const action = old === undefined ? 'add' : now === undefined ? 'remove' : 'change';
      const subject = `alerts.${section}.${name}`;
      return [{ action, subject, from: old, to: now, text: `${action}s ${subject}` }];
    });
  });
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Dotted paths of the leaves that differ. */
function differences(from: unknown, to: unknown, path = ''): readonly string[] {
  if (!isObject(from) || !isObject(to)) return isDeepStrictEqual(from, to) ? [] : [path];
  const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...keys].toSorted().flatMap((key) => differences(from[key], to[key], path === '' ? key : `${path}.${key}`));
}

function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}

function show(value: unknown): string {
  return value === undefined ? 'unset' : typeof value === 'string' ? value : JSON.stringify(value);
}
