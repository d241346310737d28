/** What a specification must hold beyond its types: rules between keys. Pure; the server checks with it too. */
import { makePolicy, policies, takesExternal } from '../core/scaling/policies/list.ts';
import { toFlyballError } from '../errors.ts';
import { parsePublicKey, publicKeyText } from '../registry/signing-keys.ts';
import { checkAlerts, checkPlace } from './check-alerts.ts';
import { checkNotifications } from './check-notifications.ts';
import { checkServer } from './check-server.ts';
import { checkTelemetry } from './check-telemetry.ts';
import type { ModelFile } from './model-file.ts';
import { didYouMean } from './nearest.ts';
import type { ConfigurationProblem } from './problems.ts';
import type { DeploymentSpecification, ModelSource, Specification } from './specification.ts';

export function checkSpecification(specification: Specification): ConfigurationProblem[] {
  return [
    ...Object.entries(specification.models).flatMap(([name, source]) => checkSource(['models', name], source)),
    ...Object.entries(specification.deployments).flatMap(([name, deployment]) =>
      checkDeployment(['deployments', name], deployment),
    ),
    ...checkAdvisers(specification.deployments),
    ...checkListeners(specification.listeners),
    ...checkRegistry(specification.registry),
    ...checkAlerts(specification),
    ...checkTelemetry(specification),
    ...checkNotifications(specification),
  ];
}

/** Who advises is deployed too, and not asked about itself: each question would be load that it advises on. */
function checkAdvisers(deployments: Specification['deployments']): ConfigurationProblem[] {
  const names = Object.keys(deployments);
  return Object.entries(deployments).flatMap(([name, { scaling }]): ConfigurationProblem[] =>
    (['forecaster', 'setPoint'] as const).flatMap((key) => {
      const adviser = scaling[key];
      if (adviser === undefined) return [];
      const path = ['deployments', name, 'scaling', key];
      if (key === 'setPoint' && scaling.policy !== 'learned')
        return [{ path, text: `only the policy learned has a headroom to be set, got ${scaling.policy ?? 'slo'}` }];
      if (adviser === name) return [{ path, text: `expected another deployment than ${name} itself` }];
      if (names.includes(adviser)) return [];
      const text = `expected the name of a deployment, got ${JSON.stringify(adviser)}${didYouMean(adviser, names)}`;
      return [{ path, text }];
    }),
  );
}

function checkRegistry({ requireSignature, trustedKeys }: Specification['registry']): ConfigurationProblem[] {
  if (requireSignature && Object.keys(trustedKeys).length === 0) {
    const text = 'needs trustedKeys: nothing could ever be loaded';
    return [{ path: ['registry', 'requireSignature'], text }];
  }
  const seen = new Map<string, string>();
  return Object.entries(trustedKeys).flatMap(([name, text]): ConfigurationProblem[] => {
    const path = ['registry', 'trustedKeys', name];
    try {
      const key = publicKeyText(parsePublicKey(text));
      const other = seen.get(key);
      seen.set(key, name);
      return other === undefined ? [] : [{ path, text: `is the same key as ${other}` }];
    } catch (error) {
      return [{ path, text: toFlyballError(error).message }];
    }
  });
}

function checkSource(path: readonly string[], source: ModelSource): ConfigurationProblem[] {
  if (source.server !== undefined) {
    const other = (['path', 'package', 'generate', 'modelFile'] as const).find((key) => source[key] !== undefined);
    if (other !== undefined) return [{ path: [...path, other], text: 'a server is the whole source of a model' }];
    return checkServer([...path, 'server'], source.server);
  }
  const named = [source.path !== undefined, source.generate !== undefined].filter(Boolean).length;
  if (named === 0 && source.package !== undefined) {
    return [{ path: [...path, 'package'], text: 'needs path, the file in the package' }];
  }
  if (named === 0)
    return [{ path, text: 'expected where the model comes from: path, package with path, generate, or server' }];
  if (named === 2 || (source.generate !== undefined && source.package !== undefined)) {
    return [{ path: [...path, 'generate'], text: 'a model is generated or has a path, not both' }];
  }
  return [];
}

export function checkDeployment(
  path: readonly string[],
  { queue, deadline, replicas, scaling }: DeploymentSpecification,
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  if (replicas.idleMs !== undefined && replicas.min > 0) {
    problems.push({
      path: [...path, 'replicas', 'idleMs'],
      text: `only what may go to sleep has an idle time: expected replicas.min 0 beside it, got ${replicas.min}`,
    });
  }
  if (queue.priorityDefault > queue.priorityLevels) {
    problems.push({
      path: [...path, 'queue', 'priorityDefault'],
      text: `expected at most priorityLevels, ${queue.priorityLevels}, got ${queue.priorityDefault}`,
    });
  }
  if (scaling.mode !== 'advise' && scaling.modeReason === undefined) {
    const text = `expected the reason for the mode ${scaling.mode}: what makes you trust it, in a few words`;
    problems.push({ path: [...path, 'scaling', 'modeReason'], text });
  }
  if (scaling.policy !== undefined) {
    const made = makePolicy(scaling.policy, scaling.parameters);
    for (const text of made.kind === 'refused' ? made.problems : []) {
      problems.push({ path: [...path, 'scaling', 'policy'], text });
    }
  }
  for (const [name, { perReplica, bearer }] of Object.entries(scaling.metrics ?? {})) {
    if (bearer !== undefined) problems.push(...checkPlace([...path, 'scaling', 'metrics', name, 'bearer'], bearer));
    if (perReplica === undefined || takesExternal(scaling.policy ?? 'slo')) continue;
    const takers = policies.map((one) => one.name).filter(takesExternal);
    const text = `is for the policies ${takers.join(' and ')}, got ${scaling.policy ?? 'slo'}; any policy takes a multiplier`;
    problems.push({ path: [...path, 'scaling', 'metrics', name, 'perReplica'], text });
  }
  if (deadline.defaultMs > deadline.maxMs) {
    problems.push({
      path: [...path, 'deadline', 'defaultMs'],
      text: `expected at most maxMs, ${deadline.maxMs}, got ${deadline.defaultMs}`,
    });
  }
  return problems;
}

function checkListeners(listeners: Specification['listeners']): ConfigurationProblem[] {
  const taken = new Map<number, string>();
  const problems: ConfigurationProblem[] = [];
  for (const [name, listener] of Object.entries(listeners)) {
    if (listener === undefined) continue;
    const { port } = listener;
    const other = taken.get(port);
    if (port !== 0 && other !== undefined) {
      problems.push({ path: ['listeners', name, 'port'], text: `${port} is the port of ${other} already` });
    }
    taken.set(port, name);
  }
  return problems;
}

export function checkModelSettings({
  pipeline,
  platform,
  simulated,
  server,
  deployment,
}: ModelFile): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  const { resize, channels = 'rgb', mean = [], std = [] } = pipeline ?? {};
  if (resize?.shorterSide !== undefined && (resize.width ?? resize.height) !== undefined) {
    problems.push({ path: ['pipeline', 'resize', 'shorterSide'], text: 'excludes width and height' });
  }
  const count = channels === 'grey' ? 1 : 3;
  for (const [key, values] of Object.entries({ mean, std })) {
    if (values.length <= 1 || values.length === count) continue;
    problems.push({
      path: ['pipeline', key],
      text: `expected 1 or ${count} numbers for ${channels}, got ${values.length}`,
    });
  }
  if (std.includes(0)) problems.push({ path: ['pipeline', 'std'], text: 'expected no 0, one divides by it' });
  const { replicas = {}, queue = {}, deadline = {} } = deployment ?? {};
  const pairs = [
    [replicas.min, replicas.max, ['replicas', 'min'], 'replicas.max'],
    [queue.priorityDefault, queue.priorityLevels, ['queue', 'priorityDefault'], 'queue.priorityLevels'],
    [deadline.defaultMs, deadline.maxMs, ['deadline', 'defaultMs'], 'deadline.maxMs'],
  ] as const;
  for (const [low, high, key, bound] of pairs) {
    if (low === undefined || high === undefined || low <= high) continue;
    problems.push({ path: ['deployment', ...key], text: `expected at most ${bound}, ${high}, got ${low}` });
  }
  if (platform === 'simulated' && simulated === undefined) {
    problems.push({ path: ['simulated'], text: 'is missing; the platform simulated needs it' });
  }
  if (platform === 'server' && server === undefined) {
    problems.push({ path: ['server'], text: 'is missing; the platform server needs it' });
  }
  if (platform !== 'server' && server !== undefined) {
    problems.push({ path: ['server'], text: `is for the platform server, but the platform is ${platform}` });
  }
  if (server === undefined) return problems;
  if (server.takesFiles && pipeline !== undefined) {
    problems.push({ path: ['pipeline'], text: 'excludes server.takesFiles: a file is decoded here or passed on' });
  }
  return [...problems, ...checkServer(['server'], server)];
}
