/**
 * What every forecaster must do, whether it is built in or a model that is asked: as tests that each kind runs. The suite
 * passes steps of load by; a subject that is asked has answered when `pass` resolves, or has not.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

export interface ForecasterSubject {
  /** One step of the grid; NaN: it was not seen. */
  pass(value: number): Promise<void>;
  /** `steps` from the last that passed, at least 1; NaN while it cannot tell. */
  forecast(steps: number): number;
  /** Plain data. */
  state(): unknown;
}

/** Loads of a working day and of a bad one: none, steady, rising, coming round, with gaps, enormous. */
const loads: readonly (readonly number[])[] = [
  Array.from({ length: 60 }, () => 0),
  Array.from({ length: 60 }, () => 120),
  Array.from({ length: 60 }, (_, step) => 10 + 3 * step),
  Array.from({ length: 90 }, (_, step) => 100 + 80 * Math.sin((2 * Math.PI * step) / 12)),
  Array.from({ length: 60 }, (_, step) => (step % 7 < 2 ? Number.NaN : 50)),
  Array.from({ length: 60 }, (_, step) => (step % 2 === 0 ? 1e12 : 0)),
];
const horizons = [1, 3, 6];

export function forecasterConformance(kind: string, open: () => Promise<ForecasterSubject>): void {
  void test(`${kind}: before it has seen anything it says nothing`, async () => {
    const subject = await open();
    for (const steps of horizons) assert.equal(subject.forecast(steps), Number.NaN);
  });

  void test(`${kind}: whatever comes, it says a rate of at least 0, or nothing`, async () => {
    for (const load of loads) {
      const subject = await open();
      for (const value of load) {
        await subject.pass(value);
        for (const steps of horizons) {
          const said = subject.forecast(steps);
          assert.ok(Number.isNaN(said) || (said >= 0 && Number.isFinite(said)), `${said}`);
        }
      }
    }
  });

  void test(`${kind}: the same load gives the same forecasts, and being asked changes nothing`, async () => {
    for (const load of loads) {
      const [one, other] = [await open(), await open()];
      for (const value of load) {
        await one.pass(value);
        await other.pass(value);
        for (const steps of horizons) one.forecast(steps);
      }
      for (const steps of horizons) assert.equal(one.forecast(steps), other.forecast(steps));
    }
  });

  void test(`${kind}: what it remembers is plain data`, async () => {
    const subject = await open();
    for (const value of loads[3] ?? []) await subject.pass(value);
    assert.deepEqual(structuredClone(subject.state()), subject.state());
  });
}
