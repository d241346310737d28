import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HangUp, type HangUpSignal } from './hang-up.ts';

/** The two kinds of signal that a service is given. */
const kinds: readonly { readonly name: string; make: () => { signal: HangUpSignal; abort: () => void } }[] = [
  {
    name: 'an AbortSignal',
    make() {
      const controller = new AbortController();
      return { signal: controller.signal, abort: () => controller.abort() };
    },
  },
  {
    name: 'the light signal of a call',
    make() {
      const hangUp = new HangUp();
      return { signal: hangUp, abort: () => hangUp.abort() };
    },
  },
];

for (const { name, make } of kinds) {
  describe(`a hang-up told by ${name}`, () => {
    it('is told once to everyone who listens, in the order that they came', () => {
      const { signal, abort } = make();
      const told: string[] = [];
      const first = (): void => void told.push(`first ${signal.aborted}`);
      signal.addEventListener('abort', first, { once: true });
      signal.addEventListener('abort', first, { once: true });
      signal.addEventListener('abort', () => void told.push('second'), { once: true });
      assert.equal(signal.aborted, false);
      abort();
      abort();
      assert.equal(signal.aborted, true);
      assert.deepEqual(told, ['first true', 'second']);
    });

    it('is not told to who no longer listens, nor to who comes too late', () => {
      const { signal, abort } = make();
      const listener = (): void => assert.fail('nobody listens');
      signal.removeEventListener('abort', listener);
      signal.addEventListener('abort', listener, { once: true });
      signal.removeEventListener('abort', listener);
      abort();
      signal.addEventListener('abort', listener, { once: true });
    });
  });
}
