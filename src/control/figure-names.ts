/**
 * Metrics and alerts are signals in one list of the governor: two of one name would hide each other. The check of a
 * specification sees both where both are in it; a deployment that was deployed by itself is held to those in force here.
 */
import type { AlertsSettings } from '../config/alerts-specification.ts';
import type { DeploymentSpecification } from '../config/specification.ts';
import { FlyballError } from '../errors.ts';

type Governed = Pick<DeploymentSpecification, 'scaling'>;

/** INVALID_SPECIFICATION, with the metric and the deployment. */
export function requireOwnNames(
  deployments: Iterable<readonly [name: string, deployment: Governed]>,
  alerts: Pick<AlertsSettings, 'signals'> | undefined,
): void {
  const signals = alerts?.signals ?? {};
  for (const [name, { scaling }] of deployments) {
    const shared = Object.keys(scaling?.metrics ?? {}).find((metric) => Object.hasOwn(signals, metric));
    if (shared === undefined) continue;
    throw new FlyballError(
      'INVALID_SPECIFICATION',
      `deployments.${name}.scaling.metrics.${shared} is the name of a signal in alerts.signals too: give one of them another`,
    );
  }
}
