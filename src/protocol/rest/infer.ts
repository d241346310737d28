/** `POST /v2/models/{m}[/versions/{v}]/infer`: the V2 message in, the V2 message out. */
import { encodeInferResponse, parseInferRequest } from '../v2.ts';
import { rawInferRequest } from '../v2-raw.ts';
import { toInferenceRequest, type CallForm } from './call.ts';
import { jsonLength } from './headers.ts';
import { sendMessage } from './reply.ts';

export const inferForm: CallForm = {
  protocol: 'rest',
  // The JSON part may say `timeout` and `priority`; raw bytes alone say nothing.
  head: ({ headers }) => ({ payload: 'tensors', final: jsonLength(headers) === 0 }),
  parse(call, body) {
    const { service, v2Limits } = call.context;
    const headerLength = jsonLength(call.headers);
    const parsed =
      headerLength === 0
        ? rawInferRequest(body, service.metadata(call.model, call.version).signature, v2Limits)
        : parseInferRequest(body, headerLength, v2Limits);
    return toInferenceRequest(call, {
      payload: { kind: 'tensors', inputs: parsed.inputs },
      id: parsed.id,
      outputs: parsed.outputs,
      parameters: parsed.parameters,
    });
  },
  reply(call, request, answer) {
    sendMessage(call.response, encodeInferResponse(answer, request), call, call.headers.acceptEncoding);
  },
};
