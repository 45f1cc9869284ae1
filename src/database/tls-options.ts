/** What the driver is told about TLS. Files are read here, so that one that cannot be read fails the start. */
import { readFileSync } from 'node:fs';
import { MysqlAddressError, type MysqlTls } from './mysql-address.js';

/** The used part of mysql2's option `ssl`. */
export interface DriverTls {
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Null where connections are not encrypted. @throws MysqlAddressError where a file cannot be read. */
export function driverTls({ mode, ca, cert, key }: MysqlTls): DriverTls | null {
  if (mode === 'DISABLED') return null;
  return {
    rejectUnauthorized: mode === 'VERIFY_CA' || mode === 'VERIFY_IDENTITY',
    verifyIdentity: mode === 'VERIFY_IDENTITY',
    ...(ca !== undefined && { ca: pemOf('ssl-ca', ca) }),
    ...(cert !== undefined && { cert: pemOf('ssl-cert', cert) }),
    ...(key !== undefined && { key: pemOf('ssl-key', key) }),
  };
}

/** Opens a connection as the mode says: PREFERRED does without TLS where the server has none. */
export async function connectAs<T>(
  { mode }: MysqlTls,
  ssl: DriverTls | null,
  connect: (ssl: DriverTls | null) => Promise<T>,
): Promise<T> {
  try {
    return await connect(ssl);
  } catch (error) {
    if (mode !== 'PREFERRED' || originalOf(error).code !== 'HANDSHAKE_NO_SSL_SUPPORT') throw error;
  }
  return connect(null);
}

/** The driver's error, which Sequelize wraps. */
export function originalOf(error: unknown): { code?: string; wasClear?: boolean } {
  const { original } = error as { readonly original?: object };
  return original ?? (error as object);
}

function pemOf(parameter: string, pathOrText: string): string {
  if (pathOrText.startsWith('-----BEGIN ')) return pathOrText;
  try {
    const text = readFileSync(pathOrText, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const file = JSON.stringify(pathOrText.slice(0, 200));
    throw new MysqlAddressError(
      `names the file ${file} by ${parameter}, which cannot be read (${code})`,
      {
        cause: error,
      },
    );
  }
  throw new MysqlAddressError(`names a file by ${parameter} that is not in the PEM format`);
}
