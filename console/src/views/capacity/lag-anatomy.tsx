/** How long a replica takes from the decision to its first request, stage by stage: a waterfall, and the same as a table. */
import type { JSX } from 'preact';
import type { DeploymentView, LatencyModelView } from '../../../../src/api/schemas.ts';
import { ask, segment } from '../../api/client.ts';
import { useResource } from '../../live/use-resource.ts';
import { Figure } from '../../parts/figure.tsx';
import { Async, Empty } from '../../parts/states.tsx';
import { choose } from '../../router.ts';
import { stageLags, wholeLag } from './lag.ts';
import { words } from '../../format/quantity.ts';

interface AnatomyProps {
  readonly deployments: readonly DeploymentView[];
  readonly chosen: string;
}

export function LagAnatomy({ deployments, chosen }: AnatomyProps): JSX.Element {
  const asked = useResource(
    `lag ${chosen}`,
    (signal) => ask<LatencyModelView>(`/deployments/${segment(chosen)}/latency-model`, { signal }),
    { everyMs: 10_000 },
  );
  return (
    <section class="panel" aria-labelledby="lag">
      <div class="panel-head">
        <h2 id="lag">How long a replica takes</h2>
        <label class="select">
          <span class="sr-only">Deployment</span>
          <select value={chosen} onChange={({ currentTarget: { value } }) => choose({ of: value })}>
            {deployments.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Async of={asked}>{(model) => <Anatomy model={model} />}</Async>
    </section>
  );
}

function Anatomy({ model }: { readonly model: LatencyModelView }): JSX.Element {
  const { starts, stopsMs, deployment } = model;
  const whole = wholeLag(starts);
  if (whole === undefined)
    return (
      <Empty title="No start has been measured yet.">
        The stages are known once a replica of {deployment} has started with this version.
      </Empty>
    );
  const stages = stageLags(starts);
  const sum = stages.reduce((so, { p50Ms }) => so + p50Ms, 0);
  return (
    <>
      <p class="summary">
        <Figure
          value={whole.p50Ms}
          unit="ms"
          label="Order to first request, median"
          source={`${starts.length} starts`}
        />{' '}
        from the decision to the first request
        <span class="dot"> · </span>
        <Figure
          value={whole.p90Ms}
          unit="ms"
          label="Order to first request, 90th percentile"
          source={`${starts.length} starts`}
        />{' '}
        in nine of ten cases, of the last {starts.length}
      </p>
      <table class="lag-table">
        <caption class="sr-only">What each stage of a start takes, in milliseconds, over the last starts.</caption>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col" class="number">
              p50
            </th>
            <th scope="col" class="number">
              p90
            </th>
            <th scope="col" class="lag-track" aria-hidden="true" />
          </tr>
        </thead>
        <tbody>
          {stages.map(({ name, about, p50Ms, p90Ms }, index) => {
            const before = stages.slice(0, index).reduce((so, one) => so + one.p50Ms, 0);
            return (
              <tr key={name}>
                <th scope="row">
                  {name} <span class="muted">{about}</span>
                </th>
                <td class="number">
                  <Figure value={p50Ms} unit="ms" label={`${name}: median`} source={`${starts.length} starts`} />
                </td>
                <td class="number muted">
                  <Figure
                    value={p90Ms}
                    unit="ms"
                    label={`${name}: 90th percentile`}
                    source={`${starts.length} starts`}
                  />
                </td>
                <td class="lag-track" aria-hidden="true">
                  <svg viewBox="0 0 100 10" preserveAspectRatio="none">
                    <rect
                      x={sum === 0 ? 0 : (before / sum) * 100}
                      y="1"
                      width={sum === 0 ? 0 : Math.max(0.6, (p50Ms / sum) * 100)}
                      height="8"
                    />
                  </svg>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {stopsMs.length > 0 && (
        <p class="muted">
          An end takes {words(stopsMs.toSorted((a, b) => a - b)[stopsMs.length >> 1], 'ms')} after the last answer, at
          the median of the last {stopsMs.length}.
        </p>
      )}
    </>
  );
}
