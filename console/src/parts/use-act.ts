/** What a person set in motion: it runs once at a time, and its failure stays to be read. */
import { useState } from 'preact/hooks';
import type { ApiFailure } from '../api/client.ts';
import { toFailure } from '../live/resource.ts';

export interface Act {
  readonly isRunning: boolean;
  readonly failure: ApiFailure | undefined;
  readonly run: (act: () => Promise<unknown>) => void;
}

export function useAct(): Act {
  const [isRunning, setRunning] = useState(false);
  const [failure, setFailure] = useState<ApiFailure | undefined>();
  return {
    isRunning,
    failure,
    run(act) {
      if (isRunning) return;
      setRunning(true);
      setFailure(undefined);
      act()
        .catch((error: unknown) => setFailure(toFailure(error)))
        .finally(() => setRunning(false));
    },
  };
}
