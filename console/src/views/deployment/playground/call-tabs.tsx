/** The same call for a terminal and for programs, one at a time, each to be copied. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { bodyFile, callsOf, needsFile, type Call, type Sent, type Target } from './calls.ts';

interface CallTabsProps {
  readonly target: Target;
  readonly sent: Sent;
  /** What the calls read, to be saved beside them. */
  readonly content: () => Promise<Blob | undefined>;
}

export function CallTabs({ target, sent, content }: CallTabsProps): JSX.Element {
  const [language, setLanguage] = useState<Call['language']>('curl');
  const [copied, setCopied] = useState('');
  const calls = callsOf(target, sent);
  const chosen = calls.find((call) => call.language === language) ?? calls[0];
  const text = chosen?.text ?? '';
  const file = sent.kind === 'file' ? sent.name : bodyFile;
  const save = async (): Promise<void> => {
    const blob = await content();
    if (blob === undefined) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return (
    <section class="panel" aria-labelledby="calls">
      <div class="panel-head">
        <h2 id="calls">The same call</h2>
        <div class="segments" role="group" aria-label="Language">
          {calls.map((call) => (
            <button
              key={call.language}
              type="button"
              class="button small"
              aria-pressed={call === chosen}
              onClick={() => setLanguage(call.language)}
            >
              {call.language}
            </button>
          ))}
        </div>
      </div>
      <pre class="code" tabIndex={0} role="region" aria-label={`The call in ${chosen?.language ?? 'curl'}`}>
        {text}
      </pre>
      <div class="tools">
        <button
          type="button"
          class="button small"
          onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(text))}
        >
          {copied === text ? 'Copied' : 'Copy'}
        </button>
        {needsFile(sent) && (
          <button type="button" class="button small" onClick={() => void save()}>
            Save {file}
          </button>
        )}
        {target.auth && (
          <span class="muted">
            It reads your key from <code>FLYBALL_API_KEY</code>.
          </span>
        )}
        {calls.length === 1 && (
          <span class="muted">Clients of the Open Inference Protocol send tensors, not files.</span>
        )}
      </div>
    </section>
  );
}
