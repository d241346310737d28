/**
 * The Swarm driver by example: what happens on the engine, what the driver makes of it, under a clock that the script moves.
 * As long as there are scenes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Orchestrator } from '../../../control/orchestrator.ts';
import { orderOf } from '../../../testing/lone-replica.ts';
import { rehearsedPlatform as platform, rehearsedSwarm } from '../../../testing/rehearsed-swarm.ts';
import { createVirtualClock } from '../../../testing/virtual-clock.ts';
import { periodAt } from './secrets-life.ts';
import { serviceName, taskPort } from './service-spec.ts';
import { openSwarmOrchestrator } from './swarm.ts';

const service = serviceName(orderOf('a'), platform, periodAt(createVirtualClock().wall(), platform.certificateMs));

/**
 *   start R… | stop R | kill R | list | restart | clear     control asks
 *   fail TASK CODE | lose NODE | scale N | remove | cut | mend      what happens on the engine
 *   advise                                                 from now on what others change is only told
 *   upkeep                                                 from now on whatever ends is ordered again, as control does
 *   wait MS
 * Below each line stands what was answered and told meanwhile, then the service: replicas asked for, and its live tasks.
 */
async function play(script: string, room = 3, certificateMs = platform.certificateMs): Promise<string> {
  const clock = createVirtualClock();
  const nodes = ['n1', 'n2', 'n3'].map((name) => ({ name, room }));
  const swarm = rehearsedSwarm({ clock, nodes, port: taskPort });
  const log: string[] = [];
  let corrects = true;
  let restores = false;
  const say = (line: string): void => void log.push(`    ${line}`);
  async function open(): Promise<Orchestrator> {
    const opened = await openSwarmOrchestrator({
      engine: swarm.engine(),
      clock,
      platform: { ...platform, certificateMs },
      certificate: () => 'pem',
      corrects: () => corrects,
    });
    opened.onExit(({ id, reason, byEngine }) => {
      say(`exit ${id}: ${reason}${byEngine === true ? ' (engine)' : ''}`);
      if (restores) start(`${id}'`);
    });
    opened.onDrift?.(({ reason }) => say(`drift: ${reason.replace(`service ${service}: `, '')}`));
    return opened;
  }
  /** Timers run at their time, and what they have begun goes on before the next. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      clock.pass(Math.min(left, 50));
      for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
    }
  }
  const start = (id: string): void => {
    orchestrator.start(orderOf(id), new AbortController().signal).then(
      ({ where }) => say(`${id} is ${where}`),
      (error: Error) => say(`${id} fails: ${error.message}`),
    );
  };
  let orchestrator = await open();
  for (const line of script
    .trim()
    .split('\n')
    .map((each) => each.trim())) {
    const [word = '', first = '', second = ''] = line.split(' ');
    log.push(line);
    const words = line.split(' ').slice(1);
    if (word === 'start') {
      for (const id of words) start(id);
    } else if (word === 'stop') void orchestrator.stop(first, 5000).then(() => say(`${first} is stopped`));
    else if (word === 'kill') void orchestrator.kill(first);
    else if (word === 'list') {
      void orchestrator
        .list()
        .then((found) => say(found.map(({ id, where }) => `${id} is ${where}`).join('; ') || 'none'));
    } else if (word === 'restart') {
      await orchestrator[Symbol.asyncDispose]();
      orchestrator = await open();
    } else if (word === 'fail') swarm.fail(first, Number(second));
    else if (word === 'lose') swarm.lose(first);
    else if (word === 'scale') swarm.scale(service, Number(first));
    else if (word === 'remove') swarm.remove(service);
    else if (word === 'cut') swarm.reachable = false;
    else if (word === 'mend') swarm.reachable = true;
    else if (word === 'advise') corrects = false;
    else if (word === 'clear') void orchestrator.clear?.().then(() => say(`${swarm.kept()} files are left`));
    else if (word === 'upkeep') restores = true;
    else if (word !== 'wait') throw new Error(`unknown word ${word}`);
    await pass(word === 'wait' ? Number(first) : 1);
    const state = swarm.show();
    if (state !== '') log.push(`  ${state}`);
  }
  await orchestrator[Symbol.asyncDispose]();
  return log.join('\n');
}

/** Plays the lines that are no answer, and compares everything. */
async function isPlayed(expected: string, room?: number, certificateMs?: number): Promise<void> {
  const lines = expected.split('\n').filter((line) => line.trim() !== '');
  const indent = lines[0]?.search(/\S/) ?? 0;
  const cut = lines.map((line) => line.slice(indent));
  const script = cut.filter((line) => !line.startsWith(' ')).join('\n');
  assert.equal(await play(script, room, certificateMs), cut.join('\n'));
}

test('a task that is killed is replaced by the engine, and the next replica that is ordered is its replacement', async () => {
  await isPlayed(
    `
      upkeep
      start a b
        2: t1 starting on n1, t2 starting on n2
      wait 1500
          a is task t1 on n1
          b is task t2 on n2
        2: t1 running on n1, t2 running on n2
      fail t2 137
        2: t1 running on n1
      wait 1700
          exit b: exit code 137: killed, by somebody or because its node had no memory left on n2
          b' is task t3 on n2
        2: t1 running on n1, t3 running on n2
      stop a
        1: t3 running on n2
      wait 1000
          a is stopped
        1: t3 running on n2
    `,
  );
});

test('a replica that answers nothing is replaced before the engine knows, and there are no more of them when it does', async () => {
  await isPlayed(
    `
      upkeep
      start a b c
        3: t1 starting on n1, t2 starting on n2, t3 starting on n3
      wait 1500
          a is task t1 on n1
          b is task t2 on n2
          c is task t3 on n3
        3: t1 running on n1, t2 running on n2, t3 running on n3
      lose n2
        3: t1 running on n1, t2 running on n2, t3 running on n3
      kill b
        3: t1 running on n1, t2 running on n2, t3 running on n3
      start d
        4: t1 running on n1, t2 running on n2, t3 running on n3, t4 starting on n1
      wait 1500
          d is task t4 on n1
        4: t1 running on n1, t2 running on n2, t3 running on n3, t4 running on n1
      wait 9500
        4: t1 running on n1, t2 running on n2, t3 running on n3, t4 running on n1
      wait 3000
        4: t1 running on n1, t3 running on n3, t4 running on n1, t5 running on n3
      wait 4000
          exit d: the engine ended it: fewer were asked for, or its service was removed on n1 (engine)
          d' is task t5 on n3
        3: t1 running on n1, t3 running on n3, t5 running on n3
    `,
  );
});

test('what others scale is put right or left, as the mode says, and a service that they remove is made again', async () => {
  await isPlayed(
    `
      upkeep
      start a b
        2: t1 starting on n1, t2 starting on n2
      wait 1500
          a is task t1 on n1
          b is task t2 on n2
        2: t1 running on n1, t2 running on n2
      scale 5
          drift: 5 replicas where 2 are held
          exit a: the engine ended it: fewer were asked for, or its service was removed on n1 (engine)
        2: t2 running on n2, t3 starting on n3
      wait 3000
          a' is task t3 on n3
        2: t2 running on n2, t3 running on n3
      advise
        2: t2 running on n2, t3 running on n3
      scale 4
          drift: 4 replicas where 2 are held
        4: t2 running on n2, t3 running on n3, t6 starting on n1, t7 starting on n1
      wait 3000
        4: t2 running on n2, t3 running on n3, t6 running on n1, t7 running on n1
      start c
          c is task t6 on n1
          drift: 4 replicas where 3 are held
        4: t2 running on n2, t3 running on n3, t6 running on n1, t7 running on n1
      wait 1000
        4: t2 running on n2, t3 running on n3, t6 running on n1, t7 running on n1
      remove
          exit b: the engine ended it: fewer were asked for, or its service was removed on n2 (engine)
          exit a': the engine ended it: fewer were asked for, or its service was removed on n3 (engine)
          exit c: the engine ended it: fewer were asked for, or its service was removed on n1 (engine)
          drift: the service is gone
        3: t8 starting on n1, t9 starting on n2, t10 starting on n3
      wait 3000
          b' is task t8 on n1
          a'' is task t9 on n2
          c' is task t10 on n3
        3: t8 running on n1, t9 running on n2, t10 running on n3
    `,
  );
});

test('what has no room does not wait in the engine; the next control adopts the tasks; without managers a start waits', async () => {
  await isPlayed(
    `
      start a b c d
        4: t1 starting on n1, t2 starting on n2, t3 starting on n3, t4 pending
      wait 5000
          a is task t1 on n1
          b is task t2 on n2
          c is task t3 on n3
          d fails: no node has room for it: the engine says: no suitable node (insufficient resources on 3 nodes)
        3: t1 running on n1, t2 running on n2, t3 running on n3
      restart
        3: t1 running on n1, t2 running on n2, t3 running on n3
      list
          a is task t1 on n1; b is task t2 on n2; c is task t3 on n3
        3: t1 running on n1, t2 running on n2, t3 running on n3
      wait 1000
        3: t1 running on n1, t2 running on n2, t3 running on n3
      cut
        3: t1 running on n1, t2 running on n2, t3 running on n3
      start k
        3: t1 running on n1, t2 running on n2, t3 running on n3
      wait 3000
        3: t1 running on n1, t2 running on n2, t3 running on n3
      mend
        3: t1 running on n1, t2 running on n2, t3 running on n3
      wait 4000
          k fails: no node has room for it: the engine says: no suitable node (insufficient resources on 3 nodes)
        3: t1 running on n1, t2 running on n2, t3 running on n3
    `,
    1,
  );
});

test('whoever is stopped is waited for, and the platform’s end leaves nothing, not even the place of one that died', async () => {
  await isPlayed(
    `
      start a b
        2: t1 starting on n1, t2 starting on n2
      wait 1500
          a is task t1 on n1
          b is task t2 on n2
        2: t1 running on n1, t2 running on n2
      fail t2 137
        2: t1 running on n1
      wait 1000
          exit b: exit code 137: killed, by somebody or because its node had no memory left on n2
        2: t1 running on n1, t3 starting on n2
      stop a
      wait 1000
          a is stopped
      clear
          0 files are left
      wait 1000
    `,
  );
});

test('a place is kept also when the engine has replaced one before it is given up here: nobody who answers goes for it', async () => {
  await isPlayed(
    `
      start a b
        2: t1 starting on n1, t2 starting on n2
      wait 1500
          a is task t1 on n1
          b is task t2 on n2
        2: t1 running on n1, t2 running on n2
      lose n2
        2: t1 running on n1, t2 running on n2
      wait 13500
        2: t1 running on n1, t3 running on n3
      kill b
        2: t1 running on n1, t3 running on n3
      wait 1000
        2: t1 running on n1, t3 running on n3
      start d
          d is task t3 on n3
        2: t1 running on n1, t3 running on n3
      wait 500
        2: t1 running on n1, t3 running on n3
      wait 4000
        2: t1 running on n1, t3 running on n3
    `,
  );
});

test('when half of the life of a secret is over, later tasks get another service; the old one goes with its last task', async () => {
  await isPlayed(
    `
      start a b
        2: t1 starting on n1, t2 starting on n2
      wait 10000
          a is task t1 on n1
          b is task t2 on n2
        2: t1 running on n1, t2 running on n2
      start c
        3: t1 running on n1, t2 running on n2, t3 starting on n3
      wait 10000
          c is task t3 on n3
        3: t1 running on n1, t2 running on n2, t3 running on n3
      start d
        3: t1 running on n1, t2 running on n2, t3 running on n3 | 1: t4 starting on n1
      wait 2000
          d is task t4 on n1
        3: t1 running on n1, t2 running on n2, t3 running on n3 | 1: t4 running on n1
      restart
        3: t1 running on n1, t2 running on n2, t3 running on n3 | 1: t4 running on n1
      list
          a is task t1 on n1; b is task t2 on n2; c is task t3 on n3; d is task t4 on n1
        3: t1 running on n1, t2 running on n2, t3 running on n3 | 1: t4 running on n1
      stop a
        2: t2 running on n2, t3 running on n3 | 1: t4 running on n1
      wait 1000
          a is stopped
        2: t2 running on n2, t3 running on n3 | 1: t4 running on n1
      stop b
        1: t3 running on n3 | 1: t4 running on n1
      wait 1000
          b is stopped
        1: t3 running on n3 | 1: t4 running on n1
      stop c
        1: t4 running on n1
      wait 1000
          c is stopped
        1: t4 running on n1
      list
          d is task t4 on n1
        1: t4 running on n1
    `,
    3,
    40_000,
  );
});

test('a task that the engine makes again with a secret that has expired is replaced in another service', async () => {
  await isPlayed(
    `
      upkeep
      start a b
        2: t1 starting on n1, t2 starting on n2
      wait 10000
          a is task t1 on n1
          b is task t2 on n2
        2: t1 running on n1, t2 running on n2
      wait 20000
        2: t1 running on n1, t2 running on n2
      fail t1 137
        2: t2 running on n2
      wait 4000
          exit a: exit code 137: killed, by somebody or because its node had no memory left on n1
          a' is task t3 on n1
        1: t2 running on n2 | 1: t3 running on n1
    `,
    3,
    20_000,
  );
});
