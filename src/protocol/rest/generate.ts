/**
 * Triton's generate extension for models that take one text and give one: BYTES `text_input` in, BYTES `text_output` out.
 * `generate_stream` sends one server-sent event for each element of the output. It is not token streaming: the service
 * answers as a whole. Invariant: what is refused is refused before the stream begins, as a plain JSON error.
 */
import { FlyballError } from '../../errors.ts';
import { packBytes, toElements } from '../elements.ts';
import type { InferenceRequest, InferenceResponse } from '../inference.ts';
import { parseJsonBytes, printJson } from '../json.ts';
import { asObject, asParameters } from '../v2-fields.ts';
import { toInferenceRequest, type Call, type CallForm } from './call.ts';
import { sendText } from './reply.ts';

function parse(call: Call, body: Uint8Array): InferenceRequest {
  const { service, limits } = call.context;
  // A key that comes twice may mean that two layers before us read two different requests.
  const message = asObject(parseJsonBytes(body, { depthMax: limits.jsonDepthMax, uniqueKeys: true }), 'the request');
  const text = message['text_input'];
  if (typeof text !== 'string') {
    throw new FlyballError('INVALID_REQUEST', `text_input: expected a string, got ${printJson(text ?? null)}`);
  }
  const id = message['id'];
  if (id !== undefined && typeof id !== 'string') {
    throw new FlyballError('INVALID_REQUEST', `id: expected a string, got ${printJson(id)}`);
  }
  const { signature } = service.metadata(call.model, call.version);
  const input = signature.inputs.find((spec) => spec.name === 'text_input');
  if (input?.datatype !== 'BYTES' || !signature.outputs.some((spec) => spec.name === 'text_output')) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `generate needs a model with a BYTES input text_input and an output text_output, which ${call.model} is not`,
    );
  }
  return toInferenceRequest(call, {
    payload: {
      kind: 'tensors',
      inputs: [{ name: input.name, datatype: 'BYTES', shape: input.shape.map(() => 1), bytes: packBytes([text]) }],
    },
    ...(id !== undefined && id !== '' && { id }),
    parameters: asParameters(message['parameters'], 'parameters'),
  });
}

function texts(answer: InferenceResponse): readonly unknown[] {
  const output = answer.outputs.find((tensor) => tensor.name === 'text_output');
  return output === undefined ? [] : toElements(output);
}

function event(answer: InferenceResponse, text: unknown): string {
  return printJson({
    ...(answer.id !== undefined && { id: answer.id }),
    model_name: answer.model,
    model_version: answer.version,
    text_output: text,
  });
}

export const generateForm: CallForm = {
  protocol: 'rest',
  parse,
  reply(call, _request, answer) {
    const all = texts(answer);
    sendText(call.response, 200, event(answer, all.length === 1 ? all[0] : all), call);
  },
};

export const generateStreamForm: CallForm = {
  protocol: 'rest',
  parse,
  reply(call, _request, answer) {
    const events = texts(answer).map((text) => `data: ${event(answer, text)}\n\n`);
    sendText(call.response, 200, events.join(''), call, 'text/event-stream; charset=utf-8');
  },
};
