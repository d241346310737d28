/**
 * Our reader of config.pbtxt beside Google's own parser of the text format, with Triton's own messages: generated texts,
 * right and broken ones, must be taken by both or by neither, and say the same. Where Python is at hand.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { readConfig } from '../../src/imports/triton/read-config.ts';
import { findPython } from '../support/python.ts';

const { path: python, skip } = findPython('tritonclient');

const oracle = `
import json, sys
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2
for line in sys.stdin:
    try:
        message = text_format.Parse(json.loads(line), model_config_pb2.ModelConfig())
        print(json.dumps(text_format.MessageToString(message)))
    except Exception:
        print("null")
`;

const fragments = [
  'name: "m"',
  'max_batch_size: 8',
  'max_batch_size: 0x10',
  'input [ { name: "a" data_type: TYPE_FP32 dims: [ 3, -1 ] } ]',
  "input { name: 'b' dims: 4 reshape { shape: [ ] } }",
  'output: [ { name: "o" label_filename: "l.txt" } ]',
  'version_policy: { specific: { versions: [1, 3] } }',
  'version_policy { latest < num_versions: 2 > }',
  'dynamic_batching { preferred_batch_size: [ 4, 8 ]; max_queue_delay_microseconds: 100, }',
  'dynamic_batching { priority_queue_policy { key: 1 value { max_queue_size: 3 timeout_action: DELAY } } }',
  'instance_group [ { count: 2 kind: KIND_CPU }, { kind: 1 gpus: [0,1] } ]',
  'parameters { key: "a" value: { string_value: "b" "c" } }',
  'metric_tags { key: "k" value: "v" }',
  'model_warmup { name: "w" batch_size: 1 inputs { key: "x" value: { dims: [1,2] zero_data: true } } }',
  'optimization { graph { level: -1 } cuda { graphs: false } }',
  'sequence_batching { direct { minimum_slot_utilization: .5f } }',
  '# a comment\n',
];
/** Characters that break a text in ways on which all parsers of the format agree. */
const edits = ['', '{', '}', ':', '[', ']', ',', '"', '<', '>', '1', 'x', '\n', '#'];

const text = fc
  .tuple(
    fc.shuffledSubarray(fragments, { minLength: 1, maxLength: 5 }),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...edits)), { maxLength: 1 }),
  )
  .map(([parts, changes]) => {
    let whole = parts.join('\n');
    for (const [where, piece] of changes) {
      const at = where % (whole.length + 1);
      whole = whole.slice(0, at) + piece + whole.slice(at + (where % 3 === 0 ? 1 : 0));
    }
    return whole;
  });

/** Proto3 prints no defaults, and what is not there is the default. */
const defaults: ReadonlySet<unknown> = new Set([0, '', false, 'TYPE_INVALID', 'KIND_AUTO', 'REJECT']);
function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, withoutDefaults(inner)]);
  const said = entries.filter(([, inner]) => !defaults.has(inner) && !(Array.isArray(inner) && inner.length === 0));
  // deepEqual asks for no order of keys.
  return Object.fromEntries(said);
}

test("config.pbtxt is read as Google's parser reads it", { skip }, () => {
  const texts = fc.sample(text, { numRuns: 1000, seed: 20_261_125 });
  const input = `${texts.map((one) => JSON.stringify(one)).join('\n')}\n`;
  const { stdout, stderr, status } = spawnSync(python, ['-c', oracle], { input, maxBuffer: 2 ** 28 });
  assert.equal(status, 0, stderr.toString());
  const answers = stdout.toString().trim().split('\n');
  assert.equal(answers.length, texts.length);
  let taken = 0;
  for (const [index, line] of answers.entries()) {
    const printed = JSON.parse(line) as string | null;
    const own = readConfig(texts[index] ?? '');
    assert.equal(own.kind === 'config', printed !== null, `${texts[index]}\n${JSON.stringify(own)}`);
    if (own.kind !== 'config' || printed === null) continue;
    taken += 1;
    const again = readConfig(printed);
    assert.ok(again.kind === 'config', printed);
    assert.deepEqual(withoutDefaults(own.config), withoutDefaults(again.config), texts[index]);
  }
  assert.ok(taken > 250 && taken < texts.length, `${taken} of ${texts.length} were right`);
});
