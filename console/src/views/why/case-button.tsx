/** Exports the case, and says what whoever gets it can do with it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { toFailure } from '../../live/resource.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Command, Failed } from '../../parts/states.tsx';
import type { ApiFailure } from '../../api/client.ts';
import { caseAround, caseName, caseText, download } from './case.ts';

interface CaseButtonProps {
  readonly deployment: string;
  readonly at: number;
}

export function CaseButton({ deployment, at }: CaseButtonProps): JSX.Element {
  const [told, setTold] = useState<{ readonly count: number } | { readonly failure: ApiFailure }>();
  const name = caseName(deployment, at);
  const save = async (): Promise<void> => {
    try {
      const entries = await caseAround(at);
      download(name, caseText(entries));
      setTold({ count: entries.length });
    } catch (error) {
      setTold({ failure: toFailure(error) });
    }
  };
  return (
    <>
      <button type="button" class="button" onClick={() => void save()}>
        Export the case
      </button>
      {told !== undefined && (
        <Dialog title="The case" onClose={() => setTold(undefined)}>
          {'failure' in told ? (
            <Failed failure={told.failure} again={() => void save()} />
          ) : (
            <div class="dialog-text">
              <p>
                {told.count} entries of the journal, ten minutes before and after, are in <code>{name}</code>. Whoever
                gets the file needs no platform to hold its chain and to make its decisions again:
              </p>
              <Command text={`flyball journal verify ${name}`} />
              <Command text={`flyball journal replay ${name}`} />
            </div>
          )}
        </Dialog>
      )}
    </>
  );
}
