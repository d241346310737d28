import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodesMax, testbedName, testbedNames } from './names.ts';

const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,23}$/);

test('no name makes a path or an interface too long for the kernel', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: nodesMax }), (name, number) => {
      const node = testbedNames(testbedName(name, {})).node(number);
      assert.ok(Buffer.byteLength(node.socketPath) <= 107, node.socketPath);
      assert.ok(node.port.length <= 15 && node.hostname.length <= 63);
      assert.ok(testbedNames(name).machine.interface.length <= 15);
      assert.match(node.address, /^10\.77\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])\.(1[1-9]|[2-6]\d)$/);
    }),
  );
});

test('a testbed owns its own namespaces and none of another, whatever the two are called', () => {
  fc.assert(
    fc.property(names, names, fc.integer({ min: 1, max: nodesMax }), (one, other, number) => {
      const mine = testbedNames(one);
      assert.ok(mine.owns(mine.lan) && mine.owns(mine.node(number).namespace));
      fc.pre(one !== other);
      for (const namespace of [testbedNames(other).lan, testbedNames(other).node(number).namespace])
        assert.ok(!mine.owns(namespace), `${one} owns ${namespace}`);
    }),
  );
  // Names that end as a node's do: the property would hardly find them.
  assert.ok(!testbedNames('a').owns(testbedNames('a-1').lan));
  assert.ok(!testbedNames('a').owns(testbedNames('a-1').node(2).namespace));
});

test('the name comes from the option, then from the environment, then it is the default', () => {
  assert.equal(testbedName('one', { FLYBALL_TESTBED: 'two' }), 'one');
  assert.equal(testbedName(undefined, { FLYBALL_TESTBED: 'two' }), 'two');
  assert.equal(testbedName(undefined, {}), 'default');
  assert.equal(testbedNames('default').node(1).address, '10.77.0.11');
  for (const bad of ['', '../x', 'A', '1a', 'a'.repeat(25), 'a b'])
    assert.throws(() => testbedName(bad, {}), /expected a testbed's name/, bad);
});
