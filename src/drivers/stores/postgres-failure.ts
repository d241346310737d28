/**
 * PostgreSQL's failures in the words of the catalogue: where, why, and what to do. The password is in none of them: the
 * address is shown without it, and neither the server nor its client repeats it.
 */
import { FlyballError, type ErrorCode } from '../../errors.ts';
import type { PostgresAddress } from '../../store/postgres-address.ts';

/** SQLSTATE (PostgreSQL's appendix A), and what helps. `unreachable` passes by itself. */
const states: Readonly<Record<string, { readonly code: ErrorCode; readonly help: string }>> = {
  '28000': { code: 'STORE_UNUSABLE', help: 'it does not let this user in; see its pg_hba.conf' },
  '28P01': { code: 'STORE_UNUSABLE', help: 'the password is not the one that it expects; see passwordFile' },
  '3D000': { code: 'STORE_UNUSABLE', help: 'there is no such database; make it with createdb' },
  '42501': { code: 'STORE_UNUSABLE', help: 'the user may not do that; let it own its schema' },
  '53100': { code: 'STORE_UNUSABLE', help: 'its disk is full; make room' },
  '53200': { code: 'STORE_UNREACHABLE', help: 'it is out of memory' },
  '53300': { code: 'STORE_UNREACHABLE', help: 'it has as many connections as it takes' },
  '57014': { code: 'STORE_UNREACHABLE', help: 'it took longer than a statement may' },
  '55P03': { code: 'STORE_UNREACHABLE', help: 'another change held it for longer than a change may wait' },
  '40001': { code: 'STORE_UNREACHABLE', help: 'another change was in the way' },
  '40P01': { code: 'STORE_UNREACHABLE', help: 'another change was in the way' },
  '25006': { code: 'STORE_UNREACHABLE', help: 'it only reads: a standby, or one that is being switched over' },
  '25P02': { code: 'STORE_UNREACHABLE', help: 'an earlier statement of the same change failed' },
  '25P03': { code: 'STORE_UNREACHABLE', help: 'a change stood still for longer than one may, and was taken back' },
  '22021': { code: 'INVALID_REQUEST', help: 'no text can have a NUL character' },
};

/** TLS: what Node says of certificates and of a server that has none (`verify-full` is what was expected). */
const tlsTrouble =
  /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|ALTNAME|EPROTO|does not support SSL|establishing an SSL connection/;

const fieldOf = (error: unknown, name: string): string => {
  const value = error instanceof Error ? (error as unknown as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : '';
};

/** Whether the connection is of no use after it: whatever is not the server's answer to one statement. */
export function endsConnection(error: unknown): boolean {
  const severity = fieldOf(error, 'severity');
  return severity !== 'ERROR' || fieldOf(error, 'code').startsWith('57P');
}

export function toStoreError(error: unknown, { shown, tls }: PostgresAddress): unknown {
  if (error instanceof FlyballError || !(error instanceof Error)) return error;
  const state = fieldOf(error, 'code');
  const known = states[state];
  const said = (code: ErrorCode, help: string): FlyballError =>
    new FlyballError(code, `${shown}: ${help} (${messageOf(error)})`, { cause: error });
  if (known !== undefined) return said(known.code, known.help);
  if (/^SASL|password must be a string/.test(error.message))
    return said('STORE_UNUSABLE', 'it asks for a password; name passwordFile, or set PGPASSWORD');
  if (tlsTrouble.test(`${state} ${error.message}`))
    return said('STORE_UNUSABLE', `expected a connection with sslmode=${tls}; see sslmode and sslrootcert`);
  // A statement that is wrong is a fault of ours, and no answer at all is none of the server's.
  return endsConnection(error) ? said('STORE_UNREACHABLE', 'it cannot be reached') : error;
}

/** Several addresses of one name fail as one error without words. */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message;
  const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  return first instanceof Error ? first.message : fieldOf(error, 'code');
}
