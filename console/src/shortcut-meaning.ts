/** What a key means here and now. Pure. */

export interface Pressed {
  readonly key: string;
  /** With Ctrl, Alt or the like: the browser's own. */
  readonly modified: boolean;
  /** In a field that takes text. */
  readonly typing: boolean;
  /** A dialog is open: the page behind it is out of reach. */
  readonly modal: boolean;
  /** `g` came just before. */
  readonly afterGo: boolean;
  /** Switched on in the settings. */
  readonly enabled: boolean;
}

export type Meaning =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'go-begins' }
  | { readonly kind: 'go'; readonly path: string }
  | { readonly kind: 'search' }
  | { readonly kind: 'why' }
  | { readonly kind: 'open'; readonly what: 'help' | 'stop' };

export function meaning(pressed: Pressed, goKeys: Readonly<Record<string, string>>): Meaning {
  const { key, modified, typing, modal, afterGo, enabled } = pressed;
  if (!enabled || modified || typing || modal) return { kind: 'nothing' };
  if (afterGo) {
    const path = Object.hasOwn(goKeys, key) ? goKeys[key] : undefined;
    return path === undefined ? { kind: 'nothing' } : { kind: 'go', path };
  }
  switch (key) {
    case 'g':
      return { kind: 'go-begins' };
    case '/':
      return { kind: 'search' };
    case 'w':
      return { kind: 'why' };
    case '?':
      return { kind: 'open', what: 'help' };
    case '.':
      return { kind: 'open', what: 'stop' };
    default:
      return { kind: 'nothing' };
  }
}

/** For the help, in the order in which it is shown. */
export const single: readonly (readonly [string, string])[] = [
  ['/', 'to the filter or search of the page'],
  ['w', 'why the focused figure is as it is'],
  ['.', 'stop: asks first'],
  ['?', 'this help'],
  ['Esc', 'closes what is open'],
];
