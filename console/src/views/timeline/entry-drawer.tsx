/** One entry: all that was written, what it came from, what stands beside it, and the commands that go on from it. */
import type { JSX } from 'preact';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { ask } from '../../api/client.ts';
import { useResource } from '../../live/use-resource.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { whyAddress } from '../../parts/figure.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Async, Command } from '../../parts/states.tsx';
import { Kind } from './kinds.tsx';
import { causeOf } from './lanes.ts';

interface EntryDrawerProps {
  readonly id: number;
  readonly onOpen: (id: number) => void;
  readonly onClose: () => void;
}

const besideMax = 5;

interface Told {
  readonly entry: JournalEntryView;
  /** Of the same subject, the nearest first. */
  readonly before: readonly JournalEntryView[];
  readonly after: readonly JournalEntryView[];
}

export function EntryDrawer({ id, onOpen, onClose }: EntryDrawerProps): JSX.Element {
  const told = useResource(`entry ${id}`, async (signal): Promise<Told> => {
    const entry = await ask<JournalEntryView>(`/journal/${id}`, { signal });
    const beside = (query: Readonly<Record<string, string | number>>): Promise<JournalEntryView[]> =>
      ask<JournalEntryView[]>('/journal', { query: { subject: entry.subject, limit: besideMax, ...query }, signal });
    const [before, after] = await Promise.all([beside({ before: id, order: 'newest' }), beside({ after: id })]);
    return { entry, before, after };
  });
  return (
    <Dialog title={`Entry ${id}`} drawer onClose={onClose}>
      <Async of={told} lines={8}>
        {(value) => <Told told={value} onOpen={onOpen} />}
      </Async>
    </Dialog>
  );
}

function Told({
  told: { entry, before, after },
  onOpen,
}: {
  readonly told: Told;
  readonly onOpen: (id: number) => void;
}): JSX.Element {
  const { id, at, kind, action, subject, by, reason, details, hash, before: hashBefore } = entry;
  const cause = causeOf(entry);
  const effects = after.filter((each) => causeOf(each) === id);
  return (
    <div class="entry-told">
      <p class="entry-title">
        <Kind entry={entry} /> <strong>{subject}</strong> {action}
      </p>
      <p>{reason}</p>
      <dl class="facts">
        <div>
          <dt>When</dt>
          <dd>
            <Moment at={at} relative />
          </dd>
        </div>
        <div>
          <dt>By</dt>
          <dd>{by}</dd>
        </div>
        <div>
          <dt>Caused by</dt>
          <dd>
            {cause === undefined ? (
              <span class="muted">names no other entry</span>
            ) : (
              <Link id={cause} onOpen={onOpen} />
            )}
          </dd>
        </div>
        {effects.length > 0 && (
          <div>
            <dt>What came of it</dt>
            <dd>
              {effects.map((each) => (
                <Link key={each.id} id={each.id} entry={each} onOpen={onOpen} />
              ))}
            </dd>
          </div>
        )}
      </dl>
      {kind === 'decision' && (
        <p>
          <a class="button" href={whyAddress(subject, at)} data-why={subject}>
            Why this decision?
          </a>
        </p>
      )}
      <Beside title={`Before it, of ${subject}`} entries={before} onOpen={onOpen} />
      <Beside title={`After it, of ${subject}`} entries={after} onOpen={onOpen} />
      {details !== undefined && (
        <details>
          <summary>Details as they were written</summary>
          <pre class="entry-details" tabIndex={0} role="group" aria-label="Details">
            {JSON.stringify(details, null, 2)}
          </pre>
        </details>
      )}
      <div class="entry-commands">
        {/* Decisions keep what they were made of, and can be made again. */}
        {kind === 'decision' && cause === undefined && <Command text={`flyball journal replay ${id}`} />}
        <Command text={`flyball journal show ${id}`} />
      </div>
      <details>
        <summary>Its place in the chain</summary>
        <dl class="facts entry-chain">
          <div>
            <dt>Hash</dt>
            <dd>
              <code>{hash}</code>
            </dd>
          </div>
          <div>
            <dt>Of the one before</dt>
            <dd>
              <code>{hashBefore}</code>
            </dd>
          </div>
        </dl>
      </details>
    </div>
  );
}

interface LinkProps {
  readonly id: number;
  readonly entry?: JournalEntryView;
  readonly onOpen: (id: number) => void;
}

function Link({ id, entry, onOpen }: LinkProps): JSX.Element {
  return (
    <button type="button" class="link" onClick={() => onOpen(id)}>
      {entry === undefined ? `entry ${id}` : `${entry.action} (${id})`}
    </button>
  );
}

interface BesideProps {
  readonly title: string;
  readonly entries: readonly JournalEntryView[];
  readonly onOpen: (id: number) => void;
}

function Beside({ title, entries, onOpen }: BesideProps): JSX.Element {
  return (
    <section>
      <h3>{title}</h3>
      {entries.length === 0 ? (
        <p class="muted">Nothing.</p>
      ) : (
        <ol class="plain beside">
          {entries.map((entry) => (
            <li key={entry.id}>
              <Moment at={entry.at} /> <Link id={entry.id} entry={entry} onOpen={onOpen} />{' '}
              <span class="muted">
                {entry.kind}, by {entry.by}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
