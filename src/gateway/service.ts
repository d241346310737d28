/**
 * The inference service of a gateway worker: finds the deployment and version of a request, checks it against the
 * signature, gives it its deadline and priority, and hands it to the version's queue. It computes and queues nothing.
 */
import type { Clock } from '../clock.ts';
import { didYouMean } from '../config/nearest.ts';
import { FlyballError } from '../errors.ts';
import type { HangUpSignal } from '../protocol/hang-up.ts';
import type {
  InferenceRequest,
  InferenceResponse,
  InferenceService,
  ModelStatistics,
  RepositoryEntry,
  RequestHead,
} from '../protocol/inference.ts';
import { isDeclared, type ModelSignature, type Tensor } from '../protocol/tensor.ts';
import { validateInputs } from '../protocol/validate.ts';
import type { DeployedVersions, Dispatcher } from './dispatcher.ts';
import { notReadyRetrySeconds } from './reach.ts';
import type { VersionDispatcher } from './version-dispatcher.ts';
import { allStatistics, statisticsOf, sumStatistics } from './statistics.ts';

export interface ServiceOptions {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Flyball's own version. */
  readonly version: string;
  readonly limits: { readonly tensorElementsMax: number };
  readonly logLevel?: string;
  /** The way to control; without one nothing can be managed from here. */
  readonly management?: NonNullable<InferenceService['management']>;
  /** What other workers have counted; absent where there are none. */
  readonly others?: (() => Promise<readonly (readonly ModelStatistics[])[]>) | undefined;
}

export interface GatewayService extends InferenceService {
  /**
   * Turns readiness off. What still comes in over connections that are open is answered: refusing it would fail
   * requests that were sent before their caller could know.
   */
  drain(): void;
}

/** Extensions of the protocol by the names that Triton gave them. */
const extensions = ['binary_tensor_data', 'parameters', 'schedule_policy', 'statistics', 'model_configuration'];
/** Only where there is a control to do it. */
const managed = ['model_repository', 'model_repository(unload_dependents)'];
/** As much of a wrong name as an error repeats; a right one has at most 63 characters. */
const nameLengthMax = 80;
/** A replica that the table calls ready may be unreachable for this long before callers are turned away. */
const unreachableMsMax = 2000;

export function createGatewayService(options: ServiceOptions): GatewayService {
  const { dispatcher, clock } = options;
  let draining = false;

  const deploymentOf = (model: string): DeployedVersions => {
    const found = dispatcher.deployment(model);
    if (found !== undefined) return found;
    const wanted = model.slice(0, nameLengthMax);
    const names = [...dispatcher.deployments()].map(({ route }) => route.name);
    // The first words are Triton's: published clients look for them.
    throw new FlyballError(
      'MODEL_NOT_FOUND',
      `Request for unknown model: expected the name of a deployment, got ${JSON.stringify(wanted)}${didYouMean(wanted, names)}`,
    );
  };

  const notReady = ({ route }: DeployedVersions, why: string): FlyballError =>
    new FlyballError('MODEL_NOT_READY', `model ${route.name} is not ready: ${why}`, {
      retryAfterSeconds: notReadyRetrySeconds(route),
    });

  const versionOf = (model: string, version: string | undefined): VersionDispatcher => {
    const deployed = deploymentOf(model);
    const { route, serving } = deployed;
    if (serving === undefined) {
      throw notReady(deployed, route.notReadyReason ?? 'no version is being served yet');
    }
    if (version !== undefined && version !== serving.route.version) {
      throw new FlyballError(
        'VERSION_NOT_FOUND',
        `model ${model}: expected version ${serving.route.version}, the one being served, got ${JSON.stringify(version.slice(0, nameLengthMax))}`,
      );
    }
    return serving;
  };

  /** Why nothing can be inferred now; undefined when it can. */
  const hindrance = (deployed: DeployedVersions, serving: VersionDispatcher): string | undefined => {
    const { callers, wakes, notReadyReason } = deployed.route;
    if (!serving.route.replicas.some((replica) => replica.state === 'ready'))
      return callers === 'wait' ? undefined : (notReadyReason ?? 'it has no replica that is loaded and warmed');
    // Of one that wakes, control sends another for whoever waits.
    if (wakes !== true && serving.unreachableMs(clock.now()) > unreachableMsMax)
      return 'none of its replicas can be reached';
    return undefined;
  };

  /** Reachable this very moment, or woken by being asked: clients refuse to call a model that is not ready. */
  const isReady = (deployed: DeployedVersions): boolean =>
    deployed.serving !== undefined &&
    hindrance(deployed, deployed.serving) === undefined &&
    (deployed.serving.reachable || deployed.route.wakes === true);

  const servingNow = (model: string, asked: string | undefined): [DeployedVersions, VersionDispatcher] => {
    const version = versionOf(model, asked);
    const deployed = deploymentOf(model);
    const why = hindrance(deployed, version);
    if (why !== undefined) throw notReady(deployed, why);
    return [deployed, version];
  };

  const expect = ({ model, version: asked, payload, deadlineMs, final }: RequestHead): (() => void) => {
    const [{ route }, version] = servingNow(model, asked);
    const { deadline, queue } = route;
    const arrivedAt = clock.now();
    // Where the body may still say it, the longest deadline and the most urgent level that it could ask for.
    const withinMs = deadlineMs ?? (final ? deadline.defaultMs : deadline.maxMs);
    return version.expect({
      payload: payload === 'file' ? 'files' : 'tensors',
      arrivedAt,
      deadlineAt: arrivedAt + Math.min(withinMs, deadline.maxMs),
      priority: final ? priorityOf(undefined, queue) : 1,
    });
  };

  const submit = (request: InferenceRequest, signal: HangUpSignal): Promise<InferenceResponse> => {
    const arrivedAt = clock.now();
    const [deployed, version] = servingNow(request.model, request.version);
    const { signature, takesFiles } = version.route;
    // A server that declares nothing judges its requests itself.
    if (isDeclared(signature)) validateInputs(request, signature, options.limits);
    if (request.payload.kind === 'file' && !takesFiles) {
      throw new FlyballError(
        'UNSUPPORTED_CONTENT',
        `model ${request.model} declares no pipeline for files (model.yaml: pipeline): expected tensors, got a file`,
      );
    }
    const { deadline, queue } = deployed.route;
    return version.submit(
      {
        request,
        inputs: request.payload.kind === 'file' ? [] : inSignatureOrder(request.payload.inputs, signature),
        arrivedAt,
        deadlineAt: arrivedAt + Math.min(request.deadlineMs ?? deadline.defaultMs, deadline.maxMs),
        priority: priorityOf(request.priority, queue),
      },
      signal,
    );
  };

  function ownStatistics(model: string | undefined, version: string | undefined): ModelStatistics[] {
    if (model === undefined) return allStatistics(dispatcher);
    const all = statisticsOf(deploymentOf(model));
    const wanted = version === undefined ? all : all.filter((one) => one.version === version);
    if (wanted.length === 0 && version !== undefined) versionOf(model, version);
    return wanted;
  }

  return {
    server: () => ({
      name: dispatcher.table.serverName,
      version: options.version,
      extensions: options.management === undefined ? extensions : [...extensions, ...managed],
      ...(options.logLevel !== undefined && { logLevel: options.logLevel }),
    }),
    live: () => true,
    ready() {
      if (draining || dispatcher.table.revision === 0) return false;
      const all = [...dispatcher.deployments()];
      // One model that cannot start must not take the others out of a load balancer.
      return all.length === 0 || all.some(isReady);
    },
    metadata(model, version) {
      const { route } = versionOf(model, version);
      const deployed = deploymentOf(model);
      return {
        name: model,
        versions: [route.version],
        platform: route.platform,
        signature: route.signature,
        settings: {
          batching: route.batching,
          queue: deployed.route.queue,
          deadline: deployed.route.deadline,
          replicas: route.replicas.filter(({ state }) => state === 'ready').length,
        },
        // The platform's own facts come last: a label may not pass for one.
        properties: { ...route.labels, digest: route.digest, takes_files: String(route.takesFiles) },
      };
    },
    modelReady(model, version) {
      const deployed = deploymentOf(model);
      if (version !== undefined) {
        const known = deployed.versions.some((one) => one.route.version === version);
        if (!known && deployed.serving !== undefined) versionOf(model, version);
        if (version !== deployed.serving?.route.version) return false;
      }
      return !draining && isReady(deployed);
    },
    index: () => [...dispatcher.deployments()].flatMap((deployed) => entriesOf(deployed, isReady(deployed))),
    async statistics(model, version) {
      const own = ownStatistics(model, version);
      return options.others === undefined ? own : sumStatistics(own, await options.others());
    },
    expect,
    infer(request, signal) {
      // Thrown or rejected, a caller meets one kind of failure; a promise of its own would cost every request a hop.
      try {
        return submit(request, signal);
      } catch (thrown) {
        return Promise.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    },
    ...(options.management !== undefined && { management: options.management }),
    drain() {
      draining = true;
    },
  };
}

function priorityOf(
  asked: number | undefined,
  queue: { readonly priorityLevels: number; readonly priorityDefault: number },
): number {
  // 0 is how Triton's clients say "the default".
  if (asked === undefined || asked < 1) return Math.min(queue.priorityDefault, queue.priorityLevels);
  return Math.min(Math.trunc(asked), queue.priorityLevels);
}

/** Batches are joined input by input, so all requests give them in one order. Nearly all callers do already. */
function inSignatureOrder(inputs: readonly Tensor[], signature: ModelSignature): readonly Tensor[] {
  if (inputs.every((input, index) => signature.inputs[index]?.name === input.name)) return inputs;
  if (!isDeclared(signature)) return inputs;
  return signature.inputs.flatMap((spec) => inputs.filter((input) => input.name === spec.name));
}

function entriesOf({ route, serving, versions }: DeployedVersions, ready: boolean): RepositoryEntry[] {
  const reason = ready && serving?.reachable === true ? '' : (route.notReadyReason ?? 'no replica is ready');
  if (versions.length === 0) return [{ name: route.name, state: 'UNAVAILABLE', reason }];
  return versions.map((version): RepositoryEntry => {
    const entry = { name: route.name, version: version.route.version };
    if (version === serving) return { ...entry, state: ready ? 'READY' : 'UNAVAILABLE', reason };
    return serving === undefined
      ? { ...entry, state: 'LOADING', reason }
      : { ...entry, state: 'UNLOADING', reason: 'it finishes its queue' };
  });
}
