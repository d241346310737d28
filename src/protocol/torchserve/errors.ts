/** Errors as TorchServe's clients read them: `{"code": 404, "type": "ModelNotFoundException", "message": "…"}`. Pure. */
import type { ErrorCode, FlyballError } from '../../errors.ts';

const types: Readonly<Partial<Record<ErrorCode, string>>> = {
  MODEL_NOT_FOUND: 'ModelNotFoundException',
  DEPLOYMENT_NOT_FOUND: 'ModelNotFoundException',
  VERSION_NOT_FOUND: 'ModelVersionNotFoundException',
  NOT_FOUND: 'ResourceNotFoundException',
  METHOD_NOT_ALLOWED: 'MethodNotAllowedException',
  CONFLICT: 'ConflictStatusException',
  INVALID_MODEL: 'InvalidModelException',
  UNAUTHENTICATED: 'InvalidKeyException',
  FORBIDDEN: 'InvalidKeyException',
};

const byStatus: Readonly<Record<number, string>> = {
  408: 'RequestTimeoutException',
  501: 'NotImplementedException',
  503: 'ServiceUnavailableException',
  504: 'RequestTimeoutException',
};

/** `reason` is the code of our catalogue, which says more; TorchServe's clients do not look for it. */
export function torchServeError(error: FlyballError): string {
  const { code, status, message } = error;
  const type = types[code] ?? byStatus[status] ?? (status < 500 ? 'BadRequestException' : 'InternalServerException');
  return JSON.stringify({ code: status, type, message, reason: code });
}

/** Paths of TorchServe's, whose clients read errors in their own form; also as a proxy writes the request line. */
export const isTorchServe = (url: string): boolean =>
  /^(?:https?:\/\/[^/?]*)?\/(?:predictions|explanations)\//i.test(url);
