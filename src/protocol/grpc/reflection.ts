/** Server reflection, v1 and v1alpha: what services there are and the files that define them, by name or by symbol. */
import { grpcStatus } from '../../errors.ts';
import { codecOf, definitions, type Definition } from './definitions.ts';
import { describeFile } from './descriptors.ts';
import { frame } from './framing.ts';
import type { StreamingMethod } from './streaming.ts';

const messageBytesMax = 65_536;

interface ReflectionRequest {
  readonly message_request?: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
  readonly file_containing_extension?: object;
  readonly all_extension_numbers_of_type?: string;
}

export function reflectionMethod(definition: Definition): StreamingMethod {
  const request = codecOf<ReflectionRequest>(definition, 'ServerReflectionRequest');
  const response = codecOf<object>(definition, 'ServerReflectionResponse');
  const files = Object.values(definitions).map(describeFile);
  const services = files.flatMap((file) => file.services);

  const missing = (what: string): object => ({
    error_response: { error_code: grpcStatus.NOT_FOUND, error_message: `expected a known ${what}` },
  });
  const fileWith = (found: (typeof files)[number] | undefined, what: string): object =>
    found === undefined ? missing(what) : { file_descriptor_response: { file_descriptor_proto: [found.bytes] } };

  const answer = (asked: ReflectionRequest): object => {
    switch (asked.message_request) {
      case 'list_services':
        return { list_services_response: { service: services.map((name) => ({ name })) } };
      case 'file_by_filename':
        return fileWith(
          files.find((each) => each.file === asked.file_by_filename),
          `file, got '${asked.file_by_filename}'`,
        );
      case 'file_containing_symbol':
        return fileWith(
          files.find((each) => each.symbols.includes(asked.file_containing_symbol!)),
          `symbol, got '${asked.file_containing_symbol}'`,
        );
      case 'file_containing_extension':
      case 'all_extension_numbers_of_type':
        return missing('extension; there are none');
      default:
        return {
          error_response: { error_code: grpcStatus.INVALID_ARGUMENT, error_message: 'expected a message_request' },
        };
    }
  };

  return {
    messageBytesMax,
    open(call) {
      call.draining.addEventListener('abort', () => call.end(), { once: true, signal: call.signal });
      return {
        message(bytes) {
          const asked = request.decode(bytes);
          return call.send([frame(response.encode({ original_request: asked, ...answer(asked) }))]);
        },
        end: () => Promise.resolve(),
      };
    },
  };
}
