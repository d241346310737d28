/** Releases, of which there are none yet: what a version change is today, and where it can be seen. */
import type { JSX } from 'preact';
import { Empty } from '../parts/states.tsx';

export default function Releases(): JSX.Element {
  return (
    <>
      <div class="page-head">
        <h1>Releases</h1>
      </div>
      <Empty title="This version has no staged releases." command="flyball models alias digits champion 2">
        There is no canary, weight or automatic comparison to show. A deployment moves to another version whole:
        replicas of the new one start beside the old ones, the gateways switch once enough are ready, and then the old
        ones drain. A version that cannot be loaded never replaces one that serves.
      </Empty>
    </>
  );
}
