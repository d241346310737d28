/** What deployments with a budget have spent of it in the running period. */
import type { JSX } from 'preact';
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import { words } from '../../format/quantity.ts';
import { Figure } from '../../parts/figure.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/states.tsx';

interface BudgetsProps {
  readonly deployments: readonly DeploymentView[];
  readonly at: number;
}

/** A price is in the operator's own currency, which nobody has told. */
const money = { currency: '' } as const;

export function Budgets({ deployments, at }: BudgetsProps): JSX.Element {
  const paid = deployments.flatMap(({ name, governor, replicas }) =>
    governor?.budget === undefined ? [] : [{ name, budget: governor.budget, replicas: replicas.length }],
  );
  return (
    <section class="panel" aria-labelledby="budgets">
      <h2 id="budgets">Budget per period</h2>
      {paid.length === 0 ? (
        <Empty title="No deployment has a budget." command="flyball explain deployments.digits.scaling.budget">
          With a price per replica-hour and an amount per period, more is not started than can be paid.
        </Empty>
      ) : (
        <div class="table-frame flat">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Deployment</th>
                <th scope="col" class="number">
                  Spent
                </th>
                <th scope="col" class="number">
                  Of
                </th>
                <th scope="col">
                  <span class="sr-only">Share</span>
                </th>
                <th scope="col" class="number">
                  Now, an hour
                </th>
                <th scope="col">Period ends</th>
              </tr>
            </thead>
            <tbody>
              {paid.map(({ name, budget: { amount, spent, pricePerHour, periodMs, periodEndsAt }, replicas }) => (
                <tr key={name}>
                  <th scope="row">
                    <a href={`/d/${encodeURIComponent(name)}`}>{name}</a>
                  </th>
                  <td class="number" data-label="Spent">
                    <Figure
                      value={spent}
                      unit={money}
                      label={`${name}: spent in this period`}
                      source="the governor"
                      why={name}
                    />
                  </td>
                  <td class="number" data-label="Of">
                    <Figure
                      value={amount}
                      unit={money}
                      label={`${name}: what a period may cost`}
                      source="the specification"
                    />
                  </td>
                  <td data-label="Share">
                    <Figure
                      value={amount === 0 ? null : spent / amount}
                      unit="share"
                      at={at}
                      label={`${name}: share of the budget that is spent`}
                      source="the governor"
                      why={name}
                      limit={1}
                    />
                  </td>
                  <td class="number" data-label="Now, an hour">
                    <Figure
                      value={replicas * pricePerHour}
                      unit={money}
                      at={at}
                      label={`${name}: an hour of what runs now`}
                      source="the specification"
                    />
                  </td>
                  <td data-label="Period ends">
                    <Moment at={periodEndsAt} /> <span class="muted">({words(periodMs, 'ms')} each)</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
