/** What was known: every signal with its value, its age and what it may be believed. */
import type { JSX } from 'preact';
import type { WhyView } from '../../../../src/api/schemas.ts';
import { words, type Unit } from '../../format/quantity.ts';
import { span } from '../../format/time.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { Figure } from '../../parts/figure.tsx';

type Inputs = NonNullable<WhyView['inputs']>;
type Signal = Inputs['signals'][string];

const tones: Readonly<Record<Signal['kind'], Tone>> = {
  fresh: 'ok',
  stale: 'warn',
  absent: 'quiet',
  contradictory: 'bad',
};

interface Meaning {
  readonly name: string;
  readonly unit: Unit;
  /** Counted over the span of the look, and shown a second. */
  readonly perSecond?: true;
}

const meanings: Readonly<Record<string, Meaning>> = {
  arrivals: { name: 'offered load', unit: 'req/s', perSecond: true },
  inFlight: { name: 'being computed', unit: 'requests' },
  queued: { name: 'waiting', unit: 'requests' },
  queueWaitMs: { name: 'wait of the last answer', unit: 'ms' },
  serviceMs: { name: 'a request takes of a replica', unit: 'ms' },
  utilisation: { name: 'replicas occupied', unit: 'share' },
  cpu: { name: 'processor, of the allowance', unit: 'share' },
  errors: { name: 'faults of the platform', unit: 'requests' },
  late: { name: 'answered too late', unit: 'requests' },
  p50Ms: { name: 'median latency', unit: 'ms' },
  p99Ms: { name: 'p99 latency', unit: 'ms' },
};

export function Observed({ why }: { readonly why: WhyView & { readonly inputs: Inputs } }): JSX.Element {
  const { inputs, metrics = {} } = why;
  const { signals, external = {}, spanMs, fleet, objective, lag, capacity } = inputs;
  const lagMs = Object.values(lag).reduce((sum, ms) => sum + ms, 0);
  const held = Object.entries(capacity);
  return (
    <>
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">Signal</th>
            <th scope="col" class="number">
              Value
            </th>
            <th scope="col">State</th>
            <th scope="col">Age</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(signals).map(([key, signal]) => {
            const { name, unit, perSecond }: Meaning = meanings[key] ?? { name: key, unit: 'count' };
            const { value } = signal;
            const shown = value === null ? null : perSecond === true ? (value * 1000) / spanMs : value;
            return (
              <SignalRow
                key={key}
                name={name}
                value={shown}
                unit={unit}
                signal={signal}
                source="gateways and replicas"
              />
            );
          })}
          {Object.entries(external).map(([name, signal]) => (
            <SignalRow
              key={`external ${name}`}
              name={name}
              about={[metrics[name]?.means, metrics[name]?.failure].filter(Boolean).join('; ')}
              value={signal.value}
              unit="count"
              signal={signal}
              source="outside, as the specification says"
            />
          ))}
        </tbody>
      </table>
      <dl class="facts">
        <Fact name="Fleet">
          {fleet.ready} ready, {fleet.starting} starting, {fleet.target} wanted
        </Fact>
        <Fact name="Objective">
          {words(objective.latencyMs, 'ms')}, given up after {words(objective.deadlineMs, 'ms')}
        </Fact>
        <Fact name="A replica takes">
          {words(lagMs, 'ms')} (
          {Object.entries(lag)
            .filter(([, ms]) => ms > 0)
            .map(([stage, ms]) => `${stage} ${words(ms, 'ms')}`)
            .join(', ')}
          )
        </Fact>
        <Fact name="Measured capacity">
          {held.length === 0
            ? 'not measured under load yet'
            : held.map(([count, rate]) => `${count} hold ${words(rate, 'req/s')}`).join(', ')}
        </Fact>
      </dl>
    </>
  );
}

interface SignalRowProps {
  readonly name: string;
  readonly about?: string;
  readonly value: number | null;
  readonly unit: Unit;
  readonly signal: Signal;
  readonly source: string;
}

function SignalRow({ name, about = '', value, unit, signal: { kind, ageMs }, source }: SignalRowProps): JSX.Element {
  return (
    <tr class={kind === 'stale' ? 'stale' : ''}>
      <th scope="row">
        {name} {about !== '' && <span class="muted">{about}</span>}
      </th>
      <td class="number" data-label="Value">
        <Figure value={value} unit={unit} state={kind} label={name} source={source} />
      </td>
      <td data-label="State">
        <Badge tone={tones[kind]} word={kind} />
      </td>
      <td data-label="Age" class="muted">
        {ageMs === null ? 'never known' : span(ageMs)}
      </td>
    </tr>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: (string | number)[] | string;
}): JSX.Element {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
