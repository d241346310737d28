/** The table of queueing formulas. */
import assert from 'node:assert/strict';
import {
  emptyProbability,
  erlangB,
  erlangBInverse,
  erlangC,
  ggcWait,
  mg1,
  mmc,
  mmck,
  serversFor,
  sojournExceeds,
  waitExceeds,
  waitQuantile,
  type Queue,
} from '../../src/core/queueing/formulas.ts';
import { assertClose, check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

type Expected = Readonly<Record<string, number>>;

/** Near saturation a difference in the last bit of the load is one in the tenth digit of the wait. */
const toleranceAt = (utilization: number): number => (utilization >= 0.999 ? 1e-6 : 1e-9);

function compare(actual: Readonly<Record<string, number>>, expected: Expected, tolerance: number): void {
  for (const [name, value] of Object.entries(expected)) {
    assert.ok(name in actual, `nothing gives ${name}`);
    assertClose(actual[name] as number, value, tolerance, name);
  }
}

export async function runQueueing(table: Table): Promise<TableResult> {
  return runChecks(table, {
    mmc: check<Queue & { expected: Expected & { waitQuantiles: Expected } }>((golden) => {
      const load = golden.arrivalRate / golden.serviceRate;
      const tolerance = toleranceAt(load / golden.servers);
      const { waitQuantiles, ...expected } = golden.expected;
      const actual = {
        ...mmc(golden),
        erlangB: erlangB(golden.servers, load),
        erlangC: erlangC(golden.servers, load),
        waitExceeds1: waitExceeds(golden, 1),
        sojournExceeds2: sojournExceeds(golden, 2),
        p0: emptyProbability(golden),
      };
      compare(actual, expected, tolerance);
      for (const [quantile, wait] of Object.entries(waitQuantiles ?? {}))
        assertClose(waitQuantile(golden, Number(quantile)), wait, tolerance, `quantile ${quantile}`);
    }),
    mmck: check<Queue & { capacity: number; expected: Expected }>((golden) => {
      const { empty, ...actual } = mmck(golden, golden.capacity);
      compare({ ...actual, p0: empty }, golden.expected, 1e-9);
    }),
    mg1: check<{ arrivalRate: number; meanService: number; serviceScv: number; expected: Expected }>((golden) => {
      const { arrivalRate, meanService, serviceScv, expected } = golden;
      const rho = arrivalRate * meanService;
      compare({ ...mg1(arrivalRate, meanService, serviceScv), rho }, expected, toleranceAt(rho));
    }),
    ggcAllenCunneen: check<Queue & { arrivalScv: number; serviceScv: number; expected: { Wq: number } }>((golden) =>
      assertClose(ggcWait(golden, golden.arrivalScv, golden.serviceScv), golden.expected.Wq),
    ),
    erlangBInverse: check<{ servers: number; blocking: number; expected: { offeredLoad: number } }>((golden) =>
      assertClose(erlangBInverse(golden.servers, golden.blocking), golden.expected.offeredLoad),
    ),
    sizing: check<Queue & { waitLimit: number; exceedProbability: number; expected: { servers: number } }>((golden) => {
      const { arrivalRate, serviceRate, waitLimit, exceedProbability, expected } = golden;
      assert.equal(serversFor(arrivalRate, serviceRate, waitLimit, exceedProbability), expected.servers);
    }),
  });
}
