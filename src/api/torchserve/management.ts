/**
 * TorchServe's management API as functions: each turns what a client asks for into calls of control, and waits where the
 * client does.
 * Invariant: the default version of a model keeps answering under its name while another is registered or made default.
 */
import { deploymentSpecification, type DeploymentSpecification } from '../../config/specification.ts';
import type { ControlService } from '../../control/control-service.ts';
import { FlyballError } from '../../errors.ts';
import { versionLabel } from '../../imports/torchserve/manifest.ts';
import type { OperationView, VersionView } from '../schemas.ts';
import { findModel, placeOf, specificationOf, type FoundModel } from './lookup.ts';
import { accepted, done, type Outcome } from './outcome.ts';
import { register, type RegisterOrder } from './register.ts';
import { besideName, describe, findVersion, listPage, modelsOf, registryName } from './shapes.ts';
import { removeWhenUnused, settled } from './waiting.ts';

export interface ScaleOrder {
  readonly min: number;
  readonly max: number;
  readonly synchronous: boolean;
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

export function torchServeManagement(control: ControlService, modelStore: string | undefined): TorchServeManagement {
  async function describeOne(name: string, found: FoundModel, version: VersionView): Promise<object> {
    const place = placeOf(name, found, version);
    const deployment = found.all.find((one) => one.name === place);
    return describe({ name, version, deployment, specification: await specificationOf(control, place) });
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
      const found = await findModel(control, name);
      const versions =
        version === 'all'
          ? found.model.versions
          : [version === undefined ? found.standard : findVersion(found.model, version)];
      const described: object[] = [];
      for (const one of versions) described.push(await describeOne(name, found, one));
      return { status: 200, value: described };
    },

    register: (order, by, signal) => register(control, modelStore, order, by, signal),

    async scale(name, asked, order, by, signal) {
      const found = await findModel(control, name);
      const version = asked === undefined ? found.standard : findVersion(found.model, asked);
      const place = placeOf(name, found, version);
      const own = (await specificationOf(control, place)) ?? (await specificationOf(control, name));
      const template = { ...(own ?? deploymentSpecification.parse({ model: name })) };
      // Beside the default one, a version is served by its number and by nothing that could move.
      if (place !== name) template.model = `${found.model.name}:${version.version}`;
      const started = await scaleTo(place, template, order, by);
      if (!order.synchronous) return accepted;
      await settled(control, started, signal);
      const suffix = asked === undefined ? '' : `, version: ${asked}`;
      return done(`Workers scaled to ${order.min} for model: ${name}${suffix}`);
    },

    async unregister(name, asked, by, signal) {
      const found = await findModel(control, name);
      const { model, standard, all } = found;
      const version = asked === undefined ? standard : findVersion(model, asked);
      const beside = besideName(name, version.version);
      if (version.version !== standard.version) {
        if (all.some((one) => one.name === beside))
          await settled(control, await control.removeDeployment(beside, by), signal);
        await removeWhenUnused(control, model.name, [version], by, signal);
        return done(`Model "${name}" unregistered`);
      }
      const others = model.versions.filter((one) => one.version !== version.version);
      if (others.some(({ labels }) => labels[versionLabel] !== undefined)) {
        throw new FlyballError(
          'INVALID_REQUEST',
          `Cannot remove default version for model ${name}: make another the default first`,
        );
      }
      await settled(control, await control.removeDeployment(name, by), signal);
      await removeWhenUnused(control, model.name, [version], by, signal);
      return done(`Model "${name}" unregistered`);
    },

    async setDefault(name, asked, by, signal) {
      const found = await findModel(control, name);
      const { model, standard, all, deployment } = found;
      const version = findVersion(model, asked);
      const message = `Default vesion succsesfully updated for model "${name}" to "${asked}"`;
      if (version.version === standard.version) return done(message);
      const specification = await specificationOf(control, name);
      if (specification === undefined)
        throw new FlyballError('CONFLICT', `${name} has no deployment that could be changed`);
      // The one before stays where clients ask for it by its version, with as many workers.
      if (deployment.desired > 0) {
        const before = { ...specification, model: `${model.name}:${standard.version}` };
        await settled(
          control,
          await control.deploy(besideName(name, standard.version), { deployment: before, by }),
          signal,
        );
      }
      await settled(
        control,
        await control.deploy(name, { deployment: { ...specification, model: `${model.name}:${version.version}` }, by }),
        signal,
      );
      const beside = besideName(name, version.version);
      if (all.some((one) => one.name === beside)) await control.removeDeployment(beside, by);
      return done(message);
    },
  };
}
