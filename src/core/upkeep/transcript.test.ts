/** Upkeep by example: a script of what happens, and the log of what is decided, under a clock that only the script moves. As long as there are scenes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteFailure, noteReady, noteRejection, type Failure } from './failures.ts';
import { asleep, attend, type Demand, type Wakefulness } from './sleep.ts';
import { reconcile } from './reconcile.ts';
import type { DeploymentSeen, ReplicaPhase, ReplicaSeen, Reserve } from './seen.ts';

/**
 *   at MS | scale N | release TEMPLATE | ready ID | broken ID WORDS | dies ID WORDS | drained ID | remove
 *   min N | waiting N | asked N | running N      what gateways say: requests that wait, have come in all, are computed
 * Each line is followed by as many turns as do something; what they decide is logged below it, then the state.
 */
function play(script: string): string {
  const log: string[] = [];
  let at = 0;
  let next = 1;
  let desired = 0;
  let target = '1/a';
  let serving: string | undefined;
  let reserve: Reserve | undefined;
  let removing = false;
  let min = 1;
  let demand: Demand = { arrivals: 0, waiting: 0, inFlight: 0 };
  let wakefulness: Wakefulness = asleep;
  let replicas: readonly ReplicaSeen[] = [];
  const readyAt = new Map<string, number>();
  const failures = new Map<string, Failure>();

  const enter = (id: string, phase: ReplicaPhase): void => {
    replicas = replicas.map((replica) => (replica.id === id ? { ...replica, phase } : replica));
  };
  const fail = (id: string, kind: 'load' | 'death', reason: string, told = false): void => {
    const template = replicas.find((replica) => replica.id === id)?.template ?? '';
    const since = readyAt.get(id);
    const event = { kind, told, at, reason, readyForMs: since === undefined ? 0 : at - since };
    failures.set(template, noteFailure(failures.get(template), event));
  };
  const happen = (word: string, first: string, rest: string): void => {
    if (word === 'at') at = Number(first);
    else if (word === 'scale') desired = Number(first);
    else if (word === 'release') target = first;
    else if (word === 'min') min = Number(first);
    else if (word === 'waiting') demand = { ...demand, waiting: Number(first) };
    else if (word === 'asked') demand = { ...demand, arrivals: Number(first) };
    else if (word === 'running') demand = { ...demand, inFlight: Number(first) };
    else if (word === 'remove') removing = true;
    else if (word === 'ready') {
      enter(first, { kind: 'ready' });
      readyAt.set(first, at);
      const template = replicas.find((replica) => replica.id === first)?.template ?? '';
      const after = noteReady(failures.get(template));
      if (after === undefined) failures.delete(template);
    } else if (word === 'broken') {
      fail(first, 'load', rest, true);
      enter(first, { kind: 'failed' });
    } else if (word === 'dies') {
      fail(first, 'death', rest);
      replicas = replicas.filter(({ id }) => id !== first);
    } else if (word === 'drained') enter(first, { kind: 'draining', since: at, drained: true });
    else throw new Error(`unknown word ${word}`);
  };
  const turn = (): boolean => {
    const sleeper = {
      min,
      idleMs: 60_000,
      demand,
      unproved: serving !== undefined && serving !== target && !failures.has(target),
      starting: replicas.some(({ phase, template }) => phase.kind === 'starting' && !failures.has(template)),
    };
    wakefulness = attend(wakefulness, sleeper, at);
    const seen: DeploymentSeen = {
      name: 'digits',
      desired,
      min,
      max: 8,
      target,
      asleep: wakefulness.kind === 'asleep',
      waiting: demand.waiting,
      ...(serving === undefined ? {} : { serving }),
      removing,
      drainMs: 30_000,
      probationMs: 10_000,
      ...(reserve === undefined ? {} : { reserve }),
      replicas,
      failures,
    };
    const { actions, state, reason, callers } = reconcile(seen, at);
    for (const action of actions) {
      if (action.kind === 'start') {
        for (let n = 0; n < action.count; n++) {
          const id = `r${next++}`;
          replicas = [
            ...replicas,
            { id, template: action.template, phase: { kind: 'starting' }, startedAt: at, outstanding: 0 },
          ];
          log.push(`  start ${id} of ${action.template}: ${action.reason}`);
        }
      } else if (action.kind === 'switch') {
        serving = action.template;
        reserve = action.reserve;
        log.push(`  switch to ${action.template}: ${action.reason}`);
      } else if (action.kind === 'revert') {
        serving = action.template;
        reserve = undefined;
        failures.set(action.rejected, noteRejection(failures.get(action.rejected), at));
        log.push(`  back to ${action.template}: ${action.reason}`);
      } else if (action.kind === 'restore') {
        enter(action.replica, { kind: 'ready' });
        log.push(`  restore ${action.replica}: ${action.reason}`);
      } else if (action.kind === 'forget') {
        log.push('  forget');
        return false;
      } else {
        if (action.kind === 'drain') {
          enter(action.replica, { kind: 'draining', since: at, drained: false, restorable: true });
        } else replicas = replicas.filter(({ id }) => id !== action.replica);
        log.push(`  ${action.kind} ${action.replica}: ${action.reason}`);
      }
    }
    const callersWait =
      min === 0 && !replicas.some(({ phase }) => phase.kind === 'ready') ? `; callers ${callers}` : '';
    if (actions.length === 0) log.push(`  = ${state}${reason === undefined ? '' : `, ${reason}`}${callersWait}`);
    return actions.length > 0;
  };

  for (const line of script.trim().split('\n')) {
    const [, word = '', first = '', rest = ''] = /^(\S+) ?(\S*) ?(.*)$/.exec(line.trim()) ?? [];
    log.push(line.trim());
    happen(word, first, rest);
    while (turn());
  }
  return log.join('\n');
}

const script = (log: string): string =>
  log
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('  '))
    .join('\n');

/** The log is the expectation, and holds its own script. */
function expect(log: string): void {
  const lines = log.replace(/^ {4}/gm, '').trim();
  assert.equal(play(script(lines)), lines);
}

test('a first start, and a death that is replaced at once', () => {
  expect(`
    scale 2
      start r1 of 1/a: 0 of 2 replicas of version 1 are there
      start r2 of 1/a: 0 of 2 replicas of version 1 are there
      = starting, 0 of 2 replicas are ready
    ready r1
      switch to 1/a: 1 of 2 replicas of version 1 are ready
      = starting, 1 of 2 replicas are ready
    ready r2
      = serving
    at 60000
      = serving
    dies r1 killed by SIGKILL
      start r3 of 1/a: replaces one that ended: killed by SIGKILL
      = degraded, 1 of 2 replicas are ready; a replica of version 1 ended: killed by SIGKILL (trying again)
    ready r3
      = serving
  `);
});

test('an update, from the first new replica to the last old one', () => {
  expect(`
    scale 2
      start r1 of 1/a: 0 of 2 replicas of version 1 are there
      start r2 of 1/a: 0 of 2 replicas of version 1 are there
      = starting, 0 of 2 replicas are ready
    ready r1
      switch to 1/a: 1 of 2 replicas of version 1 are ready
      = starting, 1 of 2 replicas are ready
    ready r2
      = serving
    release 2/b
      start r3 of 2/b: 0 of 2 replicas of version 2 are there
      start r4 of 2/b: 0 of 2 replicas of version 2 are there
      = updating, 0 of 2 replicas of version 2 are ready
    ready r3
      = updating, 1 of 2 replicas of version 2 are ready
    ready r4
      switch to 2/b: 2 of 2 replicas of version 2 are ready
      drain r1: version 2 serves now
      drain r2: version 2 serves now
      = serving
    drained r1
      = serving
    at 10000
      stop r1: drained
      = serving
    at 30000
      stop r2: not drained within 30000 ms
      = serving
  `);
});

test('a version that ends on its first requests: the one before takes over again, and stays', () => {
  expect(`
    scale 1
      start r1 of 1/a: 0 of 1 replicas of version 1 are there
      = starting, 0 of 1 replicas are ready
    ready r1
      switch to 1/a: 1 of 1 replicas of version 1 are ready
      = serving
    release 2/b
      start r2 of 2/b: 0 of 1 replicas of version 2 are there
      = updating, 0 of 1 replicas of version 2 are ready
    ready r2
      switch to 2/b: 1 of 1 replicas of version 2 are ready
      drain r1: version 2 serves now
      = serving
    drained r1
      = serving
    at 3000
      = serving
    dies r2 exit code 134
      restore r1: version 2 ended within 10 s of taking over: exit code 134
      back to 1/a: version 2 ended within 10 s of taking over: exit code 134
      = degraded, version 2 took over and ended at once: exit code 134 (not tried again until it is deployed anew); version 1 keeps serving
    at 3600000
      = degraded, version 2 took over and ended at once: exit code 134 (not tried again until it is deployed anew); version 1 keeps serving
    dies r1 killed by SIGKILL
      start r3 of 1/a: replaces one that ended: killed by SIGKILL
      = failed, version 2 took over and ended at once: exit code 134 (not tried again until it is deployed anew)
    release 1/a
      = failed, a replica of version 1 ended: killed by SIGKILL (trying again)
    ready r3
      = serving
  `);
});

test('a version that cannot load: the old one keeps serving, one attempt at a time, further and further apart', () => {
  expect(`
    scale 1
      start r1 of 1/a: 0 of 1 replicas of version 1 are there
      = starting, 0 of 1 replicas are ready
    ready r1
      switch to 1/a: 1 of 1 replicas of version 1 are ready
      = serving
    release 2/b
      start r2 of 2/b: 0 of 1 replicas of version 2 are there
      = updating, 0 of 1 replicas of version 2 are ready
    broken r2 no operator Foo
      stop r2: it failed to load
      = degraded, version 2 failed to load: no operator Foo (trying again in 1 s); version 1 keeps serving
    at 1000
      start r3 of 2/b: tries again after a failure: no operator Foo
      = degraded, version 2 failed to load: no operator Foo (trying again); version 1 keeps serving
    broken r3 no operator Foo
      stop r3: it failed to load
      = degraded, version 2 failed to load: no operator Foo (trying again in 2 s); version 1 keeps serving
    dies r1 exit code 1
      start r4 of 1/a: replaces one that ended: exit code 1
      = failed, version 2 failed to load: no operator Foo (trying again in 2 s)
    release 1/a
      = failed, a replica of version 1 ended: exit code 1 (trying again)
    ready r4
      = serving
  `);
});

test('scaling in and removing', () => {
  expect(`
    scale 2
      start r1 of 1/a: 0 of 2 replicas of version 1 are there
      start r2 of 1/a: 0 of 2 replicas of version 1 are there
      = starting, 0 of 2 replicas are ready
    ready r1
      switch to 1/a: 1 of 2 replicas of version 1 are ready
      = starting, 1 of 2 replicas are ready
    scale 1
      stop r2: 2 replicas, 1 wanted
      = serving
    remove
      drain r1: the deployment is being removed
      = idle, being removed
    drained r1
      stop r1: drained
      forget
  `);
});

test('from zero: asked, woken, idle, asleep, and asked again while it drains', () => {
  expect(`
    min 0
      switch to 1/a: version 1 is what asking wakes
      = asleep; callers wait
    waiting 3
      start r1 of 1/a: 3 requests wait for it
      = starting, 0 of 1 replicas are ready; callers wait
    at 40
      = starting, 0 of 1 replicas are ready; callers wait
    ready r1
      = serving
    waiting 0
      = serving
    at 50000
      = serving
    asked 9
      = serving
    at 109999
      = serving
    at 110000
      drain r1: nobody asks: it goes to sleep
      = asleep; callers wait
    waiting 1
      restore r1: it is needed again
      = serving
    waiting 0
      = serving
    at 170000
      drain r1: nobody asks: it goes to sleep
      = asleep; callers wait
    drained r1
      stop r1: drained
      = asleep; callers wait
    at 9000000
      = asleep; callers wait
  `);
});

test('a long answer keeps it awake, and so does a load that takes longer than the idle time', () => {
  expect(`
    min 0
      switch to 1/a: version 1 is what asking wakes
      = asleep; callers wait
    waiting 1
      start r1 of 1/a: a request waits for it
      = starting, 0 of 1 replicas are ready; callers wait
    waiting 0
      = starting, 0 of 1 replicas are ready; callers wait
    at 200000
      = starting, 0 of 1 replicas are ready; callers wait
    ready r1
      = serving
    running 1
      = serving
    at 500000
      = serving
    running 0
      = serving
    at 559999
      = serving
    at 560000
      drain r1: nobody asks: it goes to sleep
      = asleep; callers wait
  `);
});

test('a load that fails: those that wait are told, later ones are let wait for the next try', () => {
  expect(`
    min 0
      switch to 1/a: version 1 is what asking wakes
      = asleep; callers wait
    waiting 2
      start r1 of 1/a: 2 requests wait for it
      = starting, 0 of 1 replicas are ready; callers wait
    broken r1 no operator Foo
      stop r1: it failed to load
      = failed, version 1 failed to load: no operator Foo (trying again in 1 s); callers fail
    waiting 0
      = failed, version 1 failed to load: no operator Foo (trying again in 1 s); callers fail
    at 1000
      start r2 of 1/a: tries again after a failure: no operator Foo
      = failed, version 1 failed to load: no operator Foo (trying again); callers wait
    ready r2
      = serving
  `);
});

test('a new version of one that sleeps is loaded once before it takes over, and sleeps with its good one when it cannot be', () => {
  expect(`
    min 0
      switch to 1/a: version 1 is what asking wakes
      = asleep; callers wait
    release 2/b
      start r1 of 2/b: 0 of 1 replicas of version 2 are there
      = updating, 0 of 1 replicas of version 2 are ready; callers wait
    ready r1
      switch to 2/b: 1 of 1 replicas of version 2 are ready
      = serving
    at 60000
      drain r1: nobody asks: it goes to sleep
      = asleep; callers wait
    drained r1
      stop r1: drained
      = asleep; callers wait
    release 3/c
      start r2 of 3/c: 0 of 1 replicas of version 3 are there
      = updating, 0 of 1 replicas of version 3 are ready; callers wait
    broken r2 no operator Foo
      stop r2: it failed to load
      start r3 of 2/b: 0 of 1 replicas of version 2 are there
      = failed, version 3 failed to load: no operator Foo (trying again in 1 s); callers wait
    ready r3
      = degraded, version 3 failed to load: no operator Foo (trying again in 1 s); version 2 keeps serving
    at 61000
      start r4 of 3/c: tries again after a failure: no operator Foo
      = degraded, version 3 failed to load: no operator Foo (trying again); version 2 keeps serving
    broken r4 no operator Foo
      stop r4: it failed to load
      = degraded, version 3 failed to load: no operator Foo (trying again in 2 s); version 2 keeps serving
    at 130000
      drain r3: nobody asks: it goes to sleep
      = degraded, version 3 failed to load: no operator Foo (tried again when asked); version 2 is what asking wakes; callers wait
  `);
});
