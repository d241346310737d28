import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentOf, ended, machine } from '../testing/control-machine.ts';
import { until } from '../testing/until.ts';

const signal = new AbortController().signal;

test('what people ask for and what control does by itself is in the journal, across a restart', async () => {
  await using place = await machine();
  const first = await place.start();
  await ended(first, await first.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  await ended(first, await first.service.scale('d', { replicas: 2, by: 'bob' }));
  const [victim] = place.world.replicas.keys();
  await place.world.kill(victim ?? '', 'it crashed');
  await until('another to be ready', () => place.world.replicas.size === 2);
  await first[Symbol.asyncDispose]();

  await using control = await place.start();
  const { service } = control;
  const entries = await service.journal({ subject: 'd', limit: 1000 }, 0, signal);
  const said = entries.map(({ kind, action, by, reason }) => `${kind} ${action} ${by}: ${reason}`);
  const has = (pattern: RegExp): void =>
    assert.ok(
      said.some((line) => pattern.test(line)),
      `${pattern}\n${said.join('\n')}`,
    );
  has(/^change deploy ada: operation /);
  has(/^change scale bob: operation /);
  has(/^replica failed upkeep: it crashed/);
  has(/^upkeep start 1 upkeep: /);
  has(/^replica ready upkeep: /);
  const verdict = await service.verifyJournal();
  assert.equal(verdict.bad, undefined);
  assert.ok(verdict.entries >= entries.length);
  const [one] = entries;
  assert.deepEqual(await service.journalEntry(one?.id ?? 0), one);
  await assert.rejects(service.journalEntry(1_000_000), { code: 'ENTRY_NOT_FOUND' });
});

test('halted altogether, nothing is restored until it is released, also by the next control', async () => {
  await using place = await machine();
  const first = await place.start();
  await ended(first, await first.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  const halted = await first.service.halt({ scope: 'all', by: 'ada', reason: 'an incident' });
  assert.equal(halted.halt?.scope, 'all');
  const [victim] = place.world.replicas.keys();
  const starts = place.world.starts();
  await place.world.kill(victim ?? '', 'it crashed');
  await until('it to be missed', async () => (await first.service.deployment('d')).counts.ready === 0);
  await first[Symbol.asyncDispose]();

  await using control = await place.start();
  const { warnings } = await control.service.status();
  assert.match(warnings.join('\n'), /halted by ada: an incident; nothing is scaled, restored or woken/);
  assert.equal(place.world.starts(), starts);
  await control.service.release({ by: 'bob', reason: 'over' });
  await until('it to serve again', async () => (await control.service.deployment('d')).state === 'serving');
  const kinds = (await control.service.journal({ kind: 'halt' }, 0, signal)).map(({ action, by }) => `${action} ${by}`);
  assert.deepEqual(kinds, ['halt all ada', 'release bob']);
});
