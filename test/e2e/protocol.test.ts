/** The one conformance suite of the protocol, over every door of the real platform: real processes, the real runtime. */
import { after, before, describe } from 'node:test';
import { protocolConformance, type ProtocolSubject } from '../../src/testing/conformance/protocol.ts';
import {
  clientSubject,
  grpcSubject,
  restBinarySubject,
  restJsonSubject,
} from '../../src/testing/conformance/subjects.ts';
import { goldenModels } from '../fixtures/models.ts';
import { startPlatform, type Platform } from '../support/platform.ts';

const wanted = Object.keys(goldenModels).filter((name) => name === 'addsub' || /^identity_[a-z]+\d*$/.test(name));
/** The runtime's JavaScript binding has no bfloat16: this one is simulated, the protocol's side is real. */
const bfloat = {
  platform: 'simulated',
  simulated: {
    inputs: [{ name: 'INPUT0', datatype: 'BF16', shape: [1, -1] }],
    outputs: [{ name: 'OUTPUT0', datatype: 'BF16', shape: [1, -1] }],
  },
};

describe('the platform', () => {
  let platform: Platform;
  before(async () => {
    const names = [...wanted, 'identity_bf16'];
    platform = await startPlatform({
      models: {
        ...Object.fromEntries(
          wanted.map((name) => [`${name}/1/model.onnx`, (goldenModels[name] as () => Uint8Array)()]),
        ),
        'identity_bf16/model.yaml': JSON.stringify(bfloat),
      },
      specification: {
        models: Object.fromEntries(names.map((name) => [name, { path: `./models/${name}` }])),
        deployments: Object.fromEntries(names.map((name) => [name, { model: name }])),
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  const over = (name: string, open: () => ProtocolSubject): void =>
    protocolConformance(name, () => Promise.resolve(open()));
  const authority = (url: string): string => new URL(url).host;
  over('REST with JSON', () => restJsonSubject(platform.http));
  over('REST with binary tensors', () => restBinarySubject(platform.http));
  over('gRPC with raw contents', () => grpcSubject(authority(platform.grpc), 'raw'));
  over('gRPC with typed contents', () => grpcSubject(authority(platform.grpc), 'typed'));
  over('flyball/client over HTTP', () => clientSubject({ url: platform.http }));
  over('flyball/client over gRPC', () => clientSubject({ url: platform.grpc.replace('http', 'grpc') }));
});
