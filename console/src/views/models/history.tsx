/** What was done to a model: who pointed which alias where, and when. From the journal. */
import type { JSX } from 'preact';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { ask } from '../../api/client.ts';
import { journal } from '../../live/store.ts';
import { useResource } from '../../live/use-resource.ts';
import { Moment } from '../../parts/moment.tsx';
import { Async } from '../../parts/states.tsx';

export function AliasHistory({ model }: { readonly model: string }): JSX.Element {
  const newest = journal.value.findLast(({ subject }) => subject === model)?.id ?? 0;
  const asked = useResource(`history ${model} ${newest}`, (signal) =>
    ask<JournalEntryView[]>('/journal', {
      query: { subject: model, kind: 'change', order: 'newest', limit: 20 },
      signal,
    }),
  );
  return (
    <section class="panel" aria-labelledby="history">
      <h2 id="history">What was done to it</h2>
      <Async of={asked}>
        {(entries) =>
          entries.length === 0 ? (
            <p class="muted">Nothing is in the journal about it.</p>
          ) : (
            <ol class="plain feed">
              {entries.map(({ id, at, action, by, reason }) => (
                <li key={id}>
                  <span class="feed-time">
                    <Moment at={at} bare />
                  </span>
                  <span class="feed-text">
                    {action}{' '}
                    <span class="muted">
                      by {by}: {reason}
                    </span>
                  </span>
                </li>
              ))}
            </ol>
          )
        }
      </Async>
    </section>
  );
}
