/** What was rehearsed of deployments here, what is under way, and, for whoever may, the form that starts another. */
import type { JSX } from 'preact';
import type { OperationView } from '../../../../src/api/schemas.ts';
import type { RehearsalView } from '../../../../src/api/rehearsal-schemas.ts';
import { labelOf } from '../../../../src/rehearsal/report/verdict.ts';
import { allows, caller } from '../../api/caller.ts';
import { ask } from '../../api/client.ts';
import { status } from '../../live/store.ts';
import { useResource } from '../../live/use-resource.ts';
import { Badge } from '../../parts/badge.tsx';
import { Figure } from '../../parts/figure.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Async, Empty } from '../../parts/states.tsx';
import { choose, type Params } from '../../router.ts';
import { RunForm } from './form.tsx';
import type { Choices } from './kinds.ts';
import { Progress } from './progress.tsx';

export function RehearsalList({ query }: { readonly query: Params }): JSX.Element {
  const { run, deployment } = query;
  const names = status.value?.deployments.map(({ name }) => name) ?? [];
  const mine = names.filter((name) => allows(caller.value, 'operate', name));
  const choices = useResource('rehearsal choices', (signal) => ask<Choices>('/rehearsal-choices', { signal }));
  const operations = useResource('rehearsals under way', (signal) => runningOf(signal), { everyMs: 2000 });
  const underWay = operations.resource.kind === 'ready' ? operations.resource.value : undefined;
  const followed = run ?? underWay?.id;
  const listed = useResource(
    `rehearsals ${followed ?? ''}`,
    (signal) => ask<RehearsalView[]>('/rehearsals', { query: { limit: 100 }, signal }),
    { everyMs: 10_000 },
  );
  return (
    <>
      <div class="page-head">
        <h1>Rehearsal</h1>
        <p class="muted">
          Policies over simulated replicas, on recorded or made-up load, before one may act by itself.
        </p>
      </div>
      {followed !== undefined && (
        <Progress
          key={followed}
          id={followed}
          onDone={() => listed.again()}
          onClose={() => choose({ run: undefined })}
        />
      )}
      <div class={mine.length > 0 ? 'rehearsal-split' : ''}>
        <section class="panel" aria-labelledby="rehearsals-made">
          <h2 id="rehearsals-made">Made so far</h2>
          <Async of={listed} lines={5}>
            {(found) =>
              found.length === 0 ? (
                <Empty title="Nothing was rehearsed yet." command={`flyball rehearse ${names[0] ?? 'digits'}`}>
                  {mine.length > 0
                    ? 'Start one with the form, or from a command line, which takes a file of your own as well.'
                    : 'From a command line it needs no key for this platform’s deployments to be changed.'}
                </Empty>
              ) : (
                <Table found={found} />
              )
            }
          </Async>
        </section>
        {mine.length > 0 && (
          <section class="panel" aria-labelledby="rehearse">
            <h2 id="rehearse">Rehearse</h2>
            <Async of={choices} lines={8}>
              {(known) => (
                <RunForm
                  choices={known}
                  deployments={mine}
                  first={deployment}
                  onStarted={({ id }) => choose({ run: id })}
                />
              )}
            </Async>
          </section>
        )}
      </div>
    </>
  );
}

/** One at a time is made, so that it is among the newest for as long as it takes. */
const newest = 20;

/** Null: none, of the deployments that the caller may see. */
async function runningOf(signal: AbortSignal): Promise<OperationView | null> {
  const operations = await ask<OperationView[]>('/operations', { query: { limit: newest }, signal });
  return operations.find(({ kind, state }) => kind === 'rehearse' && state === 'running') ?? null;
}

function Table({ found }: { readonly found: readonly RehearsalView[] }): JSX.Element {
  return (
    <div class="scroller" tabIndex={0} role="region" aria-label="Rehearsals">
      <table class="rehearsal-table">
        <thead>
          <tr>
            <th scope="col">Rehearsal</th>
            <th scope="col">Deployment</th>
            <th scope="col">Load</th>
            <th scope="col">First policy</th>
            <th scope="col" class="number">
              Missed
            </th>
            <th scope="col">Promise</th>
            <th scope="col">Made</th>
          </tr>
        </thead>
        <tbody>
          {found.map(({ id, deployment, report, tolerated, at, by }) => {
            const [first] = report.policies;
            return (
              <tr key={id}>
                <th scope="row">
                  <a href={`/rehearsal/${id}`}>{id}</a>
                </th>
                <td>{deployment}</td>
                <td>{report.trace}</td>
                <td class="policy-name">{first === undefined ? '' : labelOf(first)}</td>
                <td class="number">
                  <Figure label={`missed by ${first?.name ?? 'it'}`} value={first?.violationFraction} unit="share" />
                </td>
                <td>
                  {first !== undefined && first.violationFraction <= tolerated ? (
                    <Badge tone="ok" word="kept" />
                  ) : (
                    <Badge tone="bad" word="broken" />
                  )}
                </td>
                <td>
                  <Moment at={at} /> <span class="muted">by {by}</span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
