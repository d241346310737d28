/** Where each part of the runner is below the folder that it was put into for containers of other images. Pure. */
import { join } from 'node:path';

export interface ToolPaths {
  /** Loads Node and its libraries, so that nothing of the container's image is used. */
  readonly loader: string;
  readonly libraries: string;
  readonly node: string;
  /** Folder of this package. */
  readonly home: string;
}

export function toolPaths(folder: string, key: string): ToolPaths {
  const at = join(folder, key);
  return {
    loader: join(at, 'loader'),
    libraries: join(at, 'lib'),
    node: join(at, 'node'),
    home: join(at, 'flyball'),
  };
}
