/**
 * Any receiver of JSON: the body is a notification as Alertmanager sends it (version "4"), so that whatever takes those,
 * another Flyball too, takes these, with the message itself beside it. It is signed with its time as our own webhooks
 * check it: hexadecimal HMAC-SHA256 of `time:body`.
 */
import type { Content, Notifier } from '../../control/notifications/notifier.ts';
import type { NotificationEvent } from '../../core/notifications/event.ts';
import { cut } from '../../core/notifications/text.ts';
import { fingerprintOf } from '../../telemetry/alerts/fingerprint.ts';
import { signatureOf } from '../../telemetry/alerts/signature.ts';
import { post, verdictOn, type Posting } from './post.ts';

export interface Signing {
  readonly secret: string;
  readonly header: string;
  readonly timestampHeader: string;
}

const titleMax = 500;
const textMax = 8000;
/** What just happened is no state that could end: whoever wants to know whether it still fires is told when it did not. */
const momentMs = 1;

function alertOf(
  { kind, severity, deployment, state, title, text, at, key, entry }: NotificationEvent,
  platform: string,
) {
  const labels = {
    alertname: `flyball-${kind}`,
    severity,
    platform,
    ...(deployment === undefined ? {} : { deployment }),
  };
  const time = new Date(at).toISOString();
  return {
    status: state === 'ended' ? 'resolved' : 'firing',
    labels,
    annotations: { summary: cut(title, titleMax), description: cut(text, titleMax), entry: String(entry) },
    startsAt: time,
    ...(state === 'began' ? {} : { endsAt: new Date(at + momentMs).toISOString() }),
    // By what it is about, so that its end finds its beginning.
    fingerprint: fingerprintOf({ key, platform }),
  };
}

export function webhookPayload(content: Content) {
  const { title, text, severity, state, platform, channel, deployment, kind, events, more, leftOut, id, at } = content;
  const of = deployment === undefined ? {} : { deployment };
  return {
    version: '4',
    receiver: channel,
    status: state === 'ended' ? 'resolved' : 'firing',
    groupKey: `${platform}/${kind}/${deployment ?? ''}`,
    truncatedAlerts: more,
    groupLabels: { kind, ...of },
    commonLabels: { platform, ...of },
    commonAnnotations: {},
    alerts: events.map((event) => alertOf(event, platform)),
    message: {
      id,
      at,
      platform,
      kind,
      severity,
      state,
      ...of,
      title: cut(title.text, titleMax),
      text: cut(text.text, textMax),
      leftOut,
    },
  };
}

export function webhookNotifier(posting: Posting, bearer: string | undefined, signing: Signing | undefined): Notifier {
  return {
    // JSON's own quoting is all that is needed.
    escape: (value) => value,
    async send(content, signal) {
      const body = JSON.stringify(webhookPayload(content));
      const headers: Record<string, string> = {};
      if (bearer !== undefined) headers['authorization'] = `Bearer ${bearer}`;
      if (signing !== undefined) {
        const time = String(Math.floor(Date.now() / 1000));
        headers[signing.timestampHeader] = time;
        headers[signing.header] = signatureOf(signing.secret, body, time);
      }
      return verdictOn(await post({ ...posting, headers }, body, signal), posting);
    },
  };
}
