/** Where the time of a call went, whether it was answered or not: each stage that it reached. */
import type { JSX } from 'preact';
import type { PlaygroundTiming } from '../../../../../src/api/playground-schemas.ts';
import type { ApiFailure } from '../../../api/client.ts';
import { words } from '../../../format/quantity.ts';
import { Figure } from '../../../parts/figure.tsx';
import { address } from '../../../router.ts';
import { StageBar } from '../requests/stage-bar.tsx';
import { stagesOf } from '../requests/stages.ts';

interface TimingProps {
  readonly timing: PlaygroundTiming | null;
  /** Of the deployment's page. */
  readonly path: string;
}

export function Timing({ timing, path }: TimingProps): JSX.Element {
  if (timing === null)
    return <p class="muted">Where its time went is not known: the gateway that answered has gone.</p>;
  const { totalMs, queueMs, callMs, computeMs, batchRows, batchRequests, replica, version, traceId } = timing;
  const ms = (label: string, value: number | null): JSX.Element => <Figure label={label} value={value} unit="ms" />;
  const others = (batchRequests ?? 1) - 1;
  return (
    <div class="timing">
      <StageBar stages={stagesOf({ totalMs, queueMs, callMs, computeMs })} totalMs={totalMs} />
      <dl class="facts">
        <div>
          <dt>Total</dt>
          <dd>{ms('Total, at the gateway', totalMs)}</dd>
        </div>
        <div>
          <dt>Queue</dt>
          <dd>{ms('In the queue', queueMs)}</dd>
        </div>
        <div>
          <dt>Compute</dt>
          <dd>{ms("The runtime's own time", computeMs)}</dd>
        </div>
        <div>
          <dt>Batch</dt>
          <dd>
            {batchRows === null
              ? 'none'
              : `${words(batchRows, 'rows')} ${batchRows === 1 ? 'row' : 'rows'}, ${others === 0 ? 'alone' : `with ${others} other ${others === 1 ? 'request' : 'requests'}`}`}
          </dd>
        </div>
        <div>
          <dt>Replica</dt>
          <dd>{replica === null ? 'none was reached' : <code>{replica}</code>}</dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>{version}</dd>
        </div>
        <div>
          <dt>Trace</dt>
          <dd>
            <a href={address(path, { tab: 'requests', trace: traceId })}>
              <code class="trace">{traceId}</code>
            </a>
          </dd>
        </div>
      </dl>
    </div>
  );
}

/** Undefined: no gateway was asked. */
export function timingOf({ answer }: ApiFailure): PlaygroundTiming | null | undefined {
  return answer['timing'] as PlaygroundTiming | null | undefined;
}

interface FailedTimingProps extends Omit<TimingProps, 'timing'> {
  readonly timing: PlaygroundTiming | null | undefined;
  readonly tookMs: number;
}

export function FailedTiming({ timing, tookMs, path }: FailedTimingProps): JSX.Element {
  return (
    <>
      <p class="muted">
        It failed after <Figure label="Until it failed" value={tookMs} unit="ms" source="this page" />, as this page saw
        it.{timing === undefined && ' It reached no gateway, so that there are no stages to be shown.'}
      </p>
      {timing !== undefined && <Timing timing={timing} path={path} />}
    </>
  );
}
