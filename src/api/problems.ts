/** Whatever goes wrong in the API → one error of the catalogue → problem details (RFC 9457). */
import type * as z from 'zod';
import { catalogue, errorLink, FlyballError, toFlyballError, type ErrorCode } from '../errors.ts';
import type { Problem } from './schemas.ts';

/** `requestId` where it is the answer to one request, and not, say, how an operation ended. */
export function toProblem({ code, status, message }: FlyballError, requestId?: string): Problem {
  return {
    type: errorLink(code),
    title: catalogue[code].help,
    status,
    code,
    detail: message,
    ...(requestId !== undefined && { instance: requestId }),
  };
}

/** The error that a problem document was made of; undefined when it is no document of ours. */
export function fromProblem(value: unknown, retryAfterSeconds?: number): FlyballError | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, detail, title } = value as Partial<Problem>;
  const words = detail ?? title;
  if (typeof code !== 'string' || !Object.hasOwn(catalogue, code) || typeof words !== 'string') return undefined;
  return new FlyballError(code as ErrorCode, words, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

const issuesMax = 5;

/** One line: each place with what was expected there. */
export function fromZodError(error: z.ZodError, code: ErrorCode): FlyballError {
  const issues = error.issues.slice(0, issuesMax).map(({ path, message }) => {
    const place = path.map(String).join('.');
    return place === '' ? message : `${place}: ${message}`;
  });
  const more = error.issues.length - issues.length;
  return new FlyballError(code, `${issues.join('; ')}${more > 0 ? `; and ${more} more` : ''}`, { cause: error });
}

/** The codes of the HTTP framework, in our words. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_CONTENT',
  FST_ERR_CTP_BODY_TOO_LARGE: 'TOO_LARGE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'INVALID_REQUEST',
  FST_ERR_BAD_URL: 'INVALID_REQUEST',
  FST_ERR_MAX_PARAM_LENGTH: 'INVALID_NAME',
};

export function toApiError(thrown: unknown): FlyballError {
  if (thrown instanceof FlyballError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? frameworkCodes[String(thrown.code)] : undefined;
  if (code === 'TOO_LARGE')
    return new FlyballError(code, 'the body is larger than limits.bodyBytesMax', { cause: thrown });
  if (code !== undefined && thrown instanceof Error) return new FlyballError(code, thrown.message, { cause: thrown });
  // Whatever else the framework blames on the caller.
  if (isFrameworkRefusal(thrown)) return new FlyballError('INVALID_REQUEST', thrown.message, { cause: thrown });
  // The secure JSON parser's own: a syntax error, or a key that would change a prototype.
  if (thrown instanceof SyntaxError) return new FlyballError('INVALID_JSON', thrown.message, { cause: thrown });
  return toFlyballError(thrown);
}

function isFrameworkRefusal(thrown: unknown): thrown is Error {
  if (!(thrown instanceof Error) || !('code' in thrown) || !('statusCode' in thrown)) return false;
  const { code, statusCode } = thrown;
  return String(code).startsWith('FST_') && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
}
