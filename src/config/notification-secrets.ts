/** Files of channels under absolute paths: control reads them wherever it runs, long after the specification was read. */
import { resolve } from 'node:path';
import type { SecretPlace } from './alerts-specification.ts';
import type { ChannelSpecification } from './notifications-specification.ts';
import type { Specification } from './specification.ts';

export function withAbsoluteChannels(specification: Specification, folder: string): Specification {
  const channels = Object.entries(specification.notifications.channels).map(([name, channel]) => [
    name,
    absolute(channel, folder),
  ]);
  return { ...specification, notifications: { channels: Object.fromEntries(channels) as never } };
}

function absolute(channel: ChannelSpecification, folder: string): ChannelSpecification {
  const place = (found: SecretPlace): SecretPlace =>
    found.file === undefined ? found : { ...found, file: resolve(folder, found.file) };
  if (channel.kind === 'email') {
    const { caFile, password } = channel.smtp;
    const smtp = {
      ...channel.smtp,
      ...(caFile === undefined ? {} : { caFile: resolve(folder, caFile) }),
      ...(password && { password: place(password) }),
    };
    return { ...channel, smtp };
  }
  const at = channel.urlFrom && { urlFrom: place(channel.urlFrom) };
  if (channel.kind !== 'webhook') return { ...channel, ...at };
  return {
    ...channel,
    ...at,
    ...(channel.bearer && { bearer: place(channel.bearer) }),
    ...(channel.hmac && { hmac: { ...channel.hmac, secret: place(channel.hmac.secret) } }),
  };
}
