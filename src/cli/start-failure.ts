/** One sentence for a failed start; a stack only for an error that an operator cannot correct. */
import { ConfigError } from '../config.js';

const SENTENCES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'The port is taken by another program. Set PORT to a free one.',
  EACCES: 'This user may not listen on that port. Set PORT to one above 1023.',
  EADDRNOTAVAIL: 'HOST must be an address of this machine.',
  ECONNREFUSED: 'MySQL cannot be reached at MYSQL_URL: the connection was refused.',
  ENOTFOUND: 'MySQL cannot be reached at MYSQL_URL: its host name is unknown.',
  EAI_AGAIN: 'MySQL cannot be reached at MYSQL_URL: its host name could not be looked up.',
  ETIMEDOUT: 'MySQL cannot be reached at MYSQL_URL: it did not answer in time.',
  EHOSTUNREACH: 'MySQL cannot be reached at MYSQL_URL: there is no route to its host.',
  ECONNRESET: 'The connection to MySQL was lost.',
  PROTOCOL_CONNECTION_LOST: 'The connection to MySQL was lost.',
  ER_ACCESS_DENIED_ERROR: 'MySQL refuses the user or the password in MYSQL_URL.',
  ER_DBACCESS_DENIED_ERROR: 'The user in MYSQL_URL may not use that database.',
  ER_BAD_DB_ERROR: 'The database named in MYSQL_URL does not exist.',
  ER_NO_SUCH_TABLE: 'The database lacks tables of Stockade. Run "stockade migrate".',
  ER_TABLEACCESS_DENIED_ERROR: 'The user in MYSQL_URL lacks rights on the tables.',
  HANDSHAKE_NO_SSL_SUPPORT: 'MySQL offers no TLS, and the ssl-mode in MYSQL_URL demands it.',
  ER_SECURE_TRANSPORT_REQUIRED:
    'MySQL takes encrypted connections only (require_secure_transport). Set ssl-mode=REQUIRED in MYSQL_URL.',
};

const NOT_VERIFIED =
  'Set ssl-ca in MYSQL_URL to the file of its CA, or an ssl-mode that does not verify it.';
const PERHAPS_CLEAR =
  'The connection was not encrypted; a user with REQUIRE SSL needs ssl-mode=REQUIRED.';

/** Codes of errors whose message is written for the operator. */
const OUR_CODES = new Set([
  'SCHEMA_OUTDATED',
  'MIGRATION_BUSY',
  'CLAIM_LOST',
  'LOCK_UNAVAILABLE',
  'API_KEY_REQUEST',
  'MANIFEST',
  'SERVICES_MISSING',
  'STORAGE_UNAVAILABLE',
  'MYSQL_ADDRESS',
  'NO_WRITABLE_SERVER',
]);

export function explainStartFailure(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  let ours: string | undefined;
  for (let cause: unknown = error; cause instanceof Error; cause = causeOf(cause)) {
    const { code = '', wasClear } = cause as {
      readonly code?: string;
      readonly wasClear?: boolean;
    };
    if (code === 'HANDSHAKE_SSL_ERROR') {
      return `The certificate of MySQL, or the TLS connection, is refused: ${cause.message}. ${NOT_VERIFIED}`;
    }
    const sentence = SENTENCES[code];
    if (sentence && wasClear && code === 'ER_ACCESS_DENIED_ERROR')
      return `${sentence} ${PERHAPS_CLEAR}`;
    if (sentence) return sentence;
    if (OUR_CODES.has(code)) ours ??= cause.message;
  }
  if (ours !== undefined) return ours;
  if (!(error instanceof Error)) return String(error);
  // Sequelize sets the message of its errors after their stack.
  const { message, stack = '' } = error;
  return stack.includes(message) ? stack : `${message}\n${stack}`;
}

function causeOf(error: Error): unknown {
  const { cause, original } = error as { readonly cause?: unknown; readonly original?: unknown };
  return original ?? cause;
}
