/** One inference by hand: something drawn, a file, or tensors; the answer, its time, and the same call from elsewhere. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { DeploymentView, ModelView } from '../../../../../src/api/schemas.ts';
import { allows, caller, deploymentPath } from '../../../api/caller.ts';
import { ask, segment, type Ask } from '../../../api/client.ts';
import { status } from '../../../live/store.ts';
import { valueOf } from '../../../live/resource.ts';
import { useResource } from '../../../live/use-resource.ts';
import { Failed, Loading } from '../../../parts/states.tsx';
import { useAct } from '../../../parts/use-act.ts';
import { address, choose, type Params } from '../../../router.ts';
import type { ViewProps } from '../../../views.ts';
import { CallTabs } from './call-tabs.tsx';
import { reachable, type Sent } from './calls.ts';
import { DrawPad } from './draw-pad.tsx';
import { FileDrop, typeOf } from './file-drop.tsx';
import { toPng } from './raster.ts';
import { Answer, type Answered } from './result.tsx';
import { FailedTiming, Timing, timingOf } from './timing.tsx';
import { drawingOf, inputsOf, type Drawing, type Input, type Version } from './takes.ts';
import { checkBody, templateOf, type Checked } from './tensor-json.ts';
import { TensorEditor } from './tensor-editor.tsx';
import '../../../styles/tables.css';
import './playground.css';

/** What the API takes and gives through control; larger ones go to the inference address. */
const bytesMax = 16 * 1_048_576;
const names: Readonly<Record<Input, string>> = { draw: 'Draw', file: 'File', json: 'Tensors' };
const drawingFile = 'drawing.png';

export default function Playground({ params: { name = '' }, query }: ViewProps): JSX.Element {
  const deployment = status.value?.deployments.find((each) => each.name === name);
  const [model = ''] = deployment?.model.split(/[@:]/) ?? [];
  const number = deployment?.serving ?? deployment?.target;
  const asked = useResource(`model ${model} ${number ?? ''}`, (signal) =>
    ask<ModelView>(`/models/${segment(model)}`, { signal }),
  );
  const { resource } = asked;
  if (deployment === undefined || resource.kind === 'loading') return <Loading lines={6} />;
  // A key for this deployment alone may not look at models: its caller knows what the model takes, or is told.
  if (resource.kind === 'failed' && resource.failure.status !== 403)
    return <Failed failure={resource.failure} again={asked.again} />;
  const version = valueOf(resource)?.versions.find((each) => String(each.version) === number);
  return <Try key={`${name} ${number ?? ''}`} deployment={deployment} version={version} query={query} />;
}

interface TryProps {
  readonly deployment: DeploymentView;
  readonly version: Version | undefined;
  readonly query: Params;
}

/** What would be sent now. */
interface Ready {
  readonly sent: Sent;
  readonly request: () => Promise<Ask>;
  readonly content: () => Promise<Blob>;
}

function Try({ deployment, version, query }: TryProps): JSX.Element {
  const { name } = deployment;
  const inputs = inputsOf(version);
  const input = inputs.find((each) => each === query['input']) ?? inputs[0] ?? 'json';
  const drawing = useMemo(() => (version === undefined ? undefined : drawingOf(version)), [version]);
  const template = useMemo(
    () => (version === undefined ? '{\n  "inputs": []\n}\n' : templateOf(version.signature.inputs)),
    [version],
  );
  const [ink, setInk] = useState<Float32Array | undefined>();
  const [file, setFile] = useState<File | undefined>();
  const [text, setText] = useState(template);
  const checked = useMemo(() => checkBody(text, version?.signature.inputs), [text, version]);
  const [answered, setAnswered] = useState<Answered | undefined>();
  /** From the press to the answer, as this page saw it. */
  const [tookMs, setTook] = useState(0);
  const { isRunning, failure, run } = useAct();
  const ready = readyOf(input, { drawing, ink, file, checked });
  const may = allows(caller.value, 'infer', name);
  const send = (): void =>
    run(async () => {
      if (ready === undefined) return;
      setAnswered(undefined);
      const request = await ready.request();
      const from = performance.now();
      try {
        setAnswered(await ask<Answered>(`${deploymentPath(name)}/infer`, { method: 'POST', ...request }));
      } finally {
        setTook(performance.now() - from);
      }
    });
  const url = status.value?.listeners['http']?.url;
  const sent = ready?.sent ?? exampleOf(input, checked);
  return (
    <div class="playground">
      <section class="panel" aria-labelledby="playground">
        <div class="panel-head">
          <h2 id="playground">Ask it</h2>
          <div class="segments" role="group" aria-label="What to send" hidden={inputs.length === 1}>
            {inputs.map((each) => (
              <button
                key={each}
                type="button"
                class="button small"
                aria-pressed={each === input}
                onClick={() => choose({ input: each === inputs[0] ? undefined : each })}
              >
                {names[each]}
              </button>
            ))}
          </div>
        </div>
        {version === undefined && (
          <p class="muted">
            What the model takes is not shown to your key, which is for this deployment alone: what does not fit, the
            model will say.
          </p>
        )}
        {input === 'draw' && drawing !== undefined && <DrawPad drawing={drawing} onPicture={setInk} />}
        {input === 'file' && (
          <FileDrop file={file} onFile={setFile} picture={version?.pipeline !== undefined} bytesMax={bytesMax} />
        )}
        {input === 'json' && (
          <TensorEditor
            text={text}
            onText={setText}
            onReset={() => setText(template)}
            checked={checked}
            version={version}
          />
        )}
        {may ? (
          <div class="tools send">
            <button type="button" class="button solid" disabled={isRunning || ready === undefined} onClick={send}>
              {isRunning ? 'Asking…' : 'Send'}
            </button>
            {ready === undefined && <span class="muted">{missing[input]}</span>}
          </div>
        ) : (
          <p class="notice">
            Your key may look, but not ask: that takes the scope infer for {name}. Whoever administers the platform can
            make one.
          </p>
        )}
      </section>
      <section class="panel" aria-labelledby="answer" aria-live="polite" aria-busy={isRunning}>
        <h2 id="answer">Answer</h2>
        {failure !== undefined && (
          <>
            <Failed failure={failure} />
            <FailedTiming timing={timingOf(failure)} tookMs={tookMs} path={address(`/d/${segment(name)}`)} />
          </>
        )}
        {failure === undefined && answered !== undefined && (
          <>
            <Answer body={answered.body} />
            <Timing timing={answered.timing} path={address(`/d/${segment(name)}`)} />
          </>
        )}
        {failure === undefined && answered === undefined && (
          <p class="muted">{isRunning ? 'Asking…' : 'It comes here, with where its time went.'}</p>
        )}
      </section>
      {url !== undefined && sent !== undefined && (
        <CallTabs
          target={{
            deployment: name,
            url: reachable(url, window.location.hostname),
            auth: caller.value?.auth === 'required',
            version,
          }}
          sent={sent}
          content={async () => ready?.content()}
        />
      )}
    </div>
  );
}

const missing: Readonly<Record<Input, string>> = {
  draw: 'Draw something first.',
  file: 'Choose a file first.',
  json: 'Mend what is said above first.',
};

interface Given {
  readonly drawing: Drawing | undefined;
  readonly ink: Float32Array | undefined;
  readonly file: File | undefined;
  readonly checked: Checked;
}

function readyOf(input: Input, { drawing, ink, file, checked }: Given): Ready | undefined {
  if (input === 'file') {
    if (file === undefined || file.size > bytesMax) return undefined;
    return ofFile(file.name, typeOf(file), async () => file);
  }
  if (input === 'json') return checked.kind === 'ready' ? ofJson(checked) : undefined;
  if (drawing === undefined || ink === undefined) return undefined;
  const { as, width, height } = drawing;
  if (as.kind === 'picture') return ofFile(drawingFile, 'image/png', () => toPng(ink, width, height));
  const { spec, shape, scale } = as;
  const data = Array.from(ink, (value) => (scale === 1 ? Math.round(value * 1e4) / 1e4 : Math.round(value * scale)));
  const tensors = [{ name: spec.name, datatype: spec.datatype, shape, data }];
  return ofJson({ kind: 'ready', body: JSON.stringify({ inputs: tensors }), tensors });
}

const ofFile = (name: string, type: string, content: () => Promise<Blob>): Ready => ({
  sent: { kind: 'file', name, type },
  request: async () => ({ bytes: { type, content: await content() } }),
  content,
});

function ofJson({ body, tensors }: Checked & { readonly kind: 'ready' }): Ready {
  const content = async (): Promise<Blob> => new Blob([body], { type: 'application/json' });
  return {
    sent: { kind: 'json', text: body, tensors },
    request: async () => ({ bytes: { type: 'application/json', content: await content() } }),
    content,
  };
}

/** Before there is anything to send, the call is shown all the same. */
function exampleOf(input: Input, checked: Checked): Sent | undefined {
  if (input === 'json') return checked.kind === 'ready' ? ofJson(checked).sent : undefined;
  return { kind: 'file', name: input === 'draw' ? drawingFile : 'picture.png', type: 'image/png' };
}
