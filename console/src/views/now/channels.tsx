/** By which channels people are told, whether they get through, and a message to try one. Nothing where there is none, and why where it may not be known. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ChannelView, NotificationsView, NotificationTest } from '../../../../src/api/notification-schemas.ts';
import { actor, mayOperate } from '../../api/caller.ts';
import { ask, segment } from '../../api/client.ts';
import { valueOf } from '../../live/resource.ts';
import { useResource } from '../../live/use-resource.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Async, Failed } from '../../parts/states.tsx';
import { useAct } from '../../parts/use-act.ts';

const tones: Readonly<Record<ChannelView['state'], Tone>> = { idle: 'ok', waiting: 'busy', failing: 'bad' };

export function Channels(): JSX.Element | null {
  const asked = useResource('channels', (signal) => ask<NotificationsView>('/notifications', { signal }), {
    everyMs: 5000,
  });
  const { kind } = asked.resource;
  // Where there is nobody to be told, and before that is known, nothing is said.
  if (kind === 'loading' || valueOf(asked.resource)?.channels.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="channels">
      <h2 id="channels">Who is told</h2>
      <Async of={asked}>
        {({ channels }) => (
          <ul class="plain attention">
            {channels.map((channel) => (
              <Channel key={channel.name} {...channel} />
            ))}
          </ul>
        )}
      </Async>
    </section>
  );
}

function Channel({ name, kind, to, state, told, undelivered, leftOut, lastSentAt, said }: ChannelView): JSX.Element {
  const act = useAct();
  const [answer, setAnswer] = useState<NotificationTest>();
  const test = (): void =>
    act.run(async () =>
      setAnswer(
        await ask<NotificationTest>(`/notifications/${segment(name)}/test`, {
          method: 'POST',
          body: { by: actor.value },
        }),
      ),
    );
  return (
    <li data-channel={name}>
      <Badge tone={tones[state]} word={state} /> <strong>{name}</strong>{' '}
      <span class="muted">
        {kind}, {to}: {told} told{undelivered > 0 && `, ${undelivered} not delivered`}
        {leftOut > 0 && `, ${leftOut} left out`}
        {lastSentAt !== undefined && (
          <>
            , last <Moment at={lastSentAt} relative />
          </>
        )}
        {state === 'failing' && said !== undefined && `: ${said}`}
      </span>{' '}
      {mayOperate.value && (
        <button type="button" class="button small" disabled={act.isRunning} onClick={test}>
          Send a test
        </button>
      )}
      {answer !== undefined && (
        <p role="status">
          <Badge tone={answer.outcome === 'sent' ? 'ok' : 'bad'} word={answer.outcome} /> {answer.said}
        </p>
      )}
      {act.failure !== undefined && <Failed failure={act.failure} />}
    </li>
  );
}
