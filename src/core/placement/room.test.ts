import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { meets } from './constraints.ts';
import type { ClusterNode } from './node.ts';
import { placementReason } from './reason.ts';
import { fitting, type Asked } from './room.ts';

const gib = 1024 ** 3;

function node(name: string, cores: number, promised: number, more: Partial<ClusterNode> = {}): ClusterNode {
  return {
    id: `id-${name}`,
    name,
    address: '10.0.0.1',
    role: 'worker',
    state: 'ready',
    availability: 'active',
    labels: {},
    whole: { cores, memoryBytes: 4 * gib, generic: {} },
    reserved: { cores: promised, memoryBytes: 0, generic: {} },
    tasks: {},
    ...more,
  };
}

const half: Asked = { cores: 0.5, constraints: [] };

test('what fits is what is not promised, node by node, and each that takes none says why', () => {
  const nodes = [
    node('n1', 2, 1.9),
    node('n2', 2, 0.5),
    node('n3', 8, 0, { state: 'down' }),
    node('n4', 8, 0, { availability: 'drain' }),
    node('n5', 8, 0, { labels: { zone: 'b' } }),
  ];
  assert.deepEqual(fitting(nodes, { ...half, constraints: ['node.labels.zone != b'] }), {
    kind: 'known',
    more: 3,
    why: 'n1 is full, 0.1 of 2 cores free; n2 has room for 3, 1.5 of 2 cores free; n3 is down; n4 is drained; n5 does not meet its constraints',
  });
});

test('nodes that would not do if they were empty are told together, with what they have', () => {
  const nodes = [node('b', 2, 0), node('a', 2, 1)];
  assert.deepEqual(fitting(nodes, { cores: 64, constraints: [] }), {
    kind: 'known',
    more: 0,
    why: 'a and b have 2 cores in all, 64 asked for',
  });
});

test('the scarcest of what is asked for decides, also memory and what only some nodes have', () => {
  const room = { whole: { cores: 8, memoryBytes: gib, generic: { gpu: 2 } } };
  const with1 = node('g', 8, 0, { ...room, reserved: { cores: 0, memoryBytes: gib / 2, generic: { gpu: 1 } } });
  const asked = { ...half, memoryBytes: gib / 8, generic: { gpu: 1 } };
  assert.deepEqual(fitting([with1, node('n', 8, 0)], asked), {
    kind: 'known',
    more: 1,
    why: 'g has room for 1, 1 of 2 gpu free; n has no gpu',
  });
});

test('thirds of cores that fit exactly fit', () => {
  const third = 1 / 3;
  assert.equal(matchMore(fitting([node('n', 1, third + third)], { cores: third, constraints: [] })), 1);
  assert.equal(matchMore(fitting([node('n', 0.3, 0.1 + 0.1)], { cores: 0.1, constraints: [] })), 1);
});

test('where nothing that can run out is asked for, or only the managers can tell, it is unknown', () => {
  assert.deepEqual(fitting([node('n', 1, 1)], { constraints: [] }), { kind: 'unknown' });
  assert.deepEqual(fitting([node('n', 1, 1)], { ...half, constraints: ['engine.labels.disk==ssd'] }), {
    kind: 'unknown',
  });
  const none = fitting([node('n', 1, 0, { state: 'down' })], { constraints: [] });
  assert.deepEqual(none, { kind: 'known', more: 0, why: 'n is down' }, 'without a node there is no room for anything');
});

test('constraints are those of the managers: without regard to case, a label that is missing is empty', () => {
  const one = node('Worker-1', 1, 0, { labels: { zone: 'A' } });
  const answers = [
    'node.labels.zone==a',
    'node.labels.rack!=r1',
    'node.labels.rack==r1',
    'node.hostname == worker-1',
    'node.role!=manager',
    'node.id==other',
    'node.platform.arch==x86_64',
  ].map((constraint) => meets(one, constraint));
  assert.deepEqual(answers, ['yes', 'yes', 'no', 'yes', 'yes', 'no', 'unknown']);
});

test('why it is where it is: what is known of it, and that the rest is the engine’s', () => {
  const nodes = [node('a', 1, 0, { role: 'manager' }), node('b', 1, 0), node('c', 1, 0)];
  const of = (constraints: string[], spread: string[] = []): string => placementReason(nodes, { constraints, spread });
  assert.equal(
    of([]),
    'any of 3 nodes may have it; the engine chose it among those with room: where the fewest tasks of its version are',
  );
  assert.match(
    of(['node.role==worker'], ['node.labels.rack']),
    /^2 of 3 .*\(node\.role==worker\).*evenly over node\.labels\.rack, then/,
  );
  assert.equal(of(['node.role==manager']), 'the only node that may have it (node.role==manager)');
  assert.match(of(['engine.labels.x==y']), /^the engine alone knows/);
});

const nodes = fc.array(
  fc
    .record({
      cores: fc.integer({ min: 0, max: 16 }),
      promised: fc.integer({ min: 0, max: 16 }),
      state: fc.constantFrom('ready', 'down', 'unknown', 'disconnected'),
      availability: fc.constantFrom('active', 'pause', 'drain'),
    })
    .map(({ cores, promised, ...more }) => node('n', cores, promised, more)),
  { maxLength: 6 },
);
const matchMore = (fit: ReturnType<typeof fitting>): number =>
  fit.kind === 'known' ? fit.more : Number.POSITIVE_INFINITY;

test('a node more never gives less, and what is promised once more never gives more', () => {
  fc.assert(
    fc.property(nodes, fc.nat(5), fc.integer({ min: 1, max: 8 }), (all, at, cores) => {
      const asked = { cores, constraints: [] };
      const before = matchMore(fitting(all, asked));
      assert.ok(matchMore(fitting(all.toSpliced(at % (all.length + 1), 0, node('n', 4, 1)), asked)) >= before);
      const [first, ...rest] = all;
      if (first === undefined) return;
      const taken = { ...first, reserved: { ...first.reserved, cores: first.reserved.cores + cores } };
      const after = matchMore(fitting([taken, ...rest], asked));
      assert.ok(after <= before && after >= before - 1, `${before} to ${after}: it takes the room of one`);
    }),
  );
});
