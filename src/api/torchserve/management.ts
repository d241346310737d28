/**
 * TorchServe's management API as functions: each turns what a client asks for into calls of control, and waits where the
 * client does. Archives come from one folder of the operator's, by their bare names; nothing is fetched from anywhere.
 * Invariant: the default version of a model keeps answering under its name while another is registered or made default.
 */
import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { stringify } from 'yaml';
import { deploymentSpecification, type DeploymentSpecification } from '../../config/specification.ts';
import type { ControlService } from '../../control/control-service.ts';
import { catalogue, FlyballError, type ErrorCode } from '../../errors.ts';
import { versionLabel } from '../../imports/torchserve/manifest.ts';
import { toSettings } from '../../imports/torchserve/model-config.ts';
import { readMar } from '../../imports/torchserve/read-mar.ts';
import { digestOfBytes } from '../../registry/digest.ts';
import type { DeploymentView, ModelView, OperationView, VersionView } from '../schemas.ts';
import {
  besideName,
  describe,
  findVersion,
  listPage,
  modelsOf,
  registryName,
  requireModel,
  versionName,
} from './shapes.ts';

export interface RegisterOrder {
  readonly url: string;
  readonly modelName?: string;
  readonly handler?: string;
  readonly batchSize?: number;
  readonly maxBatchDelay?: number;
  readonly initialWorkers?: number;
  /** Seconds. */
  readonly responseTimeout?: number;
  readonly synchronous: boolean;
}

export interface ScaleOrder {
  readonly min: number;
  readonly max: number;
  readonly synchronous: boolean;
}

export interface Outcome {
  readonly status: 200 | 202;
  readonly value: unknown;
}

export interface TorchServeManagement {
  list(limit: number, token: number): Promise<Outcome>;
  /** `version`: a version's name, `all`, or none for the default one. */
  describe(name: string, version: string | undefined): Promise<Outcome>;
  register(order: RegisterOrder, by: string, signal: AbortSignal): Promise<Outcome>;
  scale(
    name: string,
    version: string | undefined,
    order: ScaleOrder,
    by: string,
    signal: AbortSignal,
  ): Promise<Outcome>;
  unregister(name: string, version: string | undefined, by: string, signal: AbortSignal): Promise<Outcome>;
  setDefault(name: string, version: string, by: string, signal: AbortSignal): Promise<Outcome>;
}

const waitMs = 10_000;
const retryMs = 200;
const inUseMsMax = 60_000;
const done = (status: string): Outcome => ({ status: 200, value: { status } });
const accepted: Outcome = { status: 202, value: { status: 'Processing worker updates...' } };

export function torchServeManagement(control: ControlService, modelStore: string | undefined): TorchServeManagement {
  async function settled(started: OperationView, signal: AbortSignal): Promise<void> {
    let operation = started;
    while (operation.state === 'running') {
      operation = await control.operation(operation.id, operation.steps.length, waitMs, signal);
      if (signal.aborted) throw new FlyballError('CANCELLED', 'the caller hung up; the operation goes on');
    }
    if (operation.state === 'succeeded') return;
    const { code = 'INTERNAL', detail = 'the operation failed' } = operation.error ?? {};
    throw new FlyballError(Object.hasOwn(catalogue, code) ? (code as ErrorCode) : 'INTERNAL', detail);
  }

  /** As it was ordered last: beside the specification, or by it. */
  async function specificationOf(name: string): Promise<DeploymentSpecification | undefined> {
    const { resolved, overrides } = await control.specification();
    const override = overrides.find(({ path }) => path === `deployments.${name}`)?.value;
    const written = override ?? resolved?.specification.deployments[name];
    const parsed = deploymentSpecification.safeParse(written);
    return parsed.success ? parsed.data : undefined;
  }

  interface Found {
    readonly deployment: DeploymentView;
    readonly all: readonly DeploymentView[];
    readonly model: ModelView;
    readonly standard: VersionView;
  }

  async function find(name: string): Promise<Found> {
    const all = await control.deployments();
    const deployment = requireModel(all, name);
    const model = await control.model(registryName(deployment));
    const target = deployment.target ?? deployment.serving;
    const standard = model.versions.find(({ version }) => String(version) === target) ?? model.versions.at(-1);
    if (standard === undefined) throw new FlyballError('MODEL_NOT_FOUND', `Model not found: ${name} has no version`);
    return { deployment, all, model, standard };
  }

  /** The deployment that serves a version, there or to be made. */
  const placeOf = (name: string, { standard }: Pick<Found, 'standard'>, version: VersionView): string =>
    version.version === standard.version ? name : besideName(name, version.version);

  async function describeOne(name: string, found: Found, version: VersionView): Promise<object> {
    const place = placeOf(name, found, version);
    const deployment = found.all.find((one) => one.name === place);
    return describe({ name, version, deployment, specification: await specificationOf(place) });
  }

  async function scaleTo(
    place: string,
    template: DeploymentSpecification,
    { min, max }: ScaleOrder,
    by: string,
  ): Promise<OperationView> {
    const deployment = { ...template, replicas: { ...template.replicas, min, max: Math.max(1, max) } };
    const changed = await control.deploy(place, { deployment, by });
    const { desired } = await control.deployment(place);
    // TorchServe runs as many as the minimum.
    return desired === min ? changed : control.scale(place, { replicas: min, by });
  }

  async function archivePath(url: string): Promise<string> {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) {
      throw new FlyballError(
        'INVALID_REQUEST',
        `expected the name of an archive in the model store, got ${JSON.stringify(url.slice(0, 200))}: nothing is downloaded; copy it into torchserve.modelStore`,
      );
    }
    if (modelStore === undefined) {
      throw new FlyballError(
        'INVALID_REQUEST',
        'there is no model store: name a folder as torchserve.modelStore in the specification',
      );
    }
    if (!/^[^/\\\0]{1,200}\.mar$/.test(url) || url.startsWith('.')) {
      throw new FlyballError(
        'INVALID_REQUEST',
        `expected the name of a .mar in the model store, without a folder, got ${JSON.stringify(url.slice(0, 200))}`,
      );
    }
    const path = join(modelStore, url);
    const [root, real] = await Promise.all([realpath(modelStore), realpath(path)]).catch((cause: unknown) => {
      throw new FlyballError('MODEL_NOT_FOUND', `Model not found at: ${url}`, { cause });
    });
    if (!real.startsWith(root + sep) || !(await stat(real)).isFile()) {
      throw new FlyballError('INVALID_REQUEST', `${url} links out of the model store`);
    }
    return real;
  }

  async function removeVersions(model: ModelView, versions: readonly VersionView[], by: string): Promise<void> {
    // What came another way belongs to whoever brought it; only the deployment goes then.
    const own = versions.filter(({ labels }) => labels[versionLabel] !== undefined);
    if (own.length === model.versions.length) await control.removeModel(model.name, by);
    else for (const { version } of own) await control.removeVersion(model.name, version, by);
  }

  /** Replicas that drain, or wait whether an update holds, use a version for some seconds still. */
  async function removeWhenUnused(
    name: string,
    versions: readonly VersionView[],
    by: string,
    signal: AbortSignal,
  ): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += retryMs) {
      try {
        await removeVersions(await control.model(name), versions, by);
        return;
      } catch (error) {
        const inUse = error instanceof FlyballError && error.code === 'CONFLICT' && /the replica /.test(error.message);
        if (!inUse || waitedMs >= inUseMsMax) throw error;
        await setTimeout(retryMs, undefined, { signal });
      }
    }
  }

  return {
    async list(limit, token) {
      const models = modelsOf(await control.deployments());
      const registered = await control.models();
      const urls = models.map((deployment) => {
        const versions = registered.find(({ name }) => name === registryName(deployment))?.versions ?? [];
        const version = versions.find((one) => String(one.version) === (deployment.target ?? deployment.serving));
        return { modelName: deployment.name, modelUrl: version?.provenance.source ?? '' };
      });
      return { status: 200, value: listPage(urls, limit, token) };
    },

    async describe(name, version) {
      const found = await find(name);
      const versions =
        version === 'all'
          ? found.model.versions
          : [version === undefined ? found.standard : findVersion(found.model, version)];
      const described: object[] = [];
      for (const one of versions) described.push(await describeOne(name, found, one));
      return { status: 200, value: described };
    },

    async register(order, by, signal) {
      const mar = await readMar(await archivePath(order.url), undefined, order.handler);
      const name = order.modelName ?? mar.manifest.modelName;
      const { modelVersion } = mar.manifest;
      const there = (await control.models()).find((model) => model.name === name);
      if (there?.versions.some((version) => versionName(version) === modelVersion) === true) {
        throw new FlyballError('CONFLICT', `Model version ${modelVersion} is already registered for model ${name}`);
      }
      const text = stringify(mar.settings);
      const modelFile = digestOfBytes(text);
      await control.putArtefact(modelFile, Readable.from([Buffer.from(text)]), signal);
      const upload = {
        name,
        by,
        source: order.url,
        modelFile,
        assets: {},
        ...(mar.version !== undefined && { version: mar.version }),
      };
      const version = await control.addVersion(upload, mar.file.open(), signal);
      const wishes = toSettings({
        ...(order.batchSize !== undefined && { batchSize: order.batchSize }),
        ...(order.maxBatchDelay !== undefined && { maxBatchDelay: order.maxBatchDelay }),
        ...(order.responseTimeout !== undefined && { responseTimeout: order.responseTimeout }),
      });
      const { replicas, ...defaults } = mar.settings.deployment ?? {};
      const workers = order.initialWorkers ?? replicas?.min ?? 0;
      const batching = { ...mar.settings.batching, ...wishes.batching };
      const deployment = deploymentSpecification.parse({
        ...defaults,
        ...wishes.deployment,
        model: `${name}:${version.version}`,
        replicas: {
          min: workers,
          max: Math.max(1, workers, order.initialWorkers === undefined ? (replicas?.max ?? 0) : 0),
        },
        ...(Object.keys(batching).length > 0 && { batching }),
      });
      const isFirst = !(await control.deployments()).some((one) => one.name === name);
      if (!isFirst && workers === 0) return done(registered(name, modelVersion, 0));
      const place = isFirst ? name : besideName(name, version.version);
      const started = await control.deploy(place, { deployment, by });
      if (workers === 0) return done(registered(name, modelVersion, 0));
      if (!order.synchronous) return accepted;
      try {
        await settled(started, signal);
      } catch (error) {
        // As there: a model whose workers cannot start is not registered.
        if (!signal.aborted) {
          await settled(await control.removeDeployment(place, by), signal);
          await removeWhenUnused(name, [version], by, signal);
        }
        throw error;
      }
      return done(registered(name, modelVersion, workers));
    },

    async scale(name, asked, order, by, signal) {
      const found = await find(name);
      const version = asked === undefined ? found.standard : findVersion(found.model, asked);
      const place = placeOf(name, found, version);
      const own = (await specificationOf(place)) ?? (await specificationOf(name));
      const template = { ...(own ?? deploymentSpecification.parse({ model: name })) };
      // Beside the default one, a version is served by its number and by nothing that could move.
      if (place !== name) template.model = `${found.model.name}:${version.version}`;
      const started = await scaleTo(place, template, order, by);
      if (!order.synchronous) return accepted;
      await settled(started, signal);
      const suffix = asked === undefined ? '' : `, version: ${asked}`;
      return done(`Workers scaled to ${order.min} for model: ${name}${suffix}`);
    },

    async unregister(name, asked, by, signal) {
      const found = await find(name);
      const { model, standard, all } = found;
      const version = asked === undefined ? standard : findVersion(model, asked);
      const beside = besideName(name, version.version);
      if (version.version !== standard.version) {
        if (all.some((one) => one.name === beside)) await settled(await control.removeDeployment(beside, by), signal);
        await removeWhenUnused(model.name, [version], by, signal);
        return done(`Model "${name}" unregistered`);
      }
      const others = model.versions.filter((one) => one.version !== version.version);
      if (others.some(({ labels }) => labels[versionLabel] !== undefined)) {
        throw new FlyballError(
          'INVALID_REQUEST',
          `Cannot remove default version for model ${name}: make another the default first`,
        );
      }
      await settled(await control.removeDeployment(name, by), signal);
      await removeWhenUnused(model.name, [version], by, signal);
      return done(`Model "${name}" unregistered`);
    },

    async setDefault(name, asked, by, signal) {
      const found = await find(name);
      const { model, standard, all, deployment } = found;
      const version = findVersion(model, asked);
      const message = `Default vesion succsesfully updated for model "${name}" to "${asked}"`;
      if (version.version === standard.version) return done(message);
      const specification = await specificationOf(name);
      if (specification === undefined)
        throw new FlyballError('CONFLICT', `${name} has no deployment that could be changed`);
      // The one before stays where clients ask for it by its version, with as many workers.
      if (deployment.desired > 0) {
        const before = { ...specification, model: `${model.name}:${standard.version}` };
        await settled(await control.deploy(besideName(name, standard.version), { deployment: before, by }), signal);
      }
      await settled(
        await control.deploy(name, { deployment: { ...specification, model: `${model.name}:${version.version}` }, by }),
        signal,
      );
      const beside = besideName(name, version.version);
      if (all.some((one) => one.name === beside)) await control.removeDeployment(beside, by);
      return done(message);
    },
  };
}

const registered = (name: string, version: string, workers: number): string =>
  workers === 0
    ? `Model "${name}" Version: ${version} registered with 0 initial workers. Use scale workers API to add workers for the model.`
    : `Model "${name}" Version: ${version} registered with ${workers} initial workers`;
