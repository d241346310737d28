/**
 * Whom a path `/predictions/{model}/{version}` means. TorchServe's clients call versions as their archives do (`1.0`), and
 * may call one that is not the default: that is a deployment of its own here, `NAME-vN`. Without a version nothing is
 * looked up.
 */
import type { InferenceService } from '../inference.ts';

const versionLabel = 'torchserve.version';

export interface Target {
  readonly model: string;
  readonly version: string | undefined;
}

/** Throws MODEL_NOT_FOUND; a version that nobody serves is left for inference to refuse. */
export function targetOf(service: InferenceService, model: string, version: string | undefined): Target {
  if (version === undefined) return { model, version };
  if (isCalled(service, model, version)) return { model, version: undefined };
  const number = /^([1-9]\d{0,8})(?:\.0)*$/.exec(version)?.[1];
  const beside = service.index().find(({ name }) => {
    const own = name.startsWith(`${model}-v`) ? name.slice(model.length + 2) : '';
    return own !== '' && (own === number || (/^\d+$/.test(own) && isCalled(service, name, version)));
  });
  if (beside !== undefined) return { model: beside.name, version: undefined };
  return { model, version: number ?? version };
}

function isCalled(service: InferenceService, model: string, version: string): boolean {
  try {
    return service.metadata(model).properties?.[versionLabel] === version;
  } catch {
    // Not there, or not ready: inference says so, in better words.
    return false;
  }
}
