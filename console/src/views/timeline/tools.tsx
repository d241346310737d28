/** Which span, kind and subject are looked at, by inputs: everything that the brush does, and more exactly. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { serverNow } from '../../live/store.ts';
import { Between } from '../../parts/between.tsx';
import { choose, type Params } from '../../router.ts';
import { zone } from '../../settings.ts';
import { lengths, type Length } from '../deployment/range.ts';
import { kinds } from './lanes.ts';
import { brushed, chosen, lastOf, type Looked } from './span.ts';

interface ToolsProps {
  readonly looked: Looked;
  readonly query: Params;
  readonly subjects: readonly string[];
}

interface SpanToolsProps {
  readonly looked: Looked;
  readonly children?: ComponentChildren;
}

export function SpanTools({ looked, children }: SpanToolsProps): JSX.Element {
  const { length, moves, brush, window } = looked;
  return (
    <div class="chart-tools">
      <div class="segments" role="group" aria-label="Span">
        {(Object.keys(lengths) as Length[]).map((each) => (
          <button
            key={each}
            type="button"
            class="button small"
            aria-pressed={moves && each === length}
            onClick={() => choose(lastOf(each))}
          >
            {each.replace('m', ' min').replace('h', ' h')}
          </button>
        ))}
      </div>
      {/* A field that is being typed in must not be overtaken by the time. */}
      <Between
        key={`${brush?.from} ${brush?.to} ${length} ${zone.value}`}
        span={brush ?? window}
        onSpan={({ from, to }) => {
          const slice = brushed(from, to, { from: 1, to: serverNow() + 86_400_000 });
          if (slice === undefined) return 'expected a second between the two at least';
          choose(chosen(slice, looked));
          return undefined;
        }}
      />
      {!moves && (
        <button type="button" class="button small" onClick={() => choose(lastOf(length))}>
          Back to now
        </button>
      )}
      {children}
    </div>
  );
}

export function FilterTools({ query, subjects }: Omit<ToolsProps, 'looked'>): JSX.Element {
  const [subject, setSubject] = useState(query['subject'] ?? '');
  return (
    <form
      class="tools"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        choose({ subject: subject.trim() });
      }}
    >
      <label class="field inline">
        <span class="sr-only">Search what is loaded</span>
        <input
          type="search"
          data-search
          placeholder="Search what is loaded"
          value={query['q'] ?? ''}
          onInput={({ currentTarget }) => choose({ q: currentTarget.value })}
        />
      </label>
      <label class="field inline">
        <span>Kind</span>
        <select value={query['kind'] ?? ''} onChange={({ currentTarget }) => choose({ kind: currentTarget.value })}>
          <option value="">all</option>
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {kind}
            </option>
          ))}
        </select>
      </label>
      <label class="field inline">
        <span>Subject</span>
        <input
          type="text"
          class="subject-field"
          list="timeline-subjects"
          placeholder="all"
          value={subject}
          onInput={({ currentTarget: { value } }) => setSubject(value)}
          onChange={({ currentTarget: { value } }) => choose({ subject: value.trim() })}
        />
      </label>
      <datalist id="timeline-subjects">
        {subjects.slice(0, 50).map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}
