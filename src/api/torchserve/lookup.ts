/** What a TorchServe client means by a model's name: its deployment, its versions, and which of them is the default. */
import { deploymentSpecification, type DeploymentSpecification } from '../../config/specification.ts';
import type { ControlService } from '../../control/control-service.ts';
import { FlyballError } from '../../errors.ts';
import type { DeploymentView, ModelView, VersionView } from '../schemas.ts';
import { besideName, registryName, requireModel } from './shapes.ts';

export interface FoundModel {
  readonly deployment: DeploymentView;
  readonly all: readonly DeploymentView[];
  readonly model: ModelView;
  /** The default version. */
  readonly standard: VersionView;
}

/** MODEL_NOT_FOUND. */
export async function findModel(
  control: Pick<ControlService, 'deployments' | 'model'>,
  name: string,
): Promise<FoundModel> {
  const all = await control.deployments();
  const deployment = requireModel(all, name);
  const model = await control.model(registryName(deployment));
  const target = deployment.target ?? deployment.serving;
  const standard = model.versions.find(({ version }) => String(version) === target) ?? model.versions.at(-1);
  if (standard === undefined) throw new FlyballError('MODEL_NOT_FOUND', `Model not found: ${name} has no version`);
  return { deployment, all, model, standard };
}

/** As a deployment was ordered last: beside the specification, or by it. */
export async function specificationOf(
  control: Pick<ControlService, 'specification'>,
  name: string,
): Promise<DeploymentSpecification | undefined> {
  const { resolved, overrides } = await control.specification();
  const override = overrides.find(({ path }) => path === `deployments.${name}`)?.value;
  const written = override ?? resolved?.specification.deployments[name];
  const parsed = deploymentSpecification.safeParse(written);
  return parsed.success ? parsed.data : undefined;
}

/** The deployment that serves a version, there or to be made. */
export const placeOf = (name: string, { standard }: Pick<FoundModel, 'standard'>, version: VersionView): string =>
  version.version === standard.version ? name : besideName(name, version.version);
