/** Files of tokens under absolute paths: control reads them wherever it runs, long after the specification was read. */
import { resolve } from 'node:path';
import type { SecretPlace } from './alerts-specification.ts';
import type { Specification } from './specification.ts';

export function withAbsoluteTokens(specification: Specification, folder: string): Specification {
  const deployments = Object.entries(specification.deployments).map(([name, deployment]) => {
    const { metrics } = deployment.scaling;
    if (metrics === undefined) return [name, deployment];
    const absolute = Object.entries(metrics).map(([metric, { bearer, ...settings }]) => [
      metric,
      { ...settings, ...(bearer && { bearer: absolutePlace(bearer, folder) }) },
    ]);
    return [name, { ...deployment, scaling: { ...deployment.scaling, metrics: Object.fromEntries(absolute) } }];
  });
  return { ...specification, deployments: Object.fromEntries(deployments) as Specification['deployments'] };
}

const absolutePlace = (place: SecretPlace, folder: string): SecretPlace =>
  place.file === undefined ? place : { ...place, file: resolve(folder, place.file) };
