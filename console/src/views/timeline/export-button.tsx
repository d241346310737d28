/** Exports the slice, and says what whoever gets the file can do with it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { ask } from '../../api/client.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Command, Failed } from '../../parts/states.tsx';
import { useAct } from '../../parts/use-act.ts';
import type { Span } from '../deployment/range.ts';
import { caseText, download } from '../why/case.ts';
import { entriesBetween, exportedMax, sliceName, type Exported } from './export.ts';

interface Told extends Exported {
  readonly name: string;
}

export function ExportButton({ slice }: { readonly slice: () => Span }): JSX.Element {
  const act = useAct();
  const [told, setTold] = useState<Told | undefined>();
  const save = (): void =>
    act.run(async () => {
      const span = slice();
      const name = sliceName(span);
      const exported = await entriesBetween(
        span,
        (query, signal) => ask<JournalEntryView[]>('/journal', { query, signal }),
        new AbortController().signal,
      );
      download(name, caseText(exported.entries));
      setTold({ name, ...exported });
    });
  return (
    <>
      <button type="button" class="button" disabled={act.isRunning} onClick={save}>
        Export this slice
      </button>
      {act.failure !== undefined && <Failed failure={act.failure} again={save} />}
      {told !== undefined && (
        <Dialog title="The slice" onClose={() => setTold(undefined)}>
          <p>
            {told.entries.length.toLocaleString('en-GB')} entries, of every kind and subject, are in{' '}
            <code class="file-name">{told.name}</code>. Whoever gets the file needs no platform to hold its chain:
          </p>
          <Command text={`flyball journal verify ${told.name}`} />
          {told.isCut && (
            <>
              <p>Only the first {exportedMax.toLocaleString('en-GB')} are in it; the command line exports all:</p>
              <Command text={`flyball journal export > ${told.name}`} />
            </>
          )}
        </Dialog>
      )}
    </>
  );
}
