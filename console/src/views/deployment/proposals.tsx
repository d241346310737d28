/** What each policy proposes now, what became of it, and what the others would hold. Why has the rest. */
import type { JSX } from 'preact';
import type { WhyView } from '../../../../src/api/schemas.ts';
import type { Asking } from '../../live/use-resource.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { Figure, whyAddress } from '../../parts/figure.tsx';
import { Async } from '../../parts/states.tsx';

const doneTones: Readonly<Record<NonNullable<WhyView['done']>['kind'], Tone>> = {
  held: 'ok',
  advised: 'quiet',
  asked: 'warn',
  moved: 'ok',
  refused: 'bad',
};

const names: Readonly<Record<string, string>> = { hpa: 'HPA', kpa: 'KPA', ray: 'Ray', thresholds: '80/40 of CPU' };
const called = (policy: string): string => (Object.hasOwn(names, policy) ? (names[policy] ?? policy) : policy);

export function Proposals({ why }: { readonly why: Asking<WhyView> }): JSX.Element {
  return (
    <section class="panel" aria-labelledby="proposals">
      <h2 id="proposals">Proposed now</h2>
      <Async of={why} lines={4}>
        {(value) =>
          value.decision === undefined ? (
            <p class="muted">No decision: {value.ungoverned ?? 'it has not been looked at yet'}.</p>
          ) : (
            <Proposed value={value} decision={value.decision} />
          )
        }
      </Async>
    </section>
  );
}

interface ProposedProps {
  readonly value: WhyView;
  readonly decision: NonNullable<WhyView['decision']>;
}

function Proposed({ value, decision }: ProposedProps): JSX.Element {
  const { deployment, at, done, others = [] } = value;
  const own = new Set(decision.said.map(({ policy }) => policy));
  const rows = [...decision.said, ...others.filter(({ policy }) => !own.has(policy))];
  return (
    <>
      <p class="outcome">
        <span>
          {decision.held} → {decision.target}
        </span>
        {done !== undefined && <Badge tone={doneTones[done.kind]} word={done.kind} />}
        <span class="muted">{done?.why}</span>
      </p>
      <div class="scrolls" tabIndex={0} role="group" aria-label="Proposals">
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">Policy</th>
              <th scope="col" class="number">
                Replicas
              </th>
              <th scope="col">Because</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ policy, target, reason, doubt }) => (
              <tr key={policy} class={own.has(policy) ? '' : 'other'}>
                <th scope="row">
                  {called(policy)} {!own.has(policy) && <small>compared</small>}
                </th>
                <td class="number">
                  <Figure
                    value={target}
                    unit="count"
                    at={at}
                    label={`Proposal of ${called(policy)}`}
                    why={deployment}
                    source={`the policy ${policy}`}
                  />
                </td>
                <td class="muted">
                  {reason}
                  {doubt !== undefined && ` (in doubt: ${doubt})`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {decision.cuts.length > 0 && (
        <>
          <h3 class="sub">What the bounds cut</h3>
          <ul class="plain">
            {decision.cuts.map(({ stage, from, to, reason }) => (
              <li key={stage}>
                {stage}: {from} → {to} <span class="muted">{reason}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <p>
        <a href={whyAddress(deployment)}>The whole decision</a>
      </p>
    </>
  );
}
