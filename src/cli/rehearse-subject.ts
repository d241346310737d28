/**
 * Whom `flyball rehearse` is about: nobody in particular, a deployment of a specification, or one of a platform that
 * runs, with what it has shown of itself.
 */
import type { LatencyModelView, WhyView } from '../api/schemas.ts';
import type { DeploymentSpecification } from '../config/specification.ts';
import { connect } from './connect.ts';
import type { ControlClient } from './control-client.ts';
import { stringOption, type Invocation } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { loadFrom } from './prepare.ts';

/** A deployment of a platform that runs. */
export interface Running {
  readonly client: ControlClient;
  readonly deployment: string;
  readonly model: LatencyModelView;
  readonly why: WhyView;
}

export interface Subject {
  /** Of `--spec`, else of what runs. */
  readonly specification: DeploymentSpecification | undefined;
  readonly running: Running | undefined;
  /** What is rehearsed is what runs, and not what another specification would make of it. */
  readonly isAsRuns: boolean;
}

export async function readSubject(invocation: Invocation): Promise<Subject> {
  const { values, positionals, signal } = invocation;
  const [named] = positionals;
  const option = stringOption(values, 'deployment');
  if (named !== undefined && option !== undefined && named !== option)
    throw new UsageError(`expected one deployment, got ${named} and --deployment ${option}`);
  const path = stringOption(values, 'spec');
  const wanted = named ?? option;
  const isRunning =
    named !== undefined ||
    stringOption(values, 'trace')?.startsWith('last:') === true ||
    (option !== undefined && path === undefined);
  const specified = path === undefined ? undefined : await specifiedDeployment(path, wanted, invocation);
  if (!isRunning) return { specification: specified?.specification, running: undefined, isAsRuns: false };
  const client = connect(invocation);
  const deployment = wanted ?? specified?.name ?? (await onlyOne(client, signal));
  const own = specified?.specification ?? (await client.deploymentSpecification(deployment, signal));
  const model = await client.latencyModel(deployment, signal);
  const why = await client.why(deployment, undefined, signal);
  return { specification: own, running: { client, deployment, model, why }, isAsRuns: specified === undefined };
}

async function specifiedDeployment(path: string, wanted: string | undefined, { terminal }: Invocation) {
  const { deployments } = (await loadFrom(path, terminal)).specification;
  const names = Object.keys(deployments);
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined)
    throw new UsageError(`${path} has ${names.length} deployments: ${names.join(', ')}`, 'say --deployment NAME');
  const specification = Object.hasOwn(deployments, name) ? deployments[name] : undefined;
  if (specification === undefined)
    throw new UsageError(`${path} has no deployment ${name}, expected one of ${names.join(', ')}`);
  return { name, specification };
}

/** Where there is one, it is the one that is meant. */
async function onlyOne(client: ControlClient, signal: AbortSignal): Promise<string> {
  const names = (await client.status(signal)).deployments.map(({ name }) => name);
  const [only, another] = names;
  if (only === undefined) throw new UsageError(`${client.url} has no deployment to rehearse`);
  if (another !== undefined)
    throw new UsageError(
      `${client.url} has ${names.length} deployments: ${names.slice(0, 20).join(', ')}`,
      `say which: flyball rehearse ${only}`,
    );
  return only;
}
