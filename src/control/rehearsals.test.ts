/** A rehearsal as the reason of a mode: it has to be there, to fit, and to have been passed; the journal tells which. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rehearsalRequest, type RehearsalRequest } from '../api/rehearsal-schemas.ts';
import { rehearsalMsMax } from '../core/scaling/arming.ts';
import { governedWorld } from '../testing/governed-world.ts';
import { governorService } from './governor/service.ts';
import { restraintsOf } from './governor/settings.ts';
import { rehearsalService } from './rehearsals.ts';

const build = '0123456789ab';

const rehearsal = (missed: number, more: Partial<RehearsalRequest> = {}): RehearsalRequest =>
  rehearsalRequest.parse({
    setting: 'd last:1h at 20 requests/s',
    min: 1,
    max: 8,
    tolerated: 0.01,
    objective: { latencyMs: 500, deadlineMs: 30_000 },
    constraints: restraintsOf({}),
    verdict: ['thresholds keeps it.'],
    report: {
      trace: 'd last:1h',
      seed: 1,
      simulatedSeconds: 3600,
      wallSeconds: 1,
      requests: 72_000,
      policies: [
        {
          name: 'thresholds',
          parameters: {},
          violationFraction: missed,
          shedFraction: 0,
          p50Ms: 100,
          p99Ms: 200,
          replicaSeconds: 7200,
          cost: 2,
          actions: 4,
          flaps: 1,
        },
      ],
      clairvoyant: { replicaSeconds: 5000 },
    },
    by: 'ada',
    ...more,
  });

async function world() {
  const governed = await governedWorld({ policy: 'thresholds' });
  const { modes, approvals, store, deployments, clock, metrics, foreseeing } = governed;
  const mode = governorService({
    foreseeing,
    governor: governed.governor(),
    modes,
    approvals,
    metrics,
    store,
    deployments,
    clock,
    build,
  });
  return {
    governed,
    mode,
    service: rehearsalService(store, deployments, clock, {
      build,
      modeOf: (deployment) => modes.of(deployment).mode,
      measuredMsOf: () => undefined,
    }),
  };
}

test('a rehearsal that was passed arms its deployment, and the journal keeps what it rested on', async () => {
  const { governed, mode, service } = await world();
  await using _ = governed;
  const { id } = await service.keepRehearsal('d', rehearsal(0.004));
  const set = await mode.setMode('d', { mode: 'auto', by: 'ada', rehearsal: id });
  assert.equal(set.reason, `rehearsal ${id}: thresholds missed 0.4 % of 72000 requests of d last:1h`);
  const [entry] = await governed.journal.read({ kind: 'mode', newestFirst: true });
  assert.partialDeepStrictEqual(entry?.details, {
    rehearsal: id,
    policy: 'thresholds',
    violationFraction: 0.004,
    tolerated: 0.01,
    passed: true,
    replicaSeconds: 7200,
    by: 'ada',
  });
  assert.equal((await governed.journal.verify()).bad, undefined);
});

test('one that is not there, does not fit, is old or was not passed arms nothing', async () => {
  const { governed, mode, service } = await world();
  await using _ = governed;
  const refused = async (id: string, code: string, message: RegExp, reason?: string): Promise<void> => {
    const request = { mode: 'auto', by: 'ada', rehearsal: id, ...(reason !== undefined && { reason }) } as const;
    await assert.rejects(mode.setMode('d', request), { code, message });
    assert.equal(governed.modes.of(governed.deployment).mode, 'advise');
  };
  await refused('4711', 'REHEARSAL_NOT_FOUND', /there is no rehearsal 4711; flyball rehearsals lists/);
  const wide = await service.keepRehearsal('d', rehearsal(0, { max: 1000 }));
  await refused(wide.id, 'REHEARSAL_UNFIT', /it had 1 to 1000 replicas, and d has 1 to 8/);
  // A reason does not make it one of this deployment.
  await refused(wide.id, 'REHEARSAL_UNFIT', /it had 1 to 1000 replicas/, 'I trust it');
  const held = { ...restraintsOf({}), downStabilizationMs: 60_000 };
  const calmer = await service.keepRehearsal('d', rehearsal(0, { constraints: held }));
  await refused(calmer.id, 'REHEARSAL_UNFIT', /it had scaling\.downStabilizationMs 60000, and d has 0/, 'I trust it');
  const short = await service.keepRehearsal('d', rehearsal(0, { objective: { latencyMs: 500, deadlineMs: 5000 } }));
  await refused(short.id, 'REHEARSAL_UNFIT', /it had a deadline of 5000 ms, and d has 30000 ms/);
  const missed = await service.keepRehearsal('d', rehearsal(0.05));
  await refused(missed.id, 'REHEARSAL_UNFIT', /thresholds missed 5 % .*where 1 % might be; give a reason/);
  const good = await service.keepRehearsal('d', rehearsal(0));
  governed.clock.pass(rehearsalMsMax + 1000);
  await refused(good.id, 'REHEARSAL_UNFIT', /hours old/);

  const again = await service.keepRehearsal('d', rehearsal(0.05));
  assert.equal(again.id, missed.id, 'the same rehearsal is the same one, of now');
  const set = await mode.setMode('d', { mode: 'auto', by: 'ada', rehearsal: again.id, reason: 'it is a test system' });
  assert.match(set.reason, /^it is a test system; rehearsal \w+: thresholds missed 5 %/);
});

test('where no objective is declared, the one by which it is governed counts', async () => {
  const { governed, mode, service } = await world();
  await using _ = governed;
  await governed.pass(5, { rate: 10, cpu: 0.3 });
  const { latencyMs } = governed.governor().of('d')?.last?.seen.objective ?? {};
  assert.equal(latencyMs, 1000);
  const of = async (ms: number) =>
    (await service.keepRehearsal('d', rehearsal(0, { objective: { latencyMs: ms, deadlineMs: 30_000 } }))).id;
  const lax = { mode: 'auto', by: 'ada', rehearsal: await of(2000) } as const;
  await assert.rejects(mode.setMode('d', lax), { message: /it had an objective of 2000 ms, and d has 1000 ms/ });
  assert.equal((await mode.setMode('d', { ...lax, rehearsal: await of(1000) })).mode, 'auto');
});

test('the last hundred are kept, newest first, and only of deployments that there are', async () => {
  const { governed, service } = await world();
  await using _ = governed;
  for (let seed = 0; seed < 103; seed += 1) {
    governed.clock.pass(1000);
    const { report, ...rest } = rehearsal(0);
    await service.keepRehearsal('d', { ...rest, report: { ...report, seed } });
  }
  const seeds = (await service.rehearsals({ deployment: 'd', limit: 100 })).map(({ report }) => report.seed);
  assert.deepEqual([seeds.length, seeds[0], seeds.at(-1)], [100, 102, 3]);
  await assert.rejects(service.keepRehearsal('other', rehearsal(0)), { code: 'DEPLOYMENT_NOT_FOUND' });
});

test('one that other decision code has made arms nothing without a reason, and says so before anybody tries', async () => {
  const { governed, mode, service } = await world();
  await using _ = governed;
  const same = await service.keepRehearsal('d', rehearsal(0, { build }));
  assert.equal((await service.rehearsal(same.id)).arming.kind, 'fits');
  const { id } = await service.keepRehearsal('d', rehearsal(0, { build: 'ba9876543210' }));
  const { arming } = await service.rehearsal(id);
  assert.deepEqual(
    [arming.kind, arming.build, arming.mode, arming.policy],
    ['doubtful', build, 'advise', 'thresholds'],
  );
  assert.match(arming.words[0] ?? '', /made by the decision code ba9876543210, and the platform runs 0123456789ab/);
  const request = { mode: 'auto', by: 'ada', rehearsal: id } as const;
  await assert.rejects(mode.setMode('d', request), { code: 'REHEARSAL_UNFIT', message: /give a reason beside it/ });
  await mode.setMode('d', { ...request, reason: 'nothing of the rule was changed' });
  const [entry] = await governed.journal.read({ kind: 'mode', newestFirst: true });
  assert.partialDeepStrictEqual(entry?.details, { rehearsal: id, build: 'ba9876543210', passed: true });
});
