/**
 * For those who hear the page (WCAG 4.1.3): one polite sentence on how things stand, at most every ten seconds and only
 * when it has changed, and at once what waits for a person.
 */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { status } from '../live/store.ts';
import { spoken } from './spoken.ts';

const everyMs = 10_000;

export function Announcer(): JSX.Element {
  const [polite, setPolite] = useState('');
  useEffect(() => {
    const timer = setInterval(() => {
      const { value } = status;
      if (value !== undefined) setPolite(spoken(value));
    }, everyMs);
    return () => clearInterval(timer);
  }, []);
  const approvals = status.value?.governor?.approvals ?? [];
  const [first] = approvals;
  return (
    <>
      <div class="sr-only" role="status" aria-live="polite">
        {polite}
      </div>
      <div class="sr-only" role="alert" aria-live="assertive">
        {first === undefined
          ? ''
          : `${approvals.length} waiting for approval: ${first.deployment} from ${first.from} to ${first.to} replicas.`}
      </div>
    </>
  );
}
