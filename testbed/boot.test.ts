import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootCommand, cpuList, engineConfiguration, smallerMeminfo } from './boot.ts';
import { testbedNames } from './names.ts';
import { defaultSettings } from './settings.ts';

const node = testbedNames('default').node(2);

test('neighbours say that they have different cores, as long as there are some', () => {
  assert.deepEqual(
    [1, 2, 3].map((number) => cpuList(number, 1, 2)),
    ['0', '1', '0'],
  );
  assert.equal(cpuList(2, 2, 3), '2,0');
});

test('a machine with less memory has no more of it free', () => {
  const machine =
    'MemTotal:       24000000 kB\nMemFree:         9000000 kB\nMemAvailable:    900 kB\nBuffers:   7 kB\n';
  assert.equal(
    smallerMeminfo(machine, 1024),
    'MemTotal: 1048576 kB\nMemFree: 1048576 kB\nMemAvailable: 900 kB\nBuffers:   7 kB\n',
  );
});

test('an engine is bound to cores only when it is to say so, and keeps everything in its own folder', () => {
  const { args } = bootCommand(node, defaultSettings, 2);
  assert.ok(!args.includes('taskset'));
  assert.deepEqual(args.slice(-4), ['--', 'dockerd', '--config-file', `${node.folder}/daemon.json`]);
  const bound = bootCommand(node, { ...defaultSettings, advertisedCpus: 1 }, 2).args;
  assert.deepEqual(bound.slice(bound.indexOf('taskset'), bound.indexOf('docker-init')), ['taskset', '-c', '1']);
  assert.deepEqual(engineConfiguration(node, { ...defaultSettings, genericResources: { gpu: 2 } }), {
    'data-root': '/var/lib/flyball-testbed/default/n2/data',
    'exec-root': '/run/docker',
    pidfile: '/run/docker.pid',
    hosts: ['unix:///var/lib/flyball-testbed/default/n2/docker.sock'],
    'cgroup-parent': '/flyball-testbed/default/n2',
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'log-level': 'warn',
    'shutdown-timeout': 3,
    'node-generic-resources': ['gpu=2'],
  });
});
