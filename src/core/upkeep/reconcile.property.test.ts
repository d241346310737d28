/** The laws of upkeep, in a world in which starts take time, loads fail, replicas die and gateways confirm drains late. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { base, replica } from '../../testing/upkeep-seen.ts';
import { noteFailure, noteReady, noteRejection } from './failures.ts';
import { reconcile } from './reconcile.ts';
import { wantedReplicas, type DeploymentSeen, type ReplicaPhase, type ReplicaSeen } from './seen.ts';

interface World {
  at: number;
  seen: DeploymentSeen;
  next: number;
}

type Step =
  | { readonly kind: 'tick'; readonly ms: number }
  | { readonly kind: 'load'; readonly which: number; readonly ok: boolean }
  | { readonly kind: 'die'; readonly which: number }
  | { readonly kind: 'confirm'; readonly which: number }
  | { readonly kind: 'scale'; readonly desired: number }
  | { readonly kind: 'sleep'; readonly asleep: boolean }
  | { readonly kind: 'release'; readonly target: string };

const stepOf: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('tick' as const), ms: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ kind: fc.constant('load' as const), which: fc.nat(20), ok: fc.boolean() }),
  fc.record({ kind: fc.constant('load' as const), which: fc.nat(20), ok: fc.constant(true) }),
  fc.record({ kind: fc.constant('die' as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant('confirm' as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant('scale' as const), desired: fc.integer({ min: 0, max: 12 }) }),
  fc.record({ kind: fc.constant('sleep' as const), asleep: fc.boolean() }),
  fc.record({ kind: fc.constant('release' as const), target: fc.constantFrom('1/a', '2/b', '3/c') }),
);

const pick = (world: World, kind: ReplicaPhase['kind'], which: number): ReplicaSeen | undefined => {
  const candidates = world.seen.replicas.filter((replica) => replica.phase.kind === kind);
  return candidates[which % Math.max(1, candidates.length)];
};

function setPhase(world: World, id: string, phase: ReplicaPhase | undefined): void {
  const replicas = world.seen.replicas.flatMap((replica) =>
    replica.id !== id ? [replica] : phase === undefined ? [] : [{ ...replica, phase }],
  );
  world.seen = { ...world.seen, replicas };
}

function fail(world: World, replica: ReplicaSeen, kind: 'load' | 'death'): void {
  const failures = new Map(world.seen.failures);
  const event = { kind, at: world.at, readyForMs: 0, reason: 'words' };
  failures.set(replica.template, noteFailure(failures.get(replica.template), event));
  world.seen = { ...world.seen, failures };
}

function happen(world: World, step: Step): void {
  switch (step.kind) {
    case 'tick': {
      world.at += step.ms;
      break;
    }
    case 'load': {
      const found = pick(world, 'starting', step.which);
      if (found === undefined) break;
      setPhase(world, found.id, { kind: step.ok ? 'ready' : 'failed' });
      if (step.ok) {
        const failures = new Map(world.seen.failures);
        const after = noteReady(failures.get(found.template));
        if (after === undefined) failures.delete(found.template);
        world.seen = { ...world.seen, failures };
      } else fail(world, found, 'load');
      break;
    }
    case 'die': {
      const found = pick(world, 'ready', step.which);
      if (found === undefined) break;
      setPhase(world, found.id, undefined);
      fail(world, found, 'death');
      break;
    }
    case 'confirm': {
      const found = pick(world, 'draining', step.which);
      if (found?.phase.kind === 'draining') setPhase(world, found.id, { ...found.phase, drained: true });
      break;
    }
    case 'scale': {
      world.seen = { ...world.seen, desired: step.desired };
      break;
    }
    case 'sleep': {
      world.seen = { ...world.seen, asleep: step.asleep };
      break;
    }
    case 'release': {
      world.seen = { ...world.seen, target: step.target };
    }
  }
}

function act(world: World): number {
  const { actions } = reconcile(world.seen, world.at);
  for (const action of actions) {
    switch (action.kind) {
      case 'start': {
        for (let n = 0; n < action.count; n++) {
          const started = replica(`r${world.next++}`, action.template, 'starting', { startedAt: world.at });
          world.seen = { ...world.seen, replicas: [...world.seen.replicas, started] };
        }
        break;
      }
      case 'drain': {
        const restorable = world.next % 2 === 0;
        setPhase(world, action.replica, { kind: 'draining', since: world.at, drained: false, restorable });
        break;
      }
      case 'stop': {
        setPhase(world, action.replica, undefined);
        break;
      }
      case 'switch': {
        const { reserve: _, ...seen } = world.seen;
        const { reserve } = action;
        world.seen = { ...seen, serving: action.template, ...(reserve === undefined ? {} : { reserve }) };
        break;
      }
      case 'revert': {
        const { reserve: _, ...seen } = world.seen;
        const failures = new Map(seen.failures);
        failures.set(action.rejected, noteRejection(failures.get(action.rejected), world.at));
        world.seen = { ...seen, serving: action.template, failures };
        break;
      }
      case 'restore': {
        setPhase(world, action.replica, { kind: 'ready' });
        break;
      }
      case 'forget': {
        break;
      }
    }
  }
  return actions.length;
}

const newWorld = (): World => ({ at: 0, next: 0, seen: base });
const readyOfServing = (world: World): number =>
  world.seen.replicas.filter((r) => r.template === world.seen.serving && r.phase.kind === 'ready').length;

test('bounds: no template ever has more active replicas than wanted after a turn', () => {
  fc.assert(
    fc.property(fc.array(stepOf, { maxLength: 60 }), (steps) => {
      const world = newWorld();
      for (const step of steps) {
        happen(world, step);
        act(world);
        const wanted = wantedReplicas(world.seen);
        for (const template of ['1/a', '2/b', '3/c']) {
          const active = world.seen.replicas.filter(
            (r) => r.template === template && (r.phase.kind === 'starting' || r.phase.kind === 'ready'),
          );
          assert.ok(active.length <= wanted, `${active.length} of ${template}, ${wanted} wanted`);
        }
      }
    }),
  );
});

test('continuity: acting never leaves fewer ready replicas serving than before, except by scaling in', () => {
  fc.assert(
    fc.property(fc.array(stepOf, { maxLength: 60 }), (steps) => {
      const world = newWorld();
      for (const step of steps) {
        happen(world, step);
        const before = readyOfServing(world);
        act(world);
        assert.ok(readyOfServing(world) >= Math.min(before, wantedReplicas(world.seen)));
      }
    }),
  );
});

test('what serves is only ever replaced by a template that has a replica that was loaded', () => {
  fc.assert(
    fc.property(fc.array(stepOf, { maxLength: 60 }), (steps) => {
      const world = newWorld();
      for (const step of steps) {
        happen(world, step);
        const before = world.seen;
        act(world);
        if (before.serving === undefined || before.serving === world.seen.serving) continue;
        // One that drains counts: what served before takes over again by restoring it.
        const loaded = before.replicas.some(
          ({ template, phase }) =>
            template === world.seen.serving && (phase.kind === 'ready' || phase.kind === 'draining'),
        );
        assert.ok(loaded, `${before.serving} → ${world.seen.serving}`);
      }
    }),
  );
});

test('idempotence: acting until nothing is left to do ends within three turns', () => {
  fc.assert(
    fc.property(fc.array(stepOf, { maxLength: 60 }), (steps) => {
      const world = newWorld();
      for (const step of steps) {
        happen(world, step);
        // Going back to what served before is a turn of its own, and what is left of its successor ends in the next.
        for (let turn = 0; turn < 2 && act(world) > 0; turn++);
        assert.equal(act(world), 0);
      }
    }),
  );
});

test('convergence: once loads succeed and nothing dies, exactly what is wanted serves and nothing else is left', () => {
  fc.assert(
    fc.property(fc.array(stepOf, { maxLength: 60 }), fc.boolean(), (steps, asleep) => {
      const world = newWorld();
      for (const step of steps) {
        happen(world, step);
        act(world);
      }
      // A version that was given up comes back only when somebody asks for it.
      world.seen = { ...world.seen, failures: new Map() };
      happen(world, { kind: 'sleep', asleep });
      for (let round = 0; round < 100; round++) {
        happen(world, { kind: 'tick', ms: 61_000 });
        happen(world, { kind: 'load', which: round, ok: true });
        happen(world, { kind: 'confirm', which: round });
        act(world);
      }
      const { seen } = world;
      // What sleeps is not replaced by what was never loaded; it is woken for that (sleep.ts).
      if (!asleep) assert.equal(seen.serving, seen.target);
      assert.equal(seen.replicas.length, wantedReplicas(seen));
      assert.ok(seen.replicas.every((r) => r.template === seen.target && r.phase.kind === 'ready'));
    }),
  );
});
