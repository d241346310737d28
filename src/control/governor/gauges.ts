/** What the governor thinks, as metrics: what it would hold, whether it is in doubt, and whether its policy answers. */
import type { DeploymentGovernor, DeploymentView } from '../../api/schemas.ts';
import { modes } from '../../config/specification.ts';
import type { Sample } from '../../telemetry/metrics.ts';
import type { Registry } from '../../telemetry/registry.ts';

export function registerGovernorGauges(
  registry: Registry,
  deployments: () => readonly DeploymentView[],
  isHalted: (deployment: string) => boolean,
): void {
  /** Of those that are looked at. */
  const each = (valueOf: (governor: DeploymentGovernor) => number | undefined): readonly Sample[] =>
    deployments().flatMap(({ name, governor }) => {
      const value = governor?.at === undefined ? undefined : valueOf(governor);
      if (value === undefined) return [];
      return [{ labels: { deployment: name, policy: governor?.policy ?? 'none' }, value }];
    });
  const labels = ['deployment', 'policy'];
  registry.gauge({ name: 'flyball_governor_target', help: 'Replicas that the governor would hold.', labels }, () =>
    each(({ target }) => target),
  );
  registry.gauge(
    {
      name: 'flyball_governor_in_doubt',
      help: '1 while what is seen is in doubt, so that nothing is lowered.',
      labels,
    },
    () => each(({ doubt }) => (doubt === undefined ? 0 : 1)),
  );
  registry.gauge(
    { name: 'flyball_governor_policy_failing', help: '1 while the policy gives no sound answer in time.', labels },
    () => each(({ unsound }) => (unsound === undefined ? 0 : 1)),
  );
  registry.gauge(
    {
      name: 'flyball_governor_forecast_authority',
      help: 'How far the most trusted forecaster is believed of a lag from now, 0 to 1.',
      labels,
    },
    () => each(({ forecast }) => forecast?.authority ?? 0),
  );
  registry.gauge(
    {
      name: 'flyball_governor_forecast',
      help: 'Requests a second a lag from now, by the most trusted forecaster; absent while none is believed.',
      labels,
    },
    () => each(({ forecast }) => forecast?.perSecond),
  );
  registry.gauge({ name: 'flyball_governor_waiting', help: '1 while a change waits for a person.', labels }, () =>
    each(({ approval }) => (approval === undefined ? 0 : 1)),
  );
  registry.gauge(
    {
      name: 'flyball_governor_halted',
      help: '1 while no target is changed by itself: the deployment, or the whole platform, is halted.',
      labels: ['deployment'],
    },
    () => deployments().map(({ name }) => ({ labels: { deployment: name }, value: isHalted(name) ? 1 : 0 })),
  );
  registry.gauge(
    {
      name: 'flyball_governor_mode',
      help: '1 for the mode in force, 0 for the others.',
      labels: ['deployment', 'mode'],
    },
    () =>
      deployments().flatMap(({ name, governor }) =>
        governor === undefined
          ? []
          : modes.map((mode) => ({ labels: { deployment: name, mode }, value: governor.mode === mode ? 1 : 0 })),
      ),
  );
}
