/**
 * A caller's hang-up, as the part of an AbortSignal that a call needs: any AbortSignal is one. The adapters make the light
 * one below instead: an AbortController and its event target for every call is garbage that nobody needs. What it saves
 * is unsettled: one comparison said a third of the gateway's time on a tiny request, an interleaved one next to nothing.
 * Invariant: each listener is called at most once, and none that was removed or was added after the abort.
 */
export interface HangUpSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export class HangUp implements HangUpSignal {
  aborted = false;
  /** Most calls never have one: who waits in a queue listens. */
  #listeners: (() => void)[] | undefined = undefined;

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.aborted) return;
    if (this.#listeners === undefined) this.#listeners = [listener];
    else if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners?.indexOf(listener) ?? -1;
    if (index >= 0) this.#listeners?.splice(index, 1);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener();
  }
}
