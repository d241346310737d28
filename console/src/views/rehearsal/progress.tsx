/** A rehearsal that the platform makes: how far it is, how it ended, and the way to end it sooner. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { OperationView } from '../../../../src/api/schemas.ts';
import { actor, allows, caller } from '../../api/caller.ts';
import { ask, segment } from '../../api/client.ts';
import { valueOf } from '../../live/resource.ts';
import { useResource } from '../../live/use-resource.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Async, Failed } from '../../parts/states.tsx';
import { useAct } from '../../parts/use-act.ts';
import { words } from '../../format/quantity.ts';

interface ProgressProps {
  readonly id: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

const tones: Readonly<Record<OperationView['state'], Tone>> = { running: 'busy', succeeded: 'ok', failed: 'bad' };
const stepTones = { running: 'busy', ok: 'ok', failed: 'bad' } as const;
const titles: Readonly<Record<OperationView['state'], string>> = {
  running: 'Under way',
  succeeded: 'Done',
  failed: 'Ended without a result',
};

export function Progress({ id, onDone, onClose }: ProgressProps): JSX.Element {
  const asked = useResource(
    `operation ${id}`,
    (signal) => ask<OperationView>(`/operations/${segment(id)}`, { signal }),
    {
      everyMs: 1000,
    },
  );
  const act = useAct();
  const state = valueOf(asked.resource)?.state;
  useEffect(() => {
    if (state === 'succeeded') onDone();
  }, [state]);
  const cancel = (): void =>
    act.run(() =>
      ask(`/operations/${segment(id)}`, { method: 'DELETE', query: { by: actor.peek() } }).then(() => asked.again()),
    );
  return (
    <section class="panel rehearsal-progress" aria-labelledby="rehearsal-progress">
      <Async of={asked} lines={2}>
        {({ subject, state: now, steps, startedAt, by, error, rehearsal }) => (
          <>
            <header class="rehearsal-progress-head">
              <h2 id="rehearsal-progress">
                <span role="status">
                  <Badge tone={tones[now]} word={`${titles[now]}: rehearsal of ${subject}`} />
                </span>
              </h2>
              <span class="muted">
                by {by}, <Moment at={startedAt} />
              </span>
              <span class="tools">
                {rehearsal !== undefined && (
                  <a class="button solid" href={`/rehearsal/${rehearsal}`}>
                    See what came of it
                  </a>
                )}
                {now === 'running' && allows(caller.value, 'operate', subject) && (
                  <button type="button" class="button" disabled={act.isRunning} onClick={cancel}>
                    Cancel
                  </button>
                )}
                {now !== 'running' && (
                  <button type="button" class="button" onClick={onClose}>
                    Close
                  </button>
                )}
              </span>
            </header>
            {error !== undefined && (
              <p class="rehearsal-ended">
                {error.detail} <code>{error.code}</code>
              </p>
            )}
            {act.failure !== undefined && <Failed failure={act.failure} />}
            <ol class="plain rehearsal-steps">
              {steps.map(({ text, state: step, durationMs }, index) => (
                <li key={index}>
                  <Badge tone={stepTones[step]} word={step} /> {text}
                  {durationMs !== undefined && <span class="muted"> {words(durationMs, 'ms')}</span>}
                </li>
              ))}
            </ol>
          </>
        )}
      </Async>
    </section>
  );
}
