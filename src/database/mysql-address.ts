/**
 * The form of MYSQL_URL, `mysql://user:password@host1:3306,host2:3307/database?ssl-mode=…`, and nothing that connects.
 * The class URL takes one host only, so the text is taken apart here. No message repeats a part of the text that may
 * belong to a password; a parameter that is not understood is refused, because it might ask for encryption.
 *
 *   ssl-mode         | encrypted                    | the certificate is verified
 *   DISABLED         | no                           |
 *   PREFERRED        | where the server offers it   | no
 *   REQUIRED         | yes                          | no
 *   VERIFY_CA        | yes                          | by ssl-ca, or by the CAs that Node.js knows
 *   VERIFY_IDENTITY  | yes                          | likewise, and it must name the host
 *
 * The default is VERIFY_CA where ssl-ca is given, and PREFERRED elsewhere, as with MySQL's own clients.
 */
import { isIP } from 'node:net';

const TLS_MODES = ['DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'] as const;
export type TlsMode = (typeof TLS_MODES)[number];

export interface MysqlHost {
  readonly host: string;
  readonly port: number;
}

/** `ca`, `cert` and `key` are paths, or the PEM text itself. */
export interface MysqlTls {
  readonly mode: TlsMode;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface MysqlAddress {
  /** At least one, in the order of the address. */
  readonly hosts: readonly [MysqlHost, ...MysqlHost[]];
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: MysqlTls;
}

export class MysqlAddressError extends Error {
  readonly code = 'MYSQL_ADDRESS' as const;
  /** @param problem continues a sentence that begins with "MYSQL_URL". */
  constructor(
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`MYSQL_URL ${problem}.`, options);
    this.name = 'MysqlAddressError';
  }
}

const DEFAULT_PORT = 3306;
const PARTS =
  /^(?:mysql|mariadb):\/\/(?:(?<user>.*)@)?(?<hosts>[^/?#@]*)(?:\/(?<database>[^/?#]*))?$/s;

/** @throws MysqlAddressError */
export function parseMysqlUrl(text: string): MysqlAddress {
  const [location = '', query = '', ...more] = text.split('?');
  // The parameters have no such characters; a password has, where they were not encoded.
  if (more.length > 0 || /[@#]/.test(query) || location.includes('#')) {
    throw new MysqlAddressError(
      'must have "?", "#" and "@" in names, passwords and paths encoded, as %3F, %23 and %40',
    );
  }
  const parts = PARTS.exec(location)?.groups;
  if (!parts?.hosts) {
    throw new MysqlAddressError(
      'must be an address that begins with mysql:// or mariadb://, as in mysql://user:password@host:3306/stockade',
    );
  }
  const { user: credentials = '', hosts, database } = parts;
  if (!database) {
    throw new MysqlAddressError(
      'must name a database, as in mysql://user:password@host:3306/stockade',
    );
  }
  const [user = '', ...password] = credentials.split(':');
  const [first, ...others] = hosts.split(',').map(parseHost) as [MysqlHost, ...MysqlHost[]];
  const address = {
    hosts: [first, ...others] as const,
    user: decode(user),
    password: decode(password.join(':')),
    database: decode(database),
    tls: parseTls(query),
  };
  if (address.tls.mode === 'VERIFY_IDENTITY' && address.hosts.some(({ host }) => isIP(host))) {
    // The driver would compare the certificate with "localhost" instead.
    throw new MysqlAddressError(
      'must name each host, not its IP address, with ssl-mode=VERIFY_IDENTITY',
    );
  }
  return address;
}

/** The same servers, with another database. */
export function withDatabase(url: string, database: string): string {
  const [location = '', ...query] = url.split('?');
  const renamed = `${location.slice(0, location.lastIndexOf('/'))}/${encodeURIComponent(database)}`;
  return [renamed, ...query].join('?');
}

/** As in `10.0.0.1:3306` and `[::1]:3306`. */
export function showHost({ host, port }: MysqlHost): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseHost(text: string): MysqlHost {
  const [, bracketed, name, digits] =
    /^(?:\[([^\]]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? name;
  const port = Number(digits ?? DEFAULT_PORT);
  const isAddress = bracketed === undefined || isIP(bracketed) === 6;
  if (host === undefined || !isAddress || port < 1 || port > 65_535) {
    throw new MysqlAddressError(
      'must list its hosts as in host1:3306,host2:3307,[::1]:3308, with ports from 1 to 65535',
    );
  }
  return { host, port };
}

/** What other drivers call the parameters; in names, case, "-" and "_" make no difference. */
const PARAMETERS: Readonly<Record<string, 'mode' | 'ca' | 'cert' | 'key' | 'ssl'>> = {
  sslmode: 'mode',
  sslca: 'ca',
  sslrootcert: 'ca',
  sslcert: 'cert',
  sslkey: 'key',
  ssl: 'ssl',
};

const MODES: Readonly<Record<string, TlsMode>> = {
  ...Object.fromEntries(TLS_MODES.map((mode) => [mode, mode])),
  DISABLE: 'DISABLED',
  ALLOW: 'PREFERRED',
  PREFER: 'PREFERRED',
  REQUIRE: 'REQUIRED',
  VERIFY_FULL: 'VERIFY_IDENTITY',
};

type TlsParameters = Partial<Record<'mode' | 'ca' | 'cert' | 'key', string>>;

function parseTls(query: string): MysqlTls {
  const given: TlsParameters = {};
  const take = (parameters: TlsParameters): void => {
    for (const [name, value] of Object.entries(parameters)) {
      const parameter = name as keyof TlsParameters;
      if (given[parameter] !== undefined) {
        throw new MysqlAddressError(`must not give ${nameOf(parameter)} twice`);
      }
      given[parameter] = value;
    }
  };
  for (const pair of query.split('&').filter((text) => text !== '')) {
    const [name = '', ...rest] = pair.split('=');
    const parameter = PARAMETERS[name.toLowerCase().replaceAll(/[-_]/g, '')];
    const value = decode(rest.join('='));
    if (!parameter) {
      const shown = /^[A-Za-z][\w-]{0,30}$/.test(name) ? `the parameter ${name}` : 'a parameter';
      throw new MysqlAddressError(
        `has ${shown}, which is not understood; it may have ssl-mode, ssl-ca, ssl-cert and ssl-key`,
      );
    }
    if (value === '') throw new MysqlAddressError(`has the parameter ${name} without a value`);
    take(parameter === 'ssl' ? parseSsl(value) : { [parameter]: value });
  }
  const { mode: modeName, ca, cert, key } = given;
  const mode =
    modeName === undefined ? undefined : MODES[modeName.toUpperCase().replaceAll('-', '_')];
  if (modeName !== undefined && !mode) {
    throw new MysqlAddressError(`must have an ssl-mode of ${TLS_MODES.join(', ')}`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new MysqlAddressError('must have ssl-cert and ssl-key together');
  }
  return { mode: mode ?? (ca === undefined ? 'PREFERRED' : 'VERIFY_CA'), ca, cert, key };
}

function nameOf(parameter: keyof TlsParameters): string {
  return `ssl-${parameter}`;
}

/** `ssl=true`, and the JSON object of the driver: both verify the certificate unless they say otherwise. */
function parseSsl(value: string): TlsParameters {
  if (/^(true|1)$/i.test(value)) return { mode: 'VERIFY_CA' };
  if (/^(false|0)$/i.test(value)) return { mode: 'DISABLED' };
  const { rejectUnauthorized = true, verifyIdentity = false, ...pem } = parseObject(value);
  const texts = Object.entries(pem);
  const isUnderstood = texts.every(
    ([name, text]) => ['ca', 'cert', 'key'].includes(name) && typeof text === 'string',
  );
  if (
    !isUnderstood ||
    typeof rejectUnauthorized !== 'boolean' ||
    typeof verifyIdentity !== 'boolean'
  ) {
    throw new MysqlAddressError(
      'must have ssl=true, ssl=false, or an object of rejectUnauthorized, verifyIdentity, ca, cert and key',
    );
  }
  const verified = verifyIdentity ? 'VERIFY_IDENTITY' : 'VERIFY_CA';
  return { mode: rejectUnauthorized ? verified : 'REQUIRED', ...(pem as TlsParameters) };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Refused below, without the text, of which the error would repeat a part.
  }
  return { ssl: text };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MysqlAddressError('must have "%" encoded, as %25');
  }
}
