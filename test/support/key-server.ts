/** An issuer of JWTs on the loopback: it publishes its keys over HTTP, and signs what it is told. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  SignJWT,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';

export const ISSUER = 'https://id.example';
export const AUDIENCE = 'stockade';
const HOUR_SECONDS = 3_600;

export interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
  /** As anybody may have it, to be misused as a shared secret. */
  readonly publicPem: string;
}

export async function newSigningKey(alg: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' };
  return { alg, kid, privateKey, publicJwk, publicPem: await exportSPKI(publicKey) };
}

/** A token that is good but for what is said. A claim that is undefined is left out. */
export function sign(
  key: SigningKey,
  claims: Readonly<Record<string, unknown>> = {},
  kid = key.kid,
): Promise<string> {
  return new SignJWT({ ...goodClaims(), ...claims })
    .setProtectedHeader({ alg: key.alg, kid })
    .sign(key.privateKey);
}

export function goodClaims(): JWTPayload {
  const now = nowSeconds();
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'buyer-1',
    scope: 'read deduct manage',
    iat: now,
    exp: now + HOUR_SECONDS,
  };
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

export class KeyServer {
  /** How often the keys were asked for. */
  asked = 0;
  /** What is published; null: answers 503. */
  keys: readonly SigningKey[] | null;
  private server: Server | undefined;

  private constructor(keys: readonly SigningKey[]) {
    this.keys = keys;
  }

  static async start(keys: readonly SigningKey[]): Promise<KeyServer> {
    const keyServer = new KeyServer(keys);
    const server = createServer((_, response) => {
      keyServer.asked += 1;
      const { keys: published } = keyServer;
      response.writeHead(published ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ keys: published?.map((key) => key.publicJwk) ?? [] }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    keyServer.server = server;
    return keyServer;
  }

  get url(): string {
    const address = this.server?.address();
    if (!address || typeof address === 'string') throw new Error('It listens nowhere.');
    return `http://127.0.0.1:${address.port}/keys`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }
}
