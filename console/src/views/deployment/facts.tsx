/** The numbers of now, before the charts. */
import type { ComponentChildren, JSX } from 'preact';
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import type { Unit } from '../../format/quantity.ts';
import { Figure, type FigureProps } from '../../parts/figure.tsx';
import { NextHint } from '../../parts/next-hint.tsx';
import { lostShare } from '../now/lost-share.ts';

interface FactsProps {
  readonly deployment: DeploymentView;
  readonly at: number;
}

export function Facts({ deployment, at }: FactsProps): JSX.Element {
  const { name, load, counts, desired, min, max, sloP99Ms, governor } = deployment;
  const seenAt = load.ageMs === null ? undefined : at - load.ageMs;
  const isKnown = load.ageMs !== null;
  const figure = (label: string, props: Omit<FigureProps, 'label'>): JSX.Element => (
    <Figure why={name} at={seenAt} source="the gateways" {...props} label={label} />
  );
  const count = (label: string, value: number): JSX.Element =>
    figure(`${label} replicas`, { value, unit: 'count', at, source: 'control' });
  /** What does not grow old: somebody said so, and it holds until they say otherwise. */
  const told = (label: string, value: number, unit: Unit, source = 'the specification'): JSX.Element => (
    <Figure label={label} value={value} unit={unit} source={source} />
  );
  const forecast = governor?.forecast;
  return (
    <dl class="tiles">
      <Tile name="Offered">
        {figure('Offered load', { value: isKnown ? load.requestsPerSecond : null, unit: 'req/s' })}
      </Tile>
      <Tile
        name={sloP99Ms === null ? 'p99 latency' : <>p99, SLO {told('Objective of the p99 latency', sloP99Ms, 'ms')}</>}
        more={<>p50 {figure('p50 latency of the last answers', { value: load.p50Ms, unit: 'ms' })}</>}
      >
        {figure('p99 latency of the last answers', { value: load.p99Ms, unit: 'ms', limit: sloP99Ms })}
      </Tile>
      <Tile name="Failed or shed">
        {figure('Failed or shed, of what was offered', {
          value: isKnown ? lostShare(load) : null,
          unit: 'share',
          limit: 0,
        })}
      </Tile>
      <Tile
        name="Waiting"
        more={
          <>
            {figure('Requests being computed', { value: isKnown ? load.inFlight : null, unit: 'count' })} being computed
          </>
        }
      >
        {figure('Requests in the queue', { value: isKnown ? load.queueLength : null, unit: 'count' })}
      </Tile>
      <Tile
        name="Replicas"
        wide
        more={
          <>
            between {told('Replicas at least', min, 'replicas')} and {told('Replicas at most', max, 'replicas')}.{' '}
            <NextHint next={governor?.next} />
          </>
        }
      >
        <span class="counts">
          {(
            [
              ['desired', desired],
              ['starting', counts.starting],
              ['ready', counts.ready],
              ['serving', counts.serving],
              ['draining', counts.draining],
            ] as const
          ).map(([word, value]) => (
            <span key={word} class={value === 0 && word !== 'desired' ? 'zero' : ''}>
              {count(word, value)} <small>{word}</small>
            </span>
          ))}
          {counts.failed > 0 && (
            <span class="bad">
              {count('failed', counts.failed)} <small>failed</small>
            </span>
          )}
        </span>
      </Tile>
      <Tile
        name={
          forecast === undefined ? (
            'Forecast'
          ) : (
            <>Forecast, in {told('How far ahead', forecast.seconds * 1000, 'ms', forecast.by)}</>
          )
        }
        more={
          forecast === undefined ? undefined : (
            <>
              {forecast.by}, believed {told('How far it is believed', forecast.authority, 'share', forecast.by)}
            </>
          )
        }
      >
        {forecast === undefined ? (
          <span class="muted">as it is now: no forecaster has earned belief</span>
        ) : (
          figure('Forecast load', { value: forecast.perSecond, unit: 'req/s', source: forecast.by, at: governor?.at })
        )}
      </Tile>
    </dl>
  );
}

interface TileProps {
  readonly name: ComponentChildren;
  readonly children: ComponentChildren;
  readonly more?: ComponentChildren;
  readonly wide?: boolean;
}

function Tile({ name, children, more, wide = false }: TileProps): JSX.Element {
  return (
    <div class={wide ? 'tile wide' : 'tile'}>
      <dt>{name}</dt>
      <dd class="tile-value">{children}</dd>
      {more !== undefined && <dd class="tile-more">{more}</dd>}
    </div>
  );
}
