/** A file, chosen or dropped: it is sent as it is. */
import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { words } from '../../../format/quantity.ts';

interface FileDropProps {
  readonly file: File | undefined;
  readonly onFile: (file: File | undefined) => void;
  readonly picture: boolean;
  readonly bytesMax: number;
}

export function FileDrop({ file, onFile, picture, bytesMax }: FileDropProps): JSX.Element {
  const [isOver, setOver] = useState(false);
  const id = useId();
  const isTooLarge = file !== undefined && file.size > bytesMax;
  return (
    <div
      class={`drop${isOver ? ' over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onFile(event.dataTransfer?.files[0]);
      }}
    >
      <label for={id}>{picture ? 'A picture' : 'A file'}: drop it here, or choose one</label>
      <input
        id={id}
        type="file"
        {...(picture ? { accept: 'image/*' } : {})}
        onChange={({ currentTarget }) => onFile(currentTarget.files?.[0])}
      />
      {file !== undefined && (
        <p>
          {file.name}, {words(file.size, 'bytes')}, {typeOf(file)}
        </p>
      )}
      {isTooLarge && (
        <p class="bad-text" role="alert">
          Expected at most {words(bytesMax, 'bytes')} from here, came {words(file.size, 'bytes')}. Send it to the
          inference address itself.
        </p>
      )}
      {file !== undefined && <Preview file={file} />}
    </div>
  );
}

export const typeOf = ({ type }: File): string => (type === '' ? 'application/octet-stream' : type);

const previewPx = 200;

/** Whether it could be drawn. */
async function shrunk(
  file: File,
  { current }: { readonly current: HTMLCanvasElement | null },
  isWanted: () => boolean,
): Promise<boolean> {
  try {
    const bitmap = await createImageBitmap(file);
    if (!isWanted() || current === null) return false;
    const scale = Math.min(1, previewPx / Math.max(bitmap.width, bitmap.height));
    current.width = Math.max(1, Math.round(bitmap.width * scale));
    current.height = Math.max(1, Math.round(bitmap.height * scale));
    current.getContext('2d')?.drawImage(bitmap, 0, 0, current.width, current.height);
    return true;
  } catch {
    return false;
  }
}

/** What cannot be shown here may still be what the model takes. */
function Preview({ file }: { readonly file: File }): JSX.Element | null {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    let isWanted = true;
    setShown(false);
    void shrunk(file, canvas, () => isWanted).then((isDrawn) => (isWanted ? setShown(isDrawn) : undefined));
    return () => {
      isWanted = false;
    };
  }, [file]);
  return <canvas ref={canvas} hidden={!isShown} class="preview" role="img" aria-label={`Preview of ${file.name}`} />;
}
