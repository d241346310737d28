/**
 * Flags of the JavaScript engine for processes that requests pass through. Their heap is a dozen MB, so that every few
 * images that pass call for a full collection, as if they were a heap that grows. Four times what is alive, the engine's
 * own bound for heaps that grow fast, makes them rare: for a request of 600 KB 2.4 → 1.4 ms of a gateway's time and
 * 2.4 → 1.6 ms of a runner's, and no difference for a tiny one.
 */
import { setFlagsFromString } from 'node:v8';

/**
 * To be called once a process has started. On its command line the flag would make the engine refuse the code that Node
 * brings compiled: 10 ms more for a process, 60 for each of its threads.
 */
export function letRequestsPassThrough(): void {
  setFlagsFromString('--heap-growing-percent=300');
}
